"""Servers on one core, PostgreSQL and the load on another, and the processor time that a server took."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from bench import load

SERVER, OTHERS = 0, 1  # cores
THREADS = 8
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A running server's process group and port."""

    group: int
    port: int

    def cpu(self) -> float:
        """Seconds of processor time that its processes took so far."""
        return sum(_cpu(process) for process in Path("/proc").glob("[0-9]*") if _group(process) == self.group)


def pin_load() -> None:
    """This process and what it starts leave the server's core alone."""
    if not {SERVER, OTHERS} <= os.sched_getaffinity(0):
        raise RuntimeError("two cores are needed")
    os.sched_setaffinity(0, {OTHERS})


@contextmanager
def server(command: Sequence[str], *, port: int, environment: Mapping[str, str]) -> Iterator[Server]:
    """Run ``command`` on the server's core until the block ends."""
    process = subprocess.Popen(
        ["taskset", "-c", str(SERVER), *command],
        env={**os.environ, **environment},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    )
    try:
        load.wait(port=port)
        yield Server(process.pid, port)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        finally:
            with suppress(ProcessLookupError):  # its children, if any is left
                os.killpg(process.pid, signal.SIGKILL)


def granian(python: Path, module: str, *, port: int) -> list[str]:
    """The command that serves a WSGI application as docs/operations.md has it, for one core.

    Threads wait for the disk while another answers; a second worker would only take the core's cache from the first.
    """
    return [
        *(str(python), "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "1", "--blocking-threads", str(THREADS), "--no-ws", "--log-level", "critical"),
        f"{module}:application",
    ]


@contextmanager
def database(url: str, name: str) -> Iterator[str]:
    """A new database ``name`` beside that of ``url``, where a commit is on the disk before it returns; its URL."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
        connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = on')
        try:
            yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        finally:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def database_aside(url: str) -> Iterator[None]:
    """Every process of PostgreSQL, and those that it starts meanwhile, away from the server's core."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT pg_backend_pid()").fetchone()
        master = int(_stat(Path(f"/proc/{found[0] if found else 0}"))[1])
    before = os.sched_getaffinity(master)
    try:
        for pid in _family(master):
            _put(pid, {OTHERS})
        yield
    finally:
        for pid in _family(master):
            _put(pid, before)


@contextmanager
def on_server_core() -> Iterator[None]:
    """This process where the servers are, while none of them has anything to do."""
    os.sched_setaffinity(0, {SERVER})
    try:
        yield
    finally:
        os.sched_setaffinity(0, {OTHERS})


def idle(seconds: float = 0.3) -> None:
    """Let what the last turn left behind come to an end."""
    time.sleep(seconds)


def _family(master: int) -> list[int]:
    """``master`` first, so that its next child is as it is by then, and its children."""
    processes = {int(process.name): _stat(process) for process in Path("/proc").glob("[0-9]*")}
    return [master, *(pid for pid, stat in processes.items() if stat and int(stat[1]) == master)]


def _put(pid: int, cores: set[int]) -> None:
    with suppress(ProcessLookupError):  # a backend may end at any time
        os.sched_setaffinity(pid, cores)


def _group(process: Path) -> int:
    stat = _stat(process)
    return int(stat[2]) if stat else -1


def _cpu(process: Path) -> float:
    stat = _stat(process)
    return (int(stat[11]) + int(stat[12])) / _TICKS if stat else 0.0


def _stat(process: Path) -> list[str]:
    """The fields of proc(5)'s ``stat`` from ``state`` on."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
