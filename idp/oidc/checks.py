"""Which checks an OAuth request must pass: one small function each, and one table that says where and for whom.

The order of `CHECKS` is the order in which they run. What does not depend on the client is done before: the form
(`idp.oidc.form`), the client's authentication, the request object's and the DPoP proof's signatures. What Authlib
checks too (registered redirect URI, response type, scope, grant type) is repeated by it in `idp.oidc.server`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from idp.oidc import authorization_details, claims, client_scopes, parameters, resources, responses
from idp.oidc.errors import OAuthError
from idp.oidc.levels import LEVELS
from idp.oidc.models import Client, Grant, PushedRequest
from idp.protocol import authorization_details as rich
from idp.protocol import pkce
from idp.protocol.refusals import Refusal

PAR, AUTHORIZE, TOKEN = "par", "authorize", "token"
INTROSPECT, REVOKE = "introspect", "revoke"
CLIENT_TOKEN = "client-token"  # noqa: S105  the token endpoint, for a client that asks for itself
# A request by value at the authorization endpoint: what fails before client and redirect URI are known to be sound is
# shown on a page, the rest is answered to the redirect URI (RFC 6749 §4.1.2.1).
VALUE_PAGE, VALUE_REDIRECT = "value-page", "value-redirect"
BORDER = frozenset({Client.Profile.BORDER.value})
FEDERATION = frozenset({Client.Profile.FEDERATION.value, Client.Profile.BORDER.value})
ALL = frozenset(Client.Profile.values)
PROMPTS = frozenset({"none", "login", "consent", "select_account"})


@dataclass(frozen=True)
class Situation:
    """What a check may look at. ``parameters`` are typed at PAR and authorize, the form's at token."""

    client: Client
    now: int
    parameters: Mapping[str, Any] = field(default_factory=dict)
    proof_jkt: str | None = None  # of the DPoP proof of this request
    instance: str = ""  # the attested key of the sender
    signed: bool = False  # the parameters came in a request object
    pushed: PushedRequest | None = None
    grant: Grant | None = None


def client_is_enabled(it: Situation) -> None:
    """An officer may stop a client at once, whatever its trust chain says."""
    if it.client.disabled:
        raise OAuthError("unauthorized_client", "disabled")


def request_is_signed_when_promised(it: Situation) -> None:
    """RFC 9101 §10.5: a client that registered so takes no unsigned request."""
    if it.client.metadata.get("require_signed_request_object") is True and not it.signed:
        raise OAuthError("invalid_request", "an unsigned request from a client that signs them")


def response_type_is_code(it: Situation) -> None:
    """No token and no id token comes through a browser (RFC 9700 §2.1.2)."""
    if it.parameters.get("response_type") != "code":
        known = it.parameters.get("response_type") is not None
        raise OAuthError("unsupported_response_type" if known else "invalid_request", "response_type is not code")


def response_mode_is_known(it: Situation) -> None:
    """OAuth 2.0 Multiple Response Type Encoding Practices §2.1, JARM §2.3; never a fragment for a code."""
    if it.parameters.get("response_mode", responses.DEFAULT) not in responses.MODES:
        raise OAuthError("invalid_request", "response_mode is none of ours")


def request_is_signed(it: Situation) -> None:
    """OpenID Federation 1.0 §12.1.1: the request object is how the relying party proves that it holds its keys."""
    if not it.signed:
        raise OAuthError("invalid_request", "no request object from a client of a trust chain")


def redirect_uri_is_registered(it: Situation) -> None:
    """RFC 9700 §4.1.3: compared as strings, nothing normalised; never defaulted."""
    if it.parameters.get("redirect_uri") not in it.client.listed("redirect_uris"):
        raise OAuthError("invalid_request", "redirect_uri is missing or not registered")


def request_may_come_by_value(it: Situation) -> None:
    """FAPI 2.0 Security Profile §5.3.2.2, RFC 9126 §6: not from a wallet, nor from who promised to push."""
    if it.client.profile == Client.Profile.BORDER:
        raise OAuthError("invalid_request", "a request that was not pushed")
    if it.client.metadata.get("require_pushed_authorization_requests") is True:
        raise OAuthError("invalid_request", "the client registered that it pushes")


def challenge_is_never_plain(it: Situation) -> None:
    """RFC 9700 §2.1.1: whoever sends a challenge means S256."""
    if "code_challenge" in it.parameters or "code_challenge_method" in it.parameters:
        challenge_is_s256(it)


def challenge_is_s256(it: Situation) -> None:
    """FAPI 2.0 Security Profile §5.3.2.2: PKCE always, and never plain."""
    try:
        pkce.check_challenge(it.parameters.get("code_challenge"), it.parameters.get("code_challenge_method"))
    except Refusal as error:
        raise OAuthError("invalid_request", error.detail) from error


def something_is_asked_for(it: Situation) -> None:
    """A grant of nothing would only be a tracking device."""
    if not it.parameters.get("scope") and not it.parameters.get("authorization_details"):
        raise OAuthError("invalid_scope", "neither scope nor authorization_details")


def prompt_is_known(it: Situation) -> None:
    """OpenID Connect Core §3.1.2.1: none stands alone."""
    prompts = set(it.parameters.get("prompt", "").split())
    if not prompts <= PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise OAuthError("invalid_request", "prompt")


def level_is_known(it: Situation) -> None:
    """RFC 9470 §5: say at once when no level asked for can be given."""
    wanted = it.parameters.get("acr_values", "").split()
    if wanted and not set(wanted) & set(LEVELS):
        raise OAuthError("unmet_authentication_requirements", "no acr of ours in acr_values")


def essential_level_is_known(it: Situation) -> None:
    """OpenID Connect Core §5.5.1.1; in the profile ``basic`` those of acr_values are voluntary (§3.1.2.1)."""
    wanted = claims.essential_levels(it.parameters.get("claims", {}))
    if wanted and not set(wanted) & set(LEVELS):
        raise OAuthError("unmet_authentication_requirements", "no acr of ours is essential")


def keys_agree(it: Situation) -> None:
    """RFC 9449 §10.1: dpop_jkt and the proof at PAR name one key."""
    named = it.parameters.get("dpop_jkt")
    if named is not None and len(named) != 43:
        raise OAuthError("invalid_request", "dpop_jkt is not a thumbprint")
    if named is not None and it.proof_jkt is not None and named != it.proof_jkt:
        raise OAuthError("invalid_dpop_proof", "dpop_jkt is not the proof's key")


def resources_are_known(it: Situation) -> None:
    """RFC 8707 §2: this node, and what its clients answer for."""
    resources.check_known(it.parameters.get("resource", []))


def details_need_the_border_profile(it: Situation) -> None:
    """No border token without the border profile's proofs."""
    if it.parameters.get("authorization_details") and it.client.profile != Client.Profile.BORDER:
        raise OAuthError("invalid_authorization_details", "a client of another profile")


def details_are_registered(it: Situation) -> None:
    """RFC 9396 §10: a client asks for the types that its metadata names."""
    kinds = {detail["type"] for detail in it.parameters.get("authorization_details", [])}
    if not kinds <= set(it.client.listed("authorization_details_types")):
        raise OAuthError("invalid_authorization_details", "a type that the client has not registered")


def details_are_acceptable(it: Situation) -> None:
    """RFC 9396 §5: the owner of each type looks at it."""
    authorization_details.check(it.parameters.get("authorization_details", []), client=it.client, now=it.now)


def request_is_the_clients(it: Situation) -> None:
    """RFC 9126 §2.2: a request_uri is bound to the client that pushed it."""
    if it.pushed is None or it.parameters.get("client_id") != it.client.client_id:
        raise OAuthError("invalid_request_uri", "pushed by another client")


def request_is_alive(it: Situation) -> None:
    """RFC 9126 §7.3: used once, at the end of the authorization, and not for long."""
    if it.pushed is None or it.pushed.completed_at is not None or it.pushed.expires_at <= it.now:
        raise OAuthError("invalid_request_uri", "completed or expired")


def proof_is_present(it: Situation) -> None:
    """FAPI 2.0 Security Profile §5.3.2.1: only tokens that are bound to a key."""
    if it.proof_jkt is None:
        raise OAuthError("invalid_request", "no DPoP proof")


def proof_is_present_when_promised(it: Situation) -> None:
    """RFC 9449 §5.2: a client that registered so takes no unbound token."""
    if it.client.metadata.get("dpop_bound_access_tokens") is True and it.proof_jkt is None:
        raise OAuthError("invalid_request", "no DPoP proof from a client that always sends one")


def grant_is_alive(it: Situation) -> None:
    """Nothing comes from a grant that was revoked."""
    if it.grant is None or it.grant.revoked_at is not None:
        raise OAuthError("invalid_grant", "revoked")


def key_is_the_grants(it: Situation) -> None:
    """RFC 9449 §10: the key that the code was bound to; later the device's."""
    if it.grant is None or (it.grant.jkt and it.grant.jkt != it.proof_jkt):
        raise OAuthError("invalid_grant", "bound to another key")


def instance_is_the_grants(it: Situation) -> None:
    """Attestation-based client authentication §9.3, §9.4: code and refresh token are the instance's alone."""
    if it.grant is None or (it.grant.instance and it.grant.instance != it.instance):
        raise OAuthError("invalid_grant", "of another instance of the client")


def resource_is_consented(it: Situation) -> None:
    """RFC 8707 §2.2: a token is for one resource, of those that the traveller was asked about."""
    consented = [] if it.grant is None else it.grant.resources
    resources.consented_audience(parameters.resources(it.parameters), consented)


def details_are_granted(it: Situation) -> None:
    """RFC 9396 §6: a token request may narrow, never widen."""
    if it.grant is None or "authorization_details" not in it.parameters:
        return
    try:
        rich.narrow(parameters.details(it.parameters["authorization_details"]), it.grant.authorization_details)
    except Refusal as error:
        raise OAuthError("invalid_authorization_details", error.detail) from error


def token_is_there(it: Situation) -> None:
    """RFC 7662 §2.1, RFC 7009 §2.1."""
    if "token" not in it.parameters:
        raise OAuthError("invalid_request", "no token")


def scope_is_registered(it: Situation) -> None:
    """RFC 6749 §4.4.2: of what a client asks for itself, something has to be among what it registered."""
    if it.parameters.get("scope") and not client_scopes.granted(it.client, it.parameters["scope"]):
        raise OAuthError("invalid_scope", "nothing that the client registered")


def audience_is_known(it: Situation) -> None:
    """RFC 8707 §2: one resource, and one that somebody answers for."""
    resources.check_known([resources.audience(parameters.resources(it.parameters))])


class Check(NamedTuple):
    """One row of the table."""

    run: Callable[[Situation], None]
    endpoint: str
    profiles: frozenset[str]


CHECKS: Sequence[Check] = (
    Check(client_is_enabled, PAR, ALL),
    Check(request_is_signed_when_promised, PAR, ALL),
    Check(redirect_uri_is_registered, PAR, ALL),
    Check(response_type_is_code, PAR, ALL),
    Check(response_mode_is_known, PAR, ALL),
    Check(challenge_is_s256, PAR, BORDER),
    Check(challenge_is_never_plain, PAR, ALL),
    Check(something_is_asked_for, PAR, ALL),
    Check(prompt_is_known, PAR, ALL),
    Check(level_is_known, PAR, FEDERATION),
    Check(essential_level_is_known, PAR, ALL),
    Check(keys_agree, PAR, ALL),
    Check(resources_are_known, PAR, ALL),
    Check(details_need_the_border_profile, PAR, ALL),
    Check(details_are_registered, PAR, ALL),
    Check(details_are_acceptable, PAR, ALL),
    Check(client_is_enabled, VALUE_PAGE, ALL),
    Check(request_may_come_by_value, VALUE_PAGE, ALL),
    Check(redirect_uri_is_registered, VALUE_PAGE, ALL),
    Check(request_is_signed, VALUE_PAGE, FEDERATION),
    Check(request_is_signed_when_promised, VALUE_REDIRECT, ALL),
    Check(response_type_is_code, VALUE_REDIRECT, ALL),
    Check(response_mode_is_known, VALUE_REDIRECT, ALL),
    Check(challenge_is_never_plain, VALUE_REDIRECT, ALL),
    Check(something_is_asked_for, VALUE_REDIRECT, ALL),
    Check(prompt_is_known, VALUE_REDIRECT, ALL),
    Check(level_is_known, VALUE_REDIRECT, FEDERATION),
    Check(essential_level_is_known, VALUE_REDIRECT, ALL),
    Check(keys_agree, VALUE_REDIRECT, ALL),
    Check(resources_are_known, VALUE_REDIRECT, ALL),
    Check(details_need_the_border_profile, VALUE_REDIRECT, ALL),
    Check(client_is_enabled, AUTHORIZE, ALL),
    Check(request_is_the_clients, AUTHORIZE, ALL),
    Check(request_is_alive, AUTHORIZE, ALL),
    Check(client_is_enabled, TOKEN, ALL),
    Check(proof_is_present, TOKEN, BORDER),
    Check(proof_is_present_when_promised, TOKEN, ALL),
    Check(grant_is_alive, TOKEN, ALL),
    Check(key_is_the_grants, TOKEN, ALL),
    Check(instance_is_the_grants, TOKEN, ALL),
    Check(resource_is_consented, TOKEN, ALL),
    Check(details_are_granted, TOKEN, ALL),
    Check(client_is_enabled, CLIENT_TOKEN, ALL),
    Check(proof_is_present, CLIENT_TOKEN, BORDER),
    Check(proof_is_present_when_promised, CLIENT_TOKEN, ALL),
    Check(scope_is_registered, CLIENT_TOKEN, ALL),
    Check(audience_is_known, CLIENT_TOKEN, ALL),
    Check(client_is_enabled, INTROSPECT, ALL),
    Check(token_is_there, INTROSPECT, ALL),
    Check(client_is_enabled, REVOKE, ALL),
    Check(token_is_there, REVOKE, ALL),
)


def run(endpoint: str, situation: Situation) -> None:
    """Run the checks of ``endpoint`` for the client's profile, in order; raises the first `OAuthError`."""
    for check in _at(endpoint, situation.client.profile):
        check.run(situation)


@lru_cache(maxsize=64)
def _at(endpoint: str, profile: str) -> tuple[Check, ...]:
    return tuple(check for check in CHECKS if check.endpoint == endpoint and profile in check.profiles)
