"""Tests run against a fixed authority, a frozen clock where they ask for one, and no network."""

import itertools
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from joserfc.jwk import RSAKey

from idp.protocol import keys

# Machines differ in speed: no example may fail for being slow. `make fuzz` looks fifty times longer.
# How long an example takes to make says how busy the machine is, as a deadline would.
_NO_CLOCK = [hypothesis.HealthCheck.too_slow]
hypothesis.settings.register_profile(
    "house", deadline=None, max_examples=60, database=None, suppress_health_check=_NO_CLOCK
)
hypothesis.settings.register_profile(
    "fuzz", deadline=None, max_examples=3000, database=None, suppress_health_check=_NO_CLOCK
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))

NOW = 1_800_000_000  # 2027-01-15T08:00:00Z


RSA_KEYS = 32  # more than any one test makes; an RSA key takes longer to make, or to read, than most tests take
_make_rsa_key, _read_key = RSAKey.generate_key, keys._import
_rsa_places = itertools.cycle(range(RSA_KEYS))


@lru_cache(maxsize=RSA_KEYS)
def _rsa_key(place: int, size: int) -> RSAKey:
    return _make_rsa_key(size, private=True)


@lru_cache(maxsize=4 * RSA_KEYS)
def _rsa_key_read(members: tuple[tuple[str, str], ...]) -> Any:
    return _read_key(dict(members))


def _next_rsa_key(size: int, *, private: bool) -> RSAKey:
    key = _rsa_key(next(_rsa_places), size)
    for kept in Path(os.environ.get("CAUSEWAY_DATA_DIR", "var")).glob(f"keys/*/{key.thumbprint()}.jwk"):
        kept.unlink()  # of an earlier test: a node never writes over a key
    return key


def _read_once(jwk: Mapping[str, Any]) -> Any:
    whole = jwk.get("kty") == "RSA" and "d" in jwk and all(isinstance(member, str) for member in jwk.values())
    return _rsa_key_read(tuple(sorted(jwk.items()))) if whole else _read_key(jwk)


@pytest.fixture(autouse=True)
def _rsa_keys_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real RSA keys that come round again in later tests, each checked once."""
    monkeypatch.setattr(RSAKey, "generate_key", _next_rsa_key)
    monkeypatch.setattr(keys, "_import", _read_once)


_HOLDERS = (
    "idp.federation.chain_cache",
    "idp.federation.issuers",
    "idp.federation.statements",
    "idp.border.destinations",
)


@pytest.fixture(autouse=True)
def _nothing_held_of_another_test() -> None:
    """A process holds chains and keys under a number that begins anew in each test's database."""
    for name in _HOLDERS:
        if (module := sys.modules.get(name)) is not None:
            module._held.clear()
    if (module := sys.modules.get("idp.federation.issuers")) is not None:
        module._chains.clear()
    if (module := sys.modules.get("idp.federation.signing")) is not None:
        module._active_at.cache_clear()
        module._sound_at.cache_clear()


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
