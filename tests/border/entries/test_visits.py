"""Visitors: an entry and the exit after it are one visit; what is left over is listed, and no name is kept for good."""

from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction

from idp.accounts.models import Account
from idp.audit.models import AuditEvent
from idp.border.admitted import Admitted
from idp.border.entries import discrepancies, reserving, unmatched
from idp.border.models import Discrepancy, OutgoingReceipt
from tests.border.entries.books import CN, DAY, Books
from tests.border.world import OFFICER, World, browser


def passes(world: World, jti: str, direction: str, at: int, subject: str = "pairwise", issuer: str = CN) -> None:
    """A visitor is let through."""
    passed = Admitted(issuer, jti, f"{world.checkpoint.entity_id}", "1", 1, direction, world.now + at, subject)
    with transaction.atomic():
        reserving.note(admitted=[passed], now=world.now)


def listed() -> set[tuple[str, str]]:
    return set(Discrepancy.objects.values_list("kind", "jti"))


@pytest.fixture
def late(world: World, settings: Any) -> int:
    """When everything has waited long enough."""
    settings.IDP_UNMATCHED_AFTER, settings.IDP_LONGEST_VISIT = 3600, 30 * DAY
    return world.now + 40 * DAY


def test_a_visit_that_has_ended_is_not_listed_and_its_name_is_forgotten(world: World, late: int) -> None:
    passes(world, "in", "entry", 0)
    passes(world, "out", "exit", 2 * DAY)
    assert unmatched.look(now=late) == 0
    assert set(OutgoingReceipt.objects.values_list("subject", "waits")) == {("", False)}


def test_an_exit_ends_the_visit_that_was_begun_last(world: World, late: int) -> None:
    """An entry that no exit ended stays open, whatever visit came after it."""
    for at in (0, DAY):
        passes(world, f"in-{at}", "entry", at)
    passes(world, "out", "exit", 2 * DAY)
    unmatched.look(now=late)
    assert listed() == {("visit_open", "in-0")}


@pytest.mark.parametrize(
    "other", [{"subject": "another"}, {"issuer": "https://idp.mo.example"}, {"at": DAY}, {"subject": ""}]
)
def test_what_is_not_this_visitors_earlier_entry_begins_no_visit(
    world: World, late: int, other: dict[str, Any]
) -> None:
    """invalid solely because the entry is another's, a namesake's under another issuer, later, or of nobody known."""
    passes(world, "in", "entry", **{"at": 0, **other})
    passes(world, "out", "exit", DAY - 1, subject=other.get("subject", "pairwise") and "pairwise")
    unmatched.look(now=late)
    assert listed() == {("visit_unbegun", "out"), ("visit_open", "in")}


def test_nothing_is_listed_before_its_time(world: World, late: int, settings: Any) -> None:
    """A lane that was offline brings the entry later than another brings the exit."""
    passes(world, "out", "exit", 0)
    passes(world, "in", "entry", 0, subject="other")
    assert unmatched.look(now=world.now + 3600) == 0
    assert unmatched.look(now=world.now + 3601) == 1
    assert unmatched.look(now=world.now + 30 * DAY + 3600) == 0
    assert unmatched.look(now=world.now + 30 * DAY + 3601) == 1


def test_the_command_lists_what_is_open(world: World, late: int, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    passes(world, "in", "entry", 0)
    books = Books(world, entries_left=1)
    first, second = books.crosses("entry"), books.crosses("entry", 3600)
    monkeypatch.setattr("idp.clock.now", lambda: late)
    call_command("border", "unmatched")
    out = capsys.readouterr().out
    assert f"overdrawn {second.token.jti} entry {second.token.checkpoint} at {world.now + 3600}" in out
    assert f"beside {first.token.jti}" in out and "visit_open in " in out and "4 to look into" in out
    call_command("border", "unmatched", "--kind", "overdrawn")
    assert "1 to look into" in capsys.readouterr().out


def test_an_officer_resolves_and_who_may_only_look_does_not(world: World, late: int) -> None:
    passes(world, "in", "entry", 0)
    unmatched.look(now=late)
    found = Discrepancy.objects.get()
    page, act = "/admin/border/discrepancy/", {"action": "resolve_discrepancies", "_selected_action": [found.pk]}
    clerk = Account.objects.create_user("clerk", kind="officer", is_staff=True)
    browser(clerk).post(page, act)
    found.refresh_from_db()
    assert found.resolved_at is None
    officer = browser(Account.objects.create_superuser("officer-7", "x"))
    assert "visit" in officer.get(page).content.decode()
    assert officer.get(f"{page}{found.pk}/change/").status_code == 200
    assert officer.get("/admin/border/confirmedcrossing/").status_code == 200
    for _ in range(2):
        officer.post(page, act)
    found.refresh_from_db()
    assert found.resolved_at == world.now and found.resolved_by.startswith("account:")
    assert AuditEvent.objects.filter(kind="crossing.discrepancy_resolved").count() == 1
    assert not discrepancies.resolve(discrepancy=found, officer=OFFICER, now=late)
