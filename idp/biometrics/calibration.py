"""Storing what an evaluation found, so that it decides from now on. Two officers do it: see `calibrating`."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max

from idp.audit import events
from idp.biometrics.models import Calibration


@transaction.atomic
def store(*, found: Mapping[str, Any], proposed_by: str, approved_by: str, proposal: int, now: int) -> None:
    """Keep the thresholds of an evaluation; they count at once.

    ``found`` is a payload that `calibrating.checked` took: ``{"model", "dataset", "thresholds": [{"target",
    "threshold", "genuine", "impostor", "fmr_high", "fnmr"}]}``. ``dataset`` is the operator's name for the pictures.
    """
    model, one = found["model"], found["thresholds"][0]
    facts = {"model": model, "dataset": found["dataset"], "officer": proposed_by, "approved_by": approved_by}
    rows = [Calibration(**each, **facts, created_at=now) for each in found["thresholds"]]
    Calibration.objects.bulk_create(rows)
    events.record(
        kind="face_model.calibrated",
        actor=approved_by,
        subject=model,
        data={
            "dataset": found["dataset"],
            "genuine": one["genuine"],
            "impostor": one["impostor"],
            "thresholds": {row.target: f"{row.threshold:.6f}" for row in rows},
            "officers": [proposed_by, approved_by],
            "proposal": proposal,
        },
    )


def newest(model: str) -> int:
    """The number of the newest row of ``model``; 0 where there is none. It grows with each calibration."""
    return Calibration.objects.filter(model=model).aggregate(newest=Max("pk"))["newest"] or 0
