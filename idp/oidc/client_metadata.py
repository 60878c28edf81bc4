"""What a relying party says of itself, as far as we can work with it (OpenID Connect Registration §2, RFC 7591 §2).

Whatever a client needs and does not get is refused when it registers, and not found out by its travellers.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from idp import conf
from idp.oidc import encrypted_answers
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client
from idp.protocol import jwk_set

MAX_REDIRECT_URIS = 32
MAX_URI = 2048
KEY_SOURCES = ("jwks", "signed_jwks_uri", "jwks_uri")  # the first that is there counts
ID_TOKEN_ALGORITHMS = ("RS256", "ES256")  # the first is the default of OpenID Connect Registration §2
PRIVATE_KEY_JWT = "private_key_jwt"
ATTESTED, ATTESTED_DPOP = "attest_jwt_client_auth", "attest_jwt_client_auth_dpop"
AUTHENTICATION: Mapping[str, tuple[str, ...]] = {  # by profile; the first is the default
    Client.Profile.BORDER.value: (PRIVATE_KEY_JWT, ATTESTED, ATTESTED_DPOP),
    Client.Profile.FEDERATION.value: (PRIVATE_KEY_JWT,),
    Client.Profile.BASIC.value: ("client_secret_basic", "client_secret_post", PRIVATE_KEY_JWT),
}
_SIGNED_ANSWERS = (
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "authorization_signed_response_alg",
    "introspection_signed_response_alg",
)
_REST = r'(?P<rest>(:\d{1,5})?(/[!"$-\[\]-~]*)?)\Z'  # RFC 3986 §2: printable ASCII; no fragment, no backslash
_WEB = re.compile(rf"https://(?P<host>[a-z0-9.-]+){_REST}")
_LOOPBACK = re.compile(rf"http://(?P<host>(?:[a-z0-9.-]+\.)?localhost){_REST}")
# RFC 8252 §7.1: a reversed domain name. Some apps write an authority behind it, which has to be a plain name: it comes
# into the policy of the consent page.
_PRIVATE_USE = re.compile(r'[a-z][a-z0-9-]*(\.[a-z0-9-]+)+:/(/[A-Za-z0-9._-]*(?=[/?]|\Z)|(?!/))[!"$-?A-\[\]-~]*\Z')


def check(metadata: Mapping[str, Any], *, registration: str) -> None:
    """Whether we can work with a client that is registering in the way ``registration``.

    Raises `OAuthError` (invalid_metadata), and `Refusal` for keys that are not sound.
    """
    if "\\u0000" in json.dumps(metadata):  # PostgreSQL cannot hold it
        raise OAuthError("invalid_metadata", "a null character")
    check_keys(metadata)
    if registration not in _listed(metadata, "client_registration_types", registration):
        raise OAuthError("invalid_metadata", f"the client does not register by way of {registration}")
    if authentication_method(metadata, profile(metadata)) not in AUTHENTICATION[profile(metadata)]:
        raise OAuthError("invalid_metadata", "a token_endpoint_auth_method that the profile does not allow")
    hosts(metadata)
    if profile(metadata) == Client.Profile.FEDERATION:
        check_answers(metadata)
    else:
        encrypted_answers.check(metadata)


def profile(metadata: Mapping[str, Any], *, before: str | None = None) -> str:
    """`border` for a client that asks for rich authorization, and for whoever was it ``before``; else `federation`."""
    if before == Client.Profile.BORDER or metadata.get("authorization_details_types"):
        return Client.Profile.BORDER
    return Client.Profile.FEDERATION


def authentication_method(metadata: Mapping[str, Any], profile: str) -> str:
    """How a client of ``profile`` authenticates at the token endpoint and everywhere else (RFC 7591 §2)."""
    return str(metadata.get("token_endpoint_auth_method", AUTHENTICATION[profile][0]))


def authentication_methods() -> list[str]:
    """Every method that some profile allows, each once."""
    return sorted({method for methods in AUTHENTICATION.values() for method in methods})


def sector(client_id: str, metadata: Mapping[str, Any]) -> str:
    """The one host of the redirect URIs; the client itself when there are several or none (OpenID Core §8.1)."""
    names = hosts(metadata)
    return names.pop() if len(names) == 1 else client_id[:255]


def id_token_algorithm(client: Client) -> str:
    """What the client's id tokens are signed with; `check` has seen that it is one of ours."""
    if client.profile == Client.Profile.BORDER:
        return "ES256"  # FAPI 2.0 §5.4.1 leaves RS256 out
    return str(client.metadata.get("id_token_signed_response_alg", ID_TOKEN_ALGORITHMS[0]))


def response_algorithm(client: Client) -> str:
    """What the client's authorization responses are signed with where they are (JARM §3)."""
    if client.profile == Client.Profile.BORDER:
        return "ES256"
    registered = client.metadata.get("authorization_signed_response_alg", id_token_algorithm(client))
    return str(registered) if registered in ID_TOKEN_ALGORITHMS else id_token_algorithm(client)


def userinfo_algorithm(client: Client) -> str | None:
    """What the client's userinfo is signed with; None where it is plain JSON (OpenID Connect Core §5.3.2)."""
    registered = client.metadata.get("userinfo_signed_response_alg", "none")
    if registered == "none":
        return None
    return "ES256" if client.profile == Client.Profile.BORDER else str(registered)  # `check` saw that it is ours


def introspection_algorithm(client: Client) -> str:
    """What answers about tokens are signed with where the client wants them signed (RFC 9701 §6)."""
    if client.profile == Client.Profile.BORDER:
        return "ES256"
    registered = client.metadata.get("introspection_signed_response_alg", ID_TOKEN_ALGORITHMS[0])
    return str(registered) if registered in ID_TOKEN_ALGORITHMS else ID_TOKEN_ALGORITHMS[0]


def name(client: Client, language: str) -> str:
    """What the client calls itself in ``language`` (OpenID Connect Registration §2.1), or its identifier."""
    own = _spoken(client, "client_name", language) or _spoken(client, "organization_name", language)
    return (own or client.client_id)[:80]


def page(client: Client, member: str, language: str) -> str | None:
    """The page of the client's that ``member`` names, in ``language`` if there is one; None for what is none."""
    uri = _spoken(client, member, language)
    return uri if web(uri) is not None else None


def _spoken(client: Client, member: str, language: str) -> str | None:
    texts = {tag.lower(): text for tag, text in client.metadata.items() if isinstance(text, str) and text.strip()}
    tags = (f"{member}#{language.lower()}", f"{member}#{language.lower().split('-')[0]}", member)
    return next((texts[tag] for tag in tags if tag in texts), None)


def check_keys(metadata: Mapping[str, Any]) -> None:
    """Raises `OAuthError` (invalid_metadata) or `Refusal` when there are no keys, or none that are sound."""
    source = next((name for name in KEY_SOURCES if name in metadata), None)
    if source is None:
        raise OAuthError("invalid_metadata", "no keys in the client's metadata")
    if source == "jwks":
        jwk_set.signing_keys(metadata["jwks"])
    elif web(metadata[source]) is None:
        raise OAuthError("invalid_metadata", f"{source} is not an https URL")


def check_answers(metadata: Mapping[str, Any]) -> None:
    """A client that waits for another kind of answer would read ours wrongly, or see what it wanted hidden."""
    for name in _SIGNED_ANSWERS:
        if metadata.get(name, ID_TOKEN_ALGORITHMS[0]) not in ID_TOKEN_ALGORITHMS and not _is_unsigned(metadata, name):
            raise OAuthError("invalid_metadata", f"{name} is not one that we sign with")
    encrypted_answers.check(metadata)
    if "code" not in _listed(metadata, "response_types", "code"):
        raise OAuthError("invalid_metadata", "the client does not take codes")


def _is_unsigned(metadata: Mapping[str, Any], name: str) -> bool:
    return name == "userinfo_signed_response_alg" and metadata[name] == "none"  # the default, written out


def _listed(metadata: Mapping[str, Any], member: str, default: str) -> list[Any]:
    value = metadata.get(member, [default])
    if not isinstance(value, list):
        raise OAuthError("invalid_metadata", f"{member} is not an array")
    return value


def hosts(metadata: Mapping[str, Any]) -> set[str]:
    """The hosts of the redirect URIs; raises `OAuthError` (invalid_metadata) for one that must not be registered."""
    uris = metadata.get("redirect_uris")
    if not isinstance(uris, list) or not 1 <= len(uris) <= MAX_REDIRECT_URIS:
        raise OAuthError("invalid_metadata", f"not 1 to {MAX_REDIRECT_URIS} redirect_uris")
    found = set()
    for uri in uris:
        match = web(uri)
        if match is not None:
            found.add(match["host"])
        elif not isinstance(uri, str) or len(uri) > MAX_URI or not _PRIVATE_USE.match(uri):
            raise OAuthError("invalid_metadata", "a redirect URI that is neither https nor a reversed domain name")
    return found


def web(uri: object) -> re.Match[str] | None:
    """``uri`` taken apart when it is one of the web: https, and under the insecure flag http at localhost."""
    if not isinstance(uri, str) or len(uri) > MAX_URI:
        return None
    loopback = _LOOPBACK.match(uri) if conf.authority().insecure_loopback_http else None
    return _WEB.match(uri) or loopback
