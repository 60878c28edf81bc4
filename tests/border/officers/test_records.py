"""Crossings, alerts and receipts as an officer reads them; an alert is resolved by whoever saw it as it is."""

import itertools
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.audit.models import AuditEvent
from idp.border import recording
from idp.border.models import DuplicateAlert, JournalEntry, OutgoingReceipt
from tests.border.officers.desk import API, WHY, Desk, ask, chief, send
from tests.border.world import NODE, World, problem_of

few = settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def officer(desk: Desk) -> Client:
    return chief()


def write(world: World, *entries: dict[str, Any]) -> None:
    first = len(world.gate.entries) + 1
    for changes in entries:
        world.gate.entry(world.now, **changes)
    recording.record(lane=world.gate.lane, batch=world.gate.batch(first), now=world.now)


def places(answer: Any) -> list[tuple[str, int]]:
    assert answer.status_code == 200, answer.content
    return [(item["lane"], item["seq"]) for item in answer.json()["items"]]


def test_a_crossing_is_what_the_lane_wrote_down(officer: Client, desk: Desk) -> None:
    answer = ask(officer, "/crossings/lo-wu/1/1", WHY)
    assert answer["Cache-Control"] == "no-store"
    assert answer.json() == {
        "checkpoint": "lo-wu",
        "lane": "1",
        "seq": 1,
        "at": desk.world.now,
        "direction": "exit",
        "decision": "admit",
        "reason": "",
        "score_band": "high",
        "jti": "twice",
        "issuer": "https://cn.example",
        "subject": "s" * 43,
        "about": 0,
        "officers": "",
        "bundle_serial": 3,
        "received_at": desk.world.now,
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, 4),
        ({"checkpoint": "lo-wu", "lane": "2"}, 1),
        ({"checkpoint": "lo-wu", "lane": "3"}, 0),
        ({"subject": "s" * 43}, 4),
        ({"subject": "s"}, 0),
        ({"checkpoint": "lo-wu"}, 4),
        ({"checkpoint": "futian"}, 0),
        ({"direction": "entry"}, 1),
        ({"decision": "refuse"}, 1),
        ({"reason": "expired"}, 1),
        ({"jti": "twice"}, 2),
        ({"since": 1_800_000_000}, 3),
        ({"until": 1_800_000_000}, 1),
        ({"since": 1_800_000_000, "until": 1_800_000_000}, 0),
    ],
)
def test_crossings_are_found_by_each_filter(officer: Client, desk: Desk, query: dict[str, Any], found: int) -> None:
    """A filter that is taken and not heeded."""
    write(desk.world, {"decision": "refuse", "reason": "expired"}, {"at": desk.world.now - 60})
    assert len(places(ask(officer, "/crossings", {**WHY, **query}))) == found


@few
@given(
    times=st.lists(st.integers(0, 3), max_size=8),
    later=st.lists(st.integers(0, 3), max_size=8),
    limit=st.integers(1, 4),
)
def test_pages_of_crossings_are_the_journal_also_while_lanes_upload(
    officer: Client, desk: Desk, times: list[int], later: list[int], limit: int
) -> None:
    """An offline lane's entries of this morning arrive between two pages: nothing is told twice, nothing is lost."""
    JournalEntry.objects.filter(jti="paged").delete()
    at = desk.world.now - 100
    known = JournalEntry.objects.order_by("-seq").first()
    facts = {
        name: getattr(known, name) for name in ("lane_id", "checkpoint_id", "direction", "decision", "received_at")
    }

    def add(first: int, ages: list[int]) -> None:
        for number, age in enumerate(ages):
            JournalEntry.objects.create(seq=first + number, at=at - age, jti="paged", bundle_serial=1, **facts)

    add(100, times)
    first = {row.seq for row in JournalEntry.objects.filter(jti="paged")}
    found: list[tuple[int, int]] = []
    query: dict[str, Any] | None = {**WHY, "jti": "paged", "limit": limit}
    url = f"{API}/crossings"
    while url:
        page = officer.get(url, query).json()
        found += [(item["at"], item["seq"]) for item in page["items"]]
        url, query = (page["next"] or "").removeprefix(NODE), None
        if later:
            add(200, later)
            later = []
    assert found == sorted(set(found), reverse=True)
    assert first <= {seq for _, seq in found}


def test_every_look_at_crossings_is_an_event_with_its_purpose(officer: Client, desk: Desk) -> None:
    """Personal data that was shown to somebody, and nobody knows to whom or why."""
    why = {"purpose": "complaint", "case": "2027/113"}
    for path in ("/crossings", "/crossings/lo-wu/1/1"):
        assert ask(officer, path, why).status_code == 200
        assert officer.head(API + path, why).status_code == 200
    events = AuditEvent.objects.filter(kind="personal_data.read").order_by("pk")
    subjects = [event.subject for event in events]
    assert subjects == ["crossings"] * 2 + ["crossing:lo-wu/1/1"] * 2
    assert all(event.actor.startswith("account:") for event in events)
    assert events[0].data.items() >= {"what": "list", "reason": "complaint", "case": "2027/113"}.items()
    assert events[0].data["kinds"] == ["crossings"] and "jti" in events[0].data["fields"]


@pytest.mark.parametrize(
    ("why", "fields"),
    [
        ({}, ["purpose"]),
        ({"purpose": "curiosity"}, ["purpose"]),
        ({"purpose": "referral", "case": "no words"}, ["case"]),
        ({"purpose": "investigation"}, ["case"]),
        ({"purpose": "other"}, ["purpose"]),
        ({"purpose": "investigation"}, ["case"]),
        ({"purpose": "other"}, ["purpose"]),
    ],
)
def test_without_a_purpose_nothing_is_shown(officer: Client, why: dict[str, str], fields: list[str]) -> None:
    """invalid solely because of the purpose or the file number."""
    answer = ask(officer, "/crossings", why)
    assert problem_of(answer) == (400, "invalid_request")
    assert answer.json()["fields"] == fields
    assert not AuditEvent.objects.filter(kind="personal_data.read").exists()


ODD = ["", "\x00", "x" * 5000, "9" * 400, "-1", "1e9", "٣", "'; --", "null"]
LISTS = ("/crossings", "/alerts", "/discrepancies", "/receipts/owed", "/receipts/received", "/tokens", "/checkpoints")


@pytest.mark.parametrize("path", LISTS)
def test_odd_parameters_are_refused_or_find_nothing(officer: Client, path: str) -> None:
    """A parameter that becomes a 500: too long, too large, of another kind."""
    names = ("since", "until", "lane", "decision", "reason", "jti", "subject", "state", "after", "limit", "document")
    for name, value in itertools.product((*names, "purpose", "case", "x"), ODD):
        query = {**WHY, "checkpoint": "lo-wu", name: value}
        answer = ask(officer, path, query if path == "/crossings" else {**WHY, name: value})
        assert answer.status_code in (200, 400), (name, value, answer.content)


@pytest.mark.parametrize("seq", ["9" * 18, "9" * 30, "9" * 4000, "9" * 6000, "-1", "1.0", "x"])
def test_an_odd_place_is_not_found(officer: Client, seq: str) -> None:
    """A number in the path that no column can hold."""
    assert problem_of(ask(officer, f"/crossings/lo-wu/1/{seq}", WHY)) == (404, "not_found")
    assert problem_of(ask(officer, f"/alerts/{seq}")) == (404, "not_found")


def test_an_alert_names_both_places(officer: Client, desk: Desk) -> None:
    (item,) = ask(officer, "/alerts", {"state": "open"}).json()["items"]
    assert (item["jti"], item["resolved_at"]) == ("twice", None)
    assert item["first"] == {
        "checkpoint": "lo-wu",
        "lane": "1",
        "seq": 1,
        "direction": "exit",
        "at": desk.world.now,
    }
    assert (item["second"]["lane"], item["second"]["direction"]) == ("2", "entry")
    assert ask(officer, "/alerts", {"state": "resolved"}).json()["items"] == []
    assert ask(officer, f"/alerts/{desk.alert.pk}").json() == item


def test_an_alert_is_resolved_by_who_saw_it(officer: Client, desk: Desk) -> None:
    path = f"/alerts/{desk.alert.pk}"
    seen = ask(officer, path)["ETag"]
    answer = send(officer, f"{path}/resolve", if_match=seen)
    assert (answer.status_code, answer.json()["resolved_at"]) == (200, desk.world.now)
    assert answer["ETag"] == ask(officer, path)["ETag"] != seen
    event = AuditEvent.objects.get(kind="crossing.duplicate_resolved")
    assert event.actor.startswith("account:")


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ({}, (428, "precondition_required")),
        ({"if_match": ""}, (428, "precondition_required")),
        ({"if_match": '"other"'}, (412, "precondition_failed")),
        ({"if_match": 'W/"weak"'}, (412, "precondition_failed")),
        ({"if_match": "not a tag"}, (428, "precondition_required")),
    ],
)
def test_an_alert_is_not_resolved_unseen(
    officer: Client, desk: Desk, headers: dict[str, str], problem: tuple[int, str]
) -> None:
    """invalid solely because of If-Match."""
    assert problem_of(send(officer, f"/alerts/{desk.alert.pk}/resolve", **headers)) == problem
    assert DuplicateAlert.objects.get().resolved_at is None


def test_a_tag_is_compared_strongly_for_a_change(officer: Client, desk: Desk) -> None:
    """RFC 9110 §13.1.1: a weak tag says that two are much alike."""
    path = f"/alerts/{desk.alert.pk}"
    weak = "W/" + ask(officer, path)["ETag"]
    assert problem_of(send(officer, f"{path}/resolve", if_match=weak)) == (412, "precondition_failed")


def test_of_two_officers_who_saw_the_same_one_resolves(officer: Client, desk: Desk) -> None:
    """A lost update: the second would think that it was they who looked into it."""
    path = f"/alerts/{desk.alert.pk}"
    seen = ask(officer, path)["ETag"]
    assert send(officer, f"{path}/resolve", if_match=seen).status_code == 200
    assert problem_of(send(officer, f"{path}/resolve", if_match=seen)) == (412, "precondition_failed")
    assert AuditEvent.objects.filter(kind="crossing.duplicate_resolved").count() == 1


def test_what_does_not_add_up_is_listed_and_resolved_by_who_saw_it(officer: Client, desk: Desk) -> None:
    (item,) = ask(officer, "/discrepancies", {"state": "open", "kind": "entry_alone"}).json()["items"]
    assert (item["jti"], item["beside"], item["resolved_by"]) == ("alone", {}, "")
    assert ask(officer, "/discrepancies", {"kind": "exit_alone"}).json()["items"] == []
    path = f"/discrepancies/{item['id']}"
    seen = ask(officer, path)["ETag"]
    assert problem_of(send(officer, f"{path}/resolve")) == (428, "precondition_required")
    assert send(officer, f"{path}/resolve", if_match=seen).json()["resolved_by"].startswith("account:")
    assert problem_of(send(officer, f"{path}/resolve", if_match=seen)) == (412, "precondition_failed")
    assert AuditEvent.objects.filter(kind="crossing.discrepancy_resolved").count() == 1


def test_a_lane_is_asked_for_with_its_checkpoint(officer: Client) -> None:
    """invalid solely because the checkpoint is missing: each has a lane 1."""
    answer = ask(officer, "/crossings", {**WHY, "lane": "1"})
    assert problem_of(answer) == (400, "invalid_request") and answer.json()["fields"] == ["non_field_errors"]


def test_the_next_page_is_of_the_same_time(officer: Client, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A range that ends by the clock: an entry at its far end would be gone when the next page is asked for."""
    write(desk.world, {"at": desk.world.now - 86_400})
    first = ask(officer, "/crossings", {**WHY, "limit": 2}).json()
    monkeypatch.setattr("idp.clock.now", lambda: desk.world.now + 3600)
    second = officer.get(first["next"].removeprefix(NODE)).json()
    assert len(first["items"]) == 2 and len(second["items"]) == 1


def test_receipts_owed_and_received_are_listed(officer: Client, desk: Desk) -> None:
    owed = ask(officer, "/receipts/owed", {"state": "waiting"}).json()["items"]
    assert {item["token_jti"] for item in owed} == {"twice"} and owed[0]["recipient"] == "https://cn.example"
    OutgoingReceipt.objects.update(delivered_at=desk.world.now)
    assert ask(officer, "/receipts/owed", {"state": "waiting"}).json()["items"] == []
    assert ask(officer, "/receipts/owed", {"state": "delivered", "direction": owed[0]["direction"]}).json()["items"]
    (received,) = ask(officer, "/receipts/received").json()["items"]
    assert received["token_jti"] == "elsewhere"
    assert ask(officer, "/receipts/received", {"direction": "exit"}).json()["items"] == []
