"""Officers and their roles in the admin site: who holds what, a change proposed, keys taken away at once."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext_lazy as _

from idp import admin as site
from idp import clock
from idp.accounts.appointing import changing, forms, reading, recovering
from idp.accounts.models import Account
from idp.accounts.roles import APPOINT, DUTIES, Role
from idp.audit.admin_actions import officer_of
from idp.proposals import proposing
from idp.proposals.proposing import UnableToPropose

SECTION = "officers"
SEE = "accounts.view_rolegrant"


@site.page("officers/", name="officers", title=_("Officers and roles"), section=SECTION, permission=SEE)
def every(request: HttpRequest) -> HttpResponseBase:
    """All officers with the roles that they hold, and what the roles are for."""
    now = clock.now()
    return site.rendered(
        request,
        "officers/every.html",
        title=_("Officers and roles"),
        rows=reading.everyone(now=now),
        closed=reading.everyone(now=now, closed=True),
        proposals=reading.waiting(now=now),
        duties=[(role.label, DUTIES[role]) for role in Role],
        appoints=request.user.has_perm(APPOINT),
    )


@site.page(
    "officers/new/", name="officer_new", title=_("New officer"), section=SECTION, permission=APPOINT, listed=False
)
def new(request: HttpRequest) -> HttpResponseBase:
    """Propose that somebody becomes an officer."""
    form = forms.NewOfficerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        answer = _proposed(request, form)
        if answer is not None:
            return answer
    lines = [
        _("Another officer approves it, and is shown a link for the new one: good once, within 24 hours."),
        _("By the link the new officer makes a passkey. There is no password."),
    ]
    return _asked(request, form, lines=lines, title=_("New officer"), act=_("Propose the officer"))


@site.page("officers/<int:pk>/", name="officer", title=_("Officer"), section=SECTION, permission=SEE, listed=False)
def one(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One officer: roles held and ended, ways to log in, what is proposed."""
    account, now = _officer(pk), clock.now()
    own = officer_of(request) == f"account:{account.pk}"
    return site.rendered(
        request,
        "officers/one.html",
        title=account.username,
        row=reading.one(account, now=now),
        proposals=reading.waiting(now=now, account=account),
        own=own,
        appoints=request.user.has_perm(APPOINT) and not own and account.is_active,
    )


@site.page(
    "officers/<int:pk>/change/",
    name="officer_change",
    title=_("Propose a change"),
    section=SECTION,
    permission=APPOINT,
    listed=False,
)
def change(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Propose a role given or ended, another link, or that the account is closed."""
    account = _officer(pk)
    form = forms.ChangeForm(request.POST or None, account=account)
    if request.method == "POST" and form.is_valid():
        answer = _proposed(request, form)
        if answer is not None:
            return answer
    lines = [_("Another officer decides on it, and it is neither you nor this officer.")]
    return _asked(request, form, lines=lines, title=_("Propose a change"), act=_("Propose the change"), account=account)


@site.page(
    "officers/<int:pk>/recover/",
    name="officer_recover",
    title=_("Take passkeys and codes away"),
    section=SECTION,
    permission=APPOINT,
    listed=False,
)
def recover(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Ask, then do it at once: for a key that is lost or stolen. Another officer reviews it."""
    account = _officer(pk)
    form = forms.WhyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        facts = {"why": form.cleaned_data["why"], "officer": officer_of(request), "now": clock.now()}
        try:
            recovering.take_factors_away(account=account, **facts)
        except recovering.UnableToRecover as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("It is done. Propose an invitation to let the officer in again."))
            return redirect("admin:officer", account.pk)
    lines = [
        _("Passkeys, one-time password, password and an open link stop working, and sessions end, at once."),
        _("Roles stay. Two officers let this officer in again, by an invitation."),
        _("Another officer reviews what you do here within a day."),
    ]
    title = _("Take passkeys and codes away")
    return _asked(request, form, lines=lines, title=title, act=_("Take them away now"), account=account)


def _asked(
    request: HttpRequest,
    form: forms.WhyForm,
    *,
    lines: list[object],
    title: object,
    act: object,
    account: Account | None = None,
) -> HttpResponseBase:
    context = {"form": form, "lines": lines, "act": act, "account": account}
    return site.rendered(request, "officers/ask.html", title=title, **context)


def _proposed(request: HttpRequest, form: forms.NewOfficerForm | forms.ChangeForm) -> HttpResponseBase | None:
    """The way to the proposal; None with an error in the form where there can be none."""
    kind, payload = form.proposed()
    facts = {"why": form.cleaned_data["why"], "officer": officer_of(request), "now": clock.now()}
    try:
        made = proposing.propose(kind=kind, subject=changing.subject_of(payload), payload=payload, **facts)
    except UnableToPropose as error:
        form.add_error(None, str(error))
        return None
    messages.success(request, _("The change waits for another officer."))
    return redirect("admin:proposals_proposal_change", made.pk)


def _officer(pk: int) -> Account:
    found: Account = get_object_or_404(Account, pk=pk, kind=Account.Kind.OFFICER)
    return found
