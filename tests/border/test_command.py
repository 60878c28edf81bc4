"""``manage.py border``."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from idp.border.models import Checkpoint, IssuedToken, WatchlistEntry
from tests.border.world import World

ADD = [
    "checkpoint",
    "futian",
    "--name",
    "en=Futian",
    "--name",
    "zh-Hans=福田",
    "--neighbour",
    "CHN",
    "--direction",
    "exit",
]


def test_a_checkpoint_and_its_lane_are_made(world: World, tmp_path: Path, capsys: Any) -> None:
    call_command("border", *ADD, "--policy", '{"max_attempts": 2}')
    assert Checkpoint.objects.get(code="futian").policy == {"max_attempts": 2}
    out = tmp_path / "lane.json"
    out.write_text("{}")
    out.chmod(0o644)
    call_command("border", "lane", "futian", "1", "--direction", "exit", "--out", str(out))
    assert json.loads(out.read_text())["lane"] == "1"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600, "it holds the code"
    call_command("border", "list")
    assert "1 exit invited" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        [*ADD[:1], "lo-wu", *ADD[2:]],
        [*ADD[:1], "Lo_Wu", *ADD[2:]],
        [*ADD, "--policy", "{"],
        [*ADD, "--policy", '{"max_attempts": 0}'],
        ["checkpoint", "x", "--name", "Futian", "--neighbour", "CHN", "--direction", "exit"],
        ["checkpoint", "x", "--name", "en=X", "--neighbour", "HKG", "--direction", "exit"],
        ["lane", "nowhere", "1", "--direction", "exit", "--out", "x"],
        ["lane", "lo-wu", "1", "--direction", "exit", "--out", "x"],
        ["lane", "lo-wu", "2", "--direction", "exit", "--out", "/nowhere/at/all"],
        ["watch", "/nowhere/at/all"],
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing(world: World, arguments: list[str]) -> None:
    """invalid solely because of one argument."""
    with pytest.raises(CommandError):
        call_command("border", *arguments)
    assert Checkpoint.objects.count() == 1


def test_numbers_go_on_the_watch_list_and_off_it(db: None, tmp_path: Path) -> None:
    file = tmp_path / "numbers"
    file.write_text("X998877\nA123456(3)\n")
    call_command("border", "watch", str(file))
    assert WatchlistEntry.objects.count() == 2
    call_command("border", "unwatch", str(file))
    call_command("border", "unwatch", str(file))
    assert not WatchlistEntry.objects.exists()


def test_tokens_are_revoked_suspended_and_reinstated(world: World, capsys: Any, settings: Any) -> None:
    settings.IDP_STATUS_BITS = 2
    assert world.ask().status_code == 201
    which = ["traveller", str(world.traveller.pk)]
    for act, count in (("suspend", 1), ("reinstate", 1), ("revoke", 1), ("revoke", 0)):
        call_command("border", act, *which, "--reason", "holder", "--officer", "account:9")
        assert capsys.readouterr().out == f"{count} border tokens\n"
    token = IssuedToken.objects.get()
    assert (token.revoked_by, token.revoked_for) == ("account:9", "holder")
    with pytest.raises(CommandError, match="no token"):
        call_command("border", "revoke", "authority", "https://nowhere.example")


def test_an_identifier_that_begins_with_a_dash_stands_after_two(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert world.ask().status_code == 201
    IssuedToken.objects.update(device_jkt="-" + "a" * 42)
    call_command("border", "revoke", "device", "--officer", "account:9", "--", "-" + "a" * 42)
    assert capsys.readouterr().out == "1 border tokens\n"
