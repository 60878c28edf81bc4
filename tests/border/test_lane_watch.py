"""What lanes say of themselves, and the page on which officers watch them."""

import json
from typing import Any

import pytest

from idp.accounts.models import Account
from idp.border import recording
from idp.border.models import LaneReport
from tests.border.world import CODE, World, browser

PAGE = "/admin/border/watch/"
SAID = {"bundle": 1, "camera": "working", "clock": 0, "pending": 0, "sealing": 0, "version": "0.1.0"}


def tell(world: World, report: object, gate: Any = None) -> Any:
    headers = {
        **(gate or world.gate).headers(world.now),
        "Lane-Report": report if isinstance(report, str) else json.dumps(report),
    }
    return world.machine.get(f"/border/v1/checkpoints/{CODE}/bundle", headers=headers)


def shown(world: World) -> str:
    return str(world.watcher.get(PAGE).content.decode())


@pytest.fixture(autouse=True)
def watcher(world: World) -> None:
    world.watcher = browser(Account.objects.create_superuser("watcher", "x"))  # type: ignore[attr-defined]


def test_a_report_is_kept_and_a_lane_that_is_well_is_shown_so(world: World) -> None:
    assert tell(world, {**SAID, "clock": world.now + 3, "sealing": world.now}).status_code == 200
    report = LaneReport.objects.get()
    assert (report.camera, report.clock_offset, report.version) == ("working", 3, "0.1.0")
    page = shown(world)
    assert "● well" in page and "● works" in page and "0.1.0" in page


@pytest.mark.parametrize(
    "report",
    [
        "no JSON",
        {**SAID, "camera": "CHEN DAWEN"},
        {**SAID, "version": "x" * 33},
        {**SAID, "clock": -1},
        {**SAID, "pending": 1 << 63},
        {**SAID, "more": "x" * 512},
        {},
    ],
    ids=["json", "camera", "version", "clock", "pending", "size", "empty"],
)
def test_a_report_that_cannot_be_keeps_no_lane_from_its_bundle(world: World, report: object) -> None:
    assert tell(world, report).status_code == 200
    assert not LaneReport.objects.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"camera": "failed"}, "camera gave no picture"),
        ({"clock": 100}, "clock differs"),
        ({"pending": 500}, "could not upload"),
        ({"sealing": -3 * 86_400}, "sealing keys were not changed for 72 hours"),
    ],
    ids=["camera", "clock", "pending", "sealing"],
)
def test_what_is_wrong_is_said_in_words(world: World, changes: dict[str, Any], words: str) -> None:
    """invalid solely because of one fact."""
    good = {**SAID, "clock": world.now, "sealing": world.now}
    for name, value in changes.items():
        good[name] = world.now + value if name in ("clock", "sealing") else value
    tell(world, good)
    assert words in shown(world) and "△ look at it" in shown(world)


def test_silence_is_trouble_and_after_the_bundles_life_it_is_the_end(world: World) -> None:
    lane = world.gate.lane
    for silence, words in ((100, "● well"), (400, "△ look at it"), (90_000, "✕ stopped")):
        type(lane).objects.filter(pk=lane.pk).update(last_seen=world.now - silence)
        assert words in shown(world)


def test_a_lane_that_refers_far_more_than_its_neighbour_stands_first(world: World) -> None:
    other = world.enrol(world.checkpoint, "0", sealing=world.gate.sealing)
    for gate, decision, reason in ((world.gate, "refer", "face_uncertain"), (other, "admit", "")):
        for _each in range(20):
            gate.entry(world.now, decision=decision, reason=reason)
        recording.record(lane=gate.lane, batch=gate.batch(), now=world.now)
    page = shown(world)
    assert "100% (20/20)" in page and "many more travellers" in page
    assert page.index("lo-wu/1") < page.index("lo-wu/0")


def test_a_refused_upload_is_seen(world: World) -> None:
    world.gate.entry(world.now)
    world.gate.entry(world.now)
    body = json.dumps(world.gate.batch(first=2))
    answer = world.machine.post(
        "/border/v1/journal", body, content_type="application/json", headers=world.gate.headers(world.now)
    )
    assert answer.status_code >= 400
    assert "upload of its journal was refused" in shown(world)
