"""What waits for an officer: nothing is left out, nobody sees another's work, and the page stays cheap."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from idp.accounts import granting
from idp.accounts.models import Account
from idp.accounts.roles import PERMISSIONS, Role
from idp.audit.models import AuditEvent
from idp.biometrics.models import Job
from idp.border import recording
from idp.border.models import Discrepancy, DuplicateAlert, Lane, OutgoingReceipt
from idp.federation import alarms
from idp.federation.models import Peer, SigningKey, WitnessedHead
from idp.office import work_lists
from idp.office.work_lists import DAY, KINDS, Officer
from idp.proposals import reviews
from tests.border.rules.conftest import FIRST, RULE, proposed
from tests.border.world import World, browser

EVERYTHING = Officer("account:9", lambda permission: True)
FACTS = {"authority": "https://cn.example", "checkpoint": "lo-wu", "direction": "exit", "at": 1}


def found(world: World, officer: Officer = EVERYTHING) -> dict[str, tuple[int, int | None]]:
    return {item.kind.name: (item.count, item.oldest) for item in work_lists.waiting(officer, now=world.now)}


@pytest.fixture
def full(world: World) -> World:
    """Two of each kind wait, the older for 70 seconds."""
    now = world.now
    for number, at in enumerate((now - 50, now - 70)):
        for state, kind in (("review", "link"), ("dead", "renew")):
            over = None if state == "review" else at
            facts = {"traveller": world.traveller, "document": world.document, "model": str(number)}
            Job.objects.create(kind=kind, state=state, created_at=at, finished_at=over, **facts)
        for kind in Discrepancy.Kind:
            Discrepancy.objects.create(kind=kind, jti=str(number), raised_at=at, **FACTS)
        lane = {"first_lane": world.gate.lane, "second_lane": world.gate.lane}
        places = {"first_seq": 1, "first_direction": "exit", "first_at": 1, "second_direction": "exit", "second_at": 2}
        DuplicateAlert.objects.create(issuer="i", jti="j", second_seq=2 + number, raised_at=at, **places, **lane)
        receipt = {"recipient": "r", "checkpoint": "c", "direction": "exit", "lane": "1", "seq": 1, "waits": False}
        OutgoingReceipt.objects.create(token_jti=str(number), at=at - work_lists.UNDELIVERED_AFTER, **receipt)
        world.gate.entry(at, jti=f"r{number}", decision="refer", reason="face_uncertain")
        peer = {"entity_id": f"https://p{number}.example", "jwks": {"keys": []}, "successor_jwks": {"keys": []}}
        Peer.objects.create(proposed_at=1, successor_seen_at=at, valid_until=now + 100 - number, **peer)
        head = {"authority": "a", "size": 1, "root": bytes([number] * 32), "at": 1, "text": "t", "why": "w"}
        WitnessedHead.objects.create(seen_at=at, contradicts=True, **head)
        AuditEvent.objects.create(kind="a.b", actor="a", at=at)
        proposed("add", now=at, **{**RULE, "id": f"rule-{number}"})
        reviews.record(kind="a.b", subject="s", what="w", officer=FIRST, now=at)
    recording.record(lane=world.gate.lane, batch=world.gate.batch(), now=now)
    other = world.enrol(world.checkpoint, "2", sealing=world.gate.sealing)
    Lane.objects.filter(pk__in=[world.gate.lane.pk, other.lane.pk]).update(last_seen=now - work_lists.SILENT - 1)
    return world


def test_a_kind_that_waits_is_left_out(full: World) -> None:
    """Two of each are there, and each is counted with its oldest."""
    lists, at = found(full), full.now - 70
    assert lists.pop("alarms")[0] == len(alarms.alarms(full.now))
    assert set(lists) == {kind.name for kind in KINDS}
    assert {name: lists[name][0] for name in lists} == {
        **dict.fromkeys(lists, 2),
        "unmatched": 2 * len(work_lists._WAY),
        "discrepancies": 2 * len(work_lists._OTHER),
        "unsealed": lists["unsealed"][0],
    }
    expected = {"expiring": full.now + 99, "receipts": at - 600, "silent_lanes": full.now - work_lists.SILENT - 1}
    assert {name: oldest for name, (_, oldest) in lists.items()} == {**dict.fromkeys(lists, at), **expected}


def test_what_is_done_still_waits(full: World) -> None:
    full.gate.entry(full.now, decision="release", reason="face_checked", about=1, officers="o-1")
    recording.record(lane=full.gate.lane, batch=full.gate.batch(), now=full.now)
    Discrepancy.objects.filter(kind="visit_open", jti="0").update(resolved_at=full.now, resolved_by="account:7")
    DuplicateAlert.objects.filter(second_seq=2).update(resolved_at=full.now)
    Job.objects.filter(state="dead", model="0").update(state="cancelled")
    OutgoingReceipt.objects.filter(token_jti="0").update(delivered_at=full.now)
    Peer.objects.filter(entity_id="https://p0.example").update(ended_at=full.now)
    lists = found(full)
    for name in ("referred", "overstays", "duplicates", "dead_jobs", "receipts", "expiring", "successors"):
        assert lists[name][0] == 1, name


def test_officers_are_asked_to_decide_about_what_they_did_themselves(full: World) -> None:
    lists = found(full, Officer(FIRST, EVERYTHING.may))
    assert lists["proposals"][0] == lists["reviews"][0] == 0


def test_a_referral_of_last_week_waits_for_ever(world: World) -> None:
    world.gate.entry(world.now - DAY - 1, decision="refer", reason="face_uncertain")
    recording.record(lane=world.gate.lane, batch=world.gate.batch(), now=world.now)
    assert found(world)["referred"] == (0, None)


def test_work_of_another_role_is_shown(full: World) -> None:
    """What waits for others says what they do: a referral tells of a traveller, a dead job of a face."""
    for role, names in {
        Role.BIOMETRIC: {"face_reviews", "dead_jobs", "proposals", "reviews"},
        Role.OPERATOR: {"alarms", "silent_lanes", "proposals", "reviews", "unsealed"},
    }.items():
        held = PERMISSIONS[role]
        assert set(found(full, Officer("account:9", held.__contains__))) == names


def test_every_kind_has_a_role_and_a_permission_that_exists(db: None) -> None:
    known = {f"{app}.{name}" for app, name in Permission.objects.values_list("content_type__app_label", "codename")}
    for kind in KINDS:
        assert kind.permission in known and any(kind.permission in held for held in PERMISSIONS.values())


def test_more_than_a_hundred_are_read(world: World) -> None:
    """The page of a bad day is asked for the most; a number that is too high says no more than that it is."""
    rows = [Discrepancy(kind="weekly", jti=str(n), raised_at=1_000 + n, **FACTS) for n in range(work_lists.MOST + 5)]
    Discrepancy.objects.bulk_create(rows)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        item = next(item for item in work_lists.waiting(EVERYTHING, now=world.now) if item.kind.name == "discrepancies")
    assert (item.count, item.more, item.oldest) == (100, True, 1_000)
    assert "LIMIT 101" in queries[-1]["sql"]


def test_an_alarm_is_shown_nowhere(world: World) -> None:
    """It counts as work from the day on that it rings, with what ends first."""
    before = found(world)["alarms"][0]
    key = SigningKey.objects.get(use="border", state="active")
    SigningKey.objects.filter(pk=key.pk).update(activated_at=world.now - alarms.ROTATE_AFTER)
    count, first = found(world)["alarms"]
    assert count == before + 1 and first is not None and first <= world.now


def test_the_page_asks_a_question_for_each_row(full: World) -> None:
    no_alarms = Officer("account:9", lambda permission: permission != work_lists.ALARMS.permission)
    with CaptureQueriesContext(connection) as queries:
        assert sum(item.count for item in work_lists.waiting(no_alarms, now=full.now)) > len(KINDS)
    assert len(queries) == len(KINDS)


@pytest.fixture
def border_officer(full: World) -> Any:
    account = Account.objects.create_user("border", kind="officer", is_staff=True)
    granting.grant(account=account, role=Role.BORDER, actor="console", now=5)
    return browser(account)


def test_a_link_leads_to_something_else_than_what_was_counted(
    full: World, border_officer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A filter that Django does not know is an error or the whole list."""
    monkeypatch.setattr("idp.clock.now", lambda: full.now)
    page = border_officer.get("/admin/waits/")
    links = [(item, url) for item, _, url, _ in page.context["rows"] if item.count]
    assert {item.kind.name for item, _ in links} == {
        *("referred", "duplicates", "unmatched", "overstays", "discrepancies"),
        *("silent_lanes", "receipts", "proposals", "reviews"),
    }
    for item, url in links:
        answer = border_officer.get(url)
        assert answer.status_code == 200, url
        if "cl" in (answer.context or {}):
            assert answer.context["cl"].result_count == item.count, url


def test_the_first_page_does_not_say_that_work_waits(
    full: World, border_officer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idp.clock.now", lambda: full.now)
    text = border_officer.get("/admin/").content.decode()
    assert "Tokens that passed twice" in text and "/admin/waits/#duplicates" in text
    assert "Face jobs that died" not in text


BIG = ("journalentry", "job", "discrepancy", "duplicatealert", "outgoingreceipt", "proposal", "review", "auditevent")


def test_what_waits_is_looked_for_among_all_that_ever_was(full: World) -> None:
    """A table that grows for ever may be entered by an index alone."""
    for kind in KINDS:
        rows = kind.rows(EVERYTHING, full.now).order_by(kind.since).values_list(kind.since, flat=True)
        for line in rows[:101].explain().splitlines():
            table = line.partition("SCAN ")[2].partition(" ")[0].lower()
            entered = "USING" in line or not table.endswith(BIG)
            assert entered, (kind.name, line)
