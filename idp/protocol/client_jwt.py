"""What client assertions and request objects have in common: a client's JWT for this server, read before its keys.

Both name the client, may carry trust chains in the header (OpenID Federation 1.0 §12.1.1) and are used once. Their
reading has two stages: *announced*, not verified, to find whose keys to ask for; then verified by those keys.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from idp.protocol import jws, strict_json
from idp.protocol.jws import TokenType
from idp.protocol.keys import KeySet
from idp.protocol.refusals import Reason, Refusal

MAX_LIFETIME = 3600  # seconds; a jti is remembered so long, so a client may not ask for years
MAX_ID = 512  # characters of an identifier
HEADERS = frozenset({"trust_chain", "peer_trust_chain"})
MAX_CHAIN = 10  # statements, as in idp.protocol.trust_chain


@dataclass(frozen=True)
class Announced:
    """What such a document says about itself, *not* verified: for finding the client's keys only."""

    client_id: str
    trust_chain: tuple[str, ...] | None
    peer_trust_chain: tuple[str, ...] | None
    parsed: jws.Parsed

    @property
    def kid(self) -> str | None:
        """The key that it names; None where the header has no such string."""
        kid = self.parsed.header.get("kid")
        return kid if isinstance(kid, str) else None


@dataclass(frozen=True)
class UsedOnce:
    """A verified document; the caller spends ``jti`` once and keeps it until ``forget_at``."""

    client_id: str
    jti: str
    exp: int

    @property
    def replay_key(self) -> str:
        return f"{self.client_id} {self.jti}"

    @property
    def forget_at(self) -> int:
        return self.exp + 2 * jws.LEEWAY


def read(
    text: str,
    token_type: TokenType,
    *,
    client: str,
    issuer: str,
    now: int,
    also: Collection[str] = (),
    among_others: bool = False,
) -> Announced:
    """Take a document for the server ``issuer`` apart; ``client`` is the claim that names its sender.

    ``iss`` must be the sender, ``aud`` the server alone, as a string. With ``also``, URLs of the server that old
    clients write there, it may be any of these or an array of nothing else; with ``among_others`` an array that has the
    server. Raises `Refusal`.
    """
    parsed = jws.parse_unverified(text, token_type)
    jws.check_claims(parsed.claims, token_type, now=now)
    if parsed.claims["iss"] != parsed.claims[client]:
        raise Refusal(Reason.UNTRUSTED_ISSUER, f"iss and {client} differ")
    audience = parsed.claims["aud"]
    listed = among_others and isinstance(audience, list) and issuer in audience
    if not listed and not _is_named(audience, {issuer, *also} if also else set()):
        jws.sole_audience(parsed.claims, issuer)
    return Announced(
        strict_json.string(parsed.claims, client, max_length=MAX_ID),
        header_chain(parsed.header, "trust_chain"),
        header_chain(parsed.header, "peer_trust_chain"),
        parsed,
    )


def verified_claims(
    announced: Announced,
    token_type: TokenType,
    *,
    client_id: str,
    keys: KeySet,
    now: int,
    algorithms: tuple[str, ...],
) -> dict[str, Any]:
    """The claims, once the signature verifies with one of the client's ``keys`` and ``algorithms`` has its algorithm.

    ``keys`` are those for this protocol, never its federation keys. Raises `Refusal`.
    """
    if announced.client_id != client_id:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "the document is another client's")
    algorithm = announced.parsed.header["alg"]
    if ("EdDSA" if algorithm == "Ed25519" else algorithm) not in algorithms:  # RFC 9864's name for RFC 8037's
        raise Refusal(Reason.BAD_SIGNATURE, "an algorithm that this client's profile does not allow")
    return jws.verify(announced.parsed, token_type, keys, now=now).claims


def _is_named(audience: object, names: Collection[str]) -> bool:
    values = audience if isinstance(audience, list) else [audience]
    return bool(values) and all(isinstance(value, str) and value in names for value in values)


def header_chain(header: dict[str, object], name: str) -> tuple[str, ...] | None:
    """A trust chain in a header (OpenID Federation 1.0 §4.3): its statements, or None; raises `Refusal` (malformed)."""
    if name not in header:
        return None
    chain = header[name]
    if not isinstance(chain, list) or not 1 <= len(chain) <= MAX_CHAIN or not all(isinstance(s, str) for s in chain):
        raise Refusal(Reason.MALFORMED, f"{name} is not a list of statements")
    return tuple(chain)
