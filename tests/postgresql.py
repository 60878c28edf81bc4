"""Run the tests whose subject is the database on PostgreSQL: ``python -m tests.postgresql``, with pytest's options.

Everything else runs on SQLite only. The cluster is one of its own, on loopback, in a folder that goes away with it;
what it writes need not survive a power cut. PostgreSQL has to be installed: where it is not, nothing is run, and that
is an error where ``CI`` is true.
"""

import inspect
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

# What a test uses or names that is about transactions, races, constraints, or one kind of database.
FIXTURES = frozenset({"shared_database", "transactional_db", "on_postgresql", "served"})
NAMES = ("IntegrityError", "connection.vendor")
PLACES = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin")  # Debian's and Red Hat's, which are not on PATH
HERE, ROLE = Path(__file__).parent, "causeway"
HASTY = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "unix_socket_directories": "''"}


def programs() -> Path | None:
    """The folder with ``initdb`` and ``pg_ctl``, the newest where there are several; None where there is none."""
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).parent
    found = [folder for place in PLACES for folder in Path("/").glob(place) if (folder / "initdb").exists()]
    return max(found, key=lambda folder: int("".join(filter(str.isdigit, str(folder)))), default=None)


@contextmanager
def cluster(bin_folder: Path) -> Iterator[str]:
    """A running cluster; its URL, as `DATABASE_URL` wants it."""
    with tempfile.TemporaryDirectory(prefix="causeway-postgresql-") as name:
        folder = Path(name)
        data, log = folder / "data", folder / "log"
        _give_away(folder)
        _run(folder, bin_folder / "initdb", "-D", data, "-U", ROLE, "-A", "trust", "-E", "UTF8", "--no-sync")
        port = _free_port()
        options = " ".join(f"-c {key}={value}" for key, value in {**HASTY, "port": port}.items())
        _run(folder, bin_folder / "pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start")
        try:
            yield f"postgres://{ROLE}@127.0.0.1:{port}/postgres"
        finally:
            _run(folder, bin_folder / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


def is_about_the_database(test: pytest.Item) -> bool:
    if not isinstance(test, pytest.Function):
        return False
    transaction = any(mark.kwargs.get("transaction") for mark in test.iter_markers("django_db"))
    source = inspect.getsource(test.function)
    return transaction or bool(FIXTURES & {*test.fixturenames}) or any(name in source for name in NAMES)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """This module is the plugin that leaves out the rest."""
    left_out = [test for test in items if not is_about_the_database(test)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [test for test in items if test not in left_out]


def files(folder: Path) -> list[str]:
    """Those below ``folder`` that have such a test; to read the others takes longer than to run these."""
    words = (*FIXTURES, *NAMES, "transaction=True")
    found = sorted(folder.rglob("test_*.py"))
    return [str(file) for file in found if any(word in file.read_text("utf-8") for word in words)]


def main(options: Sequence[str]) -> int:
    """pytest's exit status."""
    found = programs()
    if found is None:
        print("PostgreSQL is not installed: its tests are left out.", file=sys.stderr)  # noqa: T201
        return int(os.environ.get("CI") == "true")
    command = [sys.executable, "-m", "pytest", "-p", "tests.postgresql", "-m", "not browser", *options, *files(HERE)]
    with cluster(found) as url:
        return subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, check=False).returncode


def _run(folder: Path, program: Path, *arguments: object) -> None:
    """PostgreSQL refuses to be run by root."""
    who = {"user": _owner(), "group": pwd.getpwnam(_owner()).pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    command = [str(program), *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **who)
    if done.returncode:
        raise RuntimeError(f"{program.name}: {done.stderr.strip()}")


def _give_away(folder: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(folder, _owner())


def _owner() -> str:
    """Who runs it for root."""
    return next(name for name in ("postgres", "nobody") if any(name == entry.pw_name for entry in pwd.getpwall()))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
