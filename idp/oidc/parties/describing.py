"""A client in an officer's words: whether it may ask, by what it is trusted, with which keys, for what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from idp.federation import resolution
from idp.federation.columns import shown
from idp.oidc import client_metadata, registered_metadata
from idp.oidc.models import Client
from idp.protocol import jwk_set, keys
from idp.protocol.refusals import Refusal, Unavailable

NONE = "—"


@dataclass(frozen=True)
class State:
    """``mark`` is a sign that says the same as ``text`` without colour."""

    mark: str
    text: str


@dataclass(frozen=True)
class Key:
    """A public key of the client's, by its own name and by its thumbprint (RFC 7638)."""

    kid: str
    kind: str
    use: str
    thumbprint: str


def profiles() -> dict[str, tuple[str, str]]:
    """By profile, in the order of the pages: its name and what it means."""
    return {
        Client.Profile.BORDER.value: (
            _("Border (FAPI 2.0)"),
            _("Pushes its requests, shows PKCE, proves its keys. Its tokens are good with its key alone (DPoP)."),
        ),
        Client.Profile.FEDERATION.value: (
            _("Federation"),
            _("Trusted by a chain of signed statements. Signs its requests."),
        ),
        Client.Profile.BASIC.value: (
            _("Basic (OpenID Connect)"),
            _("As most programs speak it: a secret or a key, requests through the browser."),
        ),
    }


def state(client: Client, *, now: int) -> State:
    """Whether it may ask for tokens."""
    if client.disabled:
        return State("✕", _("stopped by an officer"))
    if client.expires_at is not None and client.expires_at <= now:
        return State("△", _("its registration has ended"))
    return State("●", _("may ask"))


def key_source(client: Client) -> str:
    """Where its keys are, or that it has a secret."""
    if "jwks" in client.metadata:
        return _("in its registration")
    for name in client_metadata.KEY_SOURCES[1:]:
        if name in client.metadata:
            at = shown(client.jwks_asked_at or None)
            return _("at %(address)s, last asked for: %(at)s") % {"address": client.metadata[name], "at": at}
    return _("a secret; only its hash is kept") if client.secret_hash else _("none")


def keys_of(client: Client) -> list[Key]:
    """Those that stand in its registration, or that were last found at its address."""
    held = client.metadata.get("jwks") or client.fetched_jwks or {}
    members = held.get("keys", []) if isinstance(held, dict) else []
    return [_key(one) for one in members if isinstance(one, dict)]


def trust(client: Client, *, now: int) -> list[str]:
    """By what it is trusted, in sentences, the way of its chain with it."""
    if client.registration == Client.Registration.ADMIN:
        return [_("An officer registered it. It is good until an officer stops it.")]
    if client.registration == Client.Registration.DYNAMIC:
        return [_("It registered itself. Nobody vouches for what it says of itself.")]
    until = shown(client.expires_at)
    if client.registration == Client.Registration.TRIAL:
        return [_("An officer tries the login with it, until %s.") % until]
    if client.registration == Client.Registration.EXPLICIT:
        text = _("It registered itself by a trust chain, until %s.") % until
        return [text, _("Chain: %s") % " → ".join(client.chain_path)]
    text = _("By a trust chain that is looked at with each request; the one at hand is good until %s.") % until
    return [text, _chain(client, now=now)]


def permitted(client: Client) -> list[tuple[str, Sequence[str]]]:
    """What it may ask for and where answers go: a label and values each, those without a value left out."""
    data = client.metadata
    found = [
        (_("Scopes"), str(data.get("scope", "")).split() or [_("every scope that there is")]),
        (_("Rich authorization"), client.listed("authorization_details_types")),
        (_("Verified claims"), client.listed("verified_claims")),
        (_("Grants"), client.listed("grant_types", ["authorization_code"])),
        (_("Redirect URIs"), client.listed("redirect_uris")),
        (_("Redirect URIs after a logout"), client.listed("post_logout_redirect_uris")),
        (_("Address to tell of logouts"), _one(data, "backchannel_logout_uri")),
        (_("Resources"), client.resources),
        (_("Method"), [client_metadata.authentication_method(data, client.profile)]),
        (_("ID tokens are signed with"), [client_metadata.id_token_algorithm(client)]),
        (_("Sector of its subjects"), [client.sector]),
    ]
    return [(label, values) for label, values in found if values]


def has_secret(client: Client) -> bool:
    """Whether another secret can be made for it."""
    return "token_endpoint_auth_method" in client.metadata and registered_metadata.needs_secret(client.metadata)


def _chain(client: Client, *, now: int) -> str:
    try:
        found = resolution.cached(client.client_id, now=now)
    except (Refusal, Unavailable) as error:
        return _("The chain at hand is good no more: %s") % error
    return _("Chain: %s") % " → ".join(found.path) if found is not None else _("No chain is at hand.")


def _one(data: Mapping[str, Any], name: str) -> list[str]:
    value = data.get(name)
    return [value] if isinstance(value, str) else []


def _key(jwk: dict[str, Any]) -> Key:
    kind = " ".join(str(jwk[name]) for name in ("kty", "crv", "alg") if name in jwk)
    use = _("to encrypt to it") if jwk_set.encrypts(jwk) else _("its signatures")
    try:
        digest = keys.thumbprint(jwk)
    except Refusal:
        digest = NONE
    return Key(str(jwk.get("kid", NONE)), kind, use, digest)
