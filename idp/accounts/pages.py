"""The pages of an account: register, log in, and what it holds."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from idp import clock
from idp.accounts import devices, guardians, logins, navigation, notices, passkeys, registration, sessions
from idp.accounts.forms import TAKEN, LoginForm, RegisterForm
from idp.accounts.models import ContactDetails, Device, Guardianship
from idp.accounts.sessions import ACR_MULTIFACTOR, ACR_PASSWORD, AMR_PASSWORD, Authenticated

View = Callable[..., HttpResponse]


def logged_in(view: View) -> View:
    """Only for somebody with a session of `sessions.begin`, who is handed to the view after the request."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        authenticated = sessions.authentication(request)
        if authenticated is None or authenticated.traveller is None:
            return to_login(request.get_full_path() if request.method == "GET" else navigation.HOME)
        return view(request, authenticated, *args, **kwargs)

    return guarded


def to_login(target: str, *, acr: str = "") -> HttpResponse:
    """To the login page, and from there back to ``target``."""
    return redirect(f"/account/login?{urlencode({'next': target, **({'acr': acr} if acr else {})})}")


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The front page of a node."""
    return render(request, "accounts/home.html", {"authenticated": sessions.authentication(request)})


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """Register with a passkey (by the page's script) or, as here, with a password."""
    target = navigation.safe_next(request.POST.get("next") or request.GET.get("next"))
    form = RegisterForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            traveller = registration.with_password(
                username=values["username"], display_name=values["display_name"], password=values["password"]
            )
        except registration.UnableToRegister:
            form.add_error("username", TAKEN)
        else:
            sessions.begin(
                request=request, account=traveller.account, acr=ACR_PASSWORD, amr=AMR_PASSWORD, now=clock.now()
            )
            return onward(request, target)
    status = 422 if form.is_bound else 200
    return render(request, "accounts/register.html", {"form": form, "next": target}, status=status)


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """Log in. Somebody who is logged in already confirms who they are, with what ``acr`` asks for."""
    target = navigation.safe_next(request.POST.get("next") or request.GET.get("next"))
    current = sessions.authentication(request)
    if request.method == "GET" and current is not None and "next" not in request.GET:
        return redirect(navigation.HOME)
    expected = current.account.username if current else request.GET.get("login_hint", "")[:64]
    form = LoginForm(request.POST or None, initial={"username": expected})
    status, problem = 200, ""
    if request.method == "POST":
        status, problem = 422, "invalid_proof"
        if form.is_valid():
            try:
                logins.by_password(request=request, now=clock.now(), **form.cleaned_data)
                return onward(request, target)
            except logins.UnableToLogIn as error:
                status, problem = (429 if error.code == "rate_limited" else 422), error.code
    wanted = request.POST.get("acr") or request.GET.get("acr")
    context = {
        "form": form,
        "next": target,
        "current": current,
        "elsewhere": navigation.of_this_origin(request.GET.get("elsewhere")),
        "problem": problem,
        "acr": ACR_MULTIFACTOR if wanted == ACR_MULTIFACTOR else "",
        "without_passkey": current is not None and not current.account.passkeys.exists(),
    }
    return render(request, "accounts/login.html", context, status=status)


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """End the session."""
    sessions.end(request=request)
    return redirect(navigation.safe_next(request.POST.get("next") or "/"))


@never_cache
@require_GET
@logged_in
def account(request: HttpRequest, authenticated: Authenticated) -> HttpResponse:
    """Documents, passkeys and devices of the traveller."""
    traveller = authenticated.traveller
    context = {
        "authenticated": authenticated,
        "strong": authenticated.acr == ACR_MULTIFACTOR,
        "documents": traveller.documents.prefetch_related("endorsements").order_by("type", "pk"),
        "children": guardians.children(guardian=traveller, now=clock.now()).order_by("traveller", "type", "pk"),
        "contact": ContactDetails.objects.filter(traveller=traveller).first(),
        "passkeys": authenticated.account.passkeys.order_by("pk"),
        "devices": traveller.devices.order_by("-pk"),
        "notices": notices.of(traveller=traveller, now=clock.now()),
    }
    return render(request, "accounts/account.html", context)


@require_POST
@logged_in
def remove_passkey(request: HttpRequest, authenticated: Authenticated, passkey_id: int) -> HttpResponse:
    """Remove one passkey."""
    try:
        passkeys.remove(authenticated=authenticated, passkey_id=passkey_id, now=clock.now())
    except passkeys.UnableToChange as error:
        if error.code == "insufficient_user_authentication":
            return to_login(navigation.HOME, acr=ACR_MULTIFACTOR)
        if error.code == "conflict":
            messages.error(request, _("This passkey is your only way to log in, so it was kept."))
    else:
        messages.success(request, _("The passkey was removed."))
    return redirect(navigation.HOME)


@require_POST
@logged_in
def revoke_device(request: HttpRequest, authenticated: Authenticated, device_id: int) -> HttpResponse:
    """Revoke one phone of the traveller."""
    device = get_object_or_404(Device, pk=device_id, traveller=authenticated.traveller)
    devices.revoke(device=device, actor=f"account:{authenticated.account.pk}")
    messages.success(request, _("The device was revoked."))
    return redirect(navigation.HOME)


@require_POST
@logged_in
def leave_child(request: HttpRequest, authenticated: Authenticated, ward_id: str) -> HttpResponse:
    """The guardian answers for a child no more: the consent is taken back."""
    guardian = authenticated.traveller
    row = get_object_or_404(Guardianship, guardian=guardian, ward=ward_id, ended_at=None)
    guardians.end(guardianship=row, actor=f"traveller:{guardian.pk}", now=clock.now())
    messages.success(request, _("Your phone carries no border tokens for this child any more."))
    return redirect(navigation.HOME)


def onward(request: HttpRequest, target: str) -> HttpResponse:
    """After a form: to ``target``, by a page that moves on where the way may lead to another site.

    The form-action of the content security policy holds for every redirect that follows a form.
    """
    if target.startswith(navigation.HOME):
        return redirect(target)
    return render(request, "accounts/onward.html", {"next": target})
