"""Travellers whose references lack a model that is wanted: enrolled anew from the portrait, or asked."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from idp.accounts import guardians
from idp.accounts.models import TravelDocument, Traveller
from idp.biometrics import engines, references, renewal, wanted
from idp.biometrics.models import OPEN_STATES, FaceReference, Job

BATCH = 20  # open at a time: a worker takes some seconds for them, which is what a traveller may have to wait

_FAILED = (Job.State.FAILED, Job.State.DEAD)


@dataclass(frozen=True)
class Missing:
    """A document that has no reference under ``model``. ``comparable``: one of another model could vouch for a face."""

    document: TravelDocument
    model: str
    comparable: bool


def begin_due(*, now: int, at_most: int = BATCH) -> int:
    """Queue renewals until ``at_most`` are open, of those whose portrait has not been tried in vain; how many."""
    free = at_most - Job.objects.filter(kind=Job.Kind.RENEW, state__in=OPEN_STATES).count()
    begun = 0
    for model in wanted.models(now=now):
        due = _lacking(model).filter(portrait__isnull=False).exclude(_tried(model)).order_by("pk")
        for document in due[: max(0, free - begun)]:
            renewal.begin(document=document, model=model, now=now)
            begun += 1
    return begun


def left(*, now: int) -> int:
    """References that are wanted and not there, whether or not a portrait will do."""
    return sum(_lacking(model).count() for model in wanted.models(now=now))


def to_ask(*, traveller: Traveller, now: int) -> list[Missing]:
    """What only the traveller can mend, or a child of theirs: there is no portrait, or it will not enrol any more."""
    missing, models = [], wanted.models(now=now)
    whose = guardians.answered_for(traveller=traveller, now=now) if models else []
    for model in models:
        for document in _lacking(model).filter(Q(portrait__isnull=True) | _failed(model), traveller__in=whose):
            missing.append(Missing(document, model, _comparable(references.of(document).values())))
    return missing


def _comparable(kept: Iterable[FaceReference]) -> bool:
    known = engines.models()
    return any(not references.for_device(row) and row.model in known for row in kept)


def _lacking(model: str) -> QuerySet[TravelDocument]:
    mine = FaceReference.objects.filter(document=OuterRef("pk"), traveller=OuterRef("traveller"))
    return TravelDocument.objects.filter(
        Exists(mine), ~Exists(mine.filter(model=model)), status=TravelDocument.Status.VALID
    )


def _renewals(model: str) -> QuerySet[Job]:
    return Job.objects.filter(kind=Job.Kind.RENEW, model=model, document=OuterRef("pk"))


def _tried(model: str) -> Q:
    return Q(Exists(_renewals(model).filter(state__in=OPEN_STATES))) | _failed(model)


def _failed(model: str) -> Q:
    """Since the portrait was taken in: another portrait may enrol."""
    failed = _renewals(model).filter(state__in=_FAILED)
    return Q(Exists(failed.filter(finished_at__gte=F("document__portrait__imported_at"))))
