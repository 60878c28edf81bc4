"""Sealing keys: made once, rotated daily, kept while a token may need them, erased for good afterwards."""

import fcntl
import json
import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from idp.checkpoint import sealing_keys
from idp.checkpoint.sealing_keys import KEEP_OLD, ROTATION, confirm, ensure, rotate_if_due
from tests.checkpoint import workers
from tests.simulators.gate import NOW

DAY = ROTATION


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "sealing"


def announced(directory: Path, now: int = NOW) -> sealing_keys.SealingKeys:
    keys = ensure(directory, now=now)
    confirm(directory, current=keys.current.kid, now=now)
    return ensure(directory, now=now)


def rotated_at(directory: Path, now: int) -> str:
    return rotate_if_due(directory, now=now).current.kid


def kids(directory: Path, now: int) -> list[str]:
    return [key.kid for key in ensure(directory, now=now).all]


def test_the_same_keys_are_there_the_next_time(directory: Path) -> None:
    made = kids(directory, NOW)
    assert len(set(made)) == 2
    assert kids(directory, NOW + 5) == made


def test_only_public_keys_are_announced_current_first(directory: Path) -> None:
    keys = ensure(directory, now=NOW)
    jwks = keys.public_jwks()["keys"]
    assert [jwk["kid"] for jwk in jwks] == [keys.current.kid, keys.next.kid]
    assert not any("d" in jwk for jwk in jwks)


def test_the_key_announced_as_next_becomes_current(directory: Path) -> None:
    before = announced(directory)
    after = rotate_if_due(directory, now=NOW + DAY)
    assert after.current.kid == before.next.kid
    assert [key.kid for key in after.old] == [before.current.kid]
    assert after.next.kid not in {key.kid for key in before.all}
    assert not after.announced


def test_keys_are_not_rotated_before_a_day_is_over(directory: Path) -> None:
    before = announced(directory)
    assert rotated_at(directory, NOW + DAY - 1) == before.current.kid


def test_keys_that_the_node_does_not_know_yet_are_not_rotated_away(directory: Path) -> None:
    """The node seals to what it knows: a second rotation would retire a key that it never heard to be replaced."""
    announced(directory)
    first = rotated_at(directory, NOW + DAY)
    assert rotated_at(directory, NOW + 5 * DAY) == first
    confirm(directory, current=first, now=NOW + 5 * DAY)
    assert rotated_at(directory, NOW + 5 * DAY) != first


def test_an_old_key_lives_one_token_life_after_the_node_confirmed_its_successor(directory: Path) -> None:
    old = announced(directory).current.kid
    current = rotated_at(directory, NOW + DAY)
    confirmed = NOW + DAY + 7 * 3600  # the node was away for seven hours, and sealed to the old key all the while
    assert old in kids(directory, confirmed + KEEP_OLD)
    confirm(directory, current=current, now=confirmed)
    assert old in kids(directory, confirmed + KEEP_OLD - 1)
    assert old not in kids(directory, confirmed + KEEP_OLD)


def test_a_rotation_on_time_does_not_push_out_a_key_that_tokens_still_need(directory: Path) -> None:
    first = announced(directory).current.kid
    second = rotated_at(directory, NOW + DAY)
    confirm(directory, current=second, now=NOW + DAY)
    rotate_if_due(directory, now=NOW + 2 * DAY)
    assert {first, second} < set(kids(directory, NOW + 2 * DAY))


def test_an_erased_key_is_overwritten_where_it_lay(directory: Path) -> None:
    keys = announced(directory)
    path = directory / f"{keys.current.kid}.jwk"
    secret = path.read_bytes()
    held = path.open("rb")  # the same place on the disk, after the name is gone
    confirm(directory, current=rotated_at(directory, NOW + DAY), now=NOW + DAY)
    ensure(directory, now=NOW + DAY + KEEP_OLD)
    assert not path.exists()
    assert held.read() == b"\0" * len(secret)
    held.close()
    assert keys.current.jwk()["d"] not in "".join(file.read_text() for file in directory.iterdir())


def test_a_rotation_cut_off_before_its_state_was_written_changes_nothing(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = announced(directory)

    def power_fails(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sealing_keys, "_write", power_fails)
        with pytest.raises(KeyboardInterrupt):
            rotate_if_due(directory, now=NOW + DAY)
    assert kids(directory, NOW + DAY) == [before.current.kid, before.next.kid]
    assert len(list(directory.glob("*.jwk"))) == 2  # the key that was made for nothing is erased
    assert rotated_at(directory, NOW + DAY) == before.next.kid


def test_whoever_changes_the_keys_waits_for_the_other(directory: Path) -> None:
    announced(directory)
    with (directory / "lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        thread = threading.Thread(target=rotate_if_due, args=(directory,), kwargs={"now": NOW + DAY})
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
        fcntl.flock(held, fcntl.LOCK_UN)
        thread.join(5)
    assert not thread.is_alive()
    assert len(kids(directory, NOW + DAY)) == 3


def test_two_lanes_that_share_the_directory_rotate_once(directory: Path) -> None:
    before = announced(directory)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = set(pool.map(workers.rotate, [directory] * 4, [NOW + DAY] * 4))
    assert found == {before.next.kid}


def test_key_files_are_for_their_owner_only(directory: Path) -> None:
    ensure(directory, now=NOW)
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
    assert directory.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("text", ["", "{}", '{"current": 1}', "[]", "not json"])
def test_a_state_that_cannot_be_read_makes_no_new_keys(directory: Path, text: str) -> None:
    made = kids(directory, NOW)
    (directory / "state.json").write_text(text)
    with pytest.raises(RuntimeError):
        ensure(directory, now=NOW)
    assert {path.stem for path in directory.glob("*.jwk")} == set(made)


def test_keys_that_are_not_there_are_not_made_anew_by_a_lane_at_work(directory: Path) -> None:
    """A disk that is not mounted leaves an empty directory, or none."""
    for _ in range(2):
        with pytest.raises((OSError, RuntimeError)):
            sealing_keys.read(directory, now=NOW)
        with pytest.raises((OSError, RuntimeError)):
            rotate_if_due(directory, now=NOW)
        directory.mkdir(exist_ok=True)
    assert not list(directory.glob("*.jwk"))


def test_a_confirmation_for_other_keys_counts_for_nothing(directory: Path) -> None:
    old = announced(directory).current.kid
    rotate_if_due(directory, now=NOW + DAY)
    confirm(directory, current=old, now=NOW + DAY)
    assert not ensure(directory, now=NOW + DAY).announced


def test_the_state_file_holds_no_key(directory: Path) -> None:
    keys = ensure(directory, now=NOW)
    state = json.loads((directory / "state.json").read_text())
    assert state["current"] == keys.current.kid
    assert keys.current.jwk()["d"] not in os.fsdecode((directory / "state.json").read_bytes())
