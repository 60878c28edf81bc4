"""The JSON endpoints that the passkey script calls on officers' pages. Protected by the CSRF token of the page."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache

from idp import admin as site
from idp import clock, conf
from idp.accounts import ceremonies, invitations, navigation, officer_logins, officer_passkeys
from idp.accounts.endpoints import body_credential, body_text, endpoint
from idp.accounts.models import Account

INDEX = "/admin/"
OWN = "/admin/passkeys/"


@site.entrance("login/passkey/options", name="passkey_login_options")
@endpoint
def login_options(request: HttpRequest, body: Mapping[str, Any]) -> JsonResponse:
    """``{}`` → request options."""
    return JsonResponse(officer_logins.begin(request=request, now=clock.now()))


@site.entrance("login/passkey", name="passkey_login")
@endpoint
def login(request: HttpRequest, body: Mapping[str, Any]) -> JsonResponse:
    """``{credential, next}`` → ``{next}``: an officer is logged in."""
    officer_logins.by_passkey(request=request, credential=body_credential(body), now=clock.now())
    return JsonResponse({"next": navigation.of_this_origin(body.get("next")) or INDEX})


@site.entrance("enrol/<str:secret>/options", name="enrol_options")
@never_cache
def enrol_options(request: HttpRequest, secret: str) -> HttpResponse:
    """``{}`` → creation options for the officer whom the link invites."""

    def begun(request: HttpRequest, body: Mapping[str, Any]) -> JsonResponse:
        account = invitations.find(secret=secret, now=clock.now()).account
        return JsonResponse(_creation(request, account, "enrol"))

    return endpoint(begun)(request)


@site.entrance("enrol/<str:secret>/complete", name="enrol_complete")
@never_cache
def enrol_complete(request: HttpRequest, secret: str) -> HttpResponse:
    """``{credential}`` → 201 ``{next}``: the passkey is the officer's, who is logged in with it."""

    def completed(request: HttpRequest, body: Mapping[str, Any]) -> JsonResponse:
        now = clock.now()
        credential = _created(request, body, "enrol")
        passkey = invitations.accept(secret=secret, credential=credential, name=body_text(body, "name"), now=now)
        officer_logins.open_session(request=request, passkey=passkey, now=now)
        return JsonResponse({"next": INDEX}, status=201)

    return endpoint(completed)(request)


@site.page("passkeys/options", name="passkey_options", title="", section="officers", permission="", listed=False)
@endpoint
def add_options(request: HttpRequest, body: Mapping[str, Any]) -> JsonResponse:
    """``{}`` → creation options for one more passkey of the officer."""
    officer_passkeys.require_recent(logged_in_at=site.logged_in_at(request), now=clock.now())
    return JsonResponse(_creation(request, _officer(request), "officer-add"))


@site.page("passkeys/complete", name="passkey_complete", title="", section="officers", permission="", listed=False)
@endpoint
def add(request: HttpRequest, body: Mapping[str, Any]) -> JsonResponse:
    """``{credential, name}`` → 201 ``{next}``: the passkey is added."""
    officer_passkeys.require_recent(logged_in_at=site.logged_in_at(request), now=clock.now())
    credential = _created(request, body, "officer-add")
    officer_passkeys.add(account=_officer(request), credential=credential, name=body_text(body, "name"))
    return JsonResponse({"next": OWN}, status=201)


def _officer(request: HttpRequest) -> Account:
    account: Account = Account.objects.get(pk=request.user.pk)
    return account


def _creation(request: HttpRequest, account: Account, purpose: str) -> dict[str, Any]:
    return ceremonies.begin_creation(
        session=request.session,
        party=ceremonies.Party.of(conf.authority()),
        purpose=purpose,
        user_handle=bytes(account.user_handle),
        user_name=account.username,
        display_name=account.display_name,
        exclude=[bytes(item.credential_id) for item in account.passkeys.all()],
        notes={},
        now=clock.now(),
    )


def _created(request: HttpRequest, body: Mapping[str, Any], purpose: str) -> ceremonies.NewCredential:
    return ceremonies.complete_creation(
        session=request.session,
        party=ceremonies.Party.of(conf.authority()),
        purpose=purpose,
        credential=body_credential(body),
        now=clock.now(),
    )
