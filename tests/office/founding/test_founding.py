"""The first run makes what is missing, and a second one finds it."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from idp.accounts import granting, officers
from idp.accounts.models import Account, OfficerInvitation
from idp.accounts.roles import Role
from idp.audit.models import UnsealedEvent
from idp.biometrics import engines
from idp.biometrics.engine import UnableToLoadModel
from idp.border.models import RuleVersion
from idp.federation.models import SigningKey, Statement
from idp.office.founding import founding
from idp.office.founding.answers import UnableToFound
from idp.office.founding.founding import Appointment

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def engine_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network takes seconds to load; tests/docs loads it."""
    monkeypatch.setattr(engines, "engine", lambda name: None)


def run(folder: Path, officers_line: str = 'officers = ["chan", "lei"]\n') -> str:
    file = folder / "answers.toml"
    file.write_text(officers_line)
    out = io.StringIO()
    call_command("authority", "init", "--file", str(file), stdout=out)
    return out.getvalue()


def test_a_node_that_was_founded_signs_and_has_officers_rules_and_a_sealed_record(tmp_path: Path) -> None:
    said = run(tmp_path)
    assert SigningKey.objects.filter(state="active").count() == 9
    assert Statement.objects.count() == 1
    assert RuleVersion.objects.exists()
    assert not UnsealedEvent.objects.exists()
    for name in ("chan", "lei"):
        assert granting.roles_of(Account.objects.get(username=name)) == list(Role)
    assert said.count("/admin/enrol/") == 2
    steps = [line.split(".")[0] for line in said.split("What to do next")[1].splitlines() if line[:1].isdigit()]
    assert steps == [str(number) for number in range(1, len(steps) + 1)]


def test_a_second_run_makes_nothing_twice_and_prints_another_link_for_who_has_no_passkey(
    tmp_path: Path, officer_with_passkey: Any
) -> None:
    first = run(tmp_path)
    keys, rules = SigningKey.objects.count(), RuleVersion.objects.count()
    officer_with_passkey("lei")
    second = run(tmp_path)
    assert (SigningKey.objects.count(), RuleVersion.objects.count()) == (keys, rules)
    assert Account.objects.filter(kind=Account.Kind.OFFICER).count() == 2
    assert second.count("/admin/enrol/") == 1
    assert "chan: " in second
    assert OfficerInvitation.objects.filter(account__username="chan", closed_at=None).count() == 1
    assert first.split("chan: ")[1].split()[0] not in second


def test_one_officer_is_not_enough_and_nobody_is_made(tmp_path: Path) -> None:
    for line in ('officers = ["chan"]\n', 'officers = ["chan", "chan"]\n', ""):
        with pytest.raises(CommandError, match="Two officers are needed"):
            run(tmp_path, line)
    assert not Account.objects.exists()


def test_roles_that_leave_a_decision_to_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="fewer than two"):
        run(tmp_path, 'officers = ["chan", {name = "lei", roles = ["auditor"]}]\n')
    assert not Account.objects.exists()
    run(tmp_path, 'officers = ["chan", "lei", {name = "sou", roles = ["auditor"]}]\n')
    assert granting.roles_of(Account.objects.get(username="sou")) == [Role.AUDITOR]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("officers = 2", "list of names"),
        ("officers = [1, 2]", "has a name"),
        ('officers = [{name = "chan", role = "auditor"}]', "has a name"),
        ('officers = [{name = "chan", roles = ["boss"]}]', "roles are some of"),
        ('officers = ["", "lei"]', "has a name"),
        ('officers = ["chan / lei", "lei"]', "user name"),
    ],
    ids=["number", "numbers", "slip", "role", "empty", "characters"],
)
def test_bad_officers_are_refused(tmp_path: Path, line: str, reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        run(tmp_path, line + "\n")


def test_who_sits_there_is_asked_for_two_officers_once(monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(["chan", "lei"])
    monkeypatch.setattr("builtins.input", lambda text: next(names))
    call_command("authority", "init", stdout=io.StringIO(), stderr=(said := io.StringIO()))
    assert "another approves" in said.getvalue()
    call_command("authority", "init", stdout=io.StringIO())
    assert Account.objects.count() == 2


def test_an_officer_who_was_disabled_is_not_invited(tmp_path: Path) -> None:
    run(tmp_path)
    officers.disable(account=Account.objects.get(username="lei"), actor="test", now=1_800_000_000)
    with pytest.raises(CommandError, match="lei cannot be invited"):
        run(tmp_path)


def test_a_step_that_fails_says_which_setting_and_the_next_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(name: str) -> None:
        raise UnableToLoadModel("no such pack")

    with monkeypatch.context() as broken:
        broken.setattr(engines, "engine", fails)
        with pytest.raises(CommandError, match="CAUSEWAY_FACE_ENGINES"):
            run(tmp_path)
    assert SigningKey.objects.exists()
    assert not Account.objects.exists()
    assert "all there" in run(tmp_path)


def test_keys_that_cannot_be_written_are_said(tmp_path: Path, settings: Any) -> None:
    (tmp_path / "file").write_text("")
    settings.IDP_KEY_DIR = tmp_path / "file/keys"
    with pytest.raises(UnableToFound, match="have to be written"):
        list(founding.found(appointments=[Appointment("chan"), Appointment("lei")], now=1))
