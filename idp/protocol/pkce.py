"""PKCE (RFC 7636) with S256 only: ``plain`` protects nobody (RFC 9700 §2.1.1)."""

import hashlib
import hmac
import re

from idp.protocol import strict_json
from idp.protocol.refusals import Reason, Refusal

METHOD = "S256"

_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}\Z")  # RFC 7636 §4.1
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")  # SHA-256 in base64url


def challenge_of(verifier: str) -> str:
    """The S256 challenge of ``verifier`` (RFC 7636 §4.2); raises `Refusal` (malformed) for a bad verifier."""
    if not _VERIFIER.match(verifier):
        raise Refusal(Reason.MALFORMED, "code_verifier is not 43 to 128 unreserved characters")
    return strict_json.b64encode(hashlib.sha256(verifier.encode("ascii")).digest())


def check_challenge(challenge: object, method: object) -> str:
    """The challenge of an authorization request; raises `Refusal` (malformed) unless present, well-formed and S256."""
    if not isinstance(challenge, str) or not _CHALLENGE.match(challenge):
        raise Refusal(Reason.MALFORMED, "code_challenge is missing or not 43 base64url characters")
    if method != METHOD:  # absent means plain (RFC 7636 §4.3)
        raise Refusal(Reason.MALFORMED, "code_challenge_method is not S256")
    return challenge


def verify(verifier: object, challenge: str) -> None:
    """Compare a token request's verifier with the challenge (RFC 7636 §4.6).

    Raises `Refusal`: malformed when the verifier is missing or ill-formed, key_binding_failed when it is another.
    """
    if not isinstance(verifier, str):
        raise Refusal(Reason.MALFORMED, "code_verifier is missing")
    if not hmac.compare_digest(challenge_of(verifier), challenge):
        raise Refusal(Reason.KEY_BINDING_FAILED, "code_verifier does not fit the challenge")
