"""``manage.py border rules``: two officers on the console are two accounts, as in the admin site."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command

from idp.accounts.models import Account
from idp.border.models import RuleVersion
from idp.border.rules import book
from idp.proposals.models import Proposal
from idp.protocol.travel_rules import parse_rules
from tests.border.rules.conftest import RULE
from tests.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
ADD = {"change": "add", "rule": RULE}


@pytest.fixture(autouse=True)
def officers(db: None) -> None:
    for name in ("first", "second"):
        Account.objects.create_superuser(name)
    Account.objects.create_user("clerk", kind="officer", is_staff=True)
    Account.objects.create_user("traveller")


def run(*arguments: str) -> None:
    call_command("border", "rules", *arguments)


def propose(tmp_path: Path, content: Any, officer: str = "first") -> None:
    file = tmp_path / "change.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    run("propose", str(file), "--why", "the gazette says so", "--officer", officer)


def test_one_proposes_another_approves_and_the_rule_is_listed(tmp_path: Path, capsys: Any) -> None:
    propose(tmp_path, ADD)
    said = capsys.readouterr().out
    number = Proposal.objects.get().pk
    assert f"proposal {number} waits for another officer" in said and "until 2027-02-15 → until 2027-02-06" in said
    run("list")
    assert f"proposal {number}: add rule:s-stay-30: the gazette says so" in capsys.readouterr().out
    with pytest.raises(CommandError, match="another officer"):
        run("approve", str(number), "--officer", "FIRST")
    run("approve", str(number), "--officer", "second")
    assert f"proposal {number} is approved" in capsys.readouterr().out
    run("list", "--at", "2027-02-01T00:00")
    assert "s-stay-30" in capsys.readouterr().out
    run("list", "--at", "2027-01-29T23:59+08:00")
    assert "s-stay-30" not in capsys.readouterr().out


def test_the_exported_book_is_the_book(capsys: Any) -> None:
    run("export")
    assert parse_rules(json.loads(capsys.readouterr().out)) == book.everything()


@pytest.mark.parametrize("action", ["reject", "withdraw"])
def test_what_is_turned_down_changes_nothing(tmp_path: Path, capsys: Any, action: str) -> None:
    propose(tmp_path, ADD)
    run(action, str(Proposal.objects.get().pk), "--officer", "second" if action == "reject" else "first")
    assert "is rejected" in capsys.readouterr().out or action == "withdraw"
    assert not RuleVersion.objects.filter(rule=RULE["id"]).exists()


@pytest.mark.parametrize("officer", ["clerk", "traveller", "nobody"])
def test_who_may_not_does_not(tmp_path: Path, officer: str) -> None:
    """invalid solely because of who it is: without the permission, no officer, nobody."""
    with pytest.raises(CommandError, match="no active officer"):
        propose(tmp_path, ADD, officer)
    propose(tmp_path, ADD)
    with pytest.raises(CommandError, match="no active officer"):
        run("approve", str(Proposal.objects.get().pk), "--officer", officer)


def test_who_may_write_rules_does_not_therefore_decide(tmp_path: Path) -> None:
    """invalid solely because the permission to decide is another one."""
    clerk = Account.objects.get(username="clerk")
    clerk.user_permissions.set(Permission.objects.filter(codename="add_ruleversion"))
    propose(tmp_path, ADD)
    with pytest.raises(CommandError, match="no active officer"):
        run("approve", str(Proposal.objects.get().pk), "--officer", "clerk")
    propose(tmp_path, {"change": "add", "rule": {**RULE, "id": "another"}}, "clerk")


@pytest.mark.parametrize(
    "content",
    ["{", "7", "[7]", {"change": "add"}, {"change": "add", "rule": {**RULE, "from": "2027-01-14"}}, [ADD, ADD, "x"]],
    ids=str,
)
def test_a_file_that_cannot_be_taken_is_taken_in_no_part(tmp_path: Path, content: Any) -> None:
    """invalid solely because of one part of it."""
    with pytest.raises(CommandError):
        propose(tmp_path, content)
    assert not Proposal.objects.exists()


@pytest.mark.parametrize("arguments", [["approve", "999", "--officer", "second"], ["list", "--at", "soon"]], ids=str)
def test_what_is_not_there_is_said(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        run(*arguments)


def test_the_clock_is_the_houses(capsys: Any) -> None:
    """Rules that ended before `NOW` are history, and only the export has them."""
    assert NOW > 1_715_000_000
    run("list")
    assert "s-stay-7 " not in capsys.readouterr().out
