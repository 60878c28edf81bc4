"""Client assertions: ``private_key_jwt`` as FAPI 2.0 narrows it (RFC 7523 §3, FAPI 2.0 Security Profile §5.3.2.1)."""

from collections.abc import Sequence
from dataclasses import dataclass

from idp.protocol import jws, strict_json
from idp.protocol.keys import KeySet, PrivateKey
from idp.protocol.refusals import Reason, Refusal

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYP = "client-authentication+jwt"  # draft-ietf-oauth-rfc7523bis; older clients send JWT or nothing
LIFETIME = 60  # seconds, of those that we make
MAX_LIFETIME = 3600  # seconds; a jti is remembered so long, so a client may not ask for years (RFC 7523 §3, rule 4)
CLIENT_ASSERTION = jws.TokenType(
    None,
    required=("iss", "sub", "aud", "exp", "jti"),
    headers=frozenset({"trust_chain", "peer_trust_chain"}),  # OpenID Federation 1.0 §12.1.1.2
)


@dataclass(frozen=True)
class Announced:
    """What an assertion says about itself, *not* verified: for finding the client's keys only."""

    client_id: str
    trust_chain: tuple[str, ...] | None
    peer_trust_chain: tuple[str, ...] | None
    parsed: jws.Parsed


@dataclass(frozen=True)
class ClientAssertion:
    """A verified assertion; the caller spends ``jti`` once and keeps it until ``forget_at``."""

    client_id: str
    jti: str
    exp: int

    @property
    def replay_key(self) -> str:
        return f"{self.client_id} {self.jti}"

    @property
    def forget_at(self) -> int:
        return self.exp + 2 * jws.LEEWAY


def announce(text: str, *, issuer: str, now: int) -> Announced:
    """Take an assertion apart and check all that needs no key, so that junk costs no discovery. Raises `Refusal`."""
    parsed = jws.parse_unverified(text, CLIENT_ASSERTION)
    _check_typ(parsed.header.get("typ"))
    jws.check_claims(parsed.claims, CLIENT_ASSERTION, now=now)
    if parsed.claims["iss"] != parsed.claims["sub"]:  # RFC 7523 §3, rules 1 and 2
        raise Refusal(Reason.UNTRUSTED_ISSUER, "iss and sub differ")
    jws.sole_audience(parsed.claims, issuer)  # FAPI 2.0 Security Profile §5.3.2.1(8)
    if parsed.claims["exp"] > now + MAX_LIFETIME + jws.LEEWAY:
        raise Refusal(Reason.POLICY_VIOLATION, "exp is too far ahead")
    return Announced(
        strict_json.string(parsed.claims, "sub", max_length=512),
        header_chain(parsed.header, "trust_chain"),
        header_chain(parsed.header, "peer_trust_chain"),
        parsed,
    )


def verify(
    announced: Announced,
    *,
    client_id: str,
    keys: KeySet,
    now: int,
    algorithms: tuple[str, ...] = jws.MODERN,
) -> ClientAssertion:
    """Verify the signature by the client's keys for this protocol, never its federation keys. Raises `Refusal`."""
    if announced.client_id != client_id:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "the assertion is another client's")
    if announced.parsed.header["alg"] not in (*algorithms, "Ed25519"):
        raise Refusal(Reason.BAD_SIGNATURE, "an algorithm that this client's profile does not allow")
    claims = jws.verify(announced.parsed, CLIENT_ASSERTION, keys, now=now).claims
    return ClientAssertion(client_id, strict_json.string(claims, "jti", max_length=512), claims["exp"])


def sign(
    *,
    client_id: str,
    issuer: str,
    now: int,
    jti: str,
    signer: jws.Signer | PrivateKey,
    trust_chain: Sequence[str] | None = None,
) -> str:
    """Make an assertion for the authorization server ``issuer``. ``jti`` is the caller's randomness."""
    claims = {"iss": client_id, "sub": client_id, "aud": issuer, "iat": now, "exp": now + LIFETIME, "jti": jti}
    headers: dict[str, object] = {"typ": TYP}
    if trust_chain is not None:
        headers["trust_chain"] = list(trust_chain)
    return jws.sign(CLIENT_ASSERTION, claims, signer, headers=headers)


def header_chain(header: dict[str, object], name: str) -> tuple[str, ...] | None:
    """A trust chain in a header (OpenID Federation 1.0 §4.3): its statements, or None; raises `Refusal` (malformed)."""
    if name not in header:
        return None
    chain = header[name]
    if not isinstance(chain, list) or not 1 <= len(chain) <= 10 or not all(isinstance(item, str) for item in chain):
        raise Refusal(Reason.MALFORMED, f"{name} is not a list of statements")
    return tuple(chain)


def _check_typ(typ: object) -> None:
    """Clients write many things here; a document that says it is of another kind must not pass (RFC 8725 §3.11)."""
    kind = str(typ or "JWT").lower().removeprefix("application/")
    if kind != TYP and kind.endswith("+jwt"):
        raise Refusal(Reason.MALFORMED, "typ names another kind of document")
