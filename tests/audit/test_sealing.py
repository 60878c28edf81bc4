"""Sealing and verification: what is appended, by whom, and what a forger cannot hide."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from idp.audit import events, sealing, verification
from idp.audit.models import AuditEvent, SealedEvent, Sealer, TreeHead, UnsealedEvent
from idp.audit.tasks import seal as seal_task
from idp.protocol import merkle

pytestmark = pytest.mark.django_db
NOW = 1_800_000_000


def record(count: int) -> list[AuditEvent]:
    with transaction.atomic():
        return [events.record(kind="test.done", actor="a", data={"z": n, "a": "界"}) for n in range(count)]


@pytest.fixture
def unguarded() -> None:
    """A forger with the rights of the database's owner: the triggers are gone."""
    with connection.cursor() as cursor:
        for table in ("audit_auditevent", "audit_sealedevent", "audit_treehead"):
            if connection.vendor == "sqlite":
                cursor.execute(f"DROP TRIGGER {table}_no_update")
                cursor.execute(f"DROP TRIGGER {table}_no_delete")
            else:
                cursor.execute(f"DROP TRIGGER {table}_append_only ON {table}")


def forge(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_every_event_gets_one_place_and_the_head_covers_all(now: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 3)
    record(7)
    assert sealing.seal(now) == 7
    assert list(SealedEvent.objects.order_by("index").values_list("index", flat=True)) == list(range(7))
    assert list(TreeHead.objects.order_by("size").values_list("size", flat=True)) == [3, 6, 7]
    leaves = [merkle.leaf_hash(sealing.leaf_data(event)) for event in AuditEvent.objects.order_by("pk")]
    assert bytes(TreeHead.objects.get(size=7).root) == merkle.root(leaves)
    assert list(verification.findings(now)) == []


def test_an_event_has_one_hash_however_the_database_orders_its_members(now: int) -> None:
    one = AuditEvent(pk=1, kind="k", actor="a", at=now, data={"b": [{"z": 1, "y": 2}], "a": 0})
    other = AuditEvent(pk=1, kind="k", actor="a", at=now, data={"a": 0, "b": [{"y": 2, "z": 1}]})
    assert sealing.leaf_data(one) == sealing.leaf_data(other)


def test_sealing_again_appends_only_what_is_new(now: int) -> None:
    record(2)
    sealing.seal(now)
    assert sealing.seal(now) == 0
    record(1)
    assert sealing.seal(now) == 1
    assert TreeHead.objects.count() == 2
    assert list(verification.findings(now)) == []


def test_an_event_that_commits_late_is_sealed_late_though_its_number_is_lower(now: int) -> None:
    early, late = record(2)
    with transaction.atomic():
        SealedEvent.objects.create(
            index=0, event=late, leaf_hash=(leaf := merkle.leaf_hash(sealing.leaf_data(late)))
        )  # as if `early` had not been committed yet
        TreeHead.objects.create(size=1, root=leaf, at=now)
        UnsealedEvent.objects.filter(pk=late.pk).delete()
        Sealer.objects.update_or_create(pk=1, defaults={"size": 1, "frontier": [leaf.hex()]})
    assert sealing.seal(now) == 1
    assert SealedEvent.objects.get(event=early).index == 1
    assert list(verification.findings(now)) == []


def test_of_two_sealers_at_once_one_appends_nothing(now: int, monkeypatch: pytest.MonkeyPatch) -> None:
    record(2)
    original = merkle.Frontier.append

    def other_sealer_wins(self: merkle.Frontier, leaf: bytes) -> list[bytes]:
        Sealer.objects.filter(pk=1).update(size=99)
        return original(self, leaf)

    monkeypatch.setattr(merkle.Frontier, "append", other_sealer_wins)
    assert sealing.seal(now) == 0
    assert SealedEvent.objects.count() == TreeHead.objects.count() == 0


def test_an_event_left_unsealed_raises_the_alarm(now: int, caplog: pytest.LogCaptureFixture) -> None:
    assert sealing.overdue(now) == 0
    record(1)
    assert sealing.overdue(now + 10) == 0
    assert sealing.overdue(now + 11) == 1
    assert any("unsealed" in line for line in verification.findings(now + 11))
    AuditEvent.objects.create(kind="test.done", actor="a", at=now - 60)
    seal_task()
    assert "unsealed for 60 seconds" in caplog.text
    assert sealing.overdue(now + 1000) == 0


@pytest.mark.usefixtures("unguarded")
@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("UPDATE audit_auditevent SET actor = 'forger' WHERE kind = 'test.done'", "was changed after it was sealed"),
        ("UPDATE audit_sealedevent SET leaf_hash = (SELECT root FROM audit_treehead LIMIT 1) WHERE \"index\" = 1",
         "does not match the leaves"),
        ("DELETE FROM audit_sealedevent WHERE \"index\" = 2", "leaf 2 is missing"),
        ("DELETE FROM audit_treehead WHERE size = 5", "have no tree head"),
        ("UPDATE audit_treehead SET size = 9 WHERE size = 5", "covers leaves that are missing"),
        ("UPDATE audit_sealer SET size = 4, frontier = '[]'", "another place"),
    ],
)  # fmt: skip
def test_a_forged_record_is_found_out(now: int, statement: str, finding: str) -> None:
    record(3)
    sealing.seal(now)
    record(2)
    sealing.seal(now)
    forge(statement)
    assert any(finding in line for line in verification.findings(now))


@pytest.mark.usefixtures("unguarded")
def test_a_record_cut_at_its_end_and_sealed_anew_is_told_by_a_head_noted_elsewhere(now: int) -> None:
    record(3)
    sealing.seal(now)
    noted = (3, bytes(TreeHead.objects.get(size=3).root))
    assert list(verification.findings(now, expected=noted)) == []
    forge("DELETE FROM audit_treehead")
    forge("DELETE FROM audit_sealedevent")
    forge("DELETE FROM audit_auditevent")
    forge("DELETE FROM audit_sealer")
    record(3)
    sealing.seal(now + 1)
    assert list(verification.findings(now)) == []
    assert any("noted elsewhere" in line for line in verification.findings(now, expected=noted))


def test_the_commands_seal_verify_and_note_the_head(now: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError):
        call_command("audit", "head")
    record(2)
    call_command("audit", "seal")
    call_command("audit", "head")
    head = capsys.readouterr().out.splitlines()[-1]
    call_command("audit", "verify", "--expect", head)
    assert "whole" in capsys.readouterr().out
    with pytest.raises(CommandError, match="broken in 1"):
        call_command("audit", "verify", "--expect", "2:" + "00" * 32)
    with pytest.raises(CommandError, match="SIZE:ROOT"):
        call_command("audit", "verify", "--expect", "many:zz")
