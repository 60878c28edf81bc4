"""Tests run against a fixed authority, a frozen clock where they ask for one, and no network."""

import os
import socket
import tempfile
from collections.abc import Iterator

import pytest

_DATA = tempfile.TemporaryDirectory(prefix="causeway-tests-")
os.environ.update(
    DEBUG="1",
    INSECURE_LOOPBACK_HTTP="1",
    CAUSEWAY_ENTITY_ID="http://hk.localhost:8002",
    CAUSEWAY_JURISDICTION="HKG",
    CAUSEWAY_DATA_DIR=_DATA.name,
)
os.environ.setdefault("DATABASE_URL", "sqlite://:memory:")

NOW = 1_800_000_000  # 2027-01-15T08:00:00Z


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> int:
    """The clock of the house stands still at `NOW`."""
    monkeypatch.setattr("idp.clock.now", lambda: NOW)
    return NOW


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing leaves the machine; loopback is open for live tests and databases."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else "local"
        if host not in ("127.0.0.1", "::1", "localhost", "local"):
            raise RuntimeError(f"a test wanted to connect to {host}")
        real(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", connect)
    yield
