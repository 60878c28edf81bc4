"""Reviews in the admin site: what officers did alone, the work list, and the page on which another judges one."""

import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext_lazy as _

from idp import admin as site
from idp import clock
from idp.audit.admin import ReadOnlyModelAdmin
from idp.audit.admin_actions import officer_of
from idp.proposals import reviews
from idp.proposals.models import Review
from idp.proposals.reviews import UnableToReview


class ReviewForm(forms.Form):
    """The word of the second officer."""

    found = forms.ChoiceField(
        label=_("What you find"),
        choices=[("in_order", _("in order")), ("not_in_order", _("not in order"))],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        label=_("Note"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 4, "cols": 80}),
        help_text=_("What you looked at, and whom you asked. No personal data."),
    )


@site.page(
    "proposals/reviews/",
    name="proposals_reviews",
    title=_("Emergency acts to be reviewed"),
    section="work",
    permission="proposals.view_review",
)
def work_list(request: HttpRequest) -> HttpResponseBase:
    """What waits, the oldest first; what has waited for longer than a day is an alarm."""
    late = clock.now() - reviews.REVIEW_WITHIN
    rows = [
        {"review": item, "at": _moment(item.acted_at), "late": item.acted_at <= late, "own": _own(request, item)}
        for item in reviews.waiting()[:500]
    ]
    context = {"rows": rows, "late": sum(bool(row["late"]) for row in rows)}
    return site.rendered(request, "proposals/reviews.html", title=_("Emergency acts to be reviewed"), **context)


@site.page(
    "proposals/reviews/<int:number>/",
    name="proposals_review_decide",
    title=_("Review an emergency act"),
    section="work",
    permission="proposals.decide_review",
    listed=False,
)
def decide(request: HttpRequest, number: int) -> HttpResponseBase:
    """One act, and the form for another officer's word."""
    review = get_object_or_404(Review, pk=number)
    form = ReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        found = form.cleaned_data
        try:
            facts = {"in_order": found["found"] == "in_order", "note": found["note"]}
            reviews.decide(review=review, officer=officer_of(request), now=clock.now(), **facts)
        except UnableToReview as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Your review is recorded."))
            return redirect("admin:proposals_reviews")
    open_to_me = review.state == Review.State.WAITING and not _own(request, review)
    context = {"review": review, "at": _moment(review.acted_at), "form": form, "may_decide": open_to_me}
    return site.rendered(request, "proposals/review.html", title=_("Review an emergency act"), **context)


@admin.register(Review)
class ReviewAdmin(ReadOnlyModelAdmin):
    """All of them, those with a word too."""

    list_display = ("__str__", "what", "acted_by", "acted", "state", "reviewed_by", "reviewed", "note")
    list_filter = ("state", "kind")
    search_fields = ("subject", "acted_by", "reviewed_by")
    fields = ("kind", "subject", "what", "acted_by", "acted", "state", "reviewed_by", "reviewed", "note")

    @admin.display(description=_("done at"), ordering="acted_at")
    def acted(self, review: Review) -> datetime.datetime:
        return _moment(review.acted_at)

    @admin.display(description=_("reviewed at"), ordering="reviewed_at", empty_value="—")
    def reviewed(self, review: Review) -> datetime.datetime | None:
        return None if review.reviewed_at is None else _moment(review.reviewed_at)


def _own(request: HttpRequest, review: Review) -> bool:
    return review.acted_by == officer_of(request)


def _moment(seconds: int) -> Any:
    return datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC)
