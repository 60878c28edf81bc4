"""The thresholds in force: those of the profile that the authority chose, as calibrated for each model.

A profile is a false match rate. From its calibrated threshold on, a comparison admits; from that of the next laxer rate
on, an officer looks; below, it is another face. Both come from one evaluation, the newest that bears the profile.

Where nobody named a profile, 1e-4 is used as soon as it is calibrated (NIST SP 800-63B: at most 1 in 10,000; BSI
TR-03121-3 recommends the same), and until then what the engine proposes. Where one is named and not calibrated, nothing
is admitted: what was asked for cannot be had, and less must not be given.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from idp.biometrics import engines
from idp.biometrics.engine import EMBEDDED_MODEL, EMBEDDED_THRESHOLDS, FaceEngine, Thresholds
from idp.biometrics.engine.templates import UNCALIBRATED
from idp.biometrics.models import Calibration
from idp.conf import authority

LAXER: Final[Mapping[str, str]] = MappingProxyType({"1e-3": "1e-2", "1e-4": "1e-3", "1e-5": "1e-4", "1e-6": "1e-5"})
"""The profiles that may be named, and the rate from whose threshold on an officer looks."""

DEFAULT: Final = "1e-4"
NEVER: Final = 1.0  # a score that only equal templates have


def for_enrolment(engine: FaceEngine) -> Thresholds:
    """Those that a worker decides by, with ``engine``."""
    return _in_force({engine.model: engine.thresholds}, authority().face_profile)[engine.model]


def for_gates() -> dict[str, Thresholds]:
    """Those that lanes decide by, for every model of this node's engines."""
    return _in_force({model: proposed(model) for model in engines.models()}, authority().gate_face_profile)


def proposed(model: str) -> Thresholds:
    """What the engine of ``model`` proposes, without loading it."""
    return EMBEDDED_THRESHOLDS if model == EMBEDDED_MODEL else UNCALIBRATED


def calibrated(models: Sequence[str], profile: str) -> dict[str, Thresholds]:
    """By model, for those for which ``profile`` is calibrated."""
    return _calibrated(_rows(models, profile), models, profile)


def newest(rows: Iterable[Calibration], model: str, profile: str) -> Calibration | None:
    """Of ``rows`` the one from which ``model`` has the threshold of ``profile``."""
    found = [row for row in rows if (row.model, row.target) == (model, profile)]
    return max(found, key=lambda row: (row.created_at, row.pk), default=None)


def of(rows: Iterable[Calibration], proposals: Mapping[str, Thresholds], profile: str) -> dict[str, Thresholds]:
    """Those in force if ``rows`` were the calibrations; ``proposals`` are the engines', by model.

    ``profile`` is "" where nobody named one.
    """
    found = _calibrated(list(rows), list(proposals), profile or DEFAULT)
    without = {model: Thresholds(NEVER, at.refer) if profile else at for model, at in proposals.items()}
    return {**without, **found}


def _rows(models: Sequence[str], profile: str) -> list[Calibration]:
    laxer = LAXER.get(profile, profile)
    return list(Calibration.objects.filter(model__in=models, target__in=(profile, laxer)))


def _calibrated(rows: Sequence[Calibration], models: Sequence[str], profile: str) -> dict[str, Thresholds]:
    laxer = LAXER.get(profile, profile)
    below = {_evaluation(row): row.threshold for row in rows if row.target == laxer}
    found = {}
    for model in models:
        row = newest(rows, model, profile)
        if row is not None:
            found[model] = Thresholds(row.threshold, min(row.threshold, below.get(_evaluation(row), row.threshold)))
    return found


def _evaluation(row: Calibration) -> tuple[str, str, int]:
    return row.model, row.dataset, row.created_at


def _in_force(proposals: Mapping[str, Thresholds], profile: str) -> dict[str, Thresholds]:
    return of(_rows(list(proposals), profile or DEFAULT), proposals, profile)
