"""Verification as a job: what is broken and not found, what is done twice, and what a dead worker leaves lying."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from idp.audit import events, sealing, tasks, verification, verifying
from idp.audit.models import AuditEvent, SealedEvent, TreeHead, TreeNode, Verification
from idp.audit.verifying import UnableToVerify
from tests.audit.test_sealing import forge, unguarded
from tests.conftest import NOW

__all__ = ["unguarded"]
pytestmark = pytest.mark.django_db
SIZE = 600  # two full subtrees of 256 leaves, and some


@pytest.fixture
def record(now: int, unguarded: None) -> int:
    with connection.cursor() as cursor:
        on = "" if connection.vendor == "sqlite" else " ON audit_treenode"
        for what in ("no_update", "no_delete") if not on else ("append_only",):
            cursor.execute(f"DROP TRIGGER audit_treenode_{what}{on}")
    with transaction.atomic():
        for number in range(SIZE):
            events.record(kind="test.done", actor="a", data={"n": number})
    sealing.seal(NOW)
    return SIZE


def found(first: int = 0, last: int = SIZE) -> list[str]:
    return list(verification.range_findings(first, last))


def test_a_whole_range_has_nothing_to_tell(record: int) -> None:
    for first, last in ((0, record), (0, 1), (100, 300), (256, 512), (599, 600)):
        assert found(first, last) == []


def test_a_changed_event_is_found_by_the_range_that_it_is_in(record: int) -> None:
    pk = SealedEvent.objects.get(index=300).event_id
    forge(f"UPDATE audit_auditevent SET actor = 'b' WHERE id = {pk}")  # noqa: S608  ours
    assert found(300, 301) == found() == [f"event {pk} (leaf 300) was changed after it was sealed"]
    assert found(0, 300) == found(301, SIZE) == []


def test_a_leaf_that_is_missing_is_found(record: int) -> None:
    forge('DELETE FROM audit_sealedevent WHERE "index" = 300')
    assert found(256, 512) == ["leaf 300 is missing"]
    assert found(300, 301) == ["leaf 300 is missing"]


def test_a_stored_subtree_or_head_that_was_changed_is_found(record: int) -> None:
    wrong = "X'" + "00" * 32 + "'" if connection.vendor == "sqlite" else "'\\x" + "00" * 32 + "'"
    forge(f'UPDATE audit_treenode SET hash = {wrong} WHERE level = 8 AND "index" = 1')  # noqa: S608  ours
    assert "the stored root of subtree 8/1 does not match its leaves" in found(256, 512)
    assert found(0, 256) == []
    assert TreeNode.objects.filter(level=8).count() == 2
    assert f"tree head {SIZE} does not match the leaves" in found(512, SIZE)
    forge(f"UPDATE audit_treehead SET root = {wrong}")  # noqa: S608  ours
    assert f"tree head {TreeHead.objects.get().size} does not match the leaves" in found(512, SIZE)


def test_the_result_is_kept_with_who_asked(record: int) -> None:
    row = verifying.ask(officer="account:7", now=NOW)
    assert verifying.run(row.pk, now=NOW)
    row.refresh_from_db()
    assert (row.state, row.asked_by, row.total, row.done, row.broken) == ("whole", "account:7", SIZE, SIZE, 0)
    done = AuditEvent.objects.get(kind="audit.verified")
    assert (done.actor, done.data) == ("account:7", {"broken": 0, "events": SIZE})


def test_what_is_broken_is_counted_and_its_first_lines_kept(
    record: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(verifying, "SHOWN", 2)
    forge("UPDATE audit_auditevent SET actor = 'b'")
    row = verifying.ask(officer="account:7", now=NOW, first=10, last=20)
    tasks.verify(row.pk)
    row.refresh_from_db()
    assert (row.state, row.broken, len(row.found)) == ("broken", 10, 2)
    assert "the audit is broken" in caplog.text


def test_its_progress_is_seen(record: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "CHUNK", 100)
    steps: list[int] = []
    list(verification.findings(NOW, progress=steps.append))
    assert steps[:3] == [100, 200, 300]
    steps.clear()
    list(verification.range_findings(50, 350, progress=steps.append))
    assert steps == [100, 200, 300]


def test_two_workers_do_it_once(record: int) -> None:
    row = verifying.ask(officer="account:7", now=NOW)
    Verification.objects.update(state="running")
    assert not verifying.run(row.pk, now=NOW)
    assert not verifying.run(row.pk, now=NOW + verifying.STALE - 1)
    assert verifying.open_ones(NOW + verifying.STALE) == [row.pk], "its worker is dead"
    assert verifying.run(row.pk, now=NOW + verifying.STALE)
    assert not verifying.run(row.pk, now=NOW + 9 * verifying.STALE)


def test_the_node_asks_once_a_night(record: int, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    monkeypatch.setattr(tasks.verify, "delay", lambda pk: (begun.append(pk), verifying.run(pk, now=NOW)))
    for _ in range(3):
        tasks.verify_nightly()
    assert len(begun) == 1 and Verification.objects.get().asked_by == "node"
    monkeypatch.setattr("idp.clock.now", lambda: NOW + verifying.NIGHTLY)
    tasks.verify_nightly()
    assert len(begun) == 2


@pytest.mark.parametrize("bounds", [(5, 5), (6, 5), (0, SIZE + 1), (-1, 5)])
def test_there_is_no_such_range(record: int, bounds: tuple[int, int]) -> None:
    with pytest.raises(UnableToVerify):
        verifying.ask(officer="account:7", now=NOW, first=bounds[0], last=bounds[1])


def test_one_waits_at_a_time(record: int) -> None:
    verifying.ask(officer="account:7", now=NOW)
    with pytest.raises(UnableToVerify):
        verifying.ask(officer="account:8", now=NOW)
    assert verifying.nightly(NOW) is None


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("audit_verification_one_at_a_time|state", {"state": "waiting"}),
        ("audit_verification_range", {"first": 5, "last": 5}),
        ("audit_verification_ended", {"state": "whole"}),
        ("audit_verification_ended", {"state": "broken", "finished_at": 1, "broken": 0}),
        ("audit_verification_ended", {"state": "running", "finished_at": 1}),
    ],
    ids=["two", "range", "unfinished", "unbroken", "running"],
)
def test_a_row_that_cannot_be_is_refused(name: str, changes: dict[str, Any]) -> None:
    facts = {"asked_by": "node", "asked_at": 1, "moved_at": 1}
    Verification.objects.create(**facts)
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Verification.objects.create(**{**facts, "state": "running", **changes})
