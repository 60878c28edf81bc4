"""A calibration by two officers: one proposes what an evaluation found, another lets it decide.

A proposal's payload is ``{"model", "dataset", "thresholds", "after"}`` with the thresholds as
`engine.evaluation.report.calibrations` gives them and ``after`` the newest row of the model when it was proposed: it
can be approved while no other calibration of the model came between.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from idp.biometrics import calibration, threshold_words, thresholds
from idp.biometrics.models import Calibration
from idp.proposals import proposing
from idp.proposals.executors import Unacceptable
from idp.proposals.models import Proposal

KIND = "biometrics.thresholds"
PERMISSION = "biometrics.add_calibration"
RULE_OF_THREE = 3.0  # comparisons without an error that bear a rate, in its inverse: `engine.evaluation.rates`
_TARGETS = ("1e-2", *thresholds.LAXER)  # from the laxest on: each asks for a higher score than the one before
_MEMBERS = frozenset({"target", "threshold", "genuine", "impostor", "fmr_high", "fnmr"})


class ThresholdsChange:
    """The executor of `KIND` (`idp.proposals.executors.Executor`)."""

    label = "face thresholds"
    permission = PERMISSION

    def check(self, proposal: Proposal, *, now: int) -> None:
        checked(proposal.payload)

    def execute(self, proposal: Proposal, *, now: int) -> None:
        calibration.store(
            found=checked(proposal.payload),
            proposed_by=proposal.proposed_by,
            approved_by=proposal.decided_by,
            proposal=proposal.pk,
            now=now,
        )

    def changes(self, proposal: Proposal, *, now: int) -> Sequence[str]:
        return threshold_words.lines(checked(proposal.payload))


def propose(
    *, found: Sequence[Mapping[str, Any]], model: str, dataset: str, why: str, officer: str, now: int
) -> Proposal:
    """Propose that the thresholds ``found`` decide for ``model``; ``dataset`` is the operator's name for the pictures.

    Raises `proposing.UnableToPropose`, also where no profile is claimed.
    """
    payload = {
        "model": model,
        "dataset": dataset.strip(),
        "thresholds": [dict(one) for one in found],
        "after": calibration.newest(model),
    }
    return proposing.propose(kind=KIND, subject=model, payload=payload, why=why, officer=officer, now=now)


def again(row: Calibration) -> dict[str, Any]:
    """What `propose` takes so that the evaluation of ``row`` counts again: ``{"found", "model", "dataset"}``."""
    rows = Calibration.objects.filter(model=row.model, dataset=row.dataset, created_at=row.created_at).order_by("pk")
    found = [{name: getattr(one, name) for name in sorted(_MEMBERS)} for one in rows]
    return {"found": found, "model": row.model, "dataset": row.dataset}


def checked(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """``payload`` itself. Raises `Unacceptable` for what no evaluation of ours says, or not of the model as it is."""
    if payload.keys() != {"model", "dataset", "thresholds", "after"}:
        raise Unacceptable("not the members of a calibration")
    if not all(isinstance(payload[name], str) and payload[name].strip() for name in ("model", "dataset")):
        raise Unacceptable("a calibration names its model and its pictures")
    found = payload["thresholds"]
    if not isinstance(found, list) or not all(isinstance(one, dict) and one.keys() == _MEMBERS for one in found):
        raise Unacceptable("not the thresholds of an evaluation")
    _check_together(found)
    if payload["after"] != calibration.newest(payload["model"]):
        raise Unacceptable("the model has been calibrated since: propose it anew")
    return payload


def _check_together(found: Sequence[Mapping[str, Any]]) -> None:
    """From the laxest rate on, each once, and none at a lower score than the one before."""
    for one in found:
        _check(one)
    targets, scores = [one["target"] for one in found], [one["threshold"] for one in found]
    if targets != [name for name in _TARGETS if name in targets]:
        raise Unacceptable("the false match rates are not in order, or one is there twice")
    if not any(name in thresholds.LAXER for name in targets):
        raise Unacceptable("the comparisons bear no profile")
    if scores != sorted(scores):
        raise Unacceptable("a lower rate at a lower score")


def _check(one: Mapping[str, Any]) -> None:
    """One threshold: its numbers are such as a measurement gives, and bear the rate that it claims."""
    target = one["target"]
    if target not in _TARGETS:
        raise Unacceptable("a false match rate that no profile has")
    sound = all(_is_count(one[name]) for name in ("genuine", "impostor")) and _is_share(one["threshold"])
    sound = sound and _is_share(one["fmr_high"]) and (one["fnmr"] is None or _is_share(one["fnmr"]))
    if not sound:
        raise Unacceptable("not the numbers of an evaluation")
    if one["impostor"] * float(target) < RULE_OF_THREE - 1e-9 or one["fmr_high"] > float(target):
        raise Unacceptable(f"the comparisons do not bear FMR {target}")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
