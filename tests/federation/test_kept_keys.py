"""Keys that a process keeps under the number of the revision: what they are must never be older than that number."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from idp.federation import revision, signing
from tests.conftest import NOW

USE = "border"


@pytest.fixture(autouse=True)
def node(transactional_db: None, now: int) -> None:
    """Nothing is kept in a transaction, so these tests have none around them."""
    signing.ensure_keys()


def published(now: int = NOW) -> set[str]:
    return {key.kid for key in signing.published(USE, now=now).keys}


def test_keys_are_read_once_and_not_at_every_request() -> None:
    """A row for each token that is made or looked at costs more than its signature."""
    signing.signer(USE), published()
    with CaptureQueriesContext(connection) as asked:
        signing.signer(USE), published()
    assert not [query for query in asked if "federation_signingkey" in query["sql"]]


def test_a_killed_key_neither_signs_nor_verifies_for_who_kept_it() -> None:
    """Negative case 75: at once, in every process."""
    killed = signing.signer(USE).kid
    assert killed in published()
    signing.kill(kid=killed, now=NOW)
    assert signing.signer(USE).kid != killed and killed not in published()


def test_an_old_key_ends_by_the_clock_though_nothing_is_written_then() -> None:
    """No change announces that its time is over."""
    old = signing.signer(USE).kid
    signing.activate_next(use=USE, now=NOW, emergency=True)
    assert old in published(NOW + signing.OVERLAP - 1)
    assert old not in published(NOW + signing.OVERLAP)


def test_what_a_transaction_saw_that_was_undone_is_not_kept() -> None:
    """Its number comes again, and means another state of the keys then."""
    before = signing.signer(USE).kid, published()
    with pytest.raises(RuntimeError), transaction.atomic():
        signing.activate_next(use=USE, now=NOW, emergency=True)
        assert signing.signer(USE).kid != before[0] and published() != before[1]
        number = revision.current()
        raise RuntimeError
    while revision.current() < number:
        revision.grow()
    assert (signing.signer(USE).kid, published()) == before
