"""Request objects encrypted to the provider (RFC 9101 §6.1): a signed one inside a JWE, ECDH-ES with A256GCM.

Everything else that JWE offers is refused before any work: other algorithms, wrapped keys, passwords with their
iteration counts, compression (RFC 8725 §3.2, §3.6).
"""

from collections.abc import Sequence
from typing import Any

from cryptography.exceptions import InvalidTag

from idp.protocol import sealing
from idp.protocol.keys import PrivateKey, PublicKey
from idp.protocol.refusals import Reason, Refusal

ALGORITHM, ENCRYPTION = "ECDH-ES", "A256GCM"
MAX_BYTES = 65_536  # of the JWE; a request object with two trust chains has some 40,000
MAX_KEYS = 8  # active, next and the last ones
_NESTED = ("jwt", "oauth-authz-req+jwt")  # RFC 7519 §5.2, RFC 9101 §10.8
_MEMBERS = frozenset({"alg", "enc", "epk", "kid", "typ", "cty", "apu", "apv"})


def is_encrypted(text: str) -> bool:
    """Whether ``text`` has the five parts of a JWE (RFC 7516 §9)."""
    return text.count(".") == 4


def open_request(text: str, *, keys: Sequence[PrivateKey]) -> str:
    """The request object inside, *not* verified. Raises `Refusal` (malformed) for anything that does not open.

    Without ``kid`` each of our ``keys`` is tried.
    """
    envelope = sealing.read_jwe(text, members=_MEMBERS, max_bytes=MAX_BYTES)
    if str(envelope.header.get("cty", "JWT")).lower().removeprefix("application/") not in _NESTED:
        raise Refusal(Reason.MALFORMED, "cty is not that of a nested JWT")
    kid = envelope.header.get("kid")
    for key in keys[:MAX_KEYS]:
        if kid is None or key.kid == kid:
            try:
                return envelope.opened_by(key).decode("ascii")
            except (InvalidTag, ValueError):
                continue
    raise Refusal(Reason.MALFORMED, "a JWE that none of our keys opens")


def seal_request(text: str, *, recipient: PublicKey) -> str:
    """Encrypt the signed request object ``text`` to the provider's key."""
    return sealing.seal_jwe(text.encode("ascii"), recipient=recipient)


def public_jwk(key: PublicKey) -> dict[str, Any]:
    """The JWK of an encryption key as the provider's key set has it (RFC 7517 §4.2, §4.4)."""
    return {**key.jwk(), "use": "enc", "alg": ALGORITHM}
