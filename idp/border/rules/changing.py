"""A change of one travel rule: what may be proposed, and what would stand in the book.

It is written ``{"change": "add" | "replace", "rule": {…}}`` with a rule of `idp.protocol.travel_language`,
or ``{"change": "end", "id", "until"}``. The past is never changed: what is added or replaced begins today or later,
and what ends was in force until yesterday at least.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from idp import conf
from idp.border.models import RuleVersion
from idp.border.rules import book
from idp.proposals.executors import Unacceptable
from idp.protocol.refusals import Refusal
from idp.protocol.travel_rules import Rule, day, parse_rule, parse_rules, wire

KIND = "border.travel_rule"
CHANGES = ("add", "replace", "end")
_MEMBERS = {"add": {"change", "rule"}, "replace": {"change", "rule"}, "end": {"change", "id", "until"}}


def subject_of(payload: Mapping[str, Any]) -> str:
    """What the proposal is about: "rule:" and the id. Raises `Unacceptable`."""
    change = payload.get("change")
    if change not in CHANGES or payload.keys() != _MEMBERS[change]:
        raise Unacceptable("a change adds or replaces a rule, or ends one")
    name = (
        payload["id"] if change == "end" else payload["rule"].get("id") if isinstance(payload["rule"], dict) else None
    )
    if not isinstance(name, str):
        raise Unacceptable("a rule has an id")
    return f"rule:{name[:64]}"


def planned(payload: Mapping[str, Any], versions: Sequence[RuleVersion], *, today: date) -> Rule:
    """The version that the change would add to the book of ``versions`` today; raises `Unacceptable`."""
    subject_of(payload)
    try:
        rule = _ended(payload, versions) if payload["change"] == "end" else parse_rule(payload["rule"])
        _check_time(payload["change"], rule, versions, today)
        after = book.effective([*(row.body for row in versions), wire(rule)])
        parse_rules([wire(piece) for piece in after])  # a gate must be able to read them together
    except Refusal as error:
        raise Unacceptable(error.detail) from error
    if not _lets_home(after, today):
        raise Unacceptable("on some day nobody would be let home to this territory")
    return rule


def _ended(payload: Mapping[str, Any], versions: Sequence[RuleVersion]) -> Rule:
    """The rule as it stands on the day that is to be its last, with that day."""
    until = day(payload["until"])
    standing = [rule for rule in book.effective(row.body for row in versions) if rule.id == payload["id"]]
    found = next((rule for rule in standing if rule.first <= until <= rule.last), None)
    if found is None or (found.last == until and found is standing[-1]):
        raise Unacceptable("the rule is not in force on that day, or ends then anyway")
    return parse_rule({**wire(found), "until": until.isoformat()})


def _check_time(change: str, rule: Rule, versions: Sequence[RuleVersion], today: date) -> None:
    known = [row for row in versions if row.rule == rule.id]
    if change == "add" and known:
        raise Unacceptable("there is a rule of this id: replace it")
    if change == "replace" and not known:
        raise Unacceptable("there is no rule of this id: add it")
    if change == "replace" and wire(rule) == known[-1].body:
        raise Unacceptable("that is the rule as it stands")
    if change == "end" and rule.last < today - timedelta(days=1):
        raise Unacceptable("the past is not changed: it may end yesterday at the earliest")
    if change != "end" and rule.first < today:
        raise Unacceptable("the past is not changed: it may begin today at the earliest")


def _lets_home(rules: Sequence[Rule], today: date) -> bool:
    """Whether on every day from today on some rule leads the residents of this territory home."""
    here = conf.authority().jurisdiction
    ways = [rule for rule in rules if rule.home and any(leg[1] == here for leg in rule.legs) and rule.last >= today]
    turning = {today, *(rule.last + timedelta(days=1) for rule in ways if rule.last != date.max)}
    return all(any(rule.first <= on <= rule.last for rule in ways) for on in turning)
