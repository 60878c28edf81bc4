"""Crossing receipts: what a receiving authority tells the issuer of a border token that was admitted.

``typ crossing-receipt+jwt``, signed by the receiving authority's border key (protocol.md, Records). It lets the issuer
consume an entry of an endorsement once. It says that a crossing took place and nothing else: a claim that is not in the
list, a reason or a score for instance, makes it malformed, so that none is ever sent by oversight.
"""

from dataclasses import dataclass
from typing import Any

from idp.protocol import jws, strict_json
from idp.protocol.jws import LEEWAY, Signer, TokenType
from idp.protocol.keys import KeySet, PrivateKey
from idp.protocol.refusals import Reason, Refusal

CLAIMS = ("iss", "aud", "jti", "iat", "token_jti", "checkpoint", "direction", "at")
DIRECTIONS = ("exit", "entry")
MAX_ID = 512  # characters of an entity identifier; jti are shorter

CROSSING_RECEIPT = TokenType("crossing-receipt+jwt", required=CLAIMS, max_bytes=8_192)


@dataclass(frozen=True)
class Receipt:
    """A verified receipt. ``iss`` admitted, ``aud`` had issued; ``at`` and ``iat`` are seconds since 1970."""

    iss: str
    aud: str
    jti: str
    iat: int
    token_jti: str
    checkpoint: str
    direction: str
    at: int


def sign_receipt(
    *,
    issuer: str,
    audience: str,
    jti: str,
    token_jti: str,
    checkpoint: str,
    direction: str,
    at: int,
    now: int,
    signer: Signer | PrivateKey,
) -> str:
    """Sign the receipt for one admitted token; refuses (malformed) to sign what `verify_receipt` would refuse."""
    claims = {
        "iss": issuer,
        "aud": audience,
        "jti": jti,
        "iat": now,
        "token_jti": token_jti,
        "checkpoint": checkpoint,
        "direction": direction,
        "at": at,
    }
    _read(claims)
    return jws.sign(CROSSING_RECEIPT, claims, signer)


def verify_receipt(text: str | bytes, *, keys: KeySet, issuer: str, audience: str, now: int) -> Receipt:
    """Verify a receipt from ``issuer`` (whose border keys are ``keys``) to us, ``audience``.

    Raises `Refusal`: malformed, bad_signature, not_yet_valid, wrong_audience, or untrusted_issuer where ``iss`` or the
    checkpoint is not that issuer's. A receipt does not expire: a lane may have been cut off; it is idempotent by
    ``token_jti``.
    """
    claims = jws.verify(text, CROSSING_RECEIPT, keys, now=now).claims
    if claims["iss"] != issuer:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "iss is not the peer whose keys verify")
    jws.sole_audience(claims, audience)
    return _read(claims)


def unverified_issuer(text: str | bytes) -> str:
    """The ``iss`` that a receipt claims, *unverified*: good for finding whose keys to ask for only."""
    return strict_json.string(jws.parse_unverified(text, CROSSING_RECEIPT).claims, "iss", max_length=MAX_ID)


def _read(claims: dict[str, Any]) -> Receipt:
    if set(claims) != set(CLAIMS):
        raise Refusal(Reason.MALFORMED, "a receipt has exactly its eight claims")
    texts = {name: strict_json.string(claims, name, max_length=MAX_ID) for name in CLAIMS if name not in ("iat", "at")}
    iat, at = strict_json.integer(claims, "iat"), strict_json.integer(claims, "at")
    if texts["direction"] not in DIRECTIONS:
        raise Refusal(Reason.MALFORMED, "direction is neither exit nor entry")
    if at > iat + LEEWAY:
        raise Refusal(Reason.MALFORMED, "a receipt for a crossing still to come")
    if not texts["checkpoint"].startswith(f"{texts['iss']}/checkpoints/"):  # protocol.md, Entities
        raise Refusal(Reason.UNTRUSTED_ISSUER, "a receipt for another authority's checkpoint")
    return Receipt(iat=iat, at=at, **texts)
