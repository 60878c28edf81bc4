"""Brokers of a test's own: started, killed, frozen and started again, on a port and in a folder of their own.

Never those of the machine: what else runs there would lose its messages.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Final

import pytest

STARTS_WITHIN: Final = 90  # seconds; RabbitMQ on a busy machine
RABBITMQ: Final = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # not Debian's wrapper, which changes the user


class Broker(ABC):
    """``url`` is what ``CELERY_BROKER_URL`` says."""

    name: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder / self.name
        self.folder.mkdir(parents=True)

    @property
    @abstractmethod
    def url(self) -> str: ...

    @staticmethod
    @abstractmethod
    def installed() -> bool: ...

    @abstractmethod
    def start(self) -> None:
        """Returns when it takes connections."""

    @abstractmethod
    def kill(self) -> None:
        """At once, without a word."""


class Filesystem(Broker):
    """Its files lie in the node's data folder; killed, they are gone."""

    name = "filesystem"
    url = "filesystem://"

    @staticmethod
    def installed() -> bool:
        return True

    def start(self) -> None:
        for name in ("messages", "processed", "control"):
            (self._place / name).mkdir(parents=True, exist_ok=True)

    def kill(self) -> None:
        if self._place.exists():
            self._place.rename(self._place.with_name(f"lost-{time.monotonic_ns()}"))

    @property
    def _place(self) -> Path:
        return self.folder.parent / "data" / "broker"


class Server(Broker):
    """One that is a process and listens on loopback."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]: ...

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(), cwd=self.folder, env=self.environment(), stdout=log, stderr=log, start_new_session=True
            )
        _until(lambda: _listens(self.port))

    def kill(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
            _until(lambda: not _listens(self.port))

    def freeze(self) -> None:
        """It holds its port and answers nothing, as a machine does that hangs."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGCONT)


class Redis(Server):
    """Without persistence: what it held is lost when it is killed."""

    name = "redis"

    @staticmethod
    def installed() -> bool:
        return shutil.which("redis-server") is not None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": self.folder}
        return ["redis-server", *(part for name, value in options.items() for part in (f"--{name}", str(value)))]


class RabbitMQ(Server):
    """A node of its own beside the machine's, with the machine's name server for nodes (epmd)."""

    name = "rabbitmq"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._distribution_port = _free_port()

    @staticmethod
    def installed() -> bool:
        return RABBITMQ.exists()

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def command(self) -> list[str]:
        return [str(RABBITMQ)]

    def environment(self) -> dict[str, str]:
        place = {name: str(self.folder / name.lower()) for name in ("MNESIA_BASE", "LOG_BASE")}
        settings = {
            **place,
            "NODENAME": f"faults{self.port}@localhost",
            "NODE_IP_ADDRESS": "127.0.0.1",
            "NODE_PORT": str(self.port),
            "DIST_PORT": str(self._distribution_port),
            "ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "CONFIG_FILE": str(self.folder / "none"),
            "PID_FILE": str(self.folder / "pid"),
            "SERVER_START_ARGS": "-setcookie faults",
        }
        return {**os.environ, "HOME": str(self.folder), **{f"RABBITMQ_{key}": text for key, text in settings.items()}}


EVERY: Final = {kind.name: kind for kind in (Filesystem, Redis, RabbitMQ)}


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _until(done: object) -> None:
    assert callable(done)
    for _ in range(STARTS_WITHIN * 10):
        if done():
            return
        time.sleep(0.1)
    raise RuntimeError("a broker does not start, or does not end")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def need(name: str) -> None:
    """Skip the test where the broker is not installed, and fail it there under CI."""
    if EVERY[name].installed():
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is required under CI")
    pytest.skip(f"{name} is not installed")
