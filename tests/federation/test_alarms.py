"""Each alarm rings in time, and none rings while everything is as it should be."""

import dataclasses

import pytest

from idp.federation import alarms, failures, key_files, peering, statements, terms
from idp.federation.models import Peer, SigningKey
from idp.protocol.refusals import Unavailable
from tests.conftest import NOW
from tests.federation.conftest import OFFICER


def _found(now: int) -> list[tuple[str, str, bool]]:
    return [(alarm.kind.value, alarm.subject, alarm.over) for alarm in alarms.alarms(now)]


def test_a_node_in_order_rings(cn: str) -> None:
    statements.renew(NOW)
    assert _found(NOW) == []


def test_a_key_signs_for_years_unnoticed(node: str) -> None:
    SigningKey.objects.exclude(use="border").delete()
    key = SigningKey.objects.get(use="border", state="active")
    assert _found(key.made_at + alarms.ROTATE_AFTER - 1) == []
    assert _found(key.made_at + alarms.ROTATE_AFTER) == [("key", key.kid, False)]


def test_a_missing_next_key_is_found_in_the_emergency_only(node: str) -> None:
    SigningKey.objects.filter(use="audit", state="next").delete()
    assert _found(NOW) == [("key", SigningKey.objects.get(use="audit").kid, False)]


def test_a_lost_key_file_is_found_by_the_first_who_needs_it(node: str) -> None:
    key = SigningKey.objects.get(use="status", state="active")
    path = key_files.path_of("status", key.kid)
    path.rename(path.with_suffix(".away"))
    try:
        assert _found(NOW) == [("key", key.kid, True)]
    finally:
        path.with_suffix(".away").rename(path)


def test_a_statement_that_nobody_renews_runs_out_unseen(node: str) -> None:
    statements.renew(NOW)
    ends = NOW + statements.CONFIGURATION_LIFETIME
    assert _found(ends - alarms.STATEMENT_SOON - 1) == []
    assert _found(ends - alarms.STATEMENT_SOON) == [("statement", node, False)]
    assert _found(ends) == [("statement", node, True)]


@pytest.mark.parametrize(("left", "over"), [(alarms.RECOGNITION_SOON, False), (0, True)])
def test_a_recognition_lapses_without_a_word(cn: str, left: int, over: bool) -> None:
    agreed = dataclasses.replace(terms.of(Peer.objects.get()), valid_until=NOW + 90 * 86_400)
    peering.recognise(Peer.objects.get(), officer=OFFICER, terms=agreed)
    assert _found(NOW) == []
    assert ("recognition", cn, over) in _found(NOW + 90 * 86_400 - left)


def test_a_peer_is_away_for_a_day_and_nobody_is_told(cn: str) -> None:
    failures.keep(cn, failures.Act.STATUS, Unavailable("nobody answers"), now=NOW)
    assert _found(NOW + alarms.FAILING_FOR - 1) == []
    (alarm,) = alarms.alarms(NOW + alarms.FAILING_FOR)
    assert "nobody answers" in alarm.text
