import random
import threading
import time
from collections import Counter

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from idp.audit.models import AuditEvent
from idp.federation import signing, status_lists
from idp.federation.models import StatusEntry, StatusList
from idp.federation.status_lists import UnableToSetStatus
from idp.protocol.refusals import Refusal
from idp.protocol.status_list import Contents, VerifiedStatusList, verify_status_list
from tests.conftest import NOW

HALF_HOUR = 1800


def _read(uri: str, now: int = NOW) -> VerifiedStatusList:
    return verify_status_list(status_lists.published(uri, now), keys=signing.published("status"), uri=uri, now=now)


def test_tokens_of_one_hour_share_a_list_and_no_index(node: str) -> None:
    given = [status_lists.allocate(expires_at=NOW + HALF_HOUR, now=NOW) for _ in range(50)]
    assert len({uri for uri, _ in given}) == 1
    assert len(set(given)) == 50
    assert sorted(idx for _, idx in given) != [idx for _, idx in given], "an index must not tell the order"
    later, _ = status_lists.allocate(expires_at=NOW + 7200, now=NOW + 3600)
    assert later != given[0][0]


def test_a_status_shows_at_once_and_for_its_index_alone(node: str) -> None:
    uri, idx = status_lists.allocate(expires_at=NOW + HALF_HOUR, now=NOW)
    _, other = status_lists.allocate(expires_at=NOW + HALF_HOUR, now=NOW)
    assert _read(uri).get(idx) == 0
    status_lists.set_statuses(uri, [idx], 1, now=NOW, actor="officer-7")
    assert (_read(uri).get(idx), _read(uri).get(other)) == (1, 0)
    assert AuditEvent.objects.get(kind="federation.status.set").actor == "officer-7"
    status_lists.set_statuses(uri, [idx], 0, now=NOW)
    assert _read(uri).get(idx) == 0


def test_a_list_is_signed_again_after_its_ttl_and_not_before(node: str) -> None:
    uri, _ = status_lists.allocate(expires_at=NOW + HALF_HOUR, now=NOW)
    first = status_lists.published(uri, NOW)
    assert status_lists.published(uri, NOW + status_lists.TTL - 1) == first
    assert status_lists.published(uri, NOW + status_lists.TTL) != first
    verified = _read(uri)
    assert (verified.ttl, verified.expires_at) == (30, NOW + 86_400)


def test_the_size_of_a_list_says_nothing_about_traffic(node: str) -> None:
    uri, _ = status_lists.allocate(expires_at=NOW + HALF_HOUR, now=NOW)
    lonely = status_lists.published(uri, NOW)
    for _ in range(30):
        status_lists.allocate(expires_at=NOW + HALF_HOUR, now=NOW)
    assert status_lists.published(uri, NOW + status_lists.TTL).split(".")[1].__len__() == len(lonely.split(".")[1])
    assert len(lonely) < 1024


def test_a_change_between_reading_and_keeping_is_not_lost(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The publisher read version 1, a revocation made version 2: its copy must not pass for current."""
    uri, idx = status_lists.allocate(expires_at=NOW + HALF_HOUR, now=NOW)
    real = status_lists.pack

    def late(*args: object, **kwargs: object) -> Contents:
        monkeypatch.setattr(status_lists, "pack", real)
        status_lists.set_statuses(uri, [idx], 1, now=NOW)
        return real(*args, **kwargs)

    monkeypatch.setattr(status_lists, "pack", late)
    status_lists.published(uri, NOW)
    assert _read(uri).get(idx) == 1


def test_a_killed_status_key_signs_no_longer(node: str) -> None:
    uri, _ = status_lists.allocate(expires_at=NOW + HALF_HOUR, now=NOW)
    status_lists.published(uri, NOW)
    signing.kill(kid=signing.signer("status").kid, now=NOW)
    assert _read(uri).uri == uri


def test_a_crowded_list_opens_another_part_in_the_same_hour(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_lists, "SIZE", 8)
    given = [status_lists.allocate(expires_at=NOW + HALF_HOUR, now=NOW) for _ in range(40)]
    assert len(set(given)) == 40
    assert StatusList.objects.count() >= 5
    assert max(Counter(uri for uri, _ in given).values()) <= 8


def test_an_index_is_taken_by_one_statement(node: str) -> None:
    """Issuance waits for each statement, 400 times a second."""
    status_lists.allocate(expires_at=NOW + HALF_HOUR, now=NOW)
    with CaptureQueriesContext(connection) as queries:
        status_lists.allocate(expires_at=NOW + HALF_HOUR, now=NOW)
    assert len(queries) == (connection.vendor == "sqlite"), "PostgreSQL's go past the cursor, and are not seen here"


def test_a_crowded_list_gives_each_free_index_as_often_as_the_others(
    node: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but four of 64 are taken: a way round to the next free one would favour those behind a run of taken ones."""
    monkeypatch.setattr(status_lists, "SIZE", 64)
    status_lists.allocate(expires_at=NOW + HALF_HOUR, now=NOW)
    status_list = StatusList.objects.get()
    free = {7, 8, 20, 63}
    StatusEntry.objects.all().delete()
    StatusEntry.objects.bulk_create(StatusEntry(status_list=status_list, idx=idx) for idx in {*range(64)} - free)
    given = Counter[int]()
    for _ in range(600):
        uri, idx = status_lists.allocate(expires_at=NOW + HALF_HOUR, now=NOW)
        given[idx] += uri == status_lists.uri_of(status_list)
        StatusEntry.objects.filter(status_list=status_list, idx__in=free).delete()
        StatusList.objects.exclude(pk=status_list.pk).delete()
    counts = [given[idx] for idx in free]
    assert min(counts) > 0.5 * max(counts), given


def test_an_index_goes_with_the_transaction_that_took_it(node: str) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        status_lists.allocate(expires_at=NOW + HALF_HOUR, now=NOW)
        _ = 1 // 0
    assert not StatusEntry.objects.exists()


def test_a_list_is_retired_when_its_last_token_is_dead(node: str) -> None:
    short, _ = status_lists.allocate(expires_at=NOW + HALF_HOUR, now=NOW)
    status_lists.allocate(expires_at=NOW + 86_400, now=NOW)  # issued ahead, in the same hour
    end = NOW + 86_400 + status_lists.GRACE
    status_lists.retire(end - 1)
    assert status_lists.live(end - 1) == [short]
    status_lists.retire(end + 3600)
    assert status_lists.live(end + 3600) == []
    with pytest.raises(UnableToSetStatus):
        status_lists.published(short, end)


@pytest.mark.parametrize("uri", ["", "x", "https://cn.example/status/a", "http://hk.localhost:8002/status/nowhere"])
def test_a_list_that_is_not_ours_has_no_status(node: str, uri: str) -> None:
    """Invalid solely because of the address."""
    with pytest.raises(UnableToSetStatus):
        status_lists.set_statuses(uri, [0], 1, now=NOW)


def test_an_index_that_was_never_given_out_cannot_be_set(node: str) -> None:
    """Invalid solely because nobody holds the index."""
    uri, idx = status_lists.allocate(expires_at=NOW + HALF_HOUR, now=NOW)
    with pytest.raises(UnableToSetStatus):
        status_lists.set_statuses(uri, [idx, (idx + 1) % status_lists.SIZE], 1, now=NOW)


def test_an_index_outside_the_list_is_refused_by_its_reader(node: str) -> None:
    """Negative case 61: invalid solely because of the index."""
    uri, _ = status_lists.allocate(expires_at=NOW + HALF_HOUR, now=NOW)
    with pytest.raises(Refusal):
        _read(uri).get(status_lists.SIZE)


def test_the_database_refuses_an_index_twice_and_what_no_list_can_hold(node: str) -> None:
    uri, idx = status_lists.allocate(expires_at=NOW + HALF_HOUR, now=NOW)
    status_list = StatusList.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        StatusEntry.objects.create(status_list=status_list, idx=idx)
    with pytest.raises(IntegrityError, match="federation_status_one_byte"), transaction.atomic():
        StatusEntry.objects.create(status_list=status_list, idx=idx + 1, value=256)
    with pytest.raises(IntegrityError, match="federation_status_list_bits"), transaction.atomic():
        StatusList.objects.update(bits=3)
    with pytest.raises(IntegrityError, match="federation_status_list_version"), transaction.atomic():
        StatusList.objects.filter(name=uri.rsplit("/", 1)[1]).update(signed_version=9)
    with pytest.raises(IntegrityError, match="federation_status_list_size"), transaction.atomic():
        StatusList.objects.update(size=0)
    with pytest.raises(IntegrityError), transaction.atomic():
        StatusList.objects.create(name="x", hour=status_list.hour, part=status_list.part, size=8, last_expiry=NOW)


@pytest.mark.django_db(transaction=True)
def test_many_at_once_never_get_the_same_index(now: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight workers fight for the 32 places of a list, and for those of the next."""
    monkeypatch.setattr(status_lists, "SIZE", 32)
    given: list[tuple[str, int]] = []

    def work() -> None:
        wanted = 12
        try:
            while wanted:
                try:
                    given.append(status_lists.allocate(expires_at=NOW + HALF_HOUR, now=NOW))
                    wanted -= 1
                except OperationalError:  # SQLite in memory refuses where a file would wait
                    time.sleep(0.01 * random.random())  # else all eight may refuse one another for ever
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == len(set(given)) == 96
