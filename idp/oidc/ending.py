"""Logout that a client asks for (OpenID Connect RP-Initiated Logout 1.0): what is asked, and whether it is sure."""

from collections.abc import Mapping
from dataclasses import dataclass

from idp.accounts.sessions import Authenticated
from idp.oidc import parameters, responses, subjects, tokens
from idp.oidc.errors import OAuthError
from idp.oidc.models import MAX_CLIENT_ID, Client
from idp.oidc.tokens import Hinted

MAX_URI = 2048
_LIMITS: Mapping[str, int] = {
    "id_token_hint": parameters.MAX_HINT,
    "client_id": MAX_CLIENT_ID,
    "post_logout_redirect_uri": MAX_URI,
    "state": parameters.MAX_STATE,
    "ui_locales": 128,
}  # logout_hint is not looked at: a browser has one session here


@dataclass(frozen=True)
class LogoutRequest:
    """A checked request: by which client, with which id token of ours, and where the browser goes afterwards."""

    parameters: Mapping[str, str]  # as they came, for the form that asks
    client: Client | None
    hint: Hinted | None
    location: str | None  # with state; None: the browser stays here

    def is_sure(self, who: Authenticated) -> bool:
        """Whether the hint is of this very session: then nobody else can have asked, and nobody need be asked (§2).

        Without such a hint any page could log travellers out by a link.
        """
        if self.hint is None or self.client is None or who.traveller is None or not who.sid:
            return False
        sector = self.client.sector
        expected = (
            subjects.pairwise(sector=sector, traveller_id=who.traveller.pk),
            subjects.session(sector=sector, sid=who.sid),
        )
        return (self.hint.sub, self.hint.sid) == expected


def read(sent: Mapping[str, list[str]]) -> LogoutRequest:
    """Check a request's parameters; raises `OAuthError` (invalid_request) where the traveller must be told.

    The browser goes to a URI only which is registered, character by character, by a client that the hint or client_id
    names (§3).
    """
    values = {name: _single(sent[name], name) for name in _LIMITS if sent.get(name, [""]) != [""]}
    hint = tokens.hinted(values["id_token_hint"]) if "id_token_hint" in values else None
    if hint is not None and values.get("client_id", hint.audience) != hint.audience:
        raise OAuthError("invalid_request", "client_id is not that of id_token_hint")
    client_id = hint.audience if hint is not None else values.get("client_id")
    client = _client(client_id) if client_id is not None else None
    return LogoutRequest(values, client, hint, _location(client, values))


def _client(client_id: str) -> Client:
    client = Client.objects.filter(client_id=client_id, disabled=False).first() if client_id.isprintable() else None
    if client is None:
        raise OAuthError("invalid_request", "no such client, or disabled")
    return client


def _location(client: Client | None, values: Mapping[str, str]) -> str | None:
    uri = values.get("post_logout_redirect_uri")
    if uri is None:
        return None
    if client is None:
        raise OAuthError("invalid_request", "a post_logout_redirect_uri, but neither id_token_hint nor client_id")
    if uri not in client.listed("post_logout_redirect_uris"):
        raise OAuthError("invalid_request", "post_logout_redirect_uri is not registered")
    return responses.with_query(uri, {"state": values["state"]}) if "state" in values else uri


def _single(values: list[str], name: str) -> str:
    if len(values) != 1 or len(values[0]) > _LIMITS[name] or "\x00" in values[0]:
        raise OAuthError("invalid_request", f"not exactly one {name}, or too long")
    return values[0]
