"""The lane's memory: what was admitted stays admitted, whatever happens to the process, the disk or the clock."""

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from idp.checkpoint.config import DATABASE
from idp.checkpoint.store import KEEP_ADMITTED, AlreadyAdmitted, Store
from idp.protocol import journal
from idp.protocol.refusals import Refusal, Unavailable
from tests.checkpoint import workers
from tests.checkpoint.lanes import Clock
from tests.checkpoint.workers import fields, refused
from tests.simulators.gate import CHECKPOINT, CN, NOW

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / DATABASE


@pytest.fixture
def store(path: Path) -> Store:
    return Store(path, Clock())


def check_chain(entries: list[journal.Entry]) -> None:
    previous = None
    for entry in entries:
        assert entry.seq == (previous.seq + 1 if previous else 1)
        assert entry.prev == (journal.entry_hash(previous) if previous else journal.genesis(CHECKPOINT, "1"))
        previous = entry


def test_sixteen_threads_with_one_token_admit_it_once(store: Store) -> None:
    barrier = threading.Barrier(16)

    def admit() -> str:
        barrier.wait()
        try:
            store.admit(fields())
        except AlreadyAdmitted:
            return "late"
        return "admitted"

    with ThreadPoolExecutor(16) as pool:
        outcomes = Counter(future.result() for future in [pool.submit(admit) for _ in range(16)])
    assert outcomes == {"admitted": 1, "late": 15}
    assert [entry.jti for entry in store.pending()] == ["token-0"]


def test_two_processes_with_the_same_tokens_admit_each_once_in_one_chain(path: Path) -> None:
    Store(path, Clock()).close()
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        ones, others = pool.map(workers.admit_all, [path] * 2, [range(60)] * 2)
    assert sorted(ones + others) == list(range(60))
    entries = Store(path, Clock(), create=False).pending()
    assert len(entries) == 60
    check_chain(entries)


def test_another_process_s_entry_is_not_overlooked_by_the_entry_kept_in_memory(path: Path) -> None:
    one, other = Store(path, Clock()), Store(path, Clock())
    one.admit(fields(1))
    other.admit(fields(2))
    one.admit(fields(3))
    one.note(refused(4))
    other.note(refused(5))
    check_chain(one.pending())
    assert [entry.seq for entry in other.pending()] == [1, 2, 3, 4, 5]


def test_kill_9_in_the_middle_of_admits_loses_nothing_that_was_reported(path: Path) -> None:
    command = [sys.executable, "-m", "tests.checkpoint.workers", str(path)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    reported = [int(child.stdout.readline()) for _ in range(20)]
    time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    reported += [int(line) for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    child.stdout.close()
    child.wait()
    store = Store(path, Clock(), create=False)
    entries = store.pending(limit=100_000)
    check_chain(entries)
    assert len(entries) >= len(reported)
    assert all(store.admitted(CN, f"token-{number}") for number in reported)
    with pytest.raises(AlreadyAdmitted):
        store.admit(fields(reported[-1]))


def test_a_full_disk_admits_nothing(tmp_path: Path) -> None:
    """The limit on the size of files is the system's own: the write fails in the middle of a transaction."""
    path = tmp_path / DATABASE
    command = [sys.executable, "-m", "tests.checkpoint.workers", str(path), "200000"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert said[-1] == "unavailable"
    done = len(said) - 1
    assert done > 5
    store = Store(path, Clock(), create=False)
    entries = store.pending(limit=10_000)
    check_chain(entries)
    assert len(entries) == done
    assert not store.admitted(CN, f"token-{done}")


def test_a_removed_directory_is_unavailable_and_not_an_empty_memory(path: Path, store: Store) -> None:
    store.admit(fields())
    path.parent.rename(path.parent.with_name("gone"))
    for ask in (lambda: store.admit(fields(1)), lambda: store.admitted(CN, "token-0"), lambda: store.note(refused())):
        with pytest.raises(Unavailable):
            ask()
    path.parent.with_name("gone").rename(path.parent)
    assert store.admitted(CN, "token-0")


def test_a_removed_file_is_not_made_anew_under_a_running_lane(path: Path, store: Store) -> None:
    store.admit(fields())
    path.unlink()
    with pytest.raises(Unavailable):
        store.admit(fields())
    with pytest.raises(Unavailable):
        store.admit(fields())
    assert not path.exists()


def test_an_old_copy_put_in_the_place_of_the_file_is_noticed(path: Path, store: Store) -> None:
    """What it has forgotten would be admitted again."""
    store.note(refused(1))
    store.close()
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    store.admit(fields())
    copy.replace(path)
    with pytest.raises(Unavailable):
        store.admit(fields(2))


def test_a_lane_that_worked_before_does_not_begin_anew_without_its_file(path: Path) -> None:
    with pytest.raises(Unavailable):
        Store(path, Clock(), create=False)
    assert not path.exists()


def test_the_file_is_for_its_owner_only(path: Path, store: Store) -> None:
    store.admit(fields())
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}


def test_every_write_is_synced(path: Path, store: Store) -> None:
    store.admit(fields())
    connection = store.connect()
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_fields_that_no_entry_can_hold_consume_no_token(store: Store) -> None:
    """Invalid solely because the subject is longer than an entry's."""
    with pytest.raises(Refusal):
        store.admit(fields(sub="x" * 129))
    assert not store.admitted(CN, "token-0")
    store.admit(fields())
    assert store.pending()[0].seq == 1


def test_a_failed_transaction_leaves_no_entry_in_memory(store: Store) -> None:
    store.admit(fields(1))
    with pytest.raises(AlreadyAdmitted):
        store.admit(fields(1))
    with pytest.raises(Refusal):
        store.note(refused(2, sub="x" * 129))
    assert store.attempts(CN, "token-2") == 0
    store.note(refused(2))
    check_chain(store.pending())


def test_an_entry_whose_commit_failed_is_no_one_s_predecessor(store: Store) -> None:
    """The commit fails solely because of a constraint that is checked there, as it would for a disk."""
    store.admit(fields(1))
    connection = store.connect()
    for statement in (
        "PRAGMA foreign_keys = ON",
        "CREATE TABLE late (seq INTEGER REFERENCES kept (name) DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TRIGGER late AFTER INSERT ON journal BEGIN INSERT INTO late VALUES (new.seq); END",
    ):
        connection.execute(statement)
    with pytest.raises(Unavailable):
        store.admit(fields(2))
    connection.execute("DROP TRIGGER late")
    store.admit(fields(2))
    check_chain(store.pending())


def test_a_refusal_counts_and_consumes_nothing(store: Store) -> None:
    store.note(refused(1))
    store.note(refused(1))
    store.note(refused(2, jti="", iss="", sub=""))
    assert (store.attempts(CN, "token-1"), store.attempts("", "")) == (2, 0)
    assert not store.admitted(CN, "token-1")
    store.admit(fields(1))


def test_the_same_jti_of_two_issuers_is_two_tokens(store: Store) -> None:
    store.admit(fields())
    store.admit(fields(iss="https://idp.mo.example"))
    assert len(store.pending()) == 2


def test_a_lower_serial_never_replaces_the_bundle(store: Store) -> None:
    store.keep_bundle("eight", "tag-8", 8, trust="p8")
    store.keep_bundle("seven", "tag-7", 7, trust="p7")
    assert [store.kept(name) for name in ("bundle", "tag", "serial", "trust")] == ["eight", "tag-8", "8", "p8"]
    store.keep_bundle("ten", "tag-10", 10)  # as numbers, not as text
    assert store.kept("bundle") == "ten"


def test_an_entry_made_while_the_clock_was_back_does_not_lower_the_latest_time(path: Path, store: Store) -> None:
    store.admit(fields(1, at=NOW))
    store.note(refused(2, at=NOW - 500))
    assert store.last_entry_at() == NOW
    again = Store(path, Clock())
    again.note(refused(3, at=NOW - 400))
    assert again.last_entry_at() == NOW


def test_purging_forgets_dead_tokens_by_the_journal_s_time(store: Store) -> None:
    store.admit(fields(1, at=NOW - KEEP_ADMITTED - 1))
    store.note(refused(2, at=NOW - KEEP_ADMITTED - 1))
    store.admit(fields(3, at=NOW))
    store.purge()
    assert not store.admitted(CN, "token-1")
    assert store.attempts(CN, "token-2") == 0
    assert store.admitted(CN, "token-3")
    assert len(store.pending()) == 3


def test_a_clock_that_runs_ahead_makes_the_lane_forget_nothing(tmp_path: Path) -> None:
    clock = Clock()
    store = Store(tmp_path / DATABASE, clock)
    store.admit(fields(1))
    assert store.spend_nonce(b"n" * 16)
    clock.now += 10 * 86_400
    store.purge()
    assert store.admitted(CN, "token-1")
    assert not store.spend_nonce(b"n" * 16)


def test_a_nonce_is_spent_once(path: Path, store: Store) -> None:
    assert store.spend_nonce(b"n" * 16)
    assert not store.spend_nonce(b"n" * 16)
    assert not Store(path, Clock()).spend_nonce(b"n" * 16)


def test_a_damaged_file_is_unavailable(path: Path, store: Store) -> None:
    store.admit(fields())
    store.close()
    path.write_bytes(b"not a database" * 100)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    with pytest.raises(Unavailable):
        Store(path, Clock())


def test_another_s_long_transaction_ends_in_unavailable_and_not_in_a_hang(path: Path, store: Store) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store.connect().execute("PRAGMA busy_timeout = 50")
    with pytest.raises(Unavailable):
        store.admit(fields())
    other.execute("ROLLBACK")
    other.close()
    store.admit(fields())


def test_pending_ends_where_the_node_has_confirmed(store: Store) -> None:
    for number in range(5):
        store.note(refused(number))
    store.uploaded(3)
    assert [entry.seq for entry in store.pending()] == [4, 5]
    assert [entry.seq for entry in store.pending(limit=1)] == [4]


def test_who_went_through_is_known_by_issuer_subject_and_time(path: Path) -> None:
    """A child's guardian: not of another issuer, not refused, not too long ago, and still known after a restart."""
    store = Store(path, Clock())
    store.admit(fields(1, sub="early", at=NOW - 700))
    store.admit(fields(2, sub="guardian", at=NOW - 100))
    store.note(refused(3, sub="refused", at=NOW - 50))
    for ledger in (store, Store(path, Clock(), create=False)):
        asked = {sub: ledger.admitted_subject(CN, sub, NOW - 600) for sub in ("early", "guardian", "refused", "")}
        assert asked == {"early": False, "guardian": True, "refused": False, "": False}
        assert ledger.admitted_subject(CN, "guardian", NOW - 100)
        assert not ledger.admitted_subject(CN, "guardian", NOW - 99)
        assert not ledger.admitted_subject("https://idp.other.example", "guardian", NOW - 600)
