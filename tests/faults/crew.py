"""Worker processes and a beat as an operator starts them, killed with SIGKILL and started again."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Final

CELERY: Final = (sys.executable, "-m", "celery", "-A", "tests.faults.app")
ROOT: Final = Path(__file__).resolve().parents[2]


class Crew:
    """``size`` workers of one process each, and one beat; everything that they say is in ``folder``."""

    def __init__(self, folder: Path, *, size: int, random: Random) -> None:
        self._folder, self._random, self._beat = folder, random, 0
        self._workers: list[subprocess.Popen[bytes]] = []
        self._start_beat()
        for number in range(size):
            self._workers.append(self._worker(number))

    def kill_one(self) -> None:
        """A worker, or (every third time) only the process in it that works; a new one is there at once."""
        number = self._random.randrange(len(self._workers))
        worker = self._workers[number]
        children = _children(worker.pid)
        if children and self._random.random() < 1 / 3:
            _signal(self._random.choice(children), signal.SIGKILL)
            return
        _end(worker)
        self._workers[number] = self._worker(number)

    def peak_rss(self) -> int:
        """The most bytes that any process of a worker has had."""
        pids = [pid for worker in self._workers for pid in (worker.pid, *_children(worker.pid))]
        return max((_status(pid, "VmHWM") for pid in pids), default=0)

    def lively(self) -> None:
        """Start again what has ended by itself, as a supervisor does."""
        for number, worker in enumerate(self._workers):
            if worker.poll() is not None:
                self._workers[number] = self._worker(number)
        if self._beat_process.poll() is not None:
            self._start_beat()

    def stop(self) -> None:
        for process in (*self._workers, self._beat_process):
            _end(process)

    def _worker(self, number: int) -> subprocess.Popen[bytes]:
        return self._run(f"worker-{number}", "worker", "--concurrency", "1", "-n", f"w{number}@%h")

    def _start_beat(self) -> None:
        self._beat_process = self._run("beat", "beat", "--schedule", str(self._folder / "beat-schedule"))

    def _run(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen([*CELERY, *arguments], cwd=ROOT, stdout=log, stderr=log, start_new_session=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    """With all that it has started."""
    children = _children(process.pid)
    _signal(process.pid, signal.SIGKILL)
    for child in children:
        _signal(child, signal.SIGKILL)
    process.wait()


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):  # it has ended meanwhile
        os.kill(pid, number)


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    except OSError:
        return []


def _status(pid: int, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), 0)
