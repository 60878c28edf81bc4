"""How a border token is shown at a lane: with a proof that the holder's key is there, now, for this checkpoint.

Two modes (docs/protocol.md, Presentation). *Time*: the proof says when it was made and is good for seconds.
*Challenge*: it answers the lane's nonce, which the lane spends whatever comes of it; the phone's clock does not matter
then. Neither needs a network. A token as CWT is shown with its proof in one QR code, a token as JWT over a local link.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

from idp.protocol import base45, cose, jws, keys, strict_json
from idp.protocol.border_claims import BorderToken, Form
from idp.protocol.jws import Signer
from idp.protocol.keys import KeySet, PrivateKey
from idp.protocol.refusals import Reason, Refusal

MAX_AGE = 30  # seconds; the wallet renews its code every 10 s and a traveller needs some to reach the reader
MAX_AHEAD = 10  # seconds that a phone's clock may be ahead
MIN_NONCE, MAX_NONCE = 16, 64  # bytes
MAX_CHALLENGE_LIFE = 30  # seconds
QR_PREFIX = "BT1:"
MAX_LINK_BYTES = 20_480  # a JWT of at most 16,384 characters, its proof and the names around them

PROOF = jws.TokenType(
    "border-proof+jwt",
    algorithms=("ES256",),
    required=("aud", "iat", "ath"),
    headers=frozenset({"jwk"}),
    max_bytes=2048,
)
PROOF_CWT_TYP = "application/border-proof+cwt"
CHALLENGE = jws.TokenType(
    "border-challenge+jwt", algorithms=("ES256",), required=("aud", "lane", "nonce", "exp"), max_bytes=2048
)

_IAT, _NONCE = 6, 10  # CWT claims (RFC 8392 §3.1.6, RFC 9711 §4.1) in the protected header (RFC 9597)


@dataclass(frozen=True)
class Presentation:
    """What a lane was shown: taken apart, and nothing of it verified."""

    token: bytes | str
    proof: bytes | str
    form: Form


@dataclass(frozen=True)
class Challenge:
    """What a lane asks a wallet to answer: a nonce of 16 bytes or more, good until ``exp``."""

    aud: str
    lane: str
    nonce: bytes
    exp: int


def prove(token: bytes | str, *, aud: str, nonce: bytes | None, now: int, holder: Signer | PrivateKey) -> bytes | str:
    """Prove possession of ``holder``, the key that ``token`` names, to ``aud`` alone.

    For a JWT the proof is a JWT, for a CWT a COSE_Sign1. ``nonce`` None is time mode. The token is taken as it is.
    """
    if isinstance(token, str):
        claims = {"aud": aud, "iat": now, "ath": strict_json.b64encode(_digest(token))}
        if nonce is not None:
            claims["nonce"] = strict_json.b64encode(nonce)
        return jws.sign(PROOF, claims, holder, {"jwk": _bare_jwk(holder)})
    claims_header = {_IAT: now} if nonce is None else {_IAT: now, _NONCE: nonce}
    return cose.Sign1.sign(
        _proof_payload(aud, nonce, now, token),
        typ=PROOF_CWT_TYP,
        signer=holder,
        header={cose.CWT_CLAIMS: claims_header},
        detached=True,
    )


def prove_time(token: bytes | str, *, aud: str, now: int, holder: Signer | PrivateKey) -> bytes | str:
    """`prove` in time mode."""
    return prove(token, aud=aud, nonce=None, now=now, holder=holder)


def verify_proof(
    proof: bytes | str,
    *,
    token: BorderToken,
    token_bytes: bytes | str,
    aud: str,
    nonce_expected: bytes | None,
    now: int,
) -> None:
    """Verify that ``proof`` was made with the key of ``token`` for ``token_bytes`` as presented, for ``aud``, in time.

    ``nonce_expected`` None is time mode: ``now`` - 30 s <= iat <= ``now`` + 10 s and no nonce. Otherwise the nonce must
    be that one, and iat is not judged. Raises `Refusal`: malformed, or key_binding_failed for everything else.
    """
    try:
        iat, nonce = _verify_possession(proof, token, token_bytes, aud)
    except Refusal as error:
        if error.reason is Reason.MALFORMED:
            raise
        raise Refusal(Reason.KEY_BINDING_FAILED, error.detail) from error
    _check_freshness(iat, nonce, nonce_expected, now)


def sign_challenge(challenge: Challenge, *, lane_key: Signer | PrivateKey) -> str:
    """The challenge as shown by the lane; the caller makes its nonce and spends it at the first answer."""
    _check_challenge(challenge)
    claims = {
        "aud": challenge.aud,
        "lane": challenge.lane,
        "nonce": strict_json.b64encode(challenge.nonce),
        "exp": challenge.exp,
    }
    return jws.sign(CHALLENGE, claims, lane_key)


def verify_challenge(text: str, *, keys: KeySet, aud: str, now: int) -> Challenge:
    """Verify a challenge of a lane whose ``keys`` are known; ``aud`` is the checkpoint that the token is for.

    Raises `Refusal`: malformed, bad_signature, expired, not_yet_valid (it would live over 30 s) or wrong_audience.
    """
    verified = jws.verify(text, CHALLENGE, keys, now=now)
    return _read_challenge(verified.claims, aud, now)


def read_challenge_unverified(text: str, *, aud: str, now: int) -> Challenge:
    """Like `verify_challenge` for a wallet that has no keys of lanes; who signed is *not* looked at.

    An impostor can collect an answer so, which is good only at the true checkpoint and only to a nonce that its lane
    has shown and not yet spent; a signature would not hinder one who repeats the lane's own challenge.
    """
    parsed = jws.parse_unverified(text, CHALLENGE)
    jws.check_claims(parsed.claims, CHALLENGE, now=now)
    return _read_challenge(parsed.claims, aud, now)


def encode_qr(token: bytes, proof: bytes) -> str:
    """The text of the QR code, in the alphanumeric alphabet: ``BT1:`` and Base45 of CBOR ``[token, proof]``."""
    return QR_PREFIX + base45.encode(cose.dumps([token, proof]))


def encode_link(token: str, proof: str) -> bytes:
    """The JSON body for a lane's local link."""
    return strict_json.dumps({"token": token, "proof": proof})


def parse_presentation(raw: bytes | str) -> Presentation:
    """Take apart what a reader saw: text of a QR code, or JSON of a local link. Raises `Refusal` (malformed)."""
    if len(raw) > MAX_LINK_BYTES:
        raise Refusal(Reason.MALFORMED, "a presentation that is too long")
    try:
        text = raw.decode("ascii") if isinstance(raw, bytes) else raw
    except UnicodeDecodeError as error:
        raise Refusal(Reason.MALFORMED, "a presentation that is not text") from error
    return _parse_qr(text) if text.startswith(QR_PREFIX) else _parse_link(text)


def _parse_qr(text: str) -> Presentation:
    parts = cose.loads(base45.decode(text[len(QR_PREFIX) :]))
    if type(parts) is not list or [type(part) for part in parts] != [bytes, bytes]:
        raise Refusal(Reason.MALFORMED, "not a token and a proof")
    return Presentation(parts[0], parts[1], "cwt")


def _parse_link(text: str) -> Presentation:
    members = strict_json.loads_object(text, max_bytes=MAX_LINK_BYTES)
    if members.keys() != {"token", "proof"}:
        raise Refusal(Reason.MALFORMED, "not a token and a proof")
    token, proof = (strict_json.string(members, name, max_length=16_384) for name in ("token", "proof"))
    return Presentation(token, proof, "jwt")


def _verify_possession(
    proof: bytes | str, token: BorderToken, token_bytes: bytes | str, aud: str
) -> tuple[int, bytes | None]:
    """``iat`` and nonce of a proof that was made with the token's key, for this token and ``aud``."""
    if isinstance(proof, str) and isinstance(token_bytes, str):
        return _verify_jwt_proof(proof, token, token_bytes, aud)
    if isinstance(proof, bytes) and isinstance(token_bytes, bytes):
        return _verify_cwt_proof(proof, token, token_bytes, aud)
    raise Refusal(Reason.MALFORMED, "a proof of another form than its token")


def _verify_jwt_proof(proof: str, token: BorderToken, token_text: str, aud: str) -> tuple[int, bytes | None]:
    parsed = jws.parse_unverified(proof, PROOF)
    key = keys.parse_public(parsed.header.get("jwk"), require_kid=False)
    if not hmac.compare_digest(key.thumbprint, token.holder.jkt):
        raise Refusal(Reason.KEY_BINDING_FAILED, "a proof by another key than the token's")
    # The latest time there is: freshness is judged below, and in challenge mode not by the phone's clock.
    claims = jws.verify_with(parsed, PROOF, key, now=strict_json.MAX_INTEGER, ignore_expiry=True).claims
    jws.sole_audience(claims, aud)
    digest = strict_json.b64decode(strict_json.string(claims, "ath", max_length=43))
    if not hmac.compare_digest(digest, _digest(token_text)):
        raise Refusal(Reason.KEY_BINDING_FAILED, "a proof for another token")
    nonce = strict_json.b64decode(strict_json.string(claims, "nonce", max_length=88)) if "nonce" in claims else None
    return strict_json.integer(claims, "iat"), nonce


def _verify_cwt_proof(proof: bytes, token: BorderToken, token_bytes: bytes, aud: str) -> tuple[int, bytes | None]:
    if token.holder.point is None:
        raise Refusal(Reason.KEY_BINDING_FAILED, "a token that does not carry its holder's key")
    message = cose.Sign1.parse(proof, typ=PROOF_CWT_TYP, max_bytes=1024)
    claims = message.header.get(cose.CWT_CLAIMS)
    if type(claims) is not dict or not claims.keys() <= {_IAT, _NONCE}:
        raise Refusal(Reason.MALFORMED, "a proof without iat, or with claims that are not ours")
    iat = cose.integer(claims, _IAT)
    nonce = cose.octets(claims, _NONCE, max_length=MAX_NONCE) if _NONCE in claims else None
    message.verify(token.holder.point, payload=_proof_payload(aud, nonce, iat, token_bytes))
    return iat, nonce


def _check_freshness(iat: int, nonce: bytes | None, expected: bytes | None, now: int) -> None:
    if expected is not None:
        if nonce is None or not hmac.compare_digest(nonce, expected):
            raise Refusal(Reason.KEY_BINDING_FAILED, "a proof that does not answer this challenge")
    elif nonce is not None:  # an answer to some lane's challenge, carried here
        raise Refusal(Reason.KEY_BINDING_FAILED, "an answer to a challenge where none was shown")
    elif not now - MAX_AGE <= iat <= now + MAX_AHEAD:
        raise Refusal(Reason.KEY_BINDING_FAILED, "a proof that was not made just now")


def _read_challenge(claims: dict[str, Any], aud: str, now: int) -> Challenge:
    jws.sole_audience(claims, aud)
    nonce = strict_json.b64decode(strict_json.string(claims, "nonce", max_length=88))
    lane = strict_json.string(claims, "lane", max_length=64)
    challenge = Challenge(aud, lane, nonce, strict_json.integer(claims, "exp"))
    _check_challenge(challenge)
    if challenge.exp > now + MAX_CHALLENGE_LIFE + jws.LEEWAY:
        raise Refusal(Reason.NOT_YET_VALID, "a challenge that would live too long")
    return challenge


def _check_challenge(challenge: Challenge) -> None:
    if not MIN_NONCE <= len(challenge.nonce) <= MAX_NONCE:
        raise Refusal(Reason.MALFORMED, f"a nonce that is not {MIN_NONCE} to {MAX_NONCE} bytes")


def _proof_payload(aud: str, nonce: bytes | None, iat: int, token: bytes) -> bytes:
    return cose.dumps(["border-proof", aud, nonce, iat, _digest(token)])


def _digest(token: bytes | str) -> bytes:
    return hashlib.sha256(token.encode() if isinstance(token, str) else token).digest()


def _bare_jwk(holder: Signer | PrivateKey) -> dict[str, Any]:
    return {name: value for name, value in holder.public.jwk().items() if name in ("kty", "crv", "x", "y")}
