"""The Status List Token as a CWT (Token Status List §5.2): what `idp.protocol.status_list` says in JSON, in CBOR.

A tagged COSE_Sign1 whose claims are ``sub`` (2), ``exp`` (4), ``iat`` (6), ``ttl`` (65534) and ``status_list`` (65533),
the last a map of texts (§4.3). ES256 only, as every COSE message here.
"""

from collections.abc import Mapping
from typing import Any

from idp.protocol import cose
from idp.protocol.cose import KID
from idp.protocol.jws import LEEWAY
from idp.protocol.keys import KeySet, PrivateKey
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.status_list import BITS, MAX_BYTES, Contents, StatusList, VerifiedStatusList, check_ttl, unpacked

TYP = "application/statuslist+cwt"
MAX_URI = 1024  # characters, as an entity identifier
SUB, EXP, IAT = 2, 4, 6
STATUS_LIST, TTL = 65533, 65534


def sign_cwt(contents: Contents, signer: PrivateKey) -> bytes:
    """Sign ``contents`` as CWT: tagged COSE_Sign1, without the tag of a CWT (§5.2)."""
    status_list: dict[str, Any] = {"bits": contents.bits, "lst": contents.lst}
    if contents.aggregation_uri is not None:
        status_list["aggregation_uri"] = contents.aggregation_uri
    claims: dict[int, Any] = {SUB: contents.uri, IAT: contents.issued_at, EXP: contents.expires_at}
    if contents.ttl is not None:
        claims[TTL] = contents.ttl
    claims[STATUS_LIST] = status_list
    return cose.Sign1.sign(cose.dumps(claims), typ=TYP, signer=signer, header={KID: cose.key_id(signer.public)})


def verify_cwt(data: bytes, *, keys: KeySet, uri: str, now: int) -> VerifiedStatusList:
    """Verify the Status List Token of exactly ``uri`` against ``keys``, as `status_list.verify_status_list` does."""
    message = cose.Sign1.parse(data, typ=TYP, max_bytes=MAX_BYTES)
    payload = message.verify(cose.find_key(keys, message.kid).raw)
    claims = cose.loads_map(payload, max_bytes=MAX_BYTES)
    subject, issued_at = cose.string(claims, SUB, max_length=MAX_URI), cose.integer(claims, IAT)
    expires_at = cose.integer(claims, EXP) if EXP in claims else None
    if issued_at > now + LEEWAY:
        raise Refusal(Reason.NOT_YET_VALID, "iat is in the future")
    if expires_at is not None and expires_at <= now - LEEWAY:
        raise Refusal(Reason.EXPIRED, "exp is past")
    if subject != uri:
        raise Refusal(Reason.POLICY_VIOLATION, "sub is not the status list's uri")
    ttl = check_ttl(cose.integer(claims, TTL)) if TTL in claims else None
    return VerifiedStatusList(uri, issued_at, expires_at, ttl, decode_cbor(claims.get(STATUS_LIST)))


def decode_cbor(value: object) -> StatusList:
    """Read the CBOR form of a status list (§4.3); raises `Refusal` (malformed)."""
    if not isinstance(value, Mapping):
        raise Refusal(Reason.MALFORMED, "status_list is not a map")
    bits = value.get("bits")
    if type(bits) is not int or bits not in BITS:
        raise Refusal(Reason.MALFORMED, "bits is not 1, 2, 4 or 8")
    return unpacked(bits, cose.octets(value, "lst", max_length=MAX_BYTES))
