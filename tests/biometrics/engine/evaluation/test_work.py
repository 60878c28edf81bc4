"""What is kept of an evaluation that was interrupted, and what is not."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from idp.biometrics.engine.evaluation.work import Seen, UnableToKeep, Work
from idp.biometrics.engine.templates import Template

FOUND = Seen(Template("m", "q8", b"\x00\x01"))
FAILED = Seen(None, "face_no_face look_at_the_camera")


def test_templates_and_failures_are_found_again(tmp_path: Path) -> None:
    with Work(tmp_path, engine="e", keep=True) as work:
        work.keep("a", FOUND)
        work.keep("b", FAILED)
        work.keep("b", FAILED)
    with Work(tmp_path, engine="e") as work:
        assert (work.known("a"), work.known("b"), work.known("c")) == (FOUND, FAILED, None)


def test_what_another_engine_found_is_not_taken(tmp_path: Path) -> None:
    """After an upgrade half of the templates came from the old converter."""
    with Work(tmp_path, engine="e 1", keep=True) as work:
        work.keep("a", FOUND)
    with Work(tmp_path, engine="e 2") as work:
        assert work.known("a") is None


def test_killed_process_loses_nothing_that_it_had_found(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path\n"
        "from idp.biometrics.engine.evaluation.work import Seen, Work\n"
        "from idp.biometrics.engine.templates import Template\n"
        "work = Work(Path(sys.argv[1]), engine='e')\n"
        "[work.keep(str(n), Seen(Template('m', 'q8', b'x'))) for n in range(100)]\n"
        f"os.kill(os.getpid(), {int(signal.SIGKILL)})\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    with Work(tmp_path, engine="e") as work:
        assert all(work.known(str(number)) for number in range(100))


def test_templates_go_at_the_end_unless_they_are_to_be_kept(tmp_path: Path) -> None:
    """Faces of a data set that lie about after everybody has forgotten them."""
    directory = tmp_path / "work"
    with Work(directory, engine="e") as work:
        work.keep("a", FOUND)
    assert not directory.exists()
    with pytest.raises(KeyboardInterrupt), Work(directory, engine="e") as work:
        work.keep("a", FOUND)
        raise KeyboardInterrupt
    with Work(directory, engine="e") as work:
        assert work.known("a") == FOUND


def test_files_of_others_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with Work(tmp_path, engine="e") as work:
        work.keep("a", FOUND)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_only_the_owner_may_look(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with Work(tmp_path / "work", engine="e") as work:
            work.keep("a", FOUND)
            assert (tmp_path / "work").stat().st_mode & 0o077 == 0
        (tmp_path / "open").mkdir(mode=0o755)  # that the operator made
        with Work(tmp_path / "open", engine="e") as work:
            assert (tmp_path / "open").stat().st_mode & 0o077 == 0
    finally:
        os.umask(before)


@pytest.mark.parametrize("content", [b"not a database" * 100, None])
def test_directory_that_will_not_do_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is None:
        (tmp_path / "seen.sqlite3").mkdir()
    else:
        (tmp_path / "seen.sqlite3").write_bytes(content)
    with pytest.raises(UnableToKeep):
        Work(tmp_path, engine="e")


def test_no_directory_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Work(None, engine="e") as work:
        work.keep("a", FOUND)
        assert work.known("a") == FOUND
    assert list(tmp_path.iterdir()) == []


def test_pictures_are_nowhere_in_the_file(tmp_path: Path) -> None:
    with Work(tmp_path, engine="e", keep=True) as work:
        work.keep("a", FOUND)
    columns = [row[1] for row in sqlite3.connect(tmp_path / "seen.sqlite3").execute("PRAGMA table_info(seen)")]
    assert columns == ["picture", "engine", "model", "profile", "data", "failure"]
