"""Officers' pages about passkeys: one's own, and the one that an invitation opens."""

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from idp import admin as site
from idp import clock
from idp.accounts import invitations, officer_passkeys
from idp.accounts.models import Account
from idp.accounts.passkeys import UnableToChange


@site.page("passkeys/", name="own_passkeys", title=gettext_lazy("Your passkeys"), section="officers", permission="")
@require_http_methods(["GET", "POST"])
def own_passkeys(request: HttpRequest) -> HttpResponseBase:
    """The officer's passkeys; a POST renames or removes one."""
    account = Account.objects.get(pk=request.user.pk)
    if request.method == "POST":
        _change(request, account)
        return redirect("admin:own_passkeys")
    recent = officer_passkeys.is_recent(logged_in_at=site.logged_in_at(request), now=clock.now())
    context = {"passkeys": account.passkeys.order_by("pk"), "recent": recent, "account": account}
    return site.rendered(request, "officers/passkeys.html", title=_("Your passkeys"), **context)


def _change(request: HttpRequest, account: Account) -> None:
    passkey_id = int(request.POST["passkey"]) if request.POST.get("passkey", "").isdecimal() else 0
    try:
        if "remove" in request.POST:
            officer_passkeys.require_recent(logged_in_at=site.logged_in_at(request), now=clock.now())
            officer_passkeys.remove(account=account, passkey_id=passkey_id)
            messages.success(request, _("The passkey was removed."))
        else:
            name = request.POST.get("name", "").strip()
            officer_passkeys.rename(account=account, passkey_id=passkey_id, name=name if name.isprintable() else "")
            messages.success(request, _("The passkey has the new name."))
    except UnableToChange as error:
        texts = {
            "conflict": _("This passkey is your only way to log in, so it was kept."),
            "not_found": _("There is no such passkey any more."),
        }
        messages.error(request, texts.get(error.code, _("Log out and in again first: your login is too old for this.")))


@site.entrance("enrol/<str:secret>/", name="enrol")
@never_cache
@require_GET
def enrol(request: HttpRequest, secret: str) -> HttpResponseBase:
    """The page of an invitation; 404 where the link is good no more, whatever the reason."""
    context = {**admin.site.each_context(request), "title": _("Your account as an officer"), "secret": secret}
    try:
        account = invitations.find(secret=secret, now=clock.now()).account
    except invitations.UnableToEnrol:
        return TemplateResponse(request, "officers/enrol.html", context, status=404)
    return TemplateResponse(request, "officers/enrol.html", {**context, "account": account})
