"""What a border token says, apart from how it is written: the two forms of `idp.protocol.border_token` share this.

Whatever is read from a token or is to be signed in one passes `checked` or `checked_sealed`, so both forms accept the
same claims and nothing is signed that a gate would refuse.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeVar, cast

from idp.protocol import cose, strict_json
from idp.protocol.cose import EllipticKey
from idp.protocol.keys import PublicKey, parse_public
from idp.protocol.refusals import Reason, Refusal

JTI_BYTES = 16
COARSE = 60  # seconds: times in clear are rounded, so that two tokens fetched together are not linked by a second
MAX_LIFETIME = 86_400 + COARSE  # seconds; a token fetched ahead lives a day, rounded outwards
MAX_TEMPLATE = 1024  # bytes; 512 dimensions at 16 bits
MAX_STAY = 3_660  # days; the longest residence endorsement has ten years

Form = Literal["jwt", "cwt"]


class Vocabulary:
    """Words of the JWT and the integers that stand for them in the CWT. No integer is ever given a second meaning."""

    def __init__(self, numbers: Mapping[str, int]) -> None:
        self._numbers = dict(numbers)
        self._words = {number: word for word, number in numbers.items()}
        self.words = tuple(self._numbers)

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and word in self._numbers

    def number(self, word: str) -> int:
        return self._numbers[word]

    def word(self, number: object) -> str:
        """The word that ``number`` stands for; raises `Refusal` (malformed) for an unknown one."""
        if type(number) is not int or number not in self._words:
            raise Refusal(Reason.MALFORMED, "a number that stands for nothing here")
        return self._words[number]


ACR = Vocabulary({"urn:causeway:acr:pwd": 1, "urn:causeway:acr:mfa": 2, "urn:causeway:acr:fal3": 3})
AMR = Vocabulary(  # RFC 8176
    {"face": 1, "hwk": 2, "pop": 3, "otp": 4, "mfa": 5, "user": 6, "pwd": 7, "swk": 8, "pin": 9, "fpt": 10}
)
DIRECTIONS = Vocabulary({"exit": 1, "entry": 2})
JURISDICTIONS = Vocabulary({"CHN": 1, "HKG": 2, "MAC": 3})  # ISO 3166-1 alpha-3
DOCUMENTS = Vocabulary({"eep": 1, "hrp": 2, "hkid": 3, "bir": 4, "mvp": 5, "reentry": 6, "passport": 7})
SEXES = Vocabulary({"F": 1, "M": 2, "X": 3})

_NATIONALITY = re.compile(r"[A-Z]{3}\Z")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_ENTRY_DAYS = {"entered_on", "first_entered_on"}
_ENDORSEMENT = _ENTRY_DAYS | {"kind", "destination", "valid_from", "valid_to", "entries_left", "stay_days", "weekly"}
_ENDORSEMENT_DAYS = ("valid_from", "valid_to", *sorted(_ENTRY_DAYS))


@dataclass(frozen=True)
class HolderKey:
    """The wallet's key for one receiving authority: a JWT carries its thumbprint, a CWT its point."""

    thumbprint: str | None = None
    point: EllipticKey | None = None

    @property
    def jkt(self) -> str:
        """The key's RFC 7638 thumbprint, base64url."""
        return self.thumbprint or cose.thumbprint(cast(EllipticKey, self.point))  # one of them is always there

    @property
    def key(self) -> PublicKey | None:
        """The key as a whole, where the form carries it. Its import costs, and a gate needs only the point."""
        return None if self.point is None else parse_public(cose.jwk(self.point), require_kid=False)


@dataclass(frozen=True)
class Claims:
    """What stands in clear. Times in seconds since 1970, ``jti`` of 16 random bytes, one receiving checkpoint."""

    iss: str
    aud: str
    exp: int
    nbf: int
    iat: int
    jti: bytes
    acr: str
    amr: tuple[str, ...]
    direction: str
    origin: str
    destination: str
    document_type: str
    face_model: str
    face_profile: str
    status_uri: str
    status_idx: int


@dataclass(frozen=True)
class TokenClaims(Claims):
    """Claims to be signed. ``holder`` is the wallet's P-256 key for the receiving authority, its possession proven."""

    holder: PublicKey


@dataclass(frozen=True)
class BorderToken(Claims):
    """A token whose form, type, signature and claims were found right. Times, audience and status are yet to be."""

    holder: HolderKey
    sealed: bytes | str
    form: Form


@dataclass(frozen=True)
class Sealed:
    """What only the one checkpoint may read. ``birth_date`` is "YYYY-MM-DD", ``template`` the quantised face.

    ``guardian`` is the pairwise subject, for the same authority, of whoever must have gone through before.
    ``endorsement`` has kind, destination, valid_from, valid_to and, where they are known, entries_left, stay_days,
    weekly, entered_on (the last entry) and first_entered_on; a member that is None is left out on the wire.
    """

    sub: str
    document_number: str
    name_native: str
    name_latin: str
    birth_date: str
    sex: str
    nationality: str
    template: bytes
    endorsement: Mapping[str, Any] | None = None
    stay_days: int | None = None
    guardian: str | None = None


AnyClaims = TypeVar("AnyClaims", bound=Claims)


def coarse(seconds: int) -> int:
    """``seconds`` rounded down to the minute: what to use for the times of a token."""
    return seconds - seconds % COARSE


def checked(claims: AnyClaims) -> AnyClaims:
    """The same claims when each is of its kind and they fit together; raises `Refusal` (malformed)."""
    for text in (claims.iss, claims.aud, claims.status_uri):
        _text(text, 255)
    for text in (claims.face_model, claims.face_profile):
        _text(text, 64)
    for number in (claims.exp, claims.nbf, claims.iat, claims.status_idx):
        _count(number, strict_json.MAX_INTEGER)
    if type(claims.jti) is not bytes or len(claims.jti) != JTI_BYTES:
        raise Refusal(Reason.MALFORMED, f"jti is not {JTI_BYTES} bytes")
    if not claims.iat <= claims.exp or not claims.nbf < claims.exp <= claims.nbf + MAX_LIFETIME:
        raise Refusal(Reason.MALFORMED, "times out of order, or a life of more than a day")
    _check_words(claims)
    return claims


def checked_sealed(sealed: Sealed) -> Sealed:
    """The same content when each part is of its kind; raises `Refusal` (malformed)."""
    _text(sealed.sub, 255)
    _text(sealed.document_number, 24)
    _text(sealed.name_native, 64, empty=True)  # who has no name in Chinese script has one in Latin letters
    _text(sealed.name_latin, 64)
    parse_day(sealed.birth_date)
    if sealed.sex not in SEXES or not isinstance(sealed.nationality, str) or not _NATIONALITY.match(sealed.nationality):
        raise Refusal(Reason.MALFORMED, "sex or nationality is not one of its codes")
    if type(sealed.template) is not bytes or not 0 < len(sealed.template) <= MAX_TEMPLATE:
        raise Refusal(Reason.MALFORMED, "a face template of no length, or too long")
    if sealed.stay_days is not None:
        _count(sealed.stay_days, MAX_STAY)
    if sealed.guardian is not None:
        _text(sealed.guardian, 64)
    if sealed.endorsement is not None:
        _check_endorsement(sealed.endorsement)
    return sealed


def parse_day(value: object) -> date:
    """A day from "YYYY-MM-DD" and no other spelling; raises `Refusal` (malformed)."""
    try:
        if isinstance(value, str) and _DAY.match(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise Refusal(Reason.MALFORMED, "not a day of the calendar")


def _check_words(claims: Claims) -> None:
    for word, vocabulary in (
        (claims.acr, ACR),
        (claims.direction, DIRECTIONS),
        (claims.origin, JURISDICTIONS),
        (claims.destination, JURISDICTIONS),
        (claims.document_type, DOCUMENTS),
    ):
        if word not in vocabulary:
            raise Refusal(Reason.MALFORMED, "a word that stands for nothing here")
    if claims.origin == claims.destination:
        raise Refusal(Reason.MALFORMED, "a crossing from a place to itself")
    amr = claims.amr
    if type(amr) is not tuple or not amr or not all(method in AMR for method in amr):
        raise Refusal(Reason.MALFORMED, "amr is not a list of known methods")
    if len(set(amr)) != len(amr):
        raise Refusal(Reason.MALFORMED, "a method stands twice in amr")


def _check_endorsement(value: object) -> None:
    if not isinstance(value, Mapping) or not value.keys() <= _ENDORSEMENT:
        raise Refusal(Reason.MALFORMED, "an endorsement with a member that is not ours")
    _text(value.get("kind"), 16)
    if value.get("destination") not in JURISDICTIONS:
        raise Refusal(Reason.MALFORMED, "an endorsement for nowhere")
    for name in _ENDORSEMENT_DAYS:
        if name not in _ENTRY_DAYS or value.get(name) is not None:
            parse_day(value.get(name))
    for name in ("entries_left", "stay_days"):
        if value.get(name) is not None:
            _count(value[name], MAX_STAY)
    if not isinstance(value.get("weekly", False), bool | None):
        raise Refusal(Reason.MALFORMED, "weekly is not a boolean")


def _text(value: object, most: int, *, empty: bool = False) -> None:
    if type(value) is not str or len(value) > most or not (value or empty):
        raise Refusal(Reason.MALFORMED, f"not a text of at most {most} characters")


def _count(value: object, most: int) -> None:
    if type(value) is not int or not 0 <= value <= most:
        raise Refusal(Reason.MALFORMED, "not a whole number in its range")
