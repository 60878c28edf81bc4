"""Face work in the admin site: jobs, reviews, failed attempts, references. Faces are on the page of a review alone."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from idp import clock
from idp.accounts import guardians
from idp.accounts.models import Guardianship
from idp.audit import looking
from idp.audit.admin import NotedReads, ReadOnlyModelAdmin
from idp.audit.admin_actions import Action, confirmed, officer_of
from idp.audit.looking import Look
from idp.audit.reading import Shown
from idp.biometrics import attempts, jobs, reviews, showing, threshold_pages
from idp.biometrics.jobs import UnableToEnrol
from idp.biometrics.models import Attempts, Calibration, FaceReference, Job
from idp.federation.columns import NOTHING, when

__all__ = ["JobAdmin", "threshold_pages"]

JOBS = "admin:biometrics_job_changelist"
DECISIONS: dict[str, Callable[..., None]] = {"confirm": reviews.confirm, "deny": reviews.deny}
DECIDED = {
    ("link", "confirm"): _("The document has been linked."),
    ("link", "deny"): _("The document has not been linked."),
    ("child", "confirm"): _("The document has been linked."),
    ("child", "deny"): _("The document has not been linked."),
    ("renew", "confirm"): _("A worker renews the reference now."),
    ("renew", "deny"): _("The reference has not been renewed."),
}
UNABLE = {
    "invalid_request": _("A decision needs a note of three to five hundred characters."),
    "conflict": _("It is not there to be decided any more: somebody was faster, or its time is over."),
    "document_not_eligible": _("The document was revoked meanwhile. It cannot be linked."),
    "temporarily_unavailable": _("The pictures cannot be opened just now. Try again later."),
}


def _action(name: str, description: Any, warning: Any, act: Callable[[Any, str], None]) -> Action:
    return confirmed(name, description, warning, act, permission=name, refused=UnableToEnrol)


def _retry(job: Job, officer: str) -> None:
    jobs.retry(job=job, officer=officer, now=clock.now())


def _reset(row: Attempts, officer: str) -> None:
    attempts.reset(row=row, officer=officer)


class ReasonFilter(admin.AllValuesFieldListFilter):
    """Jobs without a reason have a link with a text, too."""

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        for choice in super().choices(changelist):
            yield {**choice, "display": choice["display"] or _("none")}


@admin.register(Job)
class JobAdmin(NotedReads, ReadOnlyModelAdmin):
    """Dead jobs are retried by an action; a job in review has a page of its own, for officers who may see faces."""

    list_display = ("id", "state", "review", "why", "kind", "attempts", "score", "created", "finished", "document")
    list_filter = ("state", "kind", ("reason", ReasonFilter))
    list_select_related = ("document",)
    actions = (
        _action("retry", _("Retry"), _("A worker tries again, three times, with the pictures of before."), _retry),
    )

    shows = (Shown.FACES,)

    created = when("created_at", _("begun"))
    finished = when("finished_at", _("finished"))

    def people_of(self, rows: Sequence[Job]) -> list[str]:
        return _whose(rows)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("biometrics.change_job"))

    def has_review_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("biometrics.review_job"))

    def get_urls(self) -> list[Any]:
        page = path("<uuid:job_id>/review/", self.admin_site.admin_view(self.review_view), name="biometrics_job_review")
        return [page, *super().get_urls()]

    def get_list_display(self, request: HttpRequest) -> Any:
        may = self.has_review_permission(request)
        return [column for column in self.list_display if may or column != "review"]

    def review_view(self, request: HttpRequest, job_id: str) -> HttpResponse:
        """Portrait and live pictures side by side, and the decision. The site lets no cache keep it."""
        if not self.has_review_permission(request):
            raise PermissionDenied
        job = get_object_or_404(Job.objects.select_related("document"), pk=job_id)
        try:
            if request.method == "POST":
                return self._decided(request, job)
            return self._review(request, job)
        except UnableToEnrol as error:
            self.message_user(request, UNABLE[error.code], messages.ERROR)
            again = error.code == "invalid_request"
            return redirect("admin:biometrics_job_review", job.pk) if again else redirect(JOBS)

    def _review(self, request: HttpRequest, job: Job) -> HttpResponse:
        shows = (Shown.PICTURES, Shown.FACES, Shown.DOCUMENTS)
        look = Look(f"biometrics.job:{job.pk}", "review", shows, ("number", "portrait", "live"), _whose([job]))
        if job.state == Job.State.REVIEW:  # else there is nothing to see
            if (asked := looking.ask(request, look)) is not None:
                return cast(HttpResponse, asked)
            with transaction.atomic():
                looking.note(request, look)
        faces = reviews.look(job=job, officer=officer_of(request))
        asked = [take.words for take in showing.takes(job)]
        context = {
            **self.admin_site.each_context(request),
            "title": _("Is it the same person?"),
            "job": job,
            "why": self.why(job),
            "portrait": faces.portrait,
            "live": [(asked[take] if take < len(asked) else "", picture) for take, picture in faces.live],
            "longest": reviews.MAX_NOTE,
            "opts": Job._meta,
        }
        return TemplateResponse(request, "biometrics/review.html", context)

    def _decided(self, request: HttpRequest, job: Job) -> HttpResponse:
        decision = request.POST.get("decision", "")
        if decision not in DECISIONS:
            raise UnableToEnrol("invalid_request", "neither of the two buttons")
        note = request.POST.get("note", "")
        DECISIONS[decision](job=job, officer=officer_of(request), note=note, now=clock.now())
        self.message_user(request, DECIDED[job.kind, decision], messages.SUCCESS)
        return redirect(JOBS)

    @admin.display(description=_("reason"), ordering="reason", empty_value=NOTHING)
    def why(self, job: Job) -> str:
        return f"{job.reason} ({job.hint})" if job.hint else job.reason

    @admin.display(description=_("review"), empty_value=NOTHING)
    def review(self, job: Job) -> str | None:
        if job.state != Job.State.REVIEW:
            return None
        return format_html('<a href="{}">{}</a>', reverse("admin:biometrics_job_review", args=[job.pk]), _("Look"))


@admin.register(Attempts)
class AttemptsAdmin(NotedReads, ReadOnlyModelAdmin):
    """Who has seen the traveller at a counter, with the document, may let them try again."""

    list_display = ("whose", "failures", "until")
    list_select_related = ("document", "traveller")
    actions = (_action("reset", _("Reset"), _("Comparisons may be made again, as if none had failed."), _reset),)

    shows = (Shown.FACES,)

    until = when("not_before", _("not before"))

    def people_of(self, rows: Sequence[Attempts]) -> list[str]:
        return _whose(rows)

    def has_reset_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("biometrics.change_attempts"))

    @admin.display(description=_("whose"))
    def whose(self, row: Attempts) -> Model | None:
        return row.document or row.traveller


def _end(row: Guardianship, officer: str) -> None:
    guardians.end(guardianship=row, actor=officer, now=clock.now())


@admin.register(Guardianship)
class GuardianshipAdmin(NotedReads, ReadOnlyModelAdmin):
    """Begun by a guardian with the child's face; ended here by an officer."""

    shows = (Shown.FAMILY,)

    list_display = ("id", "guardian", "ward", "began", "ended", "ended_by")
    search_fields = ("=guardian__id", "=ward__id")
    actions = (
        confirmed(
            "end",
            _("End"),
            _("The guardian's phone gets no border token for the child any more; those that it has are taken back."),
            _end,
            permission="end",
            refused=UnableToEnrol,
        ),
    )

    began = when("began_at", _("since"))
    ended = when("ended_at", _("ended"))

    def people_of(self, rows: Sequence[Guardianship]) -> list[str]:
        return [f"traveller:{pk}" for row in rows for pk in (row.guardian_id, row.ward_id)]

    def has_end_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.change_guardianship"))


@admin.register(Calibration)
class CalibrationAdmin(ReadOnlyModelAdmin):
    list_display = (
        *("model", "target", "threshold", "fmr_high", "fnmr", "impostor", "genuine", "dataset"),
        *("officer", "approved_by", "begun"),
    )
    list_filter = ("model", "target")

    begun = when("created_at", _("begun"))


@admin.register(FaceReference)
class FaceReferenceAdmin(NotedReads, ReadOnlyModelAdmin):
    list_display = ("document", "model", "profile", "keeper", "enrolled_at")
    list_select_related = ("document",)
    exclude = ("sealed",)
    shows = (Shown.FACES,)

    def people_of(self, rows: Sequence[FaceReference]) -> list[str]:
        return _whose(rows)


def _whose(rows: Sequence[Any]) -> list[str]:
    """Of rows that have a document, a traveller or both."""
    found = [("document", row.document_id) for row in rows] + [("traveller", row.traveller_id) for row in rows]
    return [f"{what}:{pk}" for what, pk in found if pk is not None]
