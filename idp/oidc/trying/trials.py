"""The client with which an officer tries the login: registered for an hour at most, with a key made in the browser.

It is a client like others: every check of its profile holds. No secret of it is here. What a traveller gave it ends
with it, and its row stays (disabled, without its key) where there was something, so that the audit stays explained.
"""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from idp import conf
from idp.audit import events
from idp.oidc import client_metadata, grants, registered_metadata, verified
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client, Consent, Grant
from idp.protocol import keys
from idp.protocol.refusals import Refusal

LIFETIME = 3600  # seconds, at most: `oidc_client_trial_is_short`
CALLBACK = "/oidc/try-it/returned"
ALGORITHM = "ES256"  # of the key; every browser makes such
PROFILES = tuple(Client.Profile.values)
COPIED = (  # of the client like which it is: what it may ask and how it is answered, none of its keys and addresses
    *("scope", verified.MEMBER, "id_token_signed_response_alg", "userinfo_signed_response_alg"),
    *("require_signed_request_object", "default_max_age", "default_acr_values"),
)


class UnableToTry(Exception):
    """There can be no such client, or it is not this officer's. The message is for the officer."""


@transaction.atomic
def begin(*, profile: str, like: Client | None, jwk: object, officer: str, now: int) -> Client:
    """Register the public key ``jwk`` as a client of ``profile``, or of the profile of the client ``like``.

    ``officer`` is an account ("account:7"), whose earlier trials end. A wallet's rich authorization is not copied: its
    DPoP keys are phones. Raises `UnableToTry`.
    """
    profile = profile if like is None else like.profile
    if profile not in PROFILES:
        raise UnableToTry("no such profile")
    for row in _open(officer):
        end(client=row, actor=officer, now=now)
    key = _key(jwk)
    try:
        metadata = registered_metadata.accept(_metadata(key, like), profile=profile, by_officer=True)
    except OAuthError as error:
        raise UnableToTry(error.detail) from error
    client_id = f"{_prefix(officer)}{secrets.token_urlsafe(12)}"
    made = Client.objects.create(
        client_id=client_id,
        profile=profile,
        registration=Client.Registration.TRIAL,
        metadata=metadata,
        sector=client_id,  # so that nobody is known to it by the number of another client
        expires_at=now + LIFETIME,
        created_at=now,
    )
    data = {"profile": profile, "thumbprint": key.thumbprint, "expires_at": made.expires_at}
    events.record(
        kind="oidc.trial_begun",
        actor=officer,
        subject=client_id,
        data={**data, "like": like.client_id[:255] if like is not None else None},
    )
    return made


@transaction.atomic
def end(*, client: Client, actor: str, now: int) -> None:
    """End it with all that it was given. One that has ended stays as it is."""
    row = _standing().select_for_update().filter(pk=client.pk).first()
    if row is None:
        return
    given = Grant.objects.filter(client=row)
    for grant in given.filter(revoked_at=None):
        grants.revoke(grant=grant, actor=actor, reason="trial_over", now=now)
    Consent.objects.filter(client=row).delete()
    if given.exists():
        row.disabled, row.metadata = True, {"client_name": row.metadata.get("client_name", "")}
        row.save(update_fields=["disabled", "metadata"])
    else:
        row.delete()
    events.record(kind="oidc.trial_ended", actor=actor, subject=row.client_id)


def own(client_id: str, *, officer: str) -> Client:
    """The standing trial of ``officer``. Raises `UnableToTry`."""
    row = _open(officer).filter(client_id=client_id).first()
    if row is None:
        raise UnableToTry("no trial of yours, or one that has ended")
    return row


def sweep(*, now: int) -> int:
    """End those whose hour is over; how many."""
    late = list(_standing().filter(expires_at__lte=now))
    for row in late:
        end(client=row, actor="node", now=now)
    return len(late)


def _standing() -> Any:
    return Client.objects.filter(registration=Client.Registration.TRIAL, disabled=False)


def _open(officer: str) -> Any:
    return _standing().filter(client_id__startswith=_prefix(officer))


def _prefix(officer: str) -> str:
    return f"try-it.{officer.removeprefix('account:')}."


def _key(jwk: object) -> keys.PublicKey:
    if not isinstance(jwk, Mapping):
        raise UnableToTry("no key")
    try:
        key = keys.parse_public({**jwk, "alg": ALGORITHM})
    except Refusal as error:
        raise UnableToTry(error.detail) from error
    if key.jwk().get("crv") != "P-256":
        raise UnableToTry("the key is not of P-256")
    return key


def _metadata(key: keys.PublicKey, like: Client | None) -> dict[str, Any]:
    copied = {name: like.metadata[name] for name in COPIED if name in like.metadata} if like is not None else {}
    algorithm = client_metadata.id_token_algorithm(like) if like is not None else ALGORITHM
    return {
        **dict(_names(like)),
        "id_token_signed_response_alg": algorithm,
        **copied,
        "redirect_uris": [conf.authority().url(CALLBACK)],
        "grant_types": ["authorization_code"],
        "token_endpoint_auth_method": client_metadata.PRIVATE_KEY_JWT,
        "jwks": {"keys": [{**key.jwk(), "use": "sig"}]},
    }


def _names(like: Client | None) -> Iterator[tuple[str, str]]:
    """What the traveller reads on the consent page, in each language."""
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            name = _("A trial by an officer")
            if like is not None:
                name = _("A trial by an officer, like %s") % client_metadata.name(like, language)
        tag = {"zh-hans": "zh-Hans", "zh-hant": "zh-Hant"}.get(language, language)
        yield ("client_name" if language == "en" else f"client_name#{tag}"), name[:80]
