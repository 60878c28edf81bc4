"""Client attestations (draft-ietf-oauth-attestation-based-client-auth-10): one phone, vouched for by its messenger.

The client's server, which is the attester, signs a *Client Attestation* for the key of one instance. The instance shows
it many times, each time with a proof by that key: a PoP JWT, or the request's DPoP proof (*combined mode*, §5.2). The
caller spends `Possession.replay_key` once, and keeps it until `Possession.forget_at`.
"""

from dataclasses import dataclass

from idp.protocol import client_jwt, dpop, jws, strict_json
from idp.protocol.client_jwt import Announced
from idp.protocol.keys import KeySet, PrivateKey, PublicKey, parse_public
from idp.protocol.refusals import Reason, Refusal

MAX_AGE = dpop.MAX_AGE  # seconds, of a proof; a phone makes both kinds at the same moment
MAX_CHALLENGE = 512  # characters
MAX_BYTES = 8192  # both travel in headers, and servers take no longer ones
ATTESTATION = jws.TokenType(
    "oauth-client-attestation+jwt",
    required=("sub", "exp", "cnf"),  # §4; what else stands there, iss among it, says nothing to us
    max_bytes=MAX_BYTES,
)
POP = jws.TokenType(
    "oauth-client-attestation-pop+jwt",
    required=("aud", "jti", "iat"),  # §5.1
    max_bytes=MAX_BYTES,
)


@dataclass(frozen=True)
class Attestation:
    """A verified attestation: ``key`` belongs to an instance of ``client_id``. Times in seconds since 1970."""

    client_id: str
    key: PublicKey
    iat: int | None
    exp: int

    @property
    def jkt(self) -> str:
        """The thumbprint of the instance's key (RFC 7638)."""
        return self.key.thumbprint

    def is_fresh(self, *, now: int, max_age: int) -> bool:
        """Whether it is at most ``max_age`` seconds old; without ``iat``, whether it ends so soon (§7.1 step 6)."""
        if self.iat is None:
            return self.exp <= now + max_age + jws.LEEWAY
        return self.iat >= now - max_age - jws.LEEWAY


@dataclass(frozen=True)
class Possession:
    """A verified proof that the sender holds the attested key ``jkt``, with the challenge that it answers, if any."""

    jkt: str
    jti: str
    iat: int
    challenge: str | None

    @property
    def replay_key(self) -> str:
        """What may be seen once: ``jti`` is unique for one key only."""
        return f"{self.jkt} {self.jti}"

    @property
    def forget_at(self) -> int:
        """When the proof would be refused for its age in any case, and a margin for workers' clocks."""
        return self.iat + MAX_AGE + 2 * jws.LEEWAY


def announce(text: str, *, now: int) -> Announced:
    """Take an attestation apart and check all that needs no key, so that junk costs no discovery. Raises `Refusal`."""
    parsed = jws.parse_unverified(text, ATTESTATION)
    jws.check_claims(parsed.claims, ATTESTATION, now=now)
    client_id = strict_json.string(parsed.claims, "sub", max_length=client_jwt.MAX_ID)
    return Announced(client_id, None, None, parsed)


def verify(
    announced: Announced,
    *,
    client_id: str,
    keys: KeySet,
    now: int,
    algorithms: tuple[str, ...] = jws.MODERN,
) -> Attestation:
    """Verify the signature by the client's keys for this protocol, never its federation keys (§7.1).

    How old it may be is the caller's to say: `Attestation.is_fresh`. Raises `Refusal`: malformed (a private key in
    ``cnf`` among the rest), bad_signature, expired, not_yet_valid or untrusted_issuer (another client's).
    """
    claims = client_jwt.verified_claims(
        announced, ATTESTATION, client_id=client_id, keys=keys, now=now, algorithms=algorithms
    )
    confirmation = claims["cnf"]
    if not isinstance(confirmation, dict):
        raise Refusal(Reason.MALFORMED, "cnf is not an object")
    key = parse_public(confirmation.get("jwk"), require_kid=False)  # step 5: public only
    return Attestation(client_id, key, claims.get("iat"), claims["exp"])


def verify_pop(text: str, *, attestation: Attestation, issuer: str, now: int) -> Possession:
    """Verify a PoP JWT for the server ``issuer`` by the attested key (§7.2); the challenge is the caller's to judge.

    Raises `Refusal`: malformed, bad_signature, expired, not_yet_valid or wrong_audience.
    """
    parsed = jws.parse_unverified(text, POP)
    claims = jws.verify_with(parsed, POP, attestation.key, now=now).claims
    jws.sole_audience(claims, issuer)  # §5.1: a single audience
    iat = strict_json.integer(claims, "iat")
    if iat < now - MAX_AGE:
        raise Refusal(Reason.EXPIRED, "the proof is too old")
    jti = strict_json.string(claims, "jti", max_length=dpop.MAX_JTI)
    challenge = strict_json.string(claims, "challenge", max_length=MAX_CHALLENGE) if "challenge" in claims else None
    return Possession(attestation.jkt, jti, iat, challenge)


def combined(proof: dpop.Proof, *, attestation: Attestation) -> Possession:
    """What a verified DPoP proof says in combined mode (§7.3). Raises `Refusal` (key_binding_failed).

    Its ``nonce`` is the challenge. The proof's own ``jti`` is spent beside this, by whoever verifies it as a proof.
    """
    if proof.jkt != attestation.jkt:
        raise Refusal(Reason.KEY_BINDING_FAILED, "the DPoP proof is by another key than the attested one")
    return Possession(proof.jkt, proof.jti, proof.iat, proof.nonce)


def attest(*, client_id: str, key: PublicKey, now: int, lifetime: int, signer: jws.Signer | PrivateKey) -> str:
    """Vouch for ``key`` as an instance of ``client_id`` for ``lifetime`` seconds (§4)."""
    jwk = key.jwk()
    del jwk["kid"]  # the thumbprint says it already
    claims = {"sub": client_id, "iat": now, "exp": now + lifetime, "cnf": {"jwk": jwk}}
    return jws.sign(ATTESTATION, claims, signer)


def prove(*, issuer: str, now: int, jti: str, key: PrivateKey, challenge: str | None = None) -> str:
    """Make a PoP JWT for the server ``issuer`` (§5.1). ``jti`` is the caller's randomness, at least 96 bits."""
    claims: dict[str, object] = {"aud": issuer, "jti": jti, "iat": now}
    if challenge is not None:
        claims["challenge"] = challenge
    return jws.sign(POP, claims, key)
