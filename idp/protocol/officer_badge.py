"""An officer's badge for one checkpoint and one shift (docs/protocol.md, Officers at the lane).

``typ officer-badge+jwt``, signed by a bundle key of the node: ``iss`` the node, ``aud`` the checkpoint, ``sub`` the
officer's id, ``jti``, ``iat``, ``exp`` at most 12 hours later. A lane that is cut off verifies it with the bundle keys
that it has. It is a bearer's until it was handed over, once, into a session at a lane; a bundle names those that were
taken back.
"""

import re
from dataclasses import dataclass

from idp.protocol import jws
from idp.protocol.jws import Signer
from idp.protocol.keys import KeySet, PrivateKey
from idp.protocol.refusals import Reason, Refusal

MAX_LIFE = 12 * 3600  # seconds: a shift
MAX_REVOKED = 1_000  # in a bundle: those of the last twelve hours

OFFICER_BADGE = jws.TokenType("officer-badge+jwt", required=("iss", "aud", "sub", "iat", "exp", "jti"), max_bytes=2_048)
_OFFICER = re.compile(r"[!-~]{1,63}\Z")  # as a journal names it
_JTI = re.compile(r"[A-Za-z0-9_-]{16,64}\Z")


@dataclass(frozen=True)
class Badge:
    """A verified badge. Times are seconds since 1970."""

    officer: str
    jti: str
    expires_at: int


def sign_badge(
    *, node: str, checkpoint: str, officer: str, jti: str, now: int, lifetime: int, signer: Signer | PrivateKey
) -> str:
    """The badge's text; ``signer`` is a bundle key. Raises RuntimeError for what no lane would take."""
    if not 0 < lifetime <= MAX_LIFE or not _OFFICER.match(officer) or not _JTI.match(jti):
        raise RuntimeError("a badge that no lane would take")
    claims = {"iss": node, "aud": checkpoint, "sub": officer, "iat": now, "exp": now + lifetime, "jti": jti}
    return jws.sign(OFFICER_BADGE, claims, signer)


def verify_badge(text: str, *, keys: KeySet, node: str, checkpoint: str, revoked: frozenset[str], now: int) -> Badge:
    """Verify a badge of ``node`` for ``checkpoint`` by its bundle ``keys``.

    Raises `Refusal`: malformed (also a life over 12 h), bad_signature, expired, not_yet_valid, untrusted_issuer,
    wrong_audience, revoked.
    """
    claims = jws.verify(text, OFFICER_BADGE, keys, now=now).claims
    if claims["iss"] != node:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "a badge of another authority")
    jws.sole_audience(claims, checkpoint)
    if not 0 < claims["exp"] - claims["iat"] <= MAX_LIFE:
        raise Refusal(Reason.MALFORMED, "a badge that lives too long")
    officer, jti = claims["sub"], claims["jti"]
    if not isinstance(officer, str) or not _OFFICER.match(officer) or not isinstance(jti, str) or not _JTI.match(jti):
        raise Refusal(Reason.MALFORMED, "a badge of nobody")
    if jti in revoked:
        raise Refusal(Reason.REVOKED, "the badge was taken back")
    return Badge(officer, jti, claims["exp"])


def parse_revoked(value: object) -> frozenset[str]:
    """The badges that a bundle names as taken back; none where it is silent. Raises `Refusal` (malformed)."""
    if value is None:
        return frozenset()
    if not isinstance(value, list) or len(value) > MAX_REVOKED or not all(isinstance(item, str) for item in value):
        raise Refusal(Reason.MALFORMED, f"badges taken back are a list of at most {MAX_REVOKED} texts")
    return frozenset(value)
