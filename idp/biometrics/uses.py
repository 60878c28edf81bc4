"""Face comparisons, for the traveller's page of uses. No score, and no word on how it came out."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from idp.accounts.uses import Use
from idp.audit.reading import Shown
from idp.biometrics.models import Job

_WHAT = {
    Job.Kind.LINK: _("Your face was compared to link a document"),
    Job.Kind.RENEW: _("Your face reference was made anew"),
    Job.Kind.CHILD: _("A face was compared to link a child's document"),
}
_KINDS = (Shown.PICTURES.label, Shown.FACES.label)


def comparisons(people: Sequence[UUID], before: int, limit: int) -> list[Use]:
    """Each piece of face work with a document or by the account of these people."""
    mine = Q(traveller__in=people) | Q(document__traveller__in=people)
    rows = Job.objects.filter(mine, created_at__lt=before).select_related("document").order_by("-created_at")[:limit]
    return [
        Use(row.created_at, _whose(row, people), "faces", _WHAT[Job.Kind(row.kind)], why=_why(row), kinds=_KINDS)
        for row in rows
    ]


def _why(job: Job) -> Any:
    return _("the model of the gates is a new one") if job.kind == Job.Kind.RENEW else _("you asked for it")


def _whose(job: Job, people: Sequence[UUID]) -> UUID:
    holder = job.document.traveller_id
    return holder if holder in people else job.traveller_id  # type: ignore[return-value]
