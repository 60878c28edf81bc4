"""What decides about faces, and what a calibration would change of it, in an officer's words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from idp.biometrics import engines, thresholds
from idp.biometrics.engine import Thresholds
from idp.biometrics.models import Calibration
from idp.conf import authority


@dataclass(frozen=True)
class Standing:
    """The thresholds of one model at one place. ``row`` is the calibration that they come from, where one does."""

    model: str
    place: str
    profile: str  # the false match rate that was asked for
    named: bool  # by the operator, in the environment
    at: Thresholds
    row: Calibration | None

    @property
    def refuses(self) -> bool:
        """Whether nobody is admitted, because what was asked for is not calibrated."""
        return self.named and self.row is None


def standing() -> list[Standing]:
    """What decides now, for every model of this node's engines, at enrolment and at the lanes."""
    rows = list(Calibration.objects.filter(model__in=engines.models()))
    return [item for model in engines.models() for item in _of(model, rows)]


def lines(payload: Mapping[str, Any]) -> list[str]:
    """What an approval of ``payload`` (`calibrating.checked`) would change, in sentences."""
    model = payload["model"]
    measured = payload["thresholds"][0]
    found = [
        _("Measured on %(dataset)s: %(genuine)d comparisons of one person, %(impostor)d of two.")
        % {"dataset": payload["dataset"], "genuine": measured["genuine"], "impostor": measured["impostor"]}
    ]
    found += [_claim(one) for one in payload["thresholds"]]
    if model not in engines.models():
        return [*found, _("No engine of this node has the model %s: it decides once one has.") % model]
    rows = list(Calibration.objects.filter(model=model))
    after = [*rows, *(_row(payload, one) for one in payload["thresholds"])]
    for old, new in zip(_of(model, rows), _of(model, after), strict=True):
        found += _differences(old, new)
    return found


def score(value: float) -> str:
    """A score with as many digits as it was calibrated to."""
    return f"{value:.6g}"


def _of(model: str, rows: Sequence[Calibration]) -> Iterator[Standing]:
    node = authority()
    for place, named in ((_("enrolment"), node.face_profile), (_("lanes"), node.gate_face_profile)):
        profile = named or thresholds.DEFAULT
        row = thresholds.newest(rows, model, profile)
        at = thresholds.of(rows, {model: thresholds.proposed(model)}, named)[model]
        yield Standing(model, place, profile, bool(named), at, row)


def _row(payload: Mapping[str, Any], one: Mapping[str, Any]) -> Calibration:
    """As it would be stored: newer than every other."""
    return Calibration(**one, model=payload["model"], dataset=payload["dataset"], created_at=2**62, pk=2**62)


def _claim(one: Mapping[str, Any]) -> str:
    facts = {"target": one["target"], "score": score(one["threshold"]), "high": f"{one['fmr_high']:.2g}"}
    if one["fnmr"] is None:
        return _("FMR %(target)s from a score of %(score)s (at most %(high)s, at 95 %%).") % facts
    return _(
        "FMR %(target)s from a score of %(score)s (at most %(high)s, at 95 %%); it misses %(share)s %% of those who "
        "are who they say."
    ) % {**facts, "share": f"{one['fnmr'] * 100:.2g}"}


def _differences(old: Standing, new: Standing) -> Iterator[str]:
    if old.at == new.at:
        yield _("%(place)s (FMR %(profile)s): nothing changes.") % {"place": new.place, "profile": new.profile}
        return
    facts = {"place": new.place, "profile": new.profile}
    facts |= {"old": _band(old), "new": _band(new)}
    yield _("%(place)s (FMR %(profile)s): %(old)s → %(new)s.") % facts
    if new.at.admit < old.at.admit:
        yield _("%s: faces that are less alike are admitted by the machine: more strangers may pass.") % new.place
    if new.at.admit > old.at.admit:
        yield _("%s: fewer faces are admitted by the machine: more travellers are sent to an officer.") % new.place
    if new.at.refer > old.at.refer:
        yield _("%s: more faces are refused before an officer has looked.") % new.place


def _band(item: Standing) -> str:
    if item.refuses:
        return _("admits nobody")
    facts = {"admit": score(item.at.admit), "refer": score(item.at.refer)}
    return _("admits from %(admit)s, an officer looks from %(refer)s") % facts
