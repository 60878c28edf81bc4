"""Border token claims as CBOR: the labels of a ``border-token+cwt`` and of the content sealed in it.

A token must fit a QR code that a camera reads at arm's length, so every name is an integer, a day is the integer
YYYYMMDD, a subject that is base64url travels as its bytes, and a status list that stands below its issuer's identifier
is written without it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from idp.protocol import cose, strict_json
from idp.protocol.border_claims import (
    ACR,
    AMR,
    DIRECTIONS,
    DOCUMENTS,
    JURISDICTIONS,
    SEXES,
    BorderToken,
    HolderKey,
    Sealed,
    TokenClaims,
    checked,
    checked_sealed,
)
from idp.protocol.cose import Labels
from idp.protocol.refusals import Reason, Refusal

# RFC 8392 §4, RFC 8747 §3.1; -70001 and below are for private use; 65535 is the Token Status List's.
ISS, AUD, EXP, NBF, IAT, JTI, CNF, STATUS = 1, 3, 4, 5, 6, 7, 8, 65535
_ACR, _AMR, _CROSSING, _FACE, _SEALED = -70001, -70002, -70010, -70011, -70012
_COSE_KEY = 1  # RFC 8747 §3.1
_DIRECTION, _FROM, _TO, _DOCUMENT = 1, 2, 3, 4
_MODEL, _PROFILE = 1, 2
_STATUS_LIST = 1
_IDX, _URI, _URI_BELOW_ISSUER = 1, 2, 3
_SUB, _NUMBER, _NATIVE, _LATIN, _BIRTH, _SEX, _NATIONALITY, _TEMPLATE, _ENDORSEMENT, _STAY, _GUARDIAN = range(1, 12)
_KIND, _DESTINATION, _VALID_FROM, _VALID_TO, _ENTRIES, _EACH_STAY, _WEEKLY, _ENTERED, _FIRST_ENTERED = range(1, 10)
_SHORT_SUBJECT = (16, 64)  # bytes: a digest or a random number; anything else is text

_Convert = Callable[[Any], Any]


def write_claims(claims: TokenClaims, sealed: bytes) -> bytes:
    """The claims set of the CWT; raises `Refusal` (malformed) for claims that no gate would accept."""
    checked(claims)
    below = claims.status_uri.startswith(claims.iss) and claims.status_uri != claims.iss
    return cose.dumps(
        {
            ISS: claims.iss,
            AUD: claims.aud,
            EXP: claims.exp,
            NBF: claims.nbf,
            IAT: claims.iat,
            JTI: claims.jti,
            CNF: {_COSE_KEY: cose.encode_key(claims.holder.raw)},
            _ACR: ACR.number(claims.acr),
            _AMR: [AMR.number(method) for method in claims.amr],
            _CROSSING: {
                _DIRECTION: DIRECTIONS.number(claims.direction),
                _FROM: JURISDICTIONS.number(claims.origin),
                _TO: JURISDICTIONS.number(claims.destination),
                _DOCUMENT: DOCUMENTS.number(claims.document_type),
            },
            _FACE: {_MODEL: claims.face_model, _PROFILE: claims.face_profile},
            _SEALED: sealed,
            STATUS: {
                _STATUS_LIST: {
                    _IDX: claims.status_idx,
                    **(
                        {_URI_BELOW_ISSUER: claims.status_uri.removeprefix(claims.iss)}
                        if below
                        else {_URI: claims.status_uri}
                    ),
                }
            },
        }
    )


def read_claims(labels: Labels) -> BorderToken:
    """The claims of a CWT, each of its kind; labels that are not ours are passed over. Raises `Refusal`."""
    crossing, face = _map(labels, _CROSSING), _map(labels, _FACE)
    status = _map(_map(labels, STATUS), _STATUS_LIST)
    iss, amr = cose.string(labels, ISS), labels.get(_AMR)
    token = BorderToken(
        iss=iss,
        aud=cose.string(labels, AUD),
        exp=cose.integer(labels, EXP),
        nbf=cose.integer(labels, NBF),
        iat=cose.integer(labels, IAT),
        jti=cose.octets(labels, JTI),
        holder=HolderKey(point=cose.decode_key(_map(labels, CNF).get(_COSE_KEY))),
        acr=ACR.word(labels.get(_ACR)),
        amr=tuple(AMR.word(number) for number in amr) if type(amr) is list else (),
        direction=DIRECTIONS.word(crossing.get(_DIRECTION)),
        origin=JURISDICTIONS.word(crossing.get(_FROM)),
        destination=JURISDICTIONS.word(crossing.get(_TO)),
        document_type=DOCUMENTS.word(crossing.get(_DOCUMENT)),
        face_model=cose.string(face, _MODEL),
        face_profile=cose.string(face, _PROFILE),
        status_uri=_status_uri(status, iss),
        status_idx=cose.integer(status, _IDX),
        sealed=cose.octets(labels, _SEALED, max_length=cose.MAX_BYTES),
        form="cwt",
    )
    return checked(token)


def write_sealed(sealed: Sealed) -> bytes:
    """The CBOR content to seal; raises `Refusal` (malformed) for content that no gate would accept."""
    checked_sealed(sealed)
    labels = {
        _SUB: _short_subject(sealed.sub),
        _NUMBER: sealed.document_number,
        _NATIVE: sealed.name_native,
        _LATIN: sealed.name_latin,
        _BIRTH: _day_number(sealed.birth_date),
        _SEX: SEXES.number(sealed.sex),
        _NATIONALITY: sealed.nationality,
        _TEMPLATE: sealed.template,
        _ENDORSEMENT: None if sealed.endorsement is None else _write_endorsement(sealed.endorsement),
        _STAY: sealed.stay_days,
        _GUARDIAN: None if sealed.guardian is None else _short_subject(sealed.guardian),
    }
    return cose.dumps({label: value for label, value in labels.items() if value is not None})


def read_sealed(content: bytes) -> Sealed:
    """The opened content; raises `Refusal` (malformed)."""
    labels = cose.loads_map(content)
    sealed = Sealed(
        sub=_long_subject(labels.get(_SUB)),
        document_number=cose.string(labels, _NUMBER),
        name_native=labels.get(_NATIVE),  # type: ignore[arg-type]  # may be empty; `checked_sealed` looks
        name_latin=cose.string(labels, _LATIN),
        birth_date=_day(labels.get(_BIRTH)),
        sex=SEXES.word(labels.get(_SEX)),
        nationality=cose.string(labels, _NATIONALITY),
        template=cose.octets(labels, _TEMPLATE, max_length=cose.MAX_BYTES),
        endorsement=_read_endorsement(labels[_ENDORSEMENT]) if _ENDORSEMENT in labels else None,
        stay_days=labels.get(_STAY),
        guardian=_long_subject(labels[_GUARDIAN]) if _GUARDIAN in labels else None,
    )
    return checked_sealed(sealed)


def _write_endorsement(endorsement: Mapping[str, Any]) -> Labels:
    return {
        label: write(endorsement[name])
        for name, (label, write, _) in _MEMBERS.items()
        if endorsement.get(name) is not None
    }


def _read_endorsement(labels: object) -> dict[str, Any]:
    if type(labels) is not dict or not labels.keys() <= {label for label, _, _ in _MEMBERS.values()}:
        raise Refusal(Reason.MALFORMED, "an endorsement with a label that is not ours")
    return {name: read(labels[label]) for name, (label, _, read) in _MEMBERS.items() if label in labels}


def _status_uri(status: Labels, iss: str) -> str:
    if (_URI in status) == (_URI_BELOW_ISSUER in status):
        raise Refusal(Reason.MALFORMED, "a status without its list, or with two")
    return cose.string(status, _URI) if _URI in status else iss + cose.string(status, _URI_BELOW_ISSUER)


def _map(labels: Labels, label: int) -> Labels:
    value = labels.get(label)
    if type(value) is not dict:
        raise Refusal(Reason.MALFORMED, f"{label} is not a map")
    return value


def _day_number(day: str) -> int:
    return int(day.replace("-", ""))


def _day(number: object) -> str:
    """ "YYYY-MM-DD" of YYYYMMDD; whether the calendar has such a day is looked at with the rest."""
    if type(number) is not int or not 0 < number <= 9999_12_31:
        raise Refusal(Reason.MALFORMED, "not the number of a day")
    digits = f"{number:08}"
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"


def _short_subject(sub: str) -> bytes | str:
    try:
        data = strict_json.b64decode(sub)
    except Refusal:
        return sub
    return data if _SHORT_SUBJECT[0] <= len(data) <= _SHORT_SUBJECT[1] else sub


def _long_subject(value: object) -> str:
    sub = strict_json.b64encode(value) if type(value) is bytes else value
    if type(sub) is not str or _short_subject(sub) != value:  # one subject, one spelling
        raise Refusal(Reason.MALFORMED, "not a subject, or not in its short form")
    return sub


def _same(value: Any) -> Any:
    return value


_MEMBERS: Mapping[str, tuple[int, _Convert, _Convert]] = {
    "kind": (_KIND, _same, _same),
    "destination": (_DESTINATION, JURISDICTIONS.number, JURISDICTIONS.word),
    "valid_from": (_VALID_FROM, _day_number, _day),
    "valid_to": (_VALID_TO, _day_number, _day),
    "entries_left": (_ENTRIES, _same, _same),
    "stay_days": (_EACH_STAY, _same, _same),
    "weekly": (_WEEKLY, _same, _same),
    "entered_on": (_ENTERED, _day_number, _day),
    "first_entered_on": (_FIRST_ENTERED, _day_number, _day),
}
