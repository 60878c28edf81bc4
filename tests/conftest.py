"""Tests run against a fixed authority, a frozen clock where they ask for one, and no network."""

import itertools
import os
import socket
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from joserfc.jwk import RSAKey

# Machines differ in speed: no example may fail for being slow. `make fuzz` looks fifty times longer.
hypothesis.settings.register_profile("house", deadline=None, max_examples=60, database=None)
hypothesis.settings.register_profile("fuzz", deadline=None, max_examples=3000, database=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))

NOW = 1_800_000_000  # 2027-01-15T08:00:00Z


RSA_KEYS = 24  # more than any one test makes; an RSA key takes longer to make than most tests take
_make_rsa_key = RSAKey.generate_key
_rsa_places = itertools.cycle(range(RSA_KEYS))


@lru_cache(maxsize=RSA_KEYS)
def _rsa_key(place: int, size: int) -> dict[str, Any]:
    return _make_rsa_key(size, private=True).as_dict(private=True)


def _next_rsa_key(size: int, *, private: bool) -> RSAKey:
    key = RSAKey.import_key(_rsa_key(next(_rsa_places), size))
    for kept in Path(os.environ.get("CAUSEWAY_DATA_DIR", "var")).glob(f"keys/*/{key.thumbprint()}.jwk"):
        kept.unlink()  # of an earlier test: a node never writes over a key
    return key


@pytest.fixture(autouse=True)
def _rsa_keys_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real RSA keys that come round again in later tests."""
    monkeypatch.setattr(RSAKey, "generate_key", _next_rsa_key)


@pytest.fixture(autouse=True)
def _no_chain_of_another_test() -> None:
    """A process holds chains under a number that begins anew in each test's database."""
    if (module := sys.modules.get("idp.federation.chain_cache")) is not None:
        module._held.clear()


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
