"""Client assertions: ``private_key_jwt`` as FAPI 2.0 narrows it (RFC 7523 §3, FAPI 2.0 Security Profile §5.3.2.1)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from idp.protocol import client_jwt, jws, strict_json
from idp.protocol.client_jwt import MAX_LIFETIME, Announced
from idp.protocol.keys import KeySet, PrivateKey
from idp.protocol.refusals import Reason, Refusal

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYP = "client-authentication+jwt"  # draft-ietf-oauth-rfc7523bis; older clients send JWT or nothing
LIFETIME = 60  # seconds, of those that we make
CLIENT_ASSERTION = jws.TokenType(
    None,
    algorithms=jws.WITH_RS256,  # the client's profile narrows them
    required=("iss", "sub", "aud", "exp", "jti"),
    headers=client_jwt.HEADERS,  # OpenID Federation 1.0 §12.1.1.2
)


@dataclass(frozen=True)
class ClientAssertion(client_jwt.UsedOnce):
    """A verified assertion."""


def announce(text: str, *, issuer: str, now: int, also: Collection[str] = ()) -> Announced:
    """Take an assertion apart and check all that needs no key, so that junk costs no discovery. Raises `Refusal`.

    ``iss`` and ``sub`` are the client (RFC 7523 §3, rules 1 and 2), ``aud`` the issuer as a string (FAPI 2.0 Security
    Profile §5.3.2.1(8)), and ``exp`` is not far ahead (rule 4). ``also`` are URLs of ours that a client of OpenID
    Connect Core §9 may write there instead; only for a client whose profile allows it.
    """
    announced = client_jwt.read(text, CLIENT_ASSERTION, client="sub", issuer=issuer, now=now, also=also)
    _check_typ(announced.parsed.header.get("typ"))
    if announced.parsed.claims["exp"] > now + MAX_LIFETIME + jws.LEEWAY:
        raise Refusal(Reason.POLICY_VIOLATION, "exp is too far ahead")
    return announced


def verify(
    announced: Announced,
    *,
    client_id: str,
    keys: KeySet,
    now: int,
    algorithms: tuple[str, ...] = jws.MODERN,
) -> ClientAssertion:
    """Verify the signature by the client's keys for this protocol, never its federation keys. Raises `Refusal`."""
    claims = client_jwt.verified_claims(
        announced, CLIENT_ASSERTION, client_id=client_id, keys=keys, now=now, algorithms=algorithms
    )
    return ClientAssertion(client_id, strict_json.string(claims, "jti", max_length=client_jwt.MAX_ID), claims["exp"])


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


def _check_typ(typ: object) -> None:
    """Clients write many things here; a document that says it is of another kind must not pass (RFC 8725 §3.11)."""
    kind = str(typ or "JWT").lower().removeprefix("application/")
    if kind != TYP and kind.endswith("+jwt"):
        raise Refusal(Reason.MALFORMED, "typ names another kind of document")
