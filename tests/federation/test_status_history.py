"""Statuses of more than one bit, and lists as they were."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from idp.federation import signing, status_lists
from idp.federation.models import StatusChange, StatusEntry, StatusList
from idp.federation.status_lists import GRACE, TTL, NoHistory, UnableToSetStatus
from idp.protocol.status_list import VerifiedStatusList, sign_jwt, verify_status_list
from tests.conftest import NOW

HALF_HOUR = 1800


def _token(now: int = NOW) -> tuple[str, int]:
    return status_lists.allocate(expires_at=now + HALF_HOUR, now=now)


def _at(uri: str, at: int, *, now: int) -> VerifiedStatusList:
    """Read as somebody does who checks the times against the one that was asked for."""
    text = sign_jwt(status_lists.published_at(uri, at, now=now), signing.private_key("status"))
    return verify_status_list(text, keys=signing.published("status"), uri=uri, now=at)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_new_lists_have_the_bits_of_the_setting_and_old_ones_keep_theirs(node: str, settings: Any, bits: int) -> None:
    before, _ = _token()
    settings.IDP_STATUS_BITS = bits
    uri, idx = _token(NOW + 3600)
    status_lists.set_statuses(uri, [idx], (1 << bits) - 1, now=NOW + 3600)
    text = status_lists.published(uri, NOW + 3600)
    found = verify_status_list(text, keys=signing.published("status"), uri=uri, now=NOW + 3600)
    assert (found.statuses.bits, found.get(idx), found.statuses.size) == (bits, (1 << bits) - 1, status_lists.SIZE)
    assert StatusList.objects.get(name=before.rsplit("/", 1)[1]).bits == 1
    with pytest.raises(UnableToSetStatus):
        status_lists.set_statuses(uri, [idx], 1 << bits, now=NOW)


def test_nobody_is_suspended_in_a_list_of_one_bit(node: str) -> None:
    """invalid solely because 2 does not fit: cut to its bit it would read as valid."""
    uri, idx = _token()
    with pytest.raises(UnableToSetStatus):
        status_lists.set_statuses(uri, [idx], 2, now=NOW)
    assert not StatusEntry.objects.filter(value__gt=0).exists()


def test_what_is_set_already_is_no_change(node: str) -> None:
    """A second revocation must not have the list signed anew, nor stand in the history twice."""
    uri, idx = _token()
    status_lists.set_statuses(uri, [idx], 1, now=NOW)
    status_lists.set_statuses(uri, [idx], 1, now=NOW + 5)
    assert [change.at for change in StatusChange.objects.all()] == [NOW]
    assert StatusList.objects.get().version == 2


def test_one_unknown_index_leaves_the_others_as_they_were(node: str) -> None:
    uri, idx = _token()
    with pytest.raises(UnableToSetStatus):
        status_lists.set_statuses(uri, [idx, (idx + 1) % status_lists.SIZE], 1, now=NOW)
    assert not StatusEntry.objects.filter(value__gt=0).exists()
    assert not StatusChange.objects.exists()


def test_a_list_is_given_out_as_it_was(node: str, settings: Any) -> None:
    """Suspended, reinstated, revoked: at each time what was so then, until the next change."""
    settings.IDP_STATUS_BITS = 2
    uri, idx = _token()
    for later, value in ((10, 2), (20, 0), (20, 1)):
        status_lists.set_statuses(uri, [idx], value, now=NOW + later)
    now = NOW + 100
    assert [_at(uri, NOW + at, now=now).get(idx) for at in (0, 9, 10, 19, 20, 21)] == [0, 0, 2, 2, 1, 1]
    found = _at(uri, NOW + 5, now=now)
    assert (found.issued_at, found.expires_at) == (NOW + 5, NOW + 10), "not said of the time after the change"
    assert _at(uri, NOW + 50, now=now).expires_at == NOW + 50 + TTL


def test_a_list_of_the_past_is_no_good_now(node: str) -> None:
    """It is genuine and knows nothing of the revocation: whoever showed it to a gate would undo that."""
    uri, idx = _token()
    status_lists.set_statuses(uri, [idx], 1, now=NOW + 10)
    for at in (NOW, NOW + 9):
        assert status_lists.published_at(uri, at, now=NOW + 10).expires_at <= NOW + 10


@pytest.mark.parametrize("what", ["before it", "to come", "after its end", "longer ago than is kept"])
def test_a_time_of_which_nothing_is_known_is_refused(node: str, settings: Any, what: str) -> None:
    """invalid solely because of the time."""
    uri, _ = _token()
    ended = StatusList.objects.get().last_expiry + GRACE
    at, now = {
        "before it": (NOW - 1, NOW + 60),
        "to come": (NOW + 61, NOW + 60),
        "after its end": (ended + 1, ended + 60),
        "longer ago than is kept": (NOW + 60, NOW + 61 + settings.IDP_STATUS_HISTORY),
    }[what]
    with pytest.raises(UnableToSetStatus):
        status_lists.published_at(uri, at, now=now)


def test_without_history_no_list_of_the_past_is_given_out(node: str, settings: Any) -> None:
    settings.IDP_STATUS_HISTORY = 0
    uri, _ = _token()
    with pytest.raises(NoHistory):
        status_lists.published_at(uri, NOW, now=NOW)


def test_history_outlives_the_tokens_and_goes_in_the_end(node: str, settings: Any) -> None:
    """Dead indexes go at once; what was changed is kept as long as the setting says, and no longer."""
    uri, idx = _token()
    status_lists.set_statuses(uri, [idx], 1, now=NOW + 1)
    dead = StatusList.objects.get().last_expiry + GRACE
    status_lists.retire(dead)
    assert not StatusEntry.objects.exists()
    assert status_lists.live(dead) == []
    with pytest.raises(UnableToSetStatus):
        status_lists.published(uri, dead)
    assert _at(uri, NOW + 2, now=dead).get(idx) == 1
    status_lists.retire(dead + settings.IDP_STATUS_HISTORY - 1)
    assert StatusChange.objects.exists()
    status_lists.retire(dead + settings.IDP_STATUS_HISTORY)
    assert not StatusList.objects.exists()
    assert not StatusChange.objects.exists()


@pytest.mark.parametrize(("bits", "history", "ids"), [(3, 0, ["idp.E116"]), (1, -1, ["idp.E116"]), (8, 60, [])])
def test_settings_that_cannot_be_are_reported(settings: Any, bits: int, history: int, ids: list[str]) -> None:
    settings.IDP_STATUS_BITS, settings.IDP_STATUS_HISTORY = bits, history
    assert [message.id for message in status_lists.check()] == ids


class TestHistory(TestCase):
    """Whatever was set, and in whichever order: the past is what was published then."""

    @given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 5)), max_size=12))
    def test_the_past_is_what_was_published_then(self, steps: list[tuple[int, int, int]]) -> None:
        signing.ensure_keys()
        StatusList.objects.all().delete()
        StatusList.objects.create(name="a", hour=NOW, part=0, size=8, bits=2, last_expiry=NOW + 3600)
        entries = [status_lists.allocate(expires_at=NOW + HALF_HOUR, now=NOW)[1] for _ in range(4)]
        uri, now, seen = status_lists.live(NOW)[0], NOW, {}
        for place, value, wait in steps:
            now += wait
            status_lists.set_statuses(uri, [entries[place]], value, now=now)
            seen[now] = _statuses(status_lists.published(uri, now), uri, now)
        for at, statuses in seen.items():
            contents = status_lists.published_at(uri, at, now=now)
            text = sign_jwt(contents, signing.private_key("status"))
            assert _statuses(text, uri, at) == statuses


def _statuses(text: str, uri: str, now: int) -> bytes:
    return verify_status_list(text, keys=signing.published("status"), uri=uri, now=now).statuses.tobytes()
