"""Tests run against a fixed authority, a frozen clock where they ask for one, and no network."""

import os
import socket
from collections.abc import Iterator

import hypothesis
import pytest

# Machines differ in speed: no example may fail for being slow. `make fuzz` looks fifty times longer.
hypothesis.settings.register_profile("house", deadline=None, max_examples=60, database=None)
hypothesis.settings.register_profile("fuzz", deadline=None, max_examples=3000, database=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))

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
