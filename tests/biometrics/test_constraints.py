"""Each named constraint of the room, violated."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction

from idp.accounts.models import TravelDocument, Traveller
from idp.biometrics import models, references
from idp.biometrics.engine import Template
from idp.biometrics.models import Attempts, Calibration, Capture, FaceReference, Job, RewrapOrder

VIOLATIONS: dict[str, Callable[[Job], object]] = {
    "biometrics_rewrap_once_at_a_time": lambda job: RewrapOrder.objects.bulk_create(
        RewrapOrder(key="k", ordered_by="account:7", ordered_at=1) for _ in range(2)
    ),
    "biometrics_rewrap_finished_afterwards": lambda job: RewrapOrder.objects.create(
        key="k", ordered_by="account:7", ordered_at=2, finished_at=1
    ),
    "biometrics_one_open_job": lambda job: Job.objects.create(
        traveller=job.traveller, document=job.document, created_at=1, state="queued"
    ),
    "biometrics_job_finished_when_over": lambda job: Job.objects.update(state="done"),
    "biometrics_capture_once": lambda job: Capture.objects.bulk_create(
        Capture(job=job, number=1, sealed=b"") for _ in range(2)
    ),
    "biometrics_one_reference_per_model": lambda job: FaceReference.objects.create(
        traveller=job.traveller, document=job.document, model="m", profile="q8", sealed=b"", enrolled_at=1
    ),
    "biometrics_one_keeper": lambda job: FaceReference.objects.update(digest="d"),
    "biometrics_waits_at_the_node": lambda job: FaceReference.objects.update(
        keeper="device", sealed=b"", digest="d", kept_until=1
    ),
    "biometrics_one_count_of_attempts": lambda job: Attempts.objects.bulk_create(
        Attempts(document=job.document) for _ in range(2)
    ),
    "biometrics_one_count_of_a_traveller": lambda job: Attempts.objects.bulk_create(
        Attempts(traveller=job.traveller) for _ in range(2)
    ),
    "biometrics_attempts_of_one": lambda job: Attempts.objects.create(document=job.document, traveller=job.traveller),
    "biometrics_threshold_is_a_score": lambda job: Calibration.objects.create(  # no score is above 1
        model="m",
        target="1e-4",
        threshold=1.1,
        genuine=1,
        impostor=1,
        fmr_high=1,
        dataset="d",
        officer="o",
        created_at=1,
    ),
    "biometrics_calibrated_by_two": lambda job: Calibration.objects.create(
        model="m",
        target="1e-4",
        threshold=0.5,
        genuine=1,
        impostor=1,
        fmr_high=1,
        dataset="d",
        officer="account:1",
        approved_by="account:1",
        created_at=1,
    ),
}
COLUMNS = {
    "biometrics_rewrap_once_at_a_time": "biometrics_rewraporder.key",
    "biometrics_one_open_job": "document_id",
    "biometrics_capture_once": "number",
    "biometrics_one_reference_per_model": "model",
    "biometrics_one_count_of_attempts": "document_id",
    "biometrics_one_count_of_a_traveller": "traveller_id",
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_the_database_refuses(holder: Traveller, named: TravelDocument, name: str) -> None:
    """invalid solely because of the one constraint named."""
    job = Job.objects.create(traveller=holder, document=named, created_at=1)
    references.keep(traveller=holder, document=named, template=Template("m", "q8", b"1"), now=1)
    references.keep(traveller=holder, document=named, template=Template("m", "q8", b"2"), now=2)
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        VIOLATIONS[name](job)
    message = str(refused.value)  # SQLite names the columns of a unique constraint, PostgreSQL the constraint
    assert name in message or COLUMNS.get(name, name) in message


def test_no_constraint_is_left_out() -> None:
    rooms = (
        models.Portrait,
        models.FaceReference,
        models.Job,
        models.Capture,
        models.Attempts,
        models.Calibration,
        RewrapOrder,
    )
    assert {constraint.name for model in rooms for constraint in model._meta.constraints} == set(VIOLATIONS)


def test_a_reference_of_a_former_holder_is_nobodys(holder: Traveller, named: TravelDocument) -> None:
    """A template made for one traveller must not go into a token of another who holds the document."""
    references.keep(traveller=holder, document=named, template=Template("m", "q8", b"1"), now=1)
    assert not references.enrolled(named)
    named.traveller = holder
    assert references.enrolled(named)
