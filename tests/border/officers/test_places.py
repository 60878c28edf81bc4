"""Checkpoints, lanes, rules and the watch list as an officer reads them."""

from typing import Any

import pytest
from django.test import Client

from idp.audit.models import AuditEvent
from idp.border import bundling, checkpoints, policy
from idp.border.models import Lane
from idp.border.watching import watch
from tests.border.officers.desk import API, WHY, Desk, ask, chief, send
from tests.border.officers.desk import officer as officer_with
from tests.border.world import problem_of


@pytest.fixture
def officer(desk: Desk) -> Client:
    return chief()


def test_a_checkpoint_shows_its_lanes_as_they_reported_themselves(officer: Client, desk: Desk) -> None:
    """A lane that is cut off is seen by when it was last heard of, and by the serial of the bundle that it has."""
    world = desk.world
    world.invite(world.checkpoint, "3", "entry")
    checkpoints.revoke_lane(lane=Lane.objects.get(name="2"), officer="account:7", now=world.now)
    bundling.build(checkpoint=world.checkpoint, now=world.now)
    told = ask(officer, "/checkpoints/lo-wu").json()
    assert (told["code"], told["entity_id"]) == ("lo-wu", world.checkpoint.entity_id)
    assert (told["bundle_serial"], told["bundle_built_at"]) == (1, world.now)
    lanes = {lane["name"]: lane for lane in told["lanes"]}
    assert [lanes[name]["state"] for name in "123"] == ["enrolled", "revoked", "invited"]
    assert (lanes["1"]["last_seen"], lanes["1"]["bundle_serial"]) == (world.now, 3)
    assert "code_hash" not in str(told)


def test_checkpoints_may_be_kept_and_asked_for_again(officer: Client, desk: Desk) -> None:
    for path in ("/checkpoints", "/checkpoints/lo-wu", "/rules"):
        answer = ask(officer, path)
        assert answer["Cache-Control"] == "private, no-cache"
        assert ask(officer, path, if_none_match=answer["ETag"]).status_code == 304
    Lane.objects.update(last_seen=desk.world.now + 1)
    seen = ask(officer, "/checkpoints/lo-wu")["ETag"]
    Lane.objects.update(last_seen=desk.world.now + 2)
    assert ask(officer, "/checkpoints/lo-wu", if_none_match=seen).status_code == 200


def test_the_rules_are_those_that_gates_are_given(officer: Client, desk: Desk) -> None:
    assert ask(officer, "/rules").json() == {"items": policy.travel_rules(desk.world.now)}


def test_of_the_watch_list_only_its_size_is_told(officer: Client, desk: Desk) -> None:
    for number in ("X998877", "X998878"):
        watch(document_number=number, officer="account:7", now=desk.world.now)
    assert ask(officer, "/watch-list").json() == {"size": 2}


def test_a_session_says_what_its_officer_may(desk: Desk) -> None:
    told = ask(officer_with("border.view_lane"), "/session").json()
    assert told["permissions"] == ["border.view_lane"] and told["officer"].startswith("account:")


def test_head_is_answered_as_get_without_the_body(officer: Client, desk: Desk) -> None:
    for path in ("/checkpoints", "/alerts", "/watch-list"):
        whole, head = ask(officer, path), officer.head(API + path)
        assert (head.status_code, head.content, head["ETag"]) == (200, b"", whole["ETag"])


def explain(client: Client, desk: Desk, **changes: Any) -> Any:
    return send(client, "/rules/explanations", {**desk.question, **WHY, **changes})


def test_the_rules_are_explained_one_by_one(officer: Client, desk: Desk) -> None:
    (item,) = explain(officer, desk).json()["items"]
    assert (item["document"], item["direction"], item["leg"]) == (str(desk.world.document.pk), "exit", ["HKG", "CHN"])
    assert item["reason"] is None or item["findings"]
    assert all({"rule", "outcome", "why", "asks", "source"} == set(each) for each in item["findings"])
    event = AuditEvent.objects.get(kind="personal_data.read")
    assert event.subject == f"traveller:{desk.world.traveller.pk}" and event.actor.startswith("account:")


def test_both_directions_are_explained_where_none_is_named(officer: Client, desk: Desk) -> None:
    """A checkpoint has two sides, and the rules of one are not those of the other."""
    found = explain(officer, desk, directions=[]).json()["items"]
    assert sorted(item["direction"] for item in found) == ["entry", "exit"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"traveller": "00000000-0000-0000-0000-000000000000"}, 404),
        ({"checkpoint": "nowhere"}, 404),
        ({"checkpoint": "x\x7f"}, 404),
        ({"document": "passport"}, 404),
        ({"traveller": "mei"}, 400),
        ({"at": 2**53}, 400),
        ({"at": 2**53 - 1}, 400),
        ({"at": -1}, 400),
        ({"at": "tomorrow"}, 400),
        ({"directions": ["up"]}, 400),
        ({"directions": "exit"}, 400),
        ({"purpose": ""}, 400),
    ],
)
def test_what_cannot_be_explained_is_said(officer: Client, desk: Desk, changes: dict[str, Any], status: int) -> None:
    """invalid solely because of one member; nothing was shown, and no look is noted."""
    code = {404: "not_found", 400: "invalid_request"}[status]
    assert problem_of(explain(officer, desk, **changes)) == (status, code)
    assert not AuditEvent.objects.filter(kind="personal_data.read").exists()


@pytest.mark.parametrize("at", [0, 253_370_736_000])
def test_the_first_and_the_last_day_are_days(officer: Client, desk: Desk, at: int) -> None:
    """A time that no calendar has becomes a 500."""
    assert explain(officer, desk, at=at).status_code == 200
