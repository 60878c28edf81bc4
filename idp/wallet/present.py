"""Showing a border token: a QR code that is new every ten seconds, or an answer over the lane's local link.

Nothing here needs a network. Every call makes a new proof, so a code that somebody photographed is soon worthless.
"""

import base64
import io
from dataclasses import dataclass

import segno

from idp.protocol import presentation
from idp.protocol.keys import PrivateKey
from idp.protocol.refusals import Refusal
from idp.wallet.errors import UnableTo
from idp.wallet.keys import Keyring
from idp.wallet.obtain import receiving_authority
from idp.wallet.store import StoredToken

RENEW_SECONDS = 10  # protocol.md, Presentation: a third of a proof's life
_LEVEL = "m"  # 15 % of a code may be unreadable: a scratched screen
_BORDER = 4  # modules of quiet zone (ISO/IEC 18004)


@dataclass(frozen=True)
class Code:
    """A QR code's text and its version (1 to 40: its size)."""

    text: str
    version: int
    _code: segno.QRCode

    def svg(self) -> bytes:
        """Black on white, scaling to its box."""
        return self._image("svg", xmldecl=False, svgns=True, omitsize=True, light="#fff", dark="#000")

    def png(self, *, scale: int = 6) -> bytes:
        """``scale`` pixels for each module."""
        return self._image("png", scale=scale, light="#fff", dark="#000")

    def _image(self, kind: str, **options: object) -> bytes:
        out = io.BytesIO()
        self._code.save(out, kind=kind, border=_BORDER, **options)
        return out.getvalue()


def qr(token: StoredToken, *, keyring: Keyring, now: int, challenge: str | None = None) -> Code:
    """The code for a CWT; raises `UnableTo` (qr_only_cwt, token_expired, challenge_refused).

    Without ``challenge`` its proof is good from 10 s before ``now`` to 30 s after; with one it answers that alone.
    """
    if not isinstance(token.body, bytes):
        raise UnableTo("qr_only_cwt", "a JWT does not fit")
    nonce = _nonce(token, challenge, now=now)
    proof = presentation.prove(token.body, aud=token.checkpoint, nonce=nonce, now=now, holder=_holder(token, keyring))
    text = presentation.encode_qr(token.body, bytes(proof))  # type: ignore[arg-type]  # a CWT's proof is a COSE message
    code = segno.make_qr(text, error=_LEVEL, boost_error=False)
    return Code(text, int(code.version), code)


def link(token: StoredToken, *, keyring: Keyring, now: int, challenge: str | None = None) -> dict[str, str]:
    """``{"token", "proof"}`` for a lane's local link, from a JWT; raises `UnableTo`."""
    if not isinstance(token.body, str):
        raise UnableTo("invalid_request", "a CWT is for a QR code")
    nonce = _nonce(token, challenge, now=now)
    proof = presentation.prove(token.body, aud=token.checkpoint, nonce=nonce, now=now, holder=_holder(token, keyring))
    return {"token": token.body, "proof": str(proof)}


def base64_image(code: Code, kind: str) -> str:
    """The image (``svg`` or ``png``) for a ``data:`` URL."""
    return base64.b64encode(code.png() if kind == "png" else code.svg()).decode()


def _holder(token: StoredToken, keyring: Keyring) -> PrivateKey:
    return keyring.holder(receiving_authority(token.checkpoint))


def _nonce(token: StoredToken, challenge: str | None, *, now: int) -> bytes | None:
    """What the lane asks to be signed, when it asks for this token's checkpoint; the phone has no key of the lane."""
    if now >= token.expires_at:
        raise UnableTo("token_expired", "the token has expired")
    if challenge is None:
        return None
    try:
        return presentation.read_challenge_unverified(challenge, aud=token.checkpoint, now=now).nonce
    except Refusal as error:
        raise UnableTo("challenge_refused", str(error)) from error
