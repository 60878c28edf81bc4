"""An officer gives a reason before a page shows personal data; it holds for this subject, session and a short time."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from idp import admin as site
from idp import clock
from idp.audit import reading
from idp.audit.admin_actions import officer_of
from idp.audit.models import GivenReason
from idp.audit.reading import Reason, Shown

LASTS = 900  # seconds: a case at a desk; whoever needs longer says so again
_TITLE = _("Why do you look?")


@dataclass(frozen=True)
class Look:
    """What a page shows: of which ``subject`` (an identifier of ours), which part, kinds and fields, and whose."""

    subject: str
    what: str
    kinds: Sequence[str] = ()
    fields: Sequence[str] = ()
    whose: Sequence[str] = field(default=())


class ReasonForm(forms.Form):
    """Why; the file number and the words where the reason needs them."""

    reason = forms.ChoiceField(label=_("Reason"), choices=Reason.choices, widget=forms.RadioSelect)
    case = forms.CharField(
        label=_("File number"),
        max_length=64,
        required=False,
        help_text=_("An investigation needs one. Letters, digits and . / _ - only."),
    )
    words = forms.CharField(
        label=_("In a few words"),
        max_length=reading.MAX_WORDS,
        required=False,
        help_text=_("For other work only. Name nobody and write no numbers of documents."),
    )
    subject = forms.CharField(max_length=255, widget=forms.HiddenInput)
    shows = forms.CharField(max_length=200, required=False, widget=forms.HiddenInput)
    next = forms.CharField(max_length=4096, widget=forms.HiddenInput)

    wrong = {
        "no_case": ("case", _("An investigation has a file number.")),
        "bad_case": ("case", _("This is not a file number.")),
        "no_words": ("words", _("Say in a few words what the work is.")),
        "personal_words": ("words", _("Write no long numbers and no addresses: the words are kept.")),
    }

    def clean_next(self) -> str:
        target = str(self.cleaned_data["next"])
        if (
            not target.startswith("/admin/")
            or "\\" in target
            or not url_has_allowed_host_and_scheme(target, allowed_hosts=None)
        ):
            raise forms.ValidationError("not a page of this site")
        return target

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        given = {name: cleaned.get(name, "") for name in ("reason", "case", "words")}
        if not self.errors and (fault := reading.fault(**given)):
            self.add_error(*self.wrong[fault])
        return cleaned


def ask(request: HttpRequest, look: Look) -> HttpResponseBase | None:
    """The page that asks why, to be answered instead of the one with personal data; None where a reason is there."""
    if _given(request, look.subject) is not None:
        return None
    target = request.get_full_path() if request.method == "GET" else request.path
    shows = " ".join(look.kinds)
    last = GivenReason.objects.filter(officer=officer_of(request), session=_session(request)).order_by("-until").first()
    begun = {"reason": last.reason, "case": last.case, "words": last.words} if last else {}
    form = ReasonForm(initial={**begun, "subject": look.subject, "shows": shows, "next": target})
    return _page(request, form, shows)


def note(request: HttpRequest, look: Look) -> None:
    """Record the look with the reason that was given; in the transaction that reads. Raises RuntimeError without."""
    given = _given(request, look.subject)
    if given is None:
        raise RuntimeError("nobody looks without a reason")
    reading.note(
        actor=officer_of(request),
        subject=look.subject,
        what=look.what,
        reason=given.reason,
        case=given.case,
        words=given.words,
        kinds=look.kinds,
        fields=look.fields,
        whose=look.whose,
    )


def shown(request: HttpRequest, look: Look, answer: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """``answer()`` with its look noted, or the page that asks why. In the caller's transaction."""
    asked = ask(request, look)
    if asked is not None:
        return asked
    note(request, look)
    return answer()


def forget(now: int) -> int:
    """Let go of reasons whose time is over; how many went. What was looked at under them stays in the record."""
    return int(GivenReason.objects.filter(until__lte=now).delete()[0])


@site.page("looks/", name="audit_look", title=_TITLE, section="audit", permission="", listed=False)
@require_POST
def give(request: HttpRequest) -> HttpResponseBase:
    """Keep the reason and go on to the page that asked for it."""
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _page(request, form, request.POST.get("shows", ""))
    given = {name: form.cleaned_data[name] for name in ("reason", "case", "words")}
    GivenReason.objects.update_or_create(
        officer=officer_of(request),
        session=_session(request),
        subject=form.cleaned_data["subject"],
        defaults={**given, "until": clock.now() + LASTS},
    )
    messages.info(request, _("Your reason is kept for this page for a quarter of an hour."))
    return redirect(form.cleaned_data["next"])


def _given(request: HttpRequest, subject: str) -> GivenReason | None:
    mine = GivenReason.objects.filter(officer=officer_of(request), session=_session(request), until__gt=clock.now())
    return mine.filter(subject=subject[:255]).first()


def _session(request: HttpRequest) -> str:
    return hashlib.sha256((request.session.session_key or "").encode()).hexdigest()


def _page(request: HttpRequest, form: ReasonForm, shows: str) -> HttpResponseBase:
    kinds = [kind.label for kind in Shown if kind.value in shows.split()]
    return site.rendered(request, "audit/why.html", title=_TITLE, form=form, kinds=kinds)
