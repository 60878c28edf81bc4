"""What was measured, as one JSON object."""

from collections.abc import Mapping, Sequence
from math import ceil, sqrt
from typing import Any, Final

from idp.biometrics.engine.evaluation import rates
from idp.biometrics.engine.evaluation.measuring import Counted, Measured
from idp.biometrics.engine.evaluation.rates import NotClaimed, Rate

PROFILES: Final = (1e-3, 1e-4, 1e-5, 1e-6)  # false match rates that a policy may name
LAXER: Final = 1e-2  # below the laxest profile: an officer looks from here on
KINDS: Final = ("fmr", "fnmr")
AIM: Final = 2.0  # times the mean of the groups that the worst one's rate may be

Thresholds = Mapping[str, float]


def report(measured: Measured, thresholds: Thresholds) -> dict[str, Any]:
    """``{"model", "pictures", "genuine", "impostor", "fta", "fte", …, "fmr", "fnmr", "eer", "profiles", "groups"}``.

    ``genuine`` and ``impostor`` are numbers of comparisons; ``fta`` the proportion of pictures without a template,
    ``failures`` why, and ``fte`` the proportion of ``subjects`` (people; with pairs references) who have no other;
    ``fmr`` and ``fnmr`` have a proportion for each name in ``thresholds``, None where nothing was compared;
    ``intervals`` the 95 % ones; ``profiles`` the threshold of each false match rate, or why none is claimed;
    ``groups`` the same within each group, and ``differentials`` the worst group's rate in means of the groups.
    """
    named = {**thresholds, **_claimed(measured)}
    rated = _rated(measured.all, named)
    acquire = rates.rate(measured.failed, measured.pictures)
    enrol = rates.rate(measured.unenrolled, measured.subjects)
    intervals = {"fta": _interval(acquire), "fte": _interval(enrol), **rated.pop("intervals")}
    groups = {name: _group(measured, name, named) for name in measured.groups}
    return {
        "model": measured.model,
        "pictures": measured.pictures,
        "subjects": measured.subjects,
        "by_person": measured.by_person,
        "repeated": measured.repeated,
        "misfiled": measured.misfiled,
        "fta": acquire.value,
        "fte": enrol.value,
        "failures": dict(measured.failures),
        "thresholds": named,
        **rated,
        "eer": rates.eer(measured.all.genuine, measured.all.impostor),
        "intervals": intervals,
        "profiles": {name_of(target): _profile(measured, target) for target in PROFILES},
        "groups": groups,
        "differentials": {kind: _differentials(groups, kind, list(named)) for kind in KINDS},
    }


def calibrations(measured: Measured) -> list[dict[str, Any]]:
    """What may be stored of each claimed profile, and of the laxer one that begins below them.

    ``{"target": "1e-4", "threshold", "genuine", "impostor", "fmr_high", "fnmr"}``.
    """
    found = []
    for target in (LAXER, *PROFILES):
        try:
            threshold = rates.threshold_for(measured.all.impostor, target)
        except NotClaimed:
            continue
        one = {
            "target": rates.short(target),
            "threshold": threshold,
            "genuine": measured.all.genuine.size,
            "impostor": measured.all.impostor.size,
            "fmr_high": rates.fmr(measured.all.impostor, threshold).high,
            "fnmr": rates.fnmr(measured.all.genuine, threshold).value,
        }
        found.append(one)
    return found


def name_of(target: float) -> str:
    """The name under which a profile's threshold stands in a report: "FMR 1e-4"."""
    return f"FMR {rates.short(target)}"


def people_for(comparisons: int) -> int:
    """How many people with one picture each give this many impostor comparisons."""
    return ceil((1 + sqrt(1 + 8 * comparisons)) / 2)


def _claimed(measured: Measured) -> dict[str, float]:
    found = {name_of(target): _profile(measured, target) for target in PROFILES}
    return {name: profile["threshold"] for name, profile in found.items() if profile["claimed"]}


def _profile(measured: Measured, target: float) -> dict[str, Any]:
    try:
        return {"claimed": True, "threshold": rates.threshold_for(measured.all.impostor, target)}
    except NotClaimed as error:
        people = people_for(rates.needed(target))
        return {"claimed": False, "why": str(error), "missing": error.missing, "people": people}


def _rated(counted: Counted, named: Thresholds) -> dict[str, Any]:
    false_match = {name: rates.fmr(counted.impostor, threshold) for name, threshold in named.items()}
    false_non_match = {name: rates.fnmr(counted.genuine, threshold) for name, threshold in named.items()}
    return {
        "genuine": counted.genuine.size,
        "impostor": counted.impostor.size,
        "fmr": {name: found.value for name, found in false_match.items()},
        "fnmr": {name: found.value for name, found in false_non_match.items()},
        "intervals": {
            "fmr": {name: _interval(found) for name, found in false_match.items()},
            "fnmr": {name: _interval(found) for name, found in false_non_match.items()},
        },
    }


def _group(measured: Measured, name: str, named: Thresholds) -> dict[str, Any]:
    """`_rated`, and FTA within the group: faces that are not found do not show in the other rates."""
    pictures, failed = measured.acquiring[name]
    acquire, rated = rates.rate(failed, pictures), _rated(measured.groups[name], named)
    intervals = {"fta": _interval(acquire), **rated.pop("intervals")}
    return {"pictures": pictures, "fta": acquire.value, **rated, "intervals": intervals}


def _differentials(groups: Mapping[str, Any], kind: str, names: Sequence[str]) -> dict[str, Any]:
    """By threshold: the worst group, and its rate over the mean of the groups' rates.

    ``times`` is None where no group has an error, which says nothing. ``beyond`` says whether even the lower end of the
    worst group's interval lies beyond the aim: a ratio of few errors is mostly chance.
    """
    found = {}
    for name in names:
        values = {group: rated[kind][name] for group, rated in groups.items() if rated[kind][name] is not None}
        if len(values) < 2:
            continue
        worst = max(values, key=lambda group: values[group])
        mean = sum(values.values()) / len(values)
        low = groups[worst]["intervals"][kind][name][0]
        times = values[worst] / mean if mean else None
        found[name] = {"worst": worst, "mean": mean, "times": times, "beyond": bool(mean and low > AIM * mean)}
    return found


def _interval(found: Rate) -> list[float]:
    return [found.low, found.high]
