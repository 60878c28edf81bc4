"""The border token: what an authority says about one traveller to one checkpoint, as a JWT or as a CWT.

The JWT goes over local links, the CWT into a QR code; both carry the claims of `idp.protocol.border_claims`. What
identifies the traveller is sealed to the checkpoint, bound to issuer, audience and ``jti``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from idp.protocol import border_cbor, border_json, cose, jws, sealing, strict_json
from idp.protocol.border_claims import BorderToken, Claims, HolderKey, Sealed, TokenClaims, coarse
from idp.protocol.jws import Signer
from idp.protocol.keys import KeySet, PrivateKey, PublicKey
from idp.protocol.refusals import Reason, Refusal

__all__ = (
    "BorderToken",
    "HolderKey",
    "Sealed",
    "TokenClaims",
    "UnverifiedToken",
    "coarse",
    "issue_cwt",
    "issue_jwt",
    "open_sealed",
    "parse_unverified",
    "verify",
)

BORDER_TOKEN = jws.TokenType(
    "border-token+jwt",
    algorithms=("ES256",),
    required=("iss", "aud", "exp", "nbf", "iat", "jti", "cnf", "acr", "amr", "crossing", "face", "sealed", "status"),
    max_bytes=16_384,
)
CWT_TYP = "application/border-token+cwt"


@dataclass(frozen=True)
class UnverifiedToken:
    """A token taken apart, to find whose keys to ask for. Nothing here is verified: believe `verify` only."""

    iss: str
    aud: str
    kid: str | bytes
    raw: bytes | str
    parts: jws.Parsed | cose.Sign1
    labels: cose.Labels  # of a CWT; empty for a JWT


def issue_jwt(
    claims: TokenClaims,
    sealed: Sealed,
    *,
    signer_key: Signer | PrivateKey,
    recipient: PublicKey,
    ephemeral: PrivateKey | None = None,
) -> str:
    """Sign ``claims`` with ``sealed`` for ``recipient``, the checkpoint's sealing key: the compact JWT.

    ``ephemeral`` as in `sealing.seal_jwe`. Raises `Refusal` (malformed) for claims that `verify` would refuse.
    """
    content = border_json.write_sealed(sealed)
    jwe = sealing.seal_jwe(content, recipient=recipient, apu=_place(claims), ephemeral=ephemeral)
    return jws.sign(BORDER_TOKEN, border_json.write_claims(claims, jwe), signer_key)


def issue_cwt(
    claims: TokenClaims,
    sealed: Sealed,
    *,
    signer_key: Signer | PrivateKey,
    recipient: PublicKey,
    ephemeral: PrivateKey | None = None,
) -> bytes:
    """Like `issue_jwt`: the CWT as a tagged COSE_Sign1 (RFC 8392 §7.1). It carries the holder's key."""
    content = border_cbor.write_sealed(sealed)
    box = sealing.seal_cose(content, recipient=recipient, external_aad=_place(claims), ephemeral=ephemeral)
    payload = border_cbor.write_claims(claims, box)
    return cose.Sign1.sign(payload, typ=CWT_TYP, signer=signer_key, header={cose.KID: cose.key_id(signer_key.public)})


def parse_unverified(token: bytes | str) -> UnverifiedToken:
    """Take a token apart: text is a JWT, bytes are a CWT. Raises `Refusal`; the signature is *not* looked at."""
    if isinstance(token, str):
        parsed = jws.parse_unverified(token, BORDER_TOKEN)
        iss, aud = (strict_json.string(parsed.claims, name, max_length=255) for name in ("iss", "aud"))
        return UnverifiedToken(iss, aud, parsed.kid, token, parsed, {})
    message = cose.Sign1.parse(token, typ=CWT_TYP)
    if message.payload is None:
        raise Refusal(Reason.MALFORMED, "a token without its claims")
    labels = cose.loads_map(message.payload)
    iss, aud = cose.string(labels, border_cbor.ISS), cose.string(labels, border_cbor.AUD)
    return UnverifiedToken(iss, aud, message.kid, token, message, labels)


def verify(token: bytes | str | UnverifiedToken, *, keys: KeySet, now: int) -> BorderToken:
    """Verify form, ``typ``, algorithm, signature by one of the issuer's ``keys``, and the kind of every claim.

    Raises `Refusal`: malformed or bad_signature. Audience, direction, status and whether it is valid at ``now`` are
    *not* checked here: they are later steps of the gate.
    """
    parts = token if isinstance(token, UnverifiedToken) else parse_unverified(token)
    if isinstance(parts.parts, cose.Sign1):
        parts.parts.verify(cose.find_key(keys, parts.parts.kid).raw)
        return border_cbor.read_claims(parts.labels)
    # The latest time there is, and no regard to expiry: the times are the gate's to judge, in their own step.
    verified = jws.verify(parts.parts, BORDER_TOKEN, keys, now=strict_json.MAX_INTEGER, ignore_expiry=True)
    return border_json.read_claims(verified.claims)


def open_sealed(token: BorderToken, *, keys: Sequence[PrivateKey]) -> Sealed:
    """Open what is sealed for the checkpoint with one of its sealing ``keys``; raises `Refusal` (face_unsealable)."""
    try:
        if isinstance(token.sealed, bytes):
            return border_cbor.read_sealed(sealing.open_cose(token.sealed, keys=keys, external_aad=_place(token)))
        return border_json.read_sealed(sealing.open_jwe(token.sealed, keys=keys, apu=_place(token)))
    except Refusal as error:
        raise Refusal(Reason.FACE_UNSEALABLE, error.detail) from error


def _place(claims: Claims) -> bytes:
    """What the sealed part is bound to, so that it cannot be moved into another token."""
    return cose.dumps([claims.iss, claims.aud, claims.jti])
