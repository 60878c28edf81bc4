"""A checkpoint's settings in an officer's words, and what a change of them would come to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from idp.border.models import Checkpoint
from idp.border.policy import policy_for
from idp.protocol.opening_hours import parse_opening

WEEK = 7 * 24 * 60  # minutes
MODES = ("time", "challenge")  # where a checkpoint names none


@dataclass(frozen=True)
class Setting:
    """One value that lanes decide by, as a page shows it; ``own``: it differs from the authority's."""

    label: str
    text: str
    own: bool = False


def effective(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The whole policy that gates are sent, ``modes`` and ``liveness`` with it, of a checkpoint's own values."""
    own = dict(policy)
    modes, liveness = own.pop("modes", list(MODES)), own.pop("liveness", True)
    return {"modes": modes, "liveness": liveness, **policy_for(own)}


def settings(*, policy: Mapping[str, Any], opening: Sequence[Any], active: bool) -> dict[str, Setting]:
    """Every setting by its name, in the order of the form."""
    whole, ages = effective(policy), policy.get("max_age", {})
    found = {
        "active": Setting(_("in use"), _("yes") if active else _("no: closed by an officer")),
        "modes": Setting(_("how a phone shows its token"), _modes(whole["modes"]), "modes" in policy),
        "liveness": Setting(_("the face must be seen to live"), _yes(whole["liveness"]), "liveness" in policy),
        "bundle": Setting(_("a lane that is cut off decides for"), span(whole["max_age"]["bundle"]), "bundle" in ages),
        "status": Setting(_("revocations are fresh for"), span(whole["max_age"]["status"]), "status" in ages),
        "on_stale_status": Setting(
            _("when they are older"), _stale(whole["on_stale_status"]), "on_stale_status" in policy
        ),
        "max_attempts": Setting(_("attempts for one token"), str(whole["max_attempts"]), "max_attempts" in policy),
        "four_eyes": Setting(_("two officers release by hand"), _eyes(whole.get("four_eyes")), "four_eyes" in policy),
    }
    for model, at in whole["face"].items():
        own = model in policy.get("face", {})
        text = _("admits from %(admit)s, an officer looks from %(refer)s") % {
            "admit": score(at["admit"]),
            "refer": score(at["refer"]),
        }
        found[f"face {model}"] = Setting(_("face scores of %s") % model, text, own)
    return {**found, "opening": Setting(_("opening hours"), hours(opening))}


def of(checkpoint: Checkpoint) -> dict[str, Setting]:
    """Those of a checkpoint as it stands."""
    return settings(policy=checkpoint.policy, opening=checkpoint.opening, active=checkpoint.active)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """``before`` and ``after`` are ``{"policy", "opening", "active"}``: a line for every setting that changes."""
    old, new = settings(**before), settings(**after)
    none = Setting("", "—")
    return [
        f"{(new.get(name) or old[name]).label}: {old.get(name, none).text} → {new.get(name, none).text}"
        for name in {**old, **new}
        if old.get(name, none).text != new.get(name, none).text
    ]


def effects(before: Mapping[str, Any], after: Mapping[str, Any], *, lanes: int) -> list[str]:
    """What would come of it, in sentences."""
    return [
        *_of_ages(effective(before["policy"]), effective(after["policy"])),
        *_of_faces(effective(before["policy"])["face"], effective(after["policy"])["face"]),
        *_of_hours(before, after),
        ngettext(
            "%d lane takes it with its next bundle, within a minute where it reaches the node.",
            "%d lanes take it with their next bundle, within a minute where they reach the node.",
            lanes,
        )
        % lanes,
    ]


def span(seconds: int) -> str:
    """A duration in its largest whole unit."""
    if seconds % 3600 == 0 and seconds:
        return ngettext("%d hour", "%d hours", seconds // 3600) % (seconds // 3600)
    if seconds % 60 == 0 and seconds:
        return ngettext("%d minute", "%d minutes", seconds // 60) % (seconds // 60)
    return ngettext("%d second", "%d seconds", seconds) % seconds


def score(value: float) -> str:
    """A face threshold with as many digits as it was calibrated to."""
    return f"{value:.6g}"


def hours(opening: Sequence[Mapping[str, Any]]) -> str:
    """Opening hours in one line, in Hong Kong time."""
    if not opening:
        return _("day and night")
    days = ("", _("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))
    periods = (
        f"{' '.join(days[number] for number in sorted(item['days']))} {item['from']}–{item['until']}"
        for item in opening
    )
    return "; ".join(periods)


def _of_ages(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    if new["max_age"]["bundle"] != old["max_age"]["bundle"]:
        yield _("After %s without a bundle a lane sends everybody to an officer.") % span(new["max_age"]["bundle"])
    stale = ("max_age", "on_stale_status")
    if [new[name] for name in stale] == [old[name] for name in stale]:
        return
    if new["on_stale_status"] == "refer":
        yield _("A lane that has heard of no revocations for %s sends everybody to an officer.") % span(
            new["max_age"]["status"]
        )
    else:
        yield _("A lane that has heard of no revocations works on: somebody whose token was taken back may pass.")


def _of_faces(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for model in {**old, **new}:
        if model not in old or model not in new:
            continue
        if new[model]["admit"] < old[model]["admit"]:
            yield _("%s: faces that are less alike are admitted by the machine: more strangers may pass.") % model
        if new[model]["admit"] > old[model]["admit"]:
            yield _("%s: fewer faces are admitted by the machine: more travellers are sent to an officer.") % model
        if new[model]["refer"] > old[model]["refer"]:
            yield _("%s: more faces are refused before an officer has looked.") % model


def _of_hours(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    if before["active"] and not after["active"]:
        yield _("No token is issued for it any more, and its gates admit nobody.")
    if after["active"] and not before["active"]:
        yield _("Tokens are issued for it again, and its gates admit.")
    if before["opening"] != after["opening"]:
        yield _("Open %(before)s hours a week until now, %(after)s then.") % {
            "before": _weekly(before["opening"]),
            "after": _weekly(after["opening"]),
        }


def _weekly(opening: Sequence[Any]) -> str:
    periods = parse_opening(list(opening))
    total = sum(len(period.days) * (period.closes - period.opens) for period in periods) if periods else WEEK
    return f"{total / 60:.4g}"


def _modes(modes: Sequence[str]) -> str:
    names = {"time": _("a code that changes with the time"), "challenge": _("an answer to the gate's own code")}
    return _(" or ").join(names[mode] for mode in MODES if mode in modes)


def _stale(value: str) -> str:
    return _("an officer decides") if value == "refer" else _("the lane works on and marks the entry")


def _eyes(value: object) -> str:
    if isinstance(value, list) and value:
        return ", ".join(value)
    return _("always") if value is True else _("never")


def _yes(value: bool) -> str:
    return _("yes") if value else _("no")
