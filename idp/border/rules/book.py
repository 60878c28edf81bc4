"""The rule book: the versions of the rules that were adopted, and what is in force when.

A version counts from its own first day to its last, and from that first day on it takes the place of every earlier
version of its rule. So nothing that was adopted is ever edited, and what was in force on a day can always be read.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction

from idp import clock
from idp.audit import events
from idp.border.models import RuleVersion
from idp.prepared import rows
from idp.proposals.models import Proposal
from idp.protocol.travel_rules import Rule, local_date, parse_rules, wire

SHIPPED = Path(__file__).parents[1] / "rules.json"
AHEAD = 48 * 3600  # seconds: a lane that is cut off decides for a day by the bundle that it has
NODE = "node"

_LAST = f"SELECT edition FROM {RuleVersion._meta.db_table} ORDER BY id DESC LIMIT 1"  # noqa: S608  a name of ours


def in_force(now: int) -> list[dict[str, Any]]:
    """The rules in force now and within the next 48 hours, as data (schema: `idp.protocol.travel_language`)."""
    return list(_span(edition(), local_date(now), local_date(now + AHEAD))[0])


def rules(now: int) -> tuple[Rule, ...]:
    """The same, read."""
    return _span(edition(), local_date(now), local_date(now + AHEAD))[1]


def everything() -> tuple[Rule, ...]:
    """All rules, of the past and to come, each version for the days on which it counts."""
    return _book(edition())


def edition() -> str:
    """The name of the book as it stands; one that is empty takes in what is shipped."""
    found = rows(_LAST, [])
    if found:
        return str(found[0][0])
    with suppress(IntegrityError):  # another worker was first
        _ship()
    return str(rows(_LAST, [])[0][0])


def effective(bodies: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """The rules that follow from versions, oldest first: where one begins, the earlier ones of its id end."""
    pieces: list[Rule] = []
    begun: dict[str, date] = {}  # the first day of the versions after it, by id
    for rule in reversed([rule for body in bodies for rule in parse_rules([body])]):
        ceiling = begun.get(rule.id)
        last = rule.last if ceiling is None else min(rule.last, _day_before(ceiling))
        if rule.first <= last:
            pieces.append(parse_rules([{**wire(rule), "until": None if last == date.max else last.isoformat()}])[0])
        begun[rule.id] = rule.first if ceiling is None else min(rule.first, ceiling)
    return tuple(reversed(pieces))


def versions() -> list[RuleVersion]:
    """All that was adopted, oldest first."""
    edition()
    return list(RuleVersion.objects.order_by("pk"))


def locked() -> list[RuleVersion]:
    """The same, for a transaction that adopts another: others wait for its end."""
    edition()
    RuleVersion.objects.select_for_update().order_by("pk").first()
    return versions()


def adopt(*, body: Mapping[str, Any], after: Sequence[RuleVersion], proposal: Proposal, now: int) -> RuleVersion:
    """Add one version to the book, ``after`` those that `locked` gave."""
    number = sum(row.rule == body["id"] for row in after) + 1
    return RuleVersion.objects.create(**_row(body, number, after=after[-1].edition, now=now), proposal=proposal)


def _ship() -> None:
    with transaction.atomic():
        bodies = json.loads(SHIPPED.read_text("utf-8"))
        made: list[RuleVersion] = []
        for rule in parse_rules(bodies):
            after = made[-1].edition if made else ""
            made.append(RuleVersion(**_row(wire(rule), 1, after=after, now=clock.now())))
        RuleVersion.objects.bulk_create(made)
        data = {"rules": len(made), "edition": made[-1].edition}
        events.record(kind="border.rules_shipped", actor=NODE, subject="rules", data=data)


def _row(body: Mapping[str, Any], version: int, *, after: str, now: int) -> dict[str, Any]:
    content = json.dumps([after, body, version], sort_keys=True, ensure_ascii=False)
    name = hashlib.sha256(content.encode()).hexdigest()
    row = {"rule": body["id"], "version": version, "body": dict(body), "adopted_at": now}
    return {**row, "after": after, "edition": name}


def _day_before(day: date) -> date:
    return day - timedelta(days=1) if day > date.min else day


# An edition's content never changes, so what was read once is kept: a token is issued without reading fifty rows.
@lru_cache(maxsize=4)
def _book(name: str) -> tuple[Rule, ...]:
    last = RuleVersion.objects.filter(edition=name).values("pk")[:1]  # another may have been adopted since it was named
    return effective(RuleVersion.objects.filter(pk__lte=last).order_by("pk").values_list("body", flat=True))


@lru_cache(maxsize=8)
def _span(name: str, first: date, last: date) -> tuple[tuple[dict[str, Any], ...], tuple[Rule, ...]]:
    found = [rule for rule in _book(name) if rule.first <= last and rule.last >= first]
    return tuple(wire(rule) for rule in found), tuple(found)
