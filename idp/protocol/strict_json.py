"""JSON as the standards mean it: one reading for every parser.

The standard library keeps the last of two equal members and reads ``NaN``; a signature over such text means different
things to different readers (RFC 8725 §2.4, RFC 8259 §4). Here both are refused, as are integers that other languages
cannot hold (RFC 7493 §2.2) and nesting that would exhaust the stack.
"""

import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

from idp.protocol.refusals import Reason, Refusal

MAX_INTEGER = 2**53 - 1  # RFC 7493 §2.2: beyond it a double rounds
MAX_DEPTH = 32  # our deepest document (a policy in a statement in a header) has 8

# Base64url's alphabet in base64's; what base64 has instead, and padding, becomes something that it does not have.
_TO_BASE64, _FROM_BASE64 = bytes.maketrans(b"-_+/=", b"+/???"), bytes.maketrans(b"+/", b"-_")
# By the length of the text mod 4: what padding would be, and the last characters that leave no unused bit set.
_PADDING = (b"", b"", b"==", b"=")
_LAST = (b"", b"", b"AQgw", b"AEIMQUYcgkosw048")
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')

JSONObject = dict[str, Any]


def loads(text: bytes | str, *, max_bytes: int = 1 << 20) -> Any:
    """Read one JSON text of at most ``max_bytes`` bytes; raises `Refusal` (malformed)."""
    if len(text) > max_bytes:
        raise Refusal(Reason.MALFORMED, "JSON text too long")
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        decoded.encode("utf-8")  # a lone surrogate from an escape is caught below, one in the text here
        opened = decoded.count("[") + decoded.count("{")  # strings included: never fewer than the depth
        if opened > MAX_DEPTH and _nesting(decoded) > MAX_DEPTH:
            raise Refusal(Reason.MALFORMED, "JSON nested too deeply")
        decoded = decoded.strip(" \t\n\r")  # RFC 8259 §2
        value, end = _DECODER.raw_decode(decoded)
        if end != len(decoded):
            raise Refusal(Reason.MALFORMED, "something behind the JSON text")
        if "\\u" in decoded:
            _ENCODER.encode(value).encode()  # fails for a lone surrogate
    except (ValueError, RecursionError) as error:
        raise Refusal(Reason.MALFORMED, "not JSON") from error
    return value


def loads_object(text: bytes | str, *, max_bytes: int = 1 << 20) -> JSONObject:
    """Like `loads`, and the text must be one JSON object."""
    value = loads(text, max_bytes=max_bytes)
    if not isinstance(value, dict):
        raise Refusal(Reason.MALFORMED, "not a JSON object")
    return value


def dumps(value: Any) -> bytes:
    """Write compact UTF-8 JSON with members in the order given."""
    return _ENCODER.encode(value).encode()


def b64encode(data: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_FROM_BASE64).decode()


def b64decode(text: str | bytes) -> bytes:
    """Base64url without padding, in its one canonical form; raises `Refusal` (malformed)."""
    raw = text.encode("ascii", "replace") if isinstance(text, str) else text
    over = len(raw) % 4
    if over and raw[-1] not in _LAST[over]:  # unused bits set: a second spelling of the same bytes
        raise Refusal(Reason.MALFORMED, "not canonical base64url")
    try:
        return binascii.a2b_base64(raw.translate(_TO_BASE64) + _PADDING[over], strict_mode=True)
    except binascii.Error as error:
        raise Refusal(Reason.MALFORMED, "not base64url") from error


def integer(claims: Mapping[str, Any], name: str) -> int:
    """The claim ``name`` as whole seconds or a count; a string, float or boolean is refused (RFC 7519 §2)."""
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Refusal(Reason.MALFORMED, f"{name} is not a non-negative integer")
    return value


def string(claims: Mapping[str, Any], name: str, *, max_length: int = 2048) -> str:
    """The claim ``name`` as a non-empty string of at most ``max_length`` characters."""
    value = claims.get(name)
    if not isinstance(value, str) or not value or len(value) > max_length:
        raise Refusal(Reason.MALFORMED, f"{name} is not a string of 1 to {max_length} characters")
    return value


def _members(pairs: list[tuple[str, Any]]) -> JSONObject:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Refusal(Reason.MALFORMED, "a JSON member stands twice")
    return members


def _constant(name: str) -> Any:
    raise Refusal(Reason.MALFORMED, f"{name} is not JSON")


def _integer(digits: str) -> int:
    if len(digits) > 17 or abs(int(digits)) > MAX_INTEGER:
        raise Refusal(Reason.MALFORMED, "a JSON integer beyond 2^53")
    return int(digits)


def _nesting(text: str) -> int:
    deepest = depth = 0
    for char in _STRING.sub("", text):
        if char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest


# Made once: `json.loads` and `json.dumps` make one at every call.
_DECODER = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_constant, parse_int=_integer)
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)
