"""Who sends a machine's request: by one method, the one that the client registered and that its profile allows."""

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import unquote_plus

from django.http import HttpRequest

from idp import conf
from idp.oidc import attestation, client_keys, client_metadata, client_rows, registration, replay
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client
from idp.protocol import client_assertion, jws
from idp.protocol.refusals import Refusal

Spend = Callable[[str, str, int], None]  # kind, key, expiry: as `replay.spend`
PRIVATE_KEY_JWT, SECRET_BASIC, SECRET_POST = (
    client_metadata.PRIVATE_KEY_JWT,
    "client_secret_basic",
    "client_secret_post",
)
ALGORITHMS: Mapping[str, tuple[str, ...]] = {  # of what a client signs, by profile
    Client.Profile.BORDER.value: jws.MODERN,
    Client.Profile.FEDERATION.value: jws.WITH_RS256,
    Client.Profile.BASIC.value: jws.WITH_RS256,
}
# Where a client of the profile ``basic`` may address its assertion beside the issuer (OpenID Connect Core §9).
TOKEN_PATH = "/oidc/token"  # noqa: S105  a path


class Sender(NamedTuple):
    """Who sent a request: a client, and the key (its thumbprint) of the one instance that it has vouched for, if so."""

    client: Client
    instance: str = ""


def is_tried(request: HttpRequest, form: Mapping[str, str]) -> bool:
    """Whether the request has anything of client authentication, good or bad."""
    return any(method.is_used(request, form) for method in _METHODS)


def authenticate(request: HttpRequest, form: Mapping[str, str], *, now: int, spend: Spend = replay.spend) -> Client:
    """The client of the `sender`, for who does not care which of its instances it is."""
    return sender(request, form, now=now, spend=spend).client


def sender(
    request: HttpRequest,
    form: Mapping[str, str],
    *,
    now: int,
    spend: Spend = replay.spend,
    held: client_rows.Held | None = None,
) -> Sender:
    """Who sent ``request``, whose form is ``form``; what may be used once is spent, by ``spend``.

    ``held`` is for a request that looks at its end whether the client's row still stands.
    Raises `OAuthError`: invalid_client, one of those of `attestation.authenticate`, or one of the trust errors of
    `registration.find`; `Unavailable`.
    """
    used = [method for method in _METHODS if method.is_used(request, form)]
    if len(used) != 1:  # RFC 6749 §2.3
        raise OAuthError("invalid_client", "not exactly one method of authentication")
    found = used[0].run(request, form, _Means(now, spend, held))
    client = found.client
    if client_metadata.authentication_method(client.metadata, client.profile) not in used[0].names:
        raise OAuthError("invalid_client", "not by the method that the client registered")
    return found


def _by_assertion(request: HttpRequest, form: Mapping[str, str], means: "_Means") -> Sender:
    """RFC 7523 §2.2."""
    now, spend, held = means
    if form.get("client_assertion_type") != client_assertion.ASSERTION_TYPE:
        raise OAuthError("invalid_client", "another kind of assertion")
    text, issuer = form.get("client_assertion", ""), conf.authority().entity_id
    also = {conf.authority().url(path) for path in (TOKEN_PATH, request.path)}
    try:
        announced = client_assertion.announce(text, issuer=issuer, now=now, also=also)
        if form.get("client_id", announced.client_id) != announced.client_id:  # RFC 7521 §4.2
            raise OAuthError("invalid_client", "client_id is not the assertion's")
        if announced.parsed.claims["aud"] != issuer and not _may_name_urls(announced.client_id):
            raise OAuthError("invalid_client", "aud is not the issuer alone, as a string")
        client = registration.find(
            announced.client_id, now=now, chain=announced.trust_chain, peer_chain=announced.peer_trust_chain, held=held
        )
        assertion = client_assertion.verify(
            announced,
            client_id=client.client_id,
            keys=client_keys.for_document(client, kid=announced.kid, now=now),
            now=now,
            algorithms=ALGORITHMS[client.profile],
        )
        spend(replay.ASSERTION, assertion.replay_key, assertion.forget_at)
    except Refusal as error:
        raise OAuthError("invalid_client", str(error)) from error
    return Sender(client)


def _may_name_urls(client_id: str) -> bool:
    """Asked before anything is fetched for the client."""
    return client_id.isprintable() and Client.objects.filter(client_id=client_id, profile=Client.Profile.BASIC).exists()


def _by_basic(request: HttpRequest, form: Mapping[str, str], means: "_Means") -> Sender:
    """RFC 6749 §2.3.1: identifier and secret are form-encoded before they are joined."""
    challenge = {"WWW-Authenticate": 'Basic realm="token"'}  # RFC 6749 §5.2
    try:
        text = base64.b64decode(request.headers["Authorization"][6:].strip(), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise OAuthError("invalid_client", "credentials that cannot be read", headers=challenge) from error
    client_id, _, secret = text.partition(":")
    client_id, secret = unquote_plus(client_id), unquote_plus(secret)
    if form.get("client_id", client_id) != client_id:
        raise OAuthError("invalid_client", "client_id is not that of the header", headers=challenge)
    try:
        return _by_secret(client_id, secret)
    except OAuthError as error:
        raise OAuthError(error.error, error.detail, headers=challenge) from error


def _by_post(request: HttpRequest, form: Mapping[str, str], means: "_Means") -> Sender:
    return _by_secret(form.get("client_id", ""), form["client_secret"])


def _by_secret(client_id: str, secret: str) -> Sender:
    """A secret is 32 random bytes of ours, so that its hash needs no salt and guessing it no throttle."""
    known = Client.objects.filter(client_id=client_id).first() if client_id.isprintable() else None
    expected = known.secret_hash if known is not None else ""
    if not hmac.compare_digest(replay.digest(secret), expected) or known is None:  # no digest is empty
        raise OAuthError("invalid_client", "unknown client or wrong secret")
    return Sender(known)


def _by_attestation(request: HttpRequest, form: Mapping[str, str], means: "_Means") -> Sender:
    return Sender(*attestation.authenticate(request, form, now=means.now, spend=means.spend))


class _Means(NamedTuple):
    """What a method may need beside the request."""

    now: int
    spend: Spend
    held: client_rows.Held | None


class _Method:
    """One way to authenticate: the names under which clients register it, how to see it, and how to do it."""

    def __init__(
        self,
        names: tuple[str, ...],
        is_used: Callable[[HttpRequest, Mapping[str, str]], bool],
        run: Callable[[HttpRequest, Mapping[str, str], _Means], Sender],
    ) -> None:
        self.names, self.is_used, self.run = names, is_used, run


def _has_basic(request: HttpRequest, form: Mapping[str, str]) -> bool:
    return str(request.META.get("HTTP_AUTHORIZATION", "")).lower().startswith("basic ")


def _has_assertion(request: HttpRequest, form: Mapping[str, str]) -> bool:
    return "client_assertion" in form or "client_assertion_type" in form


_METHODS = (
    _Method((PRIVATE_KEY_JWT,), _has_assertion, _by_assertion),
    _Method((SECRET_BASIC,), _has_basic, _by_basic),
    _Method((SECRET_POST,), lambda request, form: "client_secret" in form, _by_post),
    _Method((client_metadata.ATTESTED,), attestation.has_pop, _by_attestation),
    _Method((client_metadata.ATTESTED_DPOP,), attestation.has_only_attestation, _by_attestation),
)
