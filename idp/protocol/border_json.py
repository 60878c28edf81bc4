"""Border token claims as JSON: the members of a ``border-token+jwt`` and of the document sealed in it."""

from collections.abc import Mapping
from typing import Any

from idp.protocol import cose, strict_json
from idp.protocol.border_claims import BorderToken, HolderKey, Sealed, TokenClaims, checked, checked_sealed
from idp.protocol.refusals import Reason, Refusal

_SEALED_TEXT = ("sub", "document_number", "name_native", "name_latin", "birth_date", "sex", "nationality")
_SEALED_OPTIONAL = ("endorsement", "stay_days", "guardian")


def write_claims(claims: TokenClaims, sealed: str) -> dict[str, Any]:
    """The members of the JWT; raises `Refusal` (malformed) for claims that no gate would accept."""
    checked(claims)
    cose.encode_key(claims.holder.raw)  # refuses a key that the other form could not carry
    return {
        "iss": claims.iss,
        "aud": claims.aud,
        "exp": claims.exp,
        "nbf": claims.nbf,
        "iat": claims.iat,
        "jti": strict_json.b64encode(claims.jti),
        "cnf": {"jkt": claims.holder.thumbprint},  # RFC 9449 §6.1
        "acr": claims.acr,
        "amr": list(claims.amr),
        "crossing": {
            "direction": claims.direction,
            "from": claims.origin,
            "to": claims.destination,
            "document_type": claims.document_type,
        },
        "face": {"model": claims.face_model, "profile": claims.face_profile},
        "sealed": sealed,
        "status": {"status_list": {"idx": claims.status_idx, "uri": claims.status_uri}},
    }


def read_claims(members: Mapping[str, Any]) -> BorderToken:
    """The claims of a JWT, each of its kind; members that are not ours are passed over. Raises `Refusal`."""
    crossing, face = _object(members, "crossing"), _object(members, "face")
    status = _object(_object(members, "status"), "status_list")
    amr = members.get("amr")
    token = BorderToken(
        iss=strict_json.string(members, "iss"),
        aud=strict_json.string(members, "aud"),
        exp=strict_json.integer(members, "exp"),
        nbf=strict_json.integer(members, "nbf"),
        iat=strict_json.integer(members, "iat"),
        jti=strict_json.b64decode(strict_json.string(members, "jti")),
        holder=_holder(_object(members, "cnf")),
        acr=strict_json.string(members, "acr"),
        amr=tuple(amr) if isinstance(amr, list) else (),
        direction=strict_json.string(crossing, "direction"),
        origin=strict_json.string(crossing, "from"),
        destination=strict_json.string(crossing, "to"),
        document_type=strict_json.string(crossing, "document_type"),
        face_model=strict_json.string(face, "model"),
        face_profile=strict_json.string(face, "profile"),
        status_uri=strict_json.string(status, "uri"),
        status_idx=strict_json.integer(status, "idx"),
        sealed=strict_json.string(members, "sealed", max_length=8192),
        form="jwt",
    )
    return checked(token)


def write_sealed(sealed: Sealed) -> bytes:
    """The JSON document to seal; raises `Refusal` (malformed) for content that no gate would accept."""
    checked_sealed(sealed)
    members: dict[str, Any] = {name: getattr(sealed, name) for name in _SEALED_TEXT}
    members["template"] = strict_json.b64encode(sealed.template)
    members.update({name: getattr(sealed, name) for name in _SEALED_OPTIONAL if getattr(sealed, name) is not None})
    if sealed.endorsement is not None:
        members["endorsement"] = {name: value for name, value in sealed.endorsement.items() if value is not None}
    return strict_json.dumps(members)


def read_sealed(document: bytes) -> Sealed:
    """The opened content; raises `Refusal` (malformed)."""
    members = strict_json.loads_object(document, max_bytes=8192)
    texts = {name: members.get(name) for name in _SEALED_TEXT}
    optional = {name: members.get(name) for name in _SEALED_OPTIONAL}
    template = strict_json.b64decode(strict_json.string(members, "template"))
    return checked_sealed(Sealed(**texts, **optional, template=template))  # type: ignore[arg-type]  # checked there


def _object(members: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = members.get(name)
    if not isinstance(value, dict):
        raise Refusal(Reason.MALFORMED, f"{name} is not an object")
    return value


def _holder(cnf: Mapping[str, Any]) -> HolderKey:
    jkt = strict_json.string(cnf, "jkt", max_length=43)
    if len(strict_json.b64decode(jkt)) != 32:
        raise Refusal(Reason.MALFORMED, "jkt is not a SHA-256 thumbprint")
    return HolderKey(thumbprint=jkt)
