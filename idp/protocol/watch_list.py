"""The watch list at a gate: keyed hashes, so that a bundle tells nobody whom an authority looks for.

The key is in the lane's key store and with its node. The list is the first `WIDTH` bytes of each number's HMAC-SHA-256,
in ascending order, each once, one after the other: six bytes a number, looked up by halving, nothing to build first.
A bundle signs what `claim` says of it; the list itself travels beside the bundle, and only when it changed.

Six bytes are enough: of travellers who are not on a list of n numbers, n / 2^48 are taken for one who is; with a
million numbers that is one in 280 million, and an officer looks at it. A hit is one reason for a referral among others:
the gate computes the hash and looks it up for every traveller, also when the list is empty, and says the same neutral
words.
"""

import hashlib
import hmac
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from operator import lt
from typing import Any

from idp.protocol import strict_json
from idp.protocol.refusals import Reason, Refusal

VERSION = 1  # of the form above
WIDTH = 6  # bytes
MAX_HASHES = 1_000_000
MAX_TEXT = 4 * MAX_HASHES * WIDTH // 3 + 4  # characters in base64url
_NO_KEY = bytes(32)  # a lane that was given no key does the same work and finds nothing


@dataclass(frozen=True)
class WatchList:
    """A list in the form above. ``hash in watch_list`` takes the same steps for a hit as for none."""

    content: bytes = field(default=b"", repr=False)

    def __len__(self) -> int:
        return len(self.content) // WIDTH

    def __contains__(self, number_hash: bytes) -> bool:
        place = self._place(number_hash)
        return hmac.compare_digest(self.content[place : place + WIDTH], number_hash[:WIDTH])

    def _place(self, number_hash: bytes) -> int:
        content, wanted = self.content, number_hash[:WIDTH]
        found = bisect_left(range(0, len(content), WIDTH), wanted, key=lambda place: content[place : place + WIDTH])
        return found * WIDTH

    def with_hash(self, number_hash: bytes) -> "WatchList":
        """The list with one more number; the same list where it is there."""
        place = self._place(number_hash)
        if number_hash in self:
            return self
        return WatchList(self.content[:place] + number_hash[:WIDTH] + self.content[place:])

    def claim(self) -> dict[str, Any]:
        """What a bundle says of the list: the form's version, how many numbers, and the SHA-256 of its bytes."""
        return {"version": VERSION, "count": len(self), "sha256": self.digest}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the list, base64url."""
        return strict_json.b64encode(hashlib.sha256(self.content).digest())


EMPTY = WatchList()


def watch_hash(key: bytes | None, document_number: str) -> bytes:
    """HMAC-SHA-256 of ``document_number``, its letters upper case and its punctuation dropped."""
    return hmac.digest(key or _NO_KEY, bare(document_number).encode(), "sha256")


def bare(document_number: str) -> str:
    """A number as it is hashed: letters upper case, nothing but letters and digits."""
    upper = document_number.upper()
    return upper if upper.isalnum() else "".join(filter(str.isalnum, upper))


def pack(hashes: Iterable[bytes]) -> WatchList:
    """The list of these hashes, in any order."""
    return WatchList(b"".join(sorted({number_hash[:WIDTH] for number_hash in hashes})))


def parse_watch_list(text: str | None, *, claim: object, known: WatchList = EMPTY) -> WatchList:
    """The list that a bundle's ``claim`` signs: ``text`` (base64url), or ``known`` where ``text`` is None.

    Raises `Refusal`: malformed, or trust_stale where the list that is there is not the one that is signed.
    """
    if not isinstance(claim, Mapping) or strict_json.integer(claim, "version") != VERSION:
        raise Refusal(Reason.MALFORMED, "a watch list of no known form")
    signed = strict_json.string(claim, "sha256", max_length=43)
    found = known if text is None else read(text)
    if found.digest != signed or len(found) != strict_json.integer(claim, "count"):
        raise Refusal(Reason.TRUST_STALE, "the watch list is not the one that the bundle signs")
    return found


def read(text: str) -> WatchList:
    """A list out of base64url, whoever it is from; raises `Refusal` (malformed)."""
    content = strict_json.b64decode(text) if text else b""
    if len(content) % WIDTH or len(content) > MAX_HASHES * WIDTH:
        raise Refusal(Reason.MALFORMED, f"a watch list is of {WIDTH} bytes a number, and bounded")
    entries = [content[place : place + WIDTH] for place in range(0, len(content), WIDTH)]
    if not all(map(lt, entries, islice(entries, 1, None))):  # it would be searched in vain
        raise Refusal(Reason.MALFORMED, "a watch list that is not in order")
    return WatchList(content)
