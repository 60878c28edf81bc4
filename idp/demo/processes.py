"""Processes of the world: started, waited for, stopped, and never left behind."""

import atexit
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from idp.outbound import Outbound
from idp.protocol.refusals import Unavailable

START_SECONDS = 120.0  # a node imports Django and its rooms: two or three seconds on a quiet machine
STOP_SECONDS = 8.0


class UnableToStart(RuntimeError):
    """A process ended, or did not answer in time; the end of its log is in the message."""


class Processes:
    """Every process by name; a name may be started again after it was stopped."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._logs.mkdir(parents=True, exist_ok=True)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._ending: dict[str, subprocess.Popen[bytes]] = {}
        atexit.register(self.stop_all)

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start ``python`` with ``command``; its output goes to ``logs/NAME.log``."""
        if (before := self._ending.pop(name, None)) is not None:
            before.wait()
        with (self._logs / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, *command],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us; we end them in order
            )

    def run(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start and wait for the end; raises `UnableToStart` unless it was a good one."""
        self.start(name, command, environment)
        self.wait(name)

    def wait(self, name: str) -> None:
        """Wait until ``name`` has ended well; raises `UnableToStart`."""
        if self._running.pop(name).wait() != 0:
            raise UnableToStart(f"{name} failed:\n{self.tail(name)}")

    def wait_for(self, name: str, url: str) -> None:
        """Wait until ``url`` answers; raises `UnableToStart`."""
        outbound = Outbound(insecure_loopback_http=True, timeout=5.0)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._running[name].poll() is not None:
                raise UnableToStart(f"{name} ended:\n{self.tail(name)}")
            try:
                if outbound.request("GET", url).status < 500:
                    outbound.close()
                    return
            except Unavailable:
                time.sleep(0.1)
        raise UnableToStart(f"{name} did not answer at {url}:\n{self.tail(name)}")

    def alive(self) -> list[str]:
        """The names of those that run."""
        return [name for name, process in self._running.items() if process.poll() is None]

    def stop(self, *names: str) -> None:
        """End these, together, and wait; what does not end is killed with its children."""
        chosen = {name: self._running.pop(name) for name in names if name in self._running}
        for process in chosen.values():
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for process in chosen.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait()

    def dismiss(self, *names: str) -> None:
        """Tell these to end and go on: a worker takes some seconds to say goodbye."""
        for name in names:
            self._ending[name] = self._running.pop(name)
            _signal(self._ending[name], signal.SIGTERM)

    def stop_all(self) -> None:
        """End everything, and leave nothing behind."""
        self._running.update(self._ending)
        self._ending.clear()
        self.stop(*list(self._running))

    def tail(self, name: str, lines: int = 25) -> str:
        """The end of a log."""
        return "\n".join((self._logs / f"{name}.log").read_text("utf-8", "replace").splitlines()[-lines:])


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)  # the session that start_new_session made: children too
    except ProcessLookupError:
        return
