"""The rule book: what was shipped, what follows from its versions, and what is in force when."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from idp.audit.models import AuditEvent
from idp.border import policy
from idp.border.models import RuleVersion
from idp.border.rules import book
from idp.protocol.travel_rules import parse_rules, wire
from tests.border.rules.conftest import RULE
from tests.conftest import NOW

DAY = 86_400
BODY = {"id": "a", "kind": "note", "source": "drawn"}


def test_an_empty_book_takes_in_what_is_shipped_once(db: None, now: int) -> None:
    first = book.edition()
    assert book.edition() == first
    assert RuleVersion.objects.count() == len(json.loads(book.SHIPPED.read_text("utf-8")))
    event = AuditEvent.objects.get(kind="border.rules_shipped")
    assert event.data == {"rules": RuleVersion.objects.count(), "edition": first}


def test_in_force_is_what_counts_today_or_within_two_days(db: None, now: int, adopt: Callable[..., Any]) -> None:
    """A lane that is cut off tonight needs tomorrow's rules; one that gets next week's is not harmed, only longer."""
    assert "s-stay-7" not in {rule["id"] for rule in policy.travel_rules(NOW)}, "it ended in 2024"
    adopt("add", **RULE)
    begins = 1_801_411_200  # 2027-01-31T16:00Z is 1 February in Hong Kong
    assert RULE not in policy.travel_rules(begins - 2 * DAY - 1)
    for at in (begins - 2 * DAY, begins, begins + 400 * DAY):
        assert RULE in policy.travel_rules(at)
    assert parse_rules(policy.travel_rules(begins)) == book.rules(begins)


def test_a_replacement_counts_from_its_first_day(db: None, now: int, adopt: Callable[..., Any]) -> None:
    """Both versions are in the bundle before that day, each for its own days, and a gate can read them together."""
    old = next(rule for rule in book.rules(NOW) if rule.id == "s-stay-14")
    adopt("replace", **{**wire(old), "from": "2027-01-17", "stay_days": 21})
    first, second = (rule for rule in policy.travel_rules(NOW) if rule["id"] == "s-stay-14")
    assert (first["until"], first["stay_days"]) == ("2027-01-16", 14)
    assert (second["from"], second["until"], second["stay_days"]) == ("2027-01-17", None, 21)
    parse_rules(policy.travel_rules(NOW))


def test_an_end_is_the_last_day(db: None, now: int, adopt: Callable[..., Any]) -> None:
    adopt("end", id="s-stay-14", until="2027-01-15")
    found = [rule for rule in policy.travel_rules(NOW) if rule["id"] == "s-stay-14"]
    assert [rule["until"] for rule in found] == ["2027-01-15"]
    assert not [rule for rule in policy.travel_rules(NOW + DAY) if rule["id"] == "s-stay-14"]


def test_what_is_known_is_not_read_again(db: None, now: int) -> None:
    """A token is issued without reading fifty rows: the book's last name is enough."""
    book.rules(NOW)
    with CaptureQueriesContext(connection) as sent:
        book.rules(NOW)
        policy.travel_rules(NOW)
    assert len(sent) <= 2 and all("LIMIT 1" in query["sql"] for query in sent)  # prepared ones are not counted


def test_a_change_by_another_worker_is_seen_at_once(db: None, now: int, adopt: Callable[..., Any]) -> None:
    """A cache that asks only itself would judge by yesterday's law until the worker is started anew."""
    before = book.everything()
    versions = book.versions()
    row = book._row({**RULE, "from": "2027-01-15"}, 1, after=versions[-1].edition, now=NOW)
    RuleVersion.objects.create(**row)  # as another process does it
    assert len(book.everything()) == len(before) + 1


spans = st.tuples(st.dates(date(2024, 1, 1), date(2024, 2, 1)), st.none() | st.integers(0, 20))


@given(st.lists(st.tuples(st.sampled_from("ab"), spans), max_size=6), st.dates(date(2023, 12, 30), date(2024, 3, 1)))
def test_the_last_version_that_has_begun_is_the_one_that_counts(drawn: list[Any], on: date) -> None:
    """Whatever versions there are: on one day a rule has one version, the last adopted of those that have begun."""
    bodies = []
    for number, (name, (first, days)) in enumerate(drawn):
        until = None if days is None else (first + timedelta(days=days)).isoformat()
        bodies.append({**BODY, "id": name, "source": str(number), "from": first.isoformat(), "until": until})
    found = book.effective(bodies)
    parse_rules([wire(rule) for rule in found])  # never two of one id on one day
    for name in "ab":
        begun = [body for body in bodies if body["id"] == name and body["from"] <= on.isoformat()]
        last = begun[-1] if begun else None
        counts = last is not None and (last["until"] is None or last["until"] >= on.isoformat())
        standing = [rule.source for rule in found if rule.id == name and rule.first <= on <= rule.last]
        assert standing == ([last["source"]] if counts and last else [])
