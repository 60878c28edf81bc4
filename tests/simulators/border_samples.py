"""A traveller's border token as an issuer makes it, and hypothesis strategies for every claim it may have."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from idp.protocol import border_token, keys
from idp.protocol.border_claims import ACR, AMR, COARSE, DIRECTIONS, DOCUMENTS, JURISDICTIONS, SEXES
from idp.protocol.border_token import Sealed, TokenClaims

NOW = 1_800_000_000
HK, CN = "https://idp.hk.example", "https://idp.cn.example"
LO_WU, LUOHU = f"{HK}/checkpoints/low", f"{CN}/checkpoints/luohu"
ISSUER, SEALING, HOLDER, OTHER = (keys.generate() for _ in range(4))
KEYS = keys.KeySet([ISSUER.public])

CLAIMS = TokenClaims(
    iss=HK,
    aud=LUOHU,
    exp=NOW + 1800,
    nbf=NOW,
    iat=NOW,
    jti=bytes(range(16)),
    acr="urn:causeway:acr:mfa",
    amr=("face", "hwk", "pop"),
    direction="entry",
    origin="HKG",
    destination="CHN",
    document_type="hrp",
    face_model="dlib-resnet-v1",
    face_profile="128x8",
    status_uri=f"{HK}/status/2027011508",
    status_idx=77,
    holder=HOLDER.public,
)
SEALED = Sealed(
    sub="3q2-796tvu_erb7v3q2-796tvu_erb7v3q2-796tvu8",
    document_number="H12345678",
    name_native="陳大文",
    name_latin="CHAN, TAI MAN",
    birth_date="1984-02-29",
    sex="M",
    nationality="CHN",
    template=bytes(range(128)),
    endorsement={"kind": "G", "destination": "HKG", "valid_from": "2026-12-01", "valid_to": "2027-11-30"},
    stay_days=7,
    guardian="H87654321",
)


def jwt(sealed: Sealed = SEALED, **changes: Any) -> str:
    return border_token.issue_jwt(replace(CLAIMS, **changes), sealed, signer_key=ISSUER, recipient=SEALING.public)


def cwt(sealed: Sealed = SEALED, **changes: Any) -> bytes:
    return border_token.issue_cwt(replace(CLAIMS, **changes), sealed, signer_key=ISSUER, recipient=SEALING.public)


def _text(most: int, *, least: int = 1) -> st.SearchStrategy[str]:
    return st.text(min_size=least, max_size=most)


_DAYS = st.dates().map(lambda day: day.isoformat())
_COUNTS = st.integers(0, 3660)
_MINUTES = st.integers(0, 2**33).map(lambda minute: minute * COARSE)

ENDORSEMENTS = st.fixed_dictionaries(
    {
        "kind": _text(16),
        "destination": st.sampled_from(JURISDICTIONS.words),
        "valid_from": _DAYS,
        "valid_to": _DAYS,
    },
    optional={
        "entries_left": _COUNTS,
        "stay_days": _COUNTS,
        "weekly": st.booleans(),
        "entered_on": _DAYS,
        "first_entered_on": _DAYS,
    },
)
CONTENTS = st.builds(
    Sealed,
    sub=_text(255) | st.binary(min_size=1, max_size=80).map(lambda data: data.hex()) | st.just(SEALED.sub),
    document_number=_text(24),
    name_native=_text(64, least=0),
    name_latin=_text(64),
    birth_date=_DAYS,
    sex=st.sampled_from(SEXES.words),
    nationality=st.text("ABCXYZ", min_size=3, max_size=3),
    template=st.binary(min_size=1, max_size=600),
    endorsement=st.none() | ENDORSEMENTS,
    stay_days=st.none() | _COUNTS,
    guardian=st.none() | _text(64),
)


@st.composite
def claims(draw: Callable[[st.SearchStrategy[Any]], Any]) -> TokenClaims:
    """Any claims that may be signed."""
    nbf, iss = draw(_MINUTES), draw(_text(255))
    origin, destination = draw(st.permutations(JURISDICTIONS.words))[:2]
    return TokenClaims(
        iss=iss,
        aud=draw(_text(255)),
        exp=nbf + draw(st.integers(1, 86_400)),
        nbf=nbf,
        iat=nbf - draw(st.integers(0, min(nbf, 600))),
        jti=draw(st.binary(min_size=16, max_size=16)),
        acr=draw(st.sampled_from(ACR.words)),
        amr=tuple(draw(st.lists(st.sampled_from(AMR.words), min_size=1, unique=True))),
        direction=draw(st.sampled_from(DIRECTIONS.words)),
        origin=origin,
        destination=destination,
        document_type=draw(st.sampled_from(DOCUMENTS.words)),
        face_model=draw(_text(64)),
        face_profile=draw(_text(64)),
        status_uri=draw(_text(255) | st.just((iss + "/status/1")[:255])),
        status_idx=draw(st.integers(0, 2**40)),
        holder=HOLDER.public,
    )
