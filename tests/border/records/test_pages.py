"""The journals in the admin site: what an officer asked for, page by page, and each look is an event."""

from typing import Any

import pytest
from django.test import Client

from idp.accounts.models import Account
from idp.audit.models import AuditEvent
from idp.border import paging, recording
from idp.border.models import DuplicateAlert
from tests.border.test_admin import browser
from tests.border.world import World
from tests.looks import look

LIST = "/admin/border/journalentry/"


@pytest.fixture
def officer(world: World) -> Client:
    return browser(Account.objects.create_superuser("officer-7", "x"))


@pytest.fixture
def crossed(world: World) -> World:
    for number in range(paging.LIMIT + 3):
        world.gate.entry(world.now - number, jti=f"token-{number}-")
    world.gate.entry(world.now, jti="refused-", decision="refuse", reason="expired")
    recording.record(lane=world.gate.lane, batch=world.gate.batch(), now=world.now)
    return world


def shown(officer: Client, **query: Any) -> str:
    answer = look(officer, LIST, query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_pages_follow_one_another(officer: Client, crossed: World) -> None:
    """A link that loses the filter or the place shows other entries than the officer asked for."""
    first: Any = look(officer, LIST, {"checkpoint": "lo-wu", "decision": "admit"})
    assert "token-0-" in first.content.decode() and "refused-" not in first.content.decode()
    second = officer.get(f"{LIST}?{first.context['older']}").content.decode()
    assert f"token-{paging.LIMIT + 2}-" in second and "token-0-" not in second and "refused-" not in second
    assert "after=" not in second


def test_a_time_is_that_of_the_checkpoints(officer: Client, crossed: World) -> None:
    """2027-01-15 16:00 in Hong Kong; in UTC the officer would look eight hours beside it."""
    assert "token-0-" in shown(officer, since="2027-01-15 16:00:00", until="2027-01-15 16:00:01")
    assert "token-0-" not in shown(officer, since="2027-01-15 08:00:00", until="2027-01-15 08:00:01")


@pytest.mark.parametrize("query", [{"checkpoint": "nowhere"}, {"lane": "1"}, {"since": "yesterday"}, {"decision": "x"}])
def test_what_cannot_be_asked_shows_nothing_and_says_so(officer: Client, crossed: World, query: dict[str, str]) -> None:
    """A filter that is left out because it is wrong shows everybody."""
    page = shown(officer, **query)
    assert "errorlist" in page and "token-" not in page


@pytest.mark.parametrize("cursor", ["x", "W10", "WzEsMiwzXQ"])
def test_a_cursor_that_is_none_of_ours_is_refused(officer: Client, crossed: World, cursor: str) -> None:
    officer.raise_request_exception = False
    assert officer.get(LIST, {"after": cursor}).status_code == 400


def test_a_look_is_an_event_and_nobody_looks_without_permission(officer: Client, crossed: World) -> None:
    shown(officer)
    event = AuditEvent.objects.get(kind="personal_data.read")
    assert (event.subject, event.data["what"]) == ("border.journalentry", "list")
    stranger = browser(Account.objects.create_user("stranger", kind="officer", is_staff=True))
    assert stranger.get(LIST).status_code == 403
    assert AuditEvent.objects.filter(kind="personal_data.read").count() == 1


def test_an_alert_shows_both_places(officer: Client, world: World) -> None:
    """Where and when, of either passing, and the way to the entries."""
    other = world.enrol(world.register("futian"), "7", "exit")
    for gate, at in ((world.gate, world.now), (other, world.now + 90)):
        gate.entry(at, jti="twice")
        recording.record(lane=gate.lane, batch=gate.batch(), now=world.now)
    page = officer.get("/admin/border/duplicatealert/").content.decode()
    assert "lo-wu/1 1, 2027-01-15 16:00:00" in page and "futian/7 1, 2027-01-15 16:01:30" in page
    listed = look(officer, f"{LIST}?jti=twice&since=2027-01-15&until=2027-01-16").content.decode()
    assert f"{LIST}?jti=twice&amp;since=2027-01-15&amp;until=2027-01-16" in page
    assert "lo-wu/1" in listed and "futian/7" in listed


@pytest.mark.parametrize("at", [2**53 - 1, 0])
def test_an_alert_of_an_absurd_clock_can_be_looked_at(officer: Client, world: World, at: int) -> None:
    for _ in range(2):
        world.gate.entry(at, jti="twice")
    recording.record(lane=world.gate.lane, batch=world.gate.batch(), now=world.now)
    assert DuplicateAlert.objects.get().second_at == at
    assert "lo-wu/1 2" in officer.get("/admin/border/duplicatealert/").content.decode()
