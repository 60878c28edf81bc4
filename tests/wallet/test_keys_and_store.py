"""The phone's keys and memory."""

import threading
from pathlib import Path

from idp.wallet.keys import Keyring, load_or_make
from idp.wallet.store import PENDING_LIFETIME, Grant, Pending, Store, StoredToken
from tests.conftest import NOW


def test_two_that_come_first_together_get_one_key(tmp_path: Path) -> None:
    path, found = tmp_path / "keys" / "device.json", []
    barrier = threading.Barrier(8)

    def take() -> None:
        barrier.wait()
        found.append(load_or_make(path).kid)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert [item.name for item in path.parent.iterdir()] == ["device.json"]  # nothing half-made is left


def test_keys_last_and_are_their_owners_alone(tmp_path: Path) -> None:
    ring = Keyring(tmp_path / "keys")
    device, here, there = ring.device, ring.holder("https://a.example"), ring.holder("https://b.example")
    assert len({device.kid, here.kid, there.kid}) == 3
    assert Keyring(tmp_path / "keys").holder("https://a.example").kid == here.kid
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in (tmp_path / "keys").iterdir())
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


def test_a_state_is_taken_once_even_by_two_at_a_time(tmp_path: Path) -> None:
    store, taken = Store(tmp_path), []
    store.begin(Pending("s", "p", "i", "v", ({"type": "x"},), "c", NOW))
    threads = [threading.Thread(target=lambda: taken.append(store.take("s", now=NOW))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([item for item in taken if item is not None]) == 1


def test_a_state_that_is_too_old(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.begin(Pending("old", "p", "i", "v", (), "c", NOW - PENDING_LIFETIME - 1))
    assert store.take("old", now=NOW) is None


def test_what_has_expired_is_forgotten(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.keep_grant(Grant("p", "secret-access-token", ({"type": "x"},), "c", NOW + 10))
    store.keep_token(StoredToken("t", "cp", "exit", "cwt", b"secret-border-token", "eep", NOW, NOW + 10))
    assert len(store.grants(now=NOW)) == len(store.tokens(now=NOW)) == 1
    assert store.grants(now=NOW + 10) == store.tokens(now=NOW + 10) == []
    assert store.token("t") is None


def test_tokens_for_the_same_gate_stand_beside_each_other_the_newest_last(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number in ("3", "1", "2"):
        store.keep_token(StoredToken(number, "cp", "exit", "cwt", b"x", "eep", NOW, NOW + 10))
    assert [token.id for token in store.tokens(now=NOW)] == ["3", "1", "2"]


def test_a_new_grant_for_the_same_crossing_replaces_the_old(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for token, crossing in (("a", "c"), ("b", "c"), ("c", ""), ("d", "")):
        store.keep_grant(Grant("p", token, (), crossing, NOW + 10))
    assert [grant.access_token for grant in store.grants(now=NOW)] == ["d", "c", "b"]
    store.drop_grants(access_token="b")
    assert [grant.access_token for grant in store.grants(now=NOW)] == ["d", "c"]


def test_the_database_is_its_owners_alone(tmp_path: Path) -> None:
    Store(tmp_path / "phone")
    files = list((tmp_path / "phone").iterdir())
    assert files
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
