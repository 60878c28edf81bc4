"""Two files, one commit: a process that is killed between them leaves both with it or both without."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from idp.checkpoint.joint_store import Unwritten, admit_both
from idp.checkpoint.store import Store
from idp.protocol.joint import Side
from idp.protocol.refusals import Refusal, Unavailable
from tests.checkpoint.lanes import Clock
from tests.checkpoint.workers import CN, fields, joint_stores

ROOT = Path(__file__).resolve().parents[2]


def both(number: int) -> dict[Side, tuple[dict[str, object], None]]:
    return {"exit": (fields(number, direction="exit"), None), "entry": (fields(number), None)}


def count(store: Store) -> int:
    return len(store.pending(limit=100_000))


@pytest.mark.parametrize("wait", [0.0, 0.004, 0.009, 0.013, 0.02])
def test_kill_9_between_two_files_leaves_both_or_neither(tmp_path: Path, wait: float) -> None:
    """The journals would disagree for ever: one authority would say that the traveller passed."""
    command = [sys.executable, "-m", "tests.checkpoint.workers", "joint", str(tmp_path)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    reported = [int(child.stdout.readline()) for _ in range(5)]
    time.sleep(wait)  # somewhere in a commit
    os.kill(child.pid, signal.SIGKILL)
    reported += [int(line) for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    child.stdout.close()
    child.wait()
    stores = joint_stores(tmp_path)
    assert count(stores["exit"]) == count(stores["entry"]) >= len(reported)
    assert all(store.admitted(CN, f"token-{number}") for store in stores.values() for number in reported)


def test_full_disk_on_one_side_leaves_the_other_as_it_was(tmp_path: Path) -> None:
    """The limit is SQLite's own for one file: the write fails in the middle of the transaction over both."""
    stores = joint_stores(tmp_path)
    admit_both(stores, both(0))
    for side in ("entry", "exit"):
        held = stores[side]
        pages = held.connect().execute("PRAGMA page_count").fetchone()[0]
        done, failed = 0, None
        real = held.consume

        def consume(connection, written, reservation, schema="main", real=real, pages=pages):  # type: ignore[no-untyped-def]
            connection.execute(f"PRAGMA {schema}.max_page_count = {pages}")
            return real(connection, written, reservation, schema)

        held.consume = consume  # type: ignore[method-assign]
        base = 1000 if side == "exit" else 1
        for number in range(base, base + 200):
            try:
                admit_both(stores, both(number))
                done += 1
            except Unwritten as error:
                failed = error
                break
        held.consume = real  # type: ignore[method-assign]
        assert failed is not None
        assert failed.side == side
        assert isinstance(failed.cause, Unavailable)
        assert not any(store.admitted(CN, f"token-{base + done}") for store in stores.values())
        assert count(stores["exit"]) == count(stores["entry"])


def test_removed_file_of_one_side_is_that_sides_fault(tmp_path: Path) -> None:
    """A file made anew would have forgotten whom it admitted."""
    stores = joint_stores(tmp_path)
    stores["entry"].path.rename(tmp_path / "gone")
    with pytest.raises(Unwritten) as caught:
        admit_both(stores, both(1))
    assert caught.value.side == "entry"
    assert count(stores["exit"]) == 0
    assert not stores["entry"].path.exists()


def test_content_that_no_entry_can_hold_writes_neither(tmp_path: Path) -> None:
    stores = joint_stores(tmp_path)
    wrong = both(1)
    wrong["entry"][0]["sub"] = "a\nb"
    with pytest.raises(Unwritten) as caught:
        admit_both(stores, wrong)
    assert caught.value.side == "entry"
    assert isinstance(caught.value.cause, Refusal)
    assert count(stores["exit"]) == 0


def test_both_files_are_written_as_durably_as_one(tmp_path: Path) -> None:
    """A rollback journal whose deletion a loss of power undoes would take a released admission back."""
    for store in joint_stores(tmp_path).values():
        read = store.connect().execute
        assert read("PRAGMA journal_mode").fetchone()[0] == "delete"
        assert read("PRAGMA synchronous").fetchone()[0] == 3  # EXTRA: the directory, too
    alone = Store(tmp_path / "alone.sqlite3", Clock())
    assert alone.connect().execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert alone.connect().execute("PRAGMA synchronous").fetchone()[0] == 2
