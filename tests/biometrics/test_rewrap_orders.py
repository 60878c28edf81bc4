"""Two officers order that every row be wrapped anew: once, to the end, for the key that was agreed on."""

from typing import Any

import pytest

from idp.accounts.models import TravelDocument
from idp.audit.models import AuditEvent
from idp.biometrics import rewrap_orders, rewrapping, tasks, vault, wrapping
from idp.biometrics.models import FaceReference, RewrapOrder
from idp.biometrics.schedule import BEAT
from idp.proposals import proposing
from idp.proposals.models import Proposal
from idp.proposals.proposing import UnableToDecide, UnableToPropose
from idp.protocol.refusals import Unavailable
from tests.biometrics.test_rewrapping import kept, rotated
from tests.conftest import NOW
from tests.proposals.officers import FIRST, SECOND, appoint

__all__ = ["kept", "rotated"]


def proposed(key: str | None = None) -> Proposal:
    appoint()
    payload = {"key": rewrap_orders.current() if key is None else key}
    return proposing.propose(
        kind=rewrap_orders.KIND, subject="x", payload=payload, why="a new token", officer=FIRST, now=NOW
    )


def ordered() -> RewrapOrder:
    proposing.approve(proposal=proposed(), officer=SECOND, now=NOW)
    return RewrapOrder.objects.get()


def test_rows_are_wrapped_anew_by_the_word_of_one_officer(rotated: TravelDocument, now: int) -> None:
    made = proposed()
    assert "3 rows" in rewrap_orders.Rewrap().changes(made, now=NOW)[0]
    assert tasks.rewrap() == 0 and rewrapping.left() == 3
    proposing.approve(proposal=made, officer=SECOND, now=NOW)
    assert tasks.rewrap() == 3 and rewrapping.left() == 0
    order = RewrapOrder.objects.get()
    assert (order.done, order.lost, order.finished_at, order.ordered_by) == (3, 0, NOW, SECOND)
    assert AuditEvent.objects.get(kind="faces.rewrap_ordered").data["officers"] == [FIRST, SECOND]
    assert AuditEvent.objects.get(kind="faces.rewrap_finished").data == {"key": order.key, "done": 3, "lost": 0}


def test_a_finished_order_is_carried_out_for_ever(rotated: TravelDocument, now: int) -> None:
    """A row that no key opens would be tried each minute."""
    FaceReference.objects.update(sealed=b"\1" * 100)
    ordered()
    assert tasks.rewrap() == 2
    assert RewrapOrder.objects.get().lost == 1
    assert tasks.rewrap() == 0
    assert AuditEvent.objects.filter(kind="faces.rewrap_finished").count() == 1


def test_a_minute_is_not_enough_and_the_rest_is_forgotten(rotated: TravelDocument, monkeypatch: Any) -> None:
    ordered()
    monkeypatch.setattr("idp.clock.now", lambda: NOW + rewrap_orders.BUDGET)
    assert rewrap_orders.carry_out(NOW) == 1
    assert RewrapOrder.objects.get().finished_at is None
    assert [rewrap_orders.carry_out(NOW + rewrap_orders.BUDGET) for _ in range(2)] == [2, 0]
    order = RewrapOrder.objects.get()
    assert order.done == 3 and order.finished_at == NOW + rewrap_orders.BUDGET


def test_an_order_is_lost_while_the_token_is_away(rotated: TravelDocument, now: int, monkeypatch: Any) -> None:
    ordered()
    real = wrapping.current

    def away() -> Any:
        raise Unavailable("the token")

    monkeypatch.setattr(wrapping, "current", away)
    assert tasks.rewrap() == 0 and RewrapOrder.objects.get().finished_at is None
    monkeypatch.setattr(wrapping, "current", real)
    assert tasks.rewrap() == 3


def test_rows_go_to_another_key_than_was_agreed_on(rotated: TravelDocument, settings: Any, now: int) -> None:
    made = proposed()
    settings.IDP_FACE_KEY, settings.IDP_FACE_KEYS_RETIRED = "file:third.key", ["file:biometrics.key"]
    with pytest.raises(UnableToDecide, match="another key"):
        proposing.approve(proposal=made, officer=SECOND, now=NOW)
    order = ordered()
    settings.IDP_FACE_KEY, settings.IDP_FACE_KEYS_RETIRED = "file:second.key", ["file:biometrics.key"]
    assert tasks.rewrap() == 0
    order.refresh_from_db()
    assert order.finished_at == NOW and order.done == 0


def test_what_is_done_or_under_way_is_ordered_again(rotated: TravelDocument, now: int) -> None:
    ordered()
    with pytest.raises(UnableToPropose, match="was ordered"):
        proposed()
    tasks.rewrap()
    with pytest.raises(UnableToPropose, match="every row"):
        proposed()
    with pytest.raises(UnableToPropose, match="another key"):
        proposed("00" * 8)


def test_the_worker_never_looks(db: None) -> None:
    assert BEAT["biometrics.rewrap"]["task"] == tasks.rewrap.name
    assert BEAT["biometrics.rewrap"]["schedule"] > rewrap_orders.BUDGET


def test_a_rows_key_is_told_wrongly(rotated: TravelDocument) -> None:
    """An officer destroys a retired key by these numbers."""
    new, old = (named.key_id for named in wrapping.every())
    assert new is not None and old is not None
    assert [(table.rows, table.other) for table in rewrapping.by_key([new, old])] == [((0, 1), 0)] * 3
    for _ in rewrapping.run(actor=FIRST):
        pass
    FaceReference.objects.update(sealed=b"\1" * 100)
    assert [(table.rows, table.other) for table in rewrapping.by_key([new, old])] == [
        ((1, 0), 0),
        ((0, 0), 1),
        ((1, 0), 0),
    ]
    assert vault.head(new) == vault.current_head()
