"""The watch list at a gate: keyed hashes, so that a bundle tells nobody whom an authority looks for.

The key is in the lane's key store and with its node; the bundle carries only HMAC-SHA-256 values. A hit is one reason
for a referral among others: the gate computes the hash and looks it up for every traveller, also when the list is
empty, and says the same neutral words.
"""

import hmac
import re
from collections.abc import Iterable

from idp.protocol.refusals import Reason, Refusal

MAX_HASHES = 1_000_000
_HEX = re.compile(r"[0-9a-f]{64}\Z")
_NO_KEY = bytes(32)  # a lane that was given no key does the same work and finds nothing


def watch_hash(key: bytes | None, document_number: str) -> bytes:
    """HMAC-SHA-256 of ``document_number``, its letters upper case and its punctuation dropped."""
    bare = document_number.upper()
    if not bare.isalnum():
        bare = "".join(filter(str.isalnum, bare))
    return hmac.digest(key or _NO_KEY, bare.encode(), "sha256")


def parse_hashes(value: object) -> frozenset[bytes]:
    """Read the list of lower-case hexadecimal hashes of a bundle; raises `Refusal` (malformed)."""
    if not isinstance(value, list) or len(value) > MAX_HASHES:
        raise Refusal(Reason.MALFORMED, "a watch list is a list of hashes")
    return frozenset(_hashes(value))


def _hashes(value: list[object]) -> Iterable[bytes]:
    for item in value:
        if not isinstance(item, str) or not _HEX.match(item):
            raise Refusal(Reason.MALFORMED, "a watch list hash is 64 hexadecimal digits")
        yield bytes.fromhex(item)
