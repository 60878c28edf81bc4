"""Token Status List (draft-ietf-oauth-status-list-20): who signs it, what it says, how big it may be.

An index is one entry of 1, 2, 4 or 8 bits, counted from the least significant bit of the first byte (§4.1). The list is
compressed with zlib (RFC 1950) and is decompressed only up to a bound, so that a small document cannot fill the
memory of a gate.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp.protocol import jws, strict_json
from idp.protocol.jws import Signer, TokenType
from idp.protocol.keys import KeySet, PrivateKey
from idp.protocol.refusals import Reason, Refusal

VALID, INVALID, SUSPENDED = 0, 1, 2  # §7.1
BITS = (1, 2, 4, 8)
MAX_DECOMPRESSED = 1 << 21  # bytes: 16 million one-bit entries, a year of one authority's hours in one list
MAX_TTL = 7 * 86_400  # seconds; longer would outlive every trust bundle
MAX_BYTES = 1 << 20  # of the token: ten million entries of one bit, 1 % of them set, need 190 kB

# exp and ttl are recommended only (§5.1); the gate holds every list to its own maximum age besides.
STATUS_LIST = TokenType("statuslist+jwt", required=("sub", "iat", "status_list"), max_bytes=MAX_BYTES)


class StatusList:
    """Statuses by index, in memory. ``data`` is the uncompressed byte array of §4.1."""

    def __init__(self, *, bits: int, data: bytes | bytearray) -> None:
        if bits not in BITS:
            raise RuntimeError(f"a status has 1, 2, 4 or 8 bits, not {bits}")
        self.bits = bits
        self._data = bytearray(data)
        self._per_byte = 8 // bits
        self._mask = (1 << bits) - 1

    @classmethod
    def blank(cls, *, size: int, bits: int = 1) -> "StatusList":
        """A list of at least ``size`` entries (whole bytes), all `VALID`."""
        return cls(bits=bits, data=bytes(-(-size * bits // 8)))

    @property
    def size(self) -> int:
        """How many indexes there are."""
        return len(self._data) * self._per_byte

    def get(self, idx: int) -> int:
        """The status at ``idx``; an index outside the list is a `Refusal` (malformed), never `VALID` (§8.3)."""
        place, shift = self._place(idx)
        return (self._data[place] >> shift) & self._mask

    def set(self, idx: int, status: int) -> None:
        """Put ``status`` at ``idx``. Only its publisher does so; a value that does not fit is our own mistake."""
        if not 0 <= status <= self._mask:
            raise RuntimeError("a status that does not fit the bits of its list")
        place, shift = self._place(idx)
        self._data[place] = self._data[place] & ~(self._mask << shift) & 0xFF | status << shift

    def tobytes(self) -> bytes:
        """The uncompressed byte array."""
        return bytes(self._data)

    def _place(self, idx: int) -> tuple[int, int]:
        if not 0 <= idx < self.size:
            raise Refusal(Reason.MALFORMED, "a status index outside its list")
        return idx // self._per_byte, idx % self._per_byte * self.bits


@dataclass(frozen=True)
class VerifiedStatusList:
    """A status list whose signature, type, subject and times were found right when it was read."""

    uri: str
    issued_at: int
    expires_at: int | None
    ttl: int | None
    statuses: StatusList

    def get(self, idx: int) -> int:
        """The status at ``idx``; raises `Refusal` (malformed) for an index outside the list."""
        return self.statuses.get(idx)


@dataclass(frozen=True)
class Contents:
    """What a Status List Token says, its array compressed: packed once, signed as JWT and as CWT."""

    uri: str
    bits: int
    lst: bytes
    issued_at: int
    expires_at: int
    ttl: int | None = None
    aggregation_uri: str | None = None


def pack(
    statuses: StatusList,
    *,
    uri: str,
    now: int,
    lifetime: int,
    ttl: int | None = None,
    aggregation_uri: str | None = None,
) -> Contents:
    """``statuses`` as the list of ``uri``, good from ``now`` for ``lifetime`` seconds."""
    return Contents(uri, statuses.bits, _compress(statuses), now, now + lifetime, ttl, aggregation_uri)


def encode(statuses: StatusList) -> dict[str, Any]:
    """The ``status_list`` claim ``{"bits", "lst"}`` (§4.2)."""
    return {"bits": statuses.bits, "lst": strict_json.b64encode(_compress(statuses))}


def decode(value: object, *, max_bytes: int = MAX_DECOMPRESSED) -> StatusList:
    """Read a ``status_list`` claim whose array has at most ``max_bytes`` bytes; raises `Refusal` (malformed)."""
    if not isinstance(value, Mapping):
        raise Refusal(Reason.MALFORMED, "status_list is not an object")
    bits = value.get("bits")
    if not isinstance(bits, int) or isinstance(bits, bool) or bits not in BITS:
        raise Refusal(Reason.MALFORMED, "bits is not 1, 2, 4 or 8")
    lst = strict_json.string(value, "lst", max_length=2 * max_bytes)
    return unpacked(bits, strict_json.b64decode(lst), max_bytes=max_bytes)


def unpacked(bits: int, lst: bytes, *, max_bytes: int = MAX_DECOMPRESSED) -> StatusList:
    """The list of which ``lst`` is the compressed array; raises `Refusal` (malformed)."""
    return StatusList(bits=bits, data=_decompress(lst, max_bytes))


def sign_status_list(
    statuses: StatusList,
    *,
    uri: str,
    signer: Signer | PrivateKey,
    now: int,
    lifetime: int,
    ttl: int | None = None,
    aggregation_uri: str | None = None,
) -> str:
    """`pack` and `sign_jwt` in one."""
    contents = pack(statuses, uri=uri, now=now, lifetime=lifetime, ttl=ttl, aggregation_uri=aggregation_uri)
    return sign_jwt(contents, signer)


def sign_jwt(contents: Contents, signer: Signer | PrivateKey) -> str:
    """Sign ``contents`` as JWT (§5.1)."""
    status_list: dict[str, Any] = {"bits": contents.bits, "lst": strict_json.b64encode(contents.lst)}
    if contents.aggregation_uri is not None:
        status_list["aggregation_uri"] = contents.aggregation_uri
    claims: dict[str, Any] = {"sub": contents.uri, "iat": contents.issued_at, "exp": contents.expires_at}
    if contents.ttl is not None:
        claims["ttl"] = contents.ttl
    return jws.sign(STATUS_LIST, {**claims, "status_list": status_list}, signer)


def verify_status_list(text: str | bytes, *, keys: KeySet, uri: str, now: int) -> VerifiedStatusList:
    """Verify the Status List Token of exactly ``uri`` against ``keys`` (§8.3 steps 3 to 5).

    ``keys`` are the issuer's ``status_jwks`` and nothing else. Raises `Refusal`: malformed, bad_signature, expired,
    not_yet_valid, or policy_violation where ``sub`` is another list's.
    """
    claims = jws.verify(text, STATUS_LIST, keys, now=now).claims
    if claims["sub"] != uri:  # compared by code point; a list for another address says nothing about this one
        raise Refusal(Reason.POLICY_VIOLATION, "sub is not the status list's uri")
    return VerifiedStatusList(
        uri=uri,
        issued_at=strict_json.integer(claims, "iat"),
        expires_at=strict_json.integer(claims, "exp") if "exp" in claims else None,
        ttl=check_ttl(strict_json.integer(claims, "ttl")) if "ttl" in claims else None,
        statuses=decode(claims["status_list"]),
    )


def subject(text: str | bytes) -> str:
    """The ``uri`` that a Status List Token claims to be for, *unverified*: good for finding its place only."""
    return strict_json.string(jws.parse_unverified(text, STATUS_LIST).claims, "sub")


def check_ttl(ttl: int) -> int:
    """``ttl`` if it is one; raises `Refusal` (malformed)."""
    if not 0 < ttl <= MAX_TTL:
        raise Refusal(Reason.MALFORMED, "ttl is not a positive number of seconds of at most a week")
    return ttl


def _compress(statuses: StatusList) -> bytes:
    return zlib.compress(statuses.tobytes(), level=9)  # the highest is recommended (§4.1)


def _decompress(compressed: bytes, max_bytes: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(compressed, max_bytes + 1)
    except zlib.error as error:
        raise Refusal(Reason.MALFORMED, "lst is not zlib") from error
    if len(data) > max_bytes:
        raise Refusal(Reason.MALFORMED, "lst decompresses beyond its bound")
    if not stream.eof or stream.unused_data:
        raise Refusal(Reason.MALFORMED, "lst is cut short or has something behind it")
    return data
