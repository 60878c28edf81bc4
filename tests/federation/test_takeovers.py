"""A planned take-over: it comes when it was agreed, not before, once, and for the key that was meant."""

import importlib

import pytest
from django.apps import apps

from idp.audit.models import AuditEvent
from idp.federation import signing, takeovers, tasks
from idp.federation.models import SigningKey
from idp.federation.signing import AHEAD, UnableToRoll
from tests.conftest import NOW

AT = NOW + AHEAD["border"]


def _next() -> str:
    return str(SigningKey.objects.get(use="border", state="next").kid)


def _planned() -> str:
    return str(takeovers.plan(kid=_next(), at=AT, now=NOW, actor="account:8").kid)


def test_a_planned_key_signs_too_early_or_never(node: str) -> None:
    kid = _planned()
    assert takeovers.carry_out(AT - 1) == 0 and signing.signer("border").kid != kid
    assert takeovers.carry_out(AT) == 1 and signing.signer("border").kid == kid


def test_a_key_takes_over_that_nobody_planned_for(node: str) -> None:
    """The plan was for one key, and the one after it is not known to anybody yet."""
    _planned()
    takeovers.carry_out(AT)
    first = signing.signer("border").kid
    assert takeovers.carry_out(AT + 10 * AHEAD["border"]) == 0 and signing.signer("border").kid == first


def test_two_workers_make_two_take_overs_of_one_plan(node: str) -> None:
    """The second has read the row before the first was done."""
    row = SigningKey.objects.get(kid=_planned())
    assert takeovers._taken_over(row, AT)
    assert not takeovers._taken_over(row, AT)
    assert signing.signer("border").kid == row.kid


def test_the_plan_outlives_the_killed_key(node: str) -> None:
    signing.kill(kid=_planned(), now=NOW)
    assert takeovers.carry_out(AT) == 0


def test_a_plan_that_was_called_off_is_carried_out(node: str) -> None:
    kid = _planned()
    takeovers.call_off(kid=kid, actor="account:8")
    assert takeovers.carry_out(AT) == 0
    with pytest.raises(UnableToRoll, match="no take-over is planned"):
        takeovers.call_off(kid=kid, actor="account:8")
    events = AuditEvent.objects.filter(kind__startswith="federation.key.takeover_").order_by("pk")
    assert [(event.kind.rpartition("_")[2], event.data["at"]) for event in events] == [("planned", AT), ("off", None)]


@pytest.mark.parametrize(
    ("at", "then"), [(AT - 1, NOW), (AT, AT + 1), (NOW + takeovers.AT_MOST + 1, NOW)], ids=["early", "past", "far"]
)
def test_a_time_is_agreed_on_at_which_somebody_would_refuse_the_key(node: str, at: int, then: int) -> None:
    with pytest.raises(UnableToRoll):
        takeovers.plan(kid=_next(), at=at, now=then, actor="account:8")


def test_an_active_key_is_planned_to_take_over(node: str) -> None:
    with pytest.raises(UnableToRoll, match="not a next key"):
        takeovers.plan(kid=signing.signer("border").kid, at=AT, now=NOW, actor="account:8")


def test_the_worker_forgets_the_plan(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kid = _planned()
    monkeypatch.setattr("idp.clock.now", lambda: AT)
    tasks.take_over()
    assert signing.signer("border").kid == kid
    row = SigningKey.objects.get(kid=kid)
    assert (row.activated_at, row.takes_over_at) == (AT, None)


def test_keys_of_before_count_their_year_from_when_they_were_made(node: str) -> None:
    """A key lies published for long before it signs; the alarm about old keys would ring at the roll-over."""
    signing.activate_next(use="border", now=AT, emergency=True)
    signing.activate_next(use="border", now=AT + 50, emergency=True)
    signing.kill(kid=signing.signer("status").kid, now=AT)
    expected = dict(SigningKey.objects.filter(use="border").values_list("kid", "activated_at"))
    SigningKey.objects.filter(state__in=["active", "old"]).update(activated_at=1)
    importlib.import_module("idp.federation.migrations.0009_key_life").begin(apps, None)
    assert dict(SigningKey.objects.filter(use="border").values_list("kid", "activated_at")) == expected
    killed = SigningKey.objects.get(state="killed")
    assert killed.withdrawn_at == killed.retired_at == AT
