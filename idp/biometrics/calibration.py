"""Storing what an evaluation found, so that it decides from now on."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from idp.audit import events
from idp.biometrics.models import Calibration


class UnableToCalibrate(Exception):
    """Nothing can be stored; the text says why."""


def store(*, found: Sequence[Mapping[str, Any]], model: str, dataset: str, officer: str, now: int) -> list[Calibration]:
    """Keep the thresholds ``found`` (`engine.evaluation.report.calibrations`) for ``model``; they count at once.

    ``dataset`` is the operator's name for the pictures, ``officer`` who answers for it. Raises `UnableToCalibrate`
    where no profile is claimed.
    """
    if not any(float(one["target"]) <= 1e-3 for one in found):
        raise UnableToCalibrate("the comparisons bear no profile")
    if not dataset.strip() or not officer.strip():
        raise UnableToCalibrate("a calibration names its pictures and its officer")
    rows = [Calibration(**one, model=model, dataset=dataset, officer=officer, created_at=now) for one in found]
    with transaction.atomic():
        Calibration.objects.bulk_create(rows)
        events.record(
            kind="face_model.calibrated",
            actor=officer,
            subject=model,
            data={
                "dataset": dataset,
                "genuine": rows[0].genuine,
                "impostor": rows[0].impostor,
                "thresholds": {row.target: f"{row.threshold:.6f}" for row in rows},
            },
        )
    return rows
