"""Each finding is there when exactly that is broken, and nothing else is said."""

import io
import json
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, connections, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import OperationalError

from idp import conf
from idp.accounts import granting, invitations, officers
from idp.accounts.models import Account, Passkey
from idp.accounts.roles import Role
from idp.audit import events, sealing
from idp.federation import key_files, signing, statements, status_lists
from idp.federation.models import SigningKey, Statement
from idp.office import pulse, schedule
from idp.office.findings import configuration, storage
from idp.office.findings.finding import Level
from idp.office.models import Pulse
from idp.office.tasks import beat
from idp.proposals import reviews
from tests.conftest import NOW
from tests.office.findings.conftest import Ids

Usage = namedtuple("Usage", "total used free")


def test_a_database_that_is_down_hides_nothing_that_can_be_seen_without(
    found: Ids, node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise OperationalError("no such host")

    shutil.rmtree(node / "models")
    with monkeypatch.context() as down:
        down.setattr(connections["default"], "ensure_connection", refuses)
        assert found() == ["idp.E201", "idp.W220"]


def test_a_release_runs_on_tables_of_an_earlier_one(found: Ids) -> None:
    MigrationRecorder.Migration.objects.filter(app="office").delete()
    assert found() == ["idp.E202"]


def test_a_use_has_no_key(found: Ids) -> None:
    SigningKey.objects.filter(use="oidc", algorithm="RS256").delete()
    assert found() == ["idp.E203"]


def test_a_private_key_can_be_read_by_others(found: Ids, node: Path) -> None:
    next((node / "keys").rglob("*.jwk")).chmod(0o640)
    assert found() == ["idp.E204"]


def test_a_key_file_is_lost(found: Ids) -> None:
    key = SigningKey.objects.get(use="bundle", state="active")
    key_files.path_of("bundle", key.kid).unlink()
    assert found() == ["idp.E211"]


@pytest.mark.parametrize(
    ("free", "expected"),
    [
        (storage.SHORT, []),
        (storage.SHORT - 1, ["idp.W205"]),
        (storage.FULL, ["idp.W205"]),
        (storage.FULL - 1, ["idp.E205"]),
    ],
)
def test_a_disk_fills_up(found: Ids, monkeypatch: pytest.MonkeyPatch, free: int, expected: list[str]) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1 << 40, 0, free))
    assert found() == expected


@pytest.mark.parametrize("since", [None, NOW - pulse.SILENT_AFTER - 1])
def test_nobody_works_in_the_background(found: Ids, since: int | None) -> None:
    Pulse.objects.all().delete()
    if since is not None:
        pulse.beat(now=since)
    assert found() == ["idp.E206"]


def test_the_pulse_is_felt_before_it_counts_as_silent(found: Ids) -> None:
    assert schedule.BEAT["office.pulse"]["schedule"] < pulse.SILENT_AFTER / 3
    pulse.beat(now=NOW - pulse.SILENT_AFTER)
    assert found() == []
    beat()
    assert pulse.last() == NOW


def test_there_are_two_pulses(db: None) -> None:
    with pytest.raises(IntegrityError, match="office_pulse_is_one"), transaction.atomic():
        Pulse.objects.create(pk=2, at=NOW)


def test_the_broker_is_down(found: Ids, settings: Any) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    assert found() == ["idp.E207"]
    settings.CELERY_BROKER_URL = "amqp://127.0.0.1:1"
    assert found() == ["idp.E207"]


def test_the_brokers_folder_is_not_there(found: Ids, node: Path) -> None:
    shutil.rmtree(node / "broker")
    assert found() == ["idp.E207"]


def test_events_wait_for_their_seal(found: Ids, now: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("idp.clock.now", lambda: now - sealing.ALARM_AFTER - 1)
        events.record(kind="test.event", actor="test", subject="x")
    assert found() == ["idp.E208"]
    assert found(thorough=True) == ["idp.E208"]


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE audit_sealedevent SET leaf_hash = (SELECT root FROM audit_treehead LIMIT 1)",
        "DELETE FROM audit_treehead",
    ],
    ids=["leaves", "heads"],
)
def test_the_record_was_changed(found: Ids, forgery: str) -> None:
    _forge(forgery)
    assert found() == ["idp.E209"]


def test_an_event_that_was_changed_is_found_by_the_thorough_look(found: Ids) -> None:
    _forge("UPDATE audit_auditevent SET actor = 'nobody'")
    assert found() == []
    assert found(thorough=True) == ["idp.E209"]


def test_status_lists_cannot_be_signed(found: Ids, now: int) -> None:
    status_lists.allocate(expires_at=now + 3600, now=now)
    SigningKey.objects.filter(use="status").delete()
    signing._active_at.cache_clear()
    assert found() == ["idp.E203", "idp.E210"]


def test_a_statement_is_not_renewed(found: Ids, now: int) -> None:
    Statement.objects.update(issued_at=now - statements.CONFIGURATION_LIFETIME, expires_at=now + 3600)
    assert found() == ["idp.W211"]
    Statement.objects.update(expires_at=now)
    assert found() == ["idp.E211"]


@pytest.mark.parametrize("how", ["disabled", "no way in", "no role", "unused link"])
def test_only_one_is_left_to_decide(found: Ids, second: Account, now: int, how: str) -> None:
    if how == "disabled":
        officers.disable(account=second, actor="test", now=now)
    elif how == "no role":
        granting.end(account=second, role=Role.BORDER, actor="test", now=now)
    else:
        Passkey.objects.filter(account=second).delete()
    if how == "unused link":
        invitations.invite(account=second, actor="test", now=now)
    assert found() == ["idp.E212"]


def test_a_one_time_password_is_a_way_in(found: Ids, second: Account) -> None:
    Passkey.objects.filter(account=second).delete()
    officers.give_second_factor(account=second, actor="test")
    assert found() == []


def test_nobody_reviews_what_one_did_alone(found: Ids, now: int) -> None:
    since = now - reviews.REVIEW_WITHIN
    reviews.record(kind="border.closed", subject="x", what="closed", officer="account:1", now=since)
    sealing.seal(now)
    assert found() == ["idp.W219"]


def test_the_model_is_not_there(found: Ids, node: Path) -> None:
    shutil.rmtree(node / "models")
    assert found() == ["idp.W220"]


def test_static_files_are_not_collected(found: Ids, settings: Any, node: Path) -> None:
    settings.DEBUG, settings.STATIC_ROOT = False, node / "static"
    conf.authority.cache_clear()
    assert found() == ["idp.E221"]
    (node / "static/office").mkdir(parents=True)
    assert found() == []


def test_translations_are_not_compiled(found: Ids, settings: Any, node: Path) -> None:
    settings.LOCALE_PATHS = [node]
    assert found() == ["idp.W222"]


def test_a_setting_that_cannot_be_is_told_with_its_remedy(node: Path, settings: Any) -> None:
    settings.CELERY_BROKER_URL = "filesystem://"
    sound = {finding.id for finding in configuration.settings(databases=True)}
    assert sound == {"idp.W200", "idp.W102", "idp.W115"}
    settings.IDP_STATUS_BITS = 3
    settings.IDP_JURISDICTION = "XXX"
    broken = [finding for finding in configuration.settings(databases=True) if finding.id not in sound]
    assert {finding.id for finding in broken} == {"idp.E104", "idp.E116"}
    assert all(finding.remedy and finding.level is Level.ERROR for finding in broken)


def test_the_command_fails_for_errors_only_and_speaks_json(
    node: Path, monkeypatch: pytest.MonkeyPatch, now: int
) -> None:
    call_command("authority", "check", "--no-network", stdout=(said := io.StringIO()))
    assert "idp.W200" in said.getvalue()
    assert "0 errors" in said.getvalue()
    Pulse.objects.all().delete()
    with pytest.raises(SystemExit) as ended:
        call_command("authority", "check", "--no-network", "--json", stdout=(said := io.StringIO()))
    assert ended.value.code == 1
    first = json.loads(said.getvalue())[0]
    assert (first["id"], first["level"]) == ("idp.E206", "error")
    assert "beat" in first["remedy"]


def _forge(statement: str) -> None:
    """As somebody who may do everything with the database."""
    with connection.cursor() as cursor:
        for table in ("audit_auditevent", "audit_sealedevent", "audit_treehead"):
            if connection.vendor == "sqlite":
                cursor.execute(f"DROP TRIGGER {table}_no_update")
                cursor.execute(f"DROP TRIGGER {table}_no_delete")
            else:
                cursor.execute(f"DROP TRIGGER {table}_append_only ON {table}")
        cursor.execute(statement)
