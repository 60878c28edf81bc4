"""Who is the authority that the traveller is sent to? Answered by its trust chain, before any redirect.

The anchors come with the wallet from its messenger. Recognition is not transitive, so a provider is either an anchor
itself or an immediate subordinate of one: at most three documents are fetched, and nothing has to be searched.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from idp.outbound import Outbound
from idp.protocol import strict_json
from idp.protocol.entity_statements import configuration_url, parse_entity_configuration
from idp.protocol.keys import KeySet, parse_jwks
from idp.protocol.refusals import Reason, Refusal, Unavailable
from idp.protocol.trust_chain import TrustChain, verify_chain
from idp.wallet.errors import UnableTo

MEDIA_TYPE = "application/entity-statement+jwt"
Fetch = Callable[[str], str]


@dataclass(frozen=True)
class Provider:
    """An authority found trustworthy until ``expires_at``: where to ask, and whose signatures to believe."""

    entity_id: str
    issuer: str
    names: Mapping[str, str]  # language tag in lower case -> organisation name; "en" among them
    pushed_authorization_request_endpoint: str
    authorization_endpoint: str
    token_endpoint: str
    border_token_endpoint: str
    challenge_endpoint: str | None  # for client attestations
    face_reference_endpoint: str | None  # where phones keep the face references
    border_keys: KeySet
    expires_at: int


def fetcher(outbound: Outbound) -> Fetch:
    """A function that fetches an entity statement by URL; raises `Refusal` or `Unavailable`."""

    def fetch(url: str) -> str:
        response = outbound.request("GET", url, headers={"Accept": MEDIA_TYPE})
        if response.status != 200:
            raise Unavailable(f"status {response.status} for an entity statement")
        if response.media_type != MEDIA_TYPE:
            raise Refusal(Reason.MALFORMED, "not an entity statement by its media type")
        return response.body.decode("ascii", "replace")

    return fetch


def resolve(entity_id: str, *, anchors: Mapping[str, KeySet], fetch: Fetch, now: int) -> Provider:
    """Find and verify the chain of a provider, and read from it what the wallet needs.

    Raises `UnableTo` (provider_unreachable, provider_untrusted).
    """
    try:
        statements = discover(entity_id, anchors=anchors, fetch=fetch, now=now)
        return _provider(verify_chain(statements, anchors=anchors, now=now, immediate=True, subject=entity_id))
    except Unavailable as error:
        raise UnableTo("provider_unreachable", str(error)) from error
    except Refusal as error:
        raise UnableTo("provider_untrusted", str(error)) from error


def discover(entity_id: str, *, anchors: Mapping[str, KeySet], fetch: Fetch, now: int) -> list[str]:
    """The statements from the provider up to the first of the ``anchors`` that states something about it."""
    text = fetch(configuration_url(entity_id))
    if entity_id in anchors:
        return [text]
    configuration = parse_entity_configuration(text, now=now, expect=entity_id)
    refused: Refusal | Unavailable = Refusal(Reason.UNTRUSTED_ISSUER, "no pinned anchor among the authority hints")
    for anchor in configuration.authority_hints:
        if anchor not in anchors:
            continue
        try:
            return [text, *_from_anchor(anchor, entity_id, anchors, fetch, now)]
        except (Refusal, Unavailable) as error:
            refused = error  # another anchor may still answer
    raise refused


def _from_anchor(anchor: str, subject: str, anchors: Mapping[str, KeySet], fetch: Fetch, now: int) -> tuple[str, str]:
    text = fetch(configuration_url(anchor))
    node = verify_chain([text], anchors=anchors, now=now, subject=anchor).entity("federation_entity")
    endpoint = strict_json.string(node, "federation_fetch_endpoint")
    separator = "&" if "?" in endpoint else "?"
    return fetch(f"{endpoint}{separator}sub={quote(subject, safe='')}"), text


def _provider(chain: TrustChain) -> Provider:
    server = chain.metadata.get("oauth_authorization_server") or chain.entity("openid_provider")
    issuer_of_tokens = chain.entity("border_token_issuer")
    if server.get("issuer") != chain.entity_id:  # OpenID Federation 1.0 §5.1.3, and it must be there
        raise Refusal(Reason.UNTRUSTED_ISSUER, "the provider's issuer is not its entity identifier")
    return Provider(
        entity_id=chain.entity_id,
        issuer=chain.entity_id,
        names=_names(chain.metadata.get("federation_entity", {}), chain.entity_id),
        pushed_authorization_request_endpoint=strict_json.string(server, "pushed_authorization_request_endpoint"),
        authorization_endpoint=strict_json.string(server, "authorization_endpoint"),
        token_endpoint=strict_json.string(server, "token_endpoint"),
        border_token_endpoint=strict_json.string(issuer_of_tokens, "border_token_endpoint"),
        challenge_endpoint=_optional(server, "challenge_endpoint"),
        face_reference_endpoint=_optional(issuer_of_tokens, "face_reference_endpoint"),
        border_keys=parse_jwks(issuer_of_tokens.get("jwks")),
        expires_at=chain.expires_at,
    )


def _optional(metadata: Mapping[str, Any], member: str) -> str | None:
    return strict_json.string(metadata, member) if member in metadata else None


def _names(metadata: Mapping[str, Any], entity_id: str) -> dict[str, str]:
    names = {"en": entity_id}
    for member, value in metadata.items():
        name, _, language = member.partition("#")
        if name == "organization_name" and isinstance(value, str) and 0 < len(value) <= 200:
            names[language.lower() or "en"] = value
    return names
