"""The watch list at the node: whole files or nothing, no number anywhere, and every gate gets what the rows say."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from idp.audit.models import AuditEvent
from idp.border import bundling, watching
from idp.border.models import PackedWatchlist, WatchlistEntry
from idp.border.policy import watch_key
from idp.protocol.strict_json import b64encode
from idp.protocol.watch_list import WatchList, pack, watch_hash
from tests.border.world import World

NUMBERS = ["CA1234567", "C12345678", "A123456(3)"]


def packed() -> WatchList:
    return WatchList(bytes(PackedWatchlist.objects.get().content))


def expected(numbers: list[str]) -> WatchList:
    return pack(watch_hash(watch_key(), number) for number in numbers)


def load(tmp_path: Path, text: str, *options: str, name: str = "list.txt") -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    call_command("watchlist", "import", str(path), *options)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.txt", "# looked for\nCA1234567\n\n  C12345678  \r\nA123456(3)\n"),
        ("list.txt", "\ufeffCA1234567\nC12345678\nA123456(3)"),
        ("list.csv", 'name,document_number\n"x, y",CA1234567\nz,C12345678\n,A123456(3)\n'),
        ("list.jsonl", "\n".join(json.dumps({"document_number": number, "x": 1}) for number in NUMBERS)),
    ],
)
def test_each_form_is_read(world: World, tmp_path: Path, name: str, text: str) -> None:
    load(tmp_path, text, name=name)
    assert packed() == expected(NUMBERS)
    assert WatchlistEntry.objects.count() == 3


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("list.txt", "CA1234567\n—\nC12345678\n", "list.txt:2"),
        ("list.txt", "CA1234567\nC1234567８\n", "list.txt:2"),  # a full-width digit matches no document
        ("list.txt", "CA1234567\n" + "1" * 25, "list.txt:2"),
        ("list.csv", "number\nCA1234567\n", "list.csv:1"),
        ("list.csv", "document_number,name\nCA1234567,x\n,y\n", "list.csv:3"),
        ("list.jsonl", '{"document_number": "CA1234567"}\n{"document_number": 7}', "list.jsonl:2"),
        ("list.jsonl", '{"document_number": "CA1234567"}\n{', "list.jsonl:2"),
    ],
)
def test_one_bad_line_leaves_the_list_as_it_was_and_is_named(
    world: World, tmp_path: Path, name: str, text: str, place: str
) -> None:
    """invalid solely because of one line: a list of which a part was taken looks like one that was taken."""
    load(tmp_path, "X1\n")
    with pytest.raises(CommandError) as caught:
        load(tmp_path, text, "--replace", name=name)
    assert place in str(caught.value)
    assert "1234567" not in str(caught.value), "numbers do not belong on a console that is logged"
    assert packed() == expected(["X1"])
    assert WatchlistEntry.objects.count() == 1


def test_import_adds_and_with_replace_takes_off(world: World, tmp_path: Path) -> None:
    load(tmp_path, "A1\nA2\n")
    load(tmp_path, "A2\nA3\n")
    assert packed() == expected(["A1", "A2", "A3"])
    load(tmp_path, "A3\nA4\n", "--replace")
    assert packed() == expected(["A3", "A4"])


def test_same_file_again_changes_nothing_and_leaves_no_event(world: World, tmp_path: Path) -> None:
    load(tmp_path, "\n".join(NUMBERS))
    before = PackedWatchlist.objects.get().sha256
    for options in ((), ("--replace",)):
        load(tmp_path, "\n".join([*NUMBERS, *NUMBERS]), *options)
    assert PackedWatchlist.objects.get().sha256 == before
    event = AuditEvent.objects.get(kind="watchlist.imported")
    assert (event.data["added"], event.data["count"], event.data["digest"]) == (3, 3, before)


def test_no_number_is_kept_or_told(world: World, tmp_path: Path, capsys: Any) -> None:
    """A number in the audit or in a row would tell every administrator whom the authority looks for."""
    load(tmp_path, "\n".join(NUMBERS))
    call_command("watchlist", "count")
    rows = [str(row) for model in (AuditEvent, WatchlistEntry, PackedWatchlist) for row in model.objects.values()]
    said = capsys.readouterr().out + "".join(rows)
    assert not any(number in said for number in NUMBERS)
    assert "3 numbers" in said


def test_single_changes_and_files_are_one_list(world: World, tmp_path: Path) -> None:
    """A list packed from another source than the rows would lose what the other put there."""
    watching.watch(document_number="B1", officer="o", now=world.now)
    load(tmp_path, "B2\n")
    watching.watch(document_number="b-2", officer="o", now=world.now)
    assert packed() == expected(["B1", "B2"])
    assert watching.unwatch(document_number="B1", officer="o", now=world.now)
    assert not watching.unwatch(document_number="B1", officer="o", now=world.now)
    assert packed() == expected(["B2"])


def test_rows_of_before_are_packed_when_a_gate_first_asks(world: World) -> None:
    """An upgraded node would send its gates an empty list until somebody changed it."""
    WatchlistEntry.objects.create(number_hash=watch_hash(watch_key(), "B1").hex(), added_at=1, added_by="o")
    assert watching.in_force(now=world.now).sha256 == expected(["B1"]).digest


def test_full_list_takes_no_more(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle that no gate can read would leave them all with the one before."""
    load(tmp_path, "A1\nA2\n")
    monkeypatch.setattr(watching, "MAX_HASHES", 2)
    with pytest.raises(CommandError, match="at most 2"):
        load(tmp_path, "A3\n")
    with pytest.raises(watching.UnableToWatch):
        watching.watch(document_number="A3", officer="o", now=world.now)
    assert packed() == expected(["A1", "A2"])
    assert WatchlistEntry.objects.count() == 2


def test_bundle_carries_the_list_until_the_lane_has_it(world: World) -> None:
    watching.watch(document_number="B1", officer="o", now=world.now)
    digest = expected(["B1"]).digest
    whole = bundling.build(checkpoint=world.checkpoint, now=world.now)
    assert whole["watchlist"] == b64encode(expected(["B1"]).content)
    assert "watchlist" not in bundling.build(checkpoint=world.checkpoint, now=world.now, known=digest)
    assert "watchlist" in bundling.build(checkpoint=world.checkpoint, now=world.now, known="another")
