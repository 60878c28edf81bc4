"""Pages on which a change of a key is proposed, or a stolen key is killed by one officer."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from idp import admin as site
from idp import clock
from idp.audit.admin_actions import officer_of
from idp.federation import key_changes, key_words, signed_documents, signing
from idp.federation.models import SigningKey
from idp.office.keys.forms import RollOverForm, RotateForm, WhyForm
from idp.proposals import proposing
from idp.proposals.executors import Unacceptable
from idp.proposals.proposing import UnableToPropose

SECTION = "keys"
State = SigningKey.State
LABELS = {
    "rotate": _("Let the next key sign now"),
    "roll_over": _("Plan when the next key takes over"),
    "call_off": _("Call the take-over off"),
    "withdraw": _("Withdraw it early"),
}
KILL = _("Kill it at once")
_FORMS: dict[str, type[WhyForm]] = {"rotate": RotateForm, "roll_over": RollOverForm}


@dataclass(frozen=True)
class Act:
    """What may be done about a key. ``alone``: by one officer."""

    label: Any
    url: str
    alone: bool = False


def offered(key: SigningKey, now: int) -> list[Act]:
    """What there is to do, by the key's state."""
    return list(_offered(key, now))


def _offered(key: SigningKey, now: int) -> Iterator[Act]:
    acts: list[str] = []
    about = key
    if key.state in (State.NEXT, State.ACTIVE):
        about = key_changes.successor(key) or key
        acts = [] if about.state != State.NEXT else ["rotate", "roll_over"]
        acts += ["call_off"] if about.takes_over_at is not None else []
    if key.state == State.OLD and signing.is_published(key, now):
        acts = ["withdraw"]
    for act in acts:
        yield Act(LABELS[act], reverse("admin:office_key_propose", args=[about.kid, act]))
    if key.state != State.KILLED:
        yield Act(KILL, reverse("admin:office_key_kill", args=[key.kid]), alone=True)


@site.page(
    "keys/key/<str:kid>/propose/<str:act>/",
    name="office_key_propose",
    title=_("Propose a change"),
    section=SECTION,
    permission=key_changes.PERMISSION,
    listed=False,
)
def propose(request: HttpRequest, kid: str, act: str) -> HttpResponse:
    """A change of one key, written down for another officer."""
    if act not in LABELS:
        raise Http404
    key, now = _key(kid), clock.now()
    form = _FORMS.get(act, WhyForm)(request.POST or None, key=key, now=now)
    if request.method == "POST" and form.is_valid():
        try:
            return _proposed(request, form, key_changes.payload(act, kid, **form.more()), now)
        except UnableToPropose as error:
            form.add_error(None, str(error))
    return _asked(request, form, key, LABELS[act], _lines(form, key, act, now), _("Propose it"), _TWO)


@site.page(
    "keys/key/<str:kid>/kill/",
    name="office_key_kill",
    title=KILL,
    section=SECTION,
    permission=key_changes.PERMISSION,
    listed=False,
)
def kill(request: HttpRequest, kid: str) -> HttpResponse:
    """One officer takes a key back, knowing what stops working."""
    key, now = _key(kid), clock.now()
    form = WhyForm(request.POST or None, key=key, now=now)
    if request.method == "POST" and form.is_valid():
        try:
            key_changes.kill(kid=kid, why=form.cleaned_data["why"], officer=officer_of(request), now=now)
        except Unacceptable as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("The key is killed. Another officer reviews it."))
            return redirect("admin:office_key", kid)
    lines = list(key_words.killed(key, signed_documents.by(key, now)))
    return _asked(request, form, key, KILL, lines, _("Kill it now"), _ONE)


_TWO = _("Another officer approves what you propose here; until then nothing changes.")
_ONE = _(
    "For a key that somebody else may have. It is done at once and cannot be undone; another officer reviews it within "
    "a day. The historical keys call it compromised."
)


def _key(kid: str) -> SigningKey:
    found: SigningKey = get_object_or_404(SigningKey, kid=kid)
    return found


def _lines(form: WhyForm, key: SigningKey, act: str, now: int) -> list[str]:
    """What it comes to with what the form has so far; before a time is chosen, the one that it begins with."""
    more = form.more() if form.is_bound and form.is_valid() else {}
    if act == "roll_over" and not more:
        more = {"at": int(form.fields["at"].initial.timestamp())}
    return key_changes.lines(key, key_changes.payload(act, key.kid, **more), now=now)


def _proposed(request: HttpRequest, form: WhyForm, payload: dict[str, Any], now: int) -> HttpResponse:
    made = proposing.propose(
        kind=key_changes.KIND,
        subject=payload["kid"],
        payload=payload,
        why=form.cleaned_data["why"],
        officer=officer_of(request),
        now=now,
    )
    messages.success(request, _("The change waits for another officer."))
    return redirect("admin:proposals_proposal_change", made.pk)


def _asked(
    request: HttpRequest, form: WhyForm, key: SigningKey, title: Any, lines: list[str], act: Any, rule: Any
) -> HttpResponse:
    context = {"form": form, "key": key, "lines": lines, "act": act, "rule": rule}
    words = {"use": key_words.use(key), "short": key_words.short(key)}
    return site.rendered(request, "office/keys/act.html", title=title, **context, **words)
