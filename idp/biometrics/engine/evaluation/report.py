"""What was measured, as one JSON object."""

from collections.abc import Mapping
from typing import Any, Final

from idp.biometrics.engine.evaluation import rates
from idp.biometrics.engine.evaluation.measuring import Measured
from idp.biometrics.engine.evaluation.rates import Rate, TooFew

PROFILES: Final = (1e-3, 1e-4, 1e-5, 1e-6)  # false match rates that a policy may name


def report(measured: Measured, thresholds: Mapping[str, float]) -> dict[str, Any]:
    """``{"model", "pictures", "genuine", "impostor", "fta", …, "fmr", "fnmr", "eer", "profiles"}``.

    ``genuine`` and ``impostor`` are numbers of comparisons; ``fta`` the proportion of pictures without a template, and
    ``failures`` why; ``fmr`` and ``fnmr`` have a proportion for each name in ``thresholds``, None where nothing was
    compared; ``intervals`` the 95 % ones; ``profiles`` the threshold of each false match rate, or why none is claimed.
    """
    named = {**thresholds, **{_name(target): found for target in PROFILES if (found := _found(measured, target))}}
    false_match = {name: rates.fmr(measured.impostor, threshold) for name, threshold in named.items()}
    false_non_match = {name: rates.fnmr(measured.genuine, threshold) for name, threshold in named.items()}
    acquire = rates.rate(measured.failed, measured.pictures)
    return {
        "model": measured.model,
        "pictures": measured.pictures,
        "genuine": measured.genuine.size,
        "impostor": measured.impostor.size,
        "fta": acquire.value,
        "failures": dict(measured.failures),
        "thresholds": named,
        "fmr": {name: found.value for name, found in false_match.items()},
        "fnmr": {name: found.value for name, found in false_non_match.items()},
        "eer": rates.eer(measured.genuine, measured.impostor),
        "intervals": {
            "fta": _interval(acquire),
            "fmr": {name: _interval(found) for name, found in false_match.items()},
            "fnmr": {name: _interval(found) for name, found in false_non_match.items()},
        },
        "profiles": {_name(target): _profile(measured, target) for target in PROFILES},
    }


def _name(target: float) -> str:
    return f"FMR {target:.0e}".replace("e-0", "e-")


def _found(measured: Measured, target: float) -> float | None:
    try:
        return rates.threshold_for(measured.impostor, target)
    except TooFew:
        return None


def _profile(measured: Measured, target: float) -> dict[str, Any]:
    try:
        return {"claimed": True, "threshold": rates.threshold_for(measured.impostor, target)}
    except TooFew as error:
        return {"claimed": False, "why": str(error)}


def _interval(found: Rate) -> list[float]:
    return [found.low, found.high]
