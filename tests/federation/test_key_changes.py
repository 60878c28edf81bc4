"""Changes of keys: two officers for each, one for a kill, and no way round from one state of a key to another."""

from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.audit.models import AuditEvent
from idp.federation import key_changes, key_files, signing, takeovers
from idp.federation.models import SigningKey
from idp.federation.signing import AHEAD, OVERLAP
from idp.proposals import proposing, reviews
from idp.proposals.executors import Unacceptable
from idp.proposals.models import Proposal, Review
from idp.proposals.proposing import UnableToDecide, UnableToPropose
from tests.conftest import NOW
from tests.proposals.officers import FIRST, SECOND, appoint

READY = NOW + AHEAD["border"]


@pytest.fixture(autouse=True)
def officers(node: str) -> None:
    appoint()


def kid_of(state: str) -> str:
    return str(SigningKey.objects.filter(use="border", state=state).order_by("-pk")[0].kid)


def state_of(kid: str) -> str:
    return str(SigningKey.objects.get(kid=kid).state)


def proposed(act: str, kid: str, *, now: int, officer: str = FIRST, **more: Any) -> Proposal:
    payload = key_changes.payload(act, kid, **more)
    return proposing.propose(
        kind=key_changes.KIND, subject=kid, payload=payload, why="the year is over", officer=officer, now=now
    )


def made(act: str, kid: str, *, now: int, **more: Any) -> Proposal:
    return proposing.approve(proposal=proposed(act, kid, now=now, **more), officer=SECOND, now=now)


def test_a_key_signs_by_the_word_of_one_officer(node: str) -> None:
    kid, before = kid_of("next"), kid_of("active")
    proposal = proposed("rotate", kid, now=READY)
    assert kid_of("active") == before
    with pytest.raises(UnableToDecide):
        proposing.approve(proposal=proposal, officer=FIRST, now=READY)
    assert kid_of("active") == before
    proposing.approve(proposal=proposal, officer=SECOND, now=READY)
    assert (kid_of("active"), kid_of("old")) == (kid, before)
    event = AuditEvent.objects.get(kind="federation.key.changed_by_two")
    assert event.data == {"act": "rotate", "proposal": proposal.pk, "officers": [FIRST, SECOND]}


def test_two_officers_leave_behind_who_does_not_know_the_key_without_saying_so(node: str) -> None:
    with pytest.raises(UnableToPropose, match="may not know"):
        proposed("rotate", kid_of("next"), now=READY - 1)
    kid = kid_of("next")
    made("rotate", kid, now=NOW, early=True)
    assert kid_of("active") == kid


def test_an_approved_roll_over_never_happens_or_at_once(node: str) -> None:
    kid = kid_of("next")
    made("roll_over", kid, now=NOW, at=READY + 60)
    assert state_of(kid) == "next"
    takeovers.carry_out(READY + 59)
    assert state_of(kid) == "next"
    takeovers.carry_out(READY + 60)
    assert state_of(kid) == "active"


def test_a_roll_over_that_was_called_off_happens(node: str) -> None:
    kid = kid_of("next")
    made("roll_over", kid, now=NOW, at=READY)
    made("call_off", kid, now=NOW)
    assert takeovers.carry_out(READY) == 0


def test_a_late_approval_makes_a_key_sign_at_a_time_that_is_past(node: str) -> None:
    proposal = proposed("roll_over", kid_of("next"), now=NOW, at=READY)
    with pytest.raises(UnableToDecide, match="the time is past"):
        proposing.approve(proposal=proposal, officer=SECOND, now=READY + 1)
    assert Proposal.objects.get().state == "proposed"


def test_what_was_proposed_about_one_key_is_done_to_the_next(node: str) -> None:
    """The next key was killed meanwhile; the one in its place was published a minute ago."""
    kid = kid_of("next")
    proposal = proposed("rotate", kid, now=READY)
    key_changes.kill(kid=kid, why="a backup was lost", officer=FIRST, now=READY)
    with pytest.raises(UnableToDecide, match="no next key"):
        proposing.approve(proposal=proposal, officer=SECOND, now=READY)
    assert signing.signer("border").kid == kid_of("active")


STATES = ("next", "planned", "active", "old", "withdrawn", "over", "killed")
ALLOWED = {
    "rotate": {"next", "planned"},
    "roll_over": {"next", "planned"},
    "call_off": {"planned"},
    "withdraw": {"old"},
    "kill": set(STATES) - {"killed"},
}


@pytest.mark.parametrize("state", STATES)
def test_a_change_is_taken_that_does_not_fit_the_keys_state(node: str, state: str) -> None:
    kid, now = kid_of("next" if state in ("next", "planned") else "active"), READY
    if state == "planned":
        takeovers.plan(kid=kid, at=READY, now=NOW, actor=FIRST)
    if state in ("old", "withdrawn", "over"):
        signing.activate_next(use="border", now=READY, emergency=True)
    if state == "withdrawn":
        signing.withdraw(kid=kid, now=READY)
    if state == "over":
        now = READY + OVERLAP
    if state == "killed":
        signing.kill(kid=kid, now=READY)
    taken = {act for act in ALLOWED if _can(act, kid, now)}
    assert taken == {act for act, states in ALLOWED.items() if state in states}


def _can(act: str, kid: str, now: int) -> bool:
    with transaction.atomic():
        try:
            if act == "kill":
                key_changes.kill(kid=kid, why="x", officer=FIRST, now=now)
            else:
                made(act, kid, now=now, at=now + 60)
        except (Unacceptable, UnableToPropose):
            return False
        finally:
            transaction.set_rollback(True)
    return True


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ({"act": "rotate", "kid": "nobody's"}, "no such key"),
        ({"act": "burn"}, "no such change"),
        ({}, "no such change"),
        ({"act": "roll_over"}, "has a time"),
        ({"act": "roll_over", "at": "tomorrow"}, "has a time"),
        ({"act": "roll_over", "at": READY - 1}, "too early"),
        ({"act": "rotate", "early": "yes"}, "may not know"),
    ],
    ids=["no key", "no act", "empty", "no time", "a word", "too early", "not a yes"],
)
def test_a_proposal_is_kept_that_means_nothing(node: str, payload: dict[str, Any], why: str) -> None:
    value = {"kid": kid_of("next"), **payload}
    facts = {"kind": key_changes.KIND, "subject": "x", "why": "w", "officer": FIRST, "now": NOW}
    with pytest.raises(UnableToPropose, match=why):
        proposing.propose(payload=value, **facts)
    assert not Proposal.objects.exists()


def test_one_officer_kills_and_nobody_looks_at_it(node: str) -> None:
    kid, ahead = kid_of("active"), kid_of("next")
    key_changes.kill(kid=kid, why="a laptop was stolen", officer=FIRST, now=NOW)
    assert (state_of(kid), signing.signer("border").kid) == ("killed", ahead)
    review = reviews.waiting().get()
    assert (review.kind, review.subject, review.acted_by) == (key_changes.KILLED, f"border {kid}", FIRST)
    assert "a laptop was stolen" in review.what
    assert AuditEvent.objects.get(kind="federation.key.killed").data["why"] == "a laptop was stolen"


@pytest.mark.parametrize("why", ["", "  ", "x" * 401], ids=["none", "blank", "long"])
def test_a_key_is_killed_without_a_reason(node: str, why: str) -> None:
    kid = kid_of("active")
    with pytest.raises(Unacceptable, match="say why"):
        key_changes.kill(kid=kid, why=why, officer=FIRST, now=NOW)
    assert state_of(kid) == "active" and not Review.objects.exists()


def test_a_kill_is_recorded_that_did_not_happen(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The review and the kill stand or fall together."""
    kid = kid_of("active")

    def fail(**facts: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(reviews, "record", fail)
    with pytest.raises(RuntimeError):
        key_changes.kill(kid=kid, why="x", officer=FIRST, now=NOW)
    assert state_of(kid) == "active"
    assert key_files.path_of("border", kid).exists()


def test_the_second_officer_approves_something_that_is_not_shown(node: str) -> None:
    kid, active = kid_of("next"), kid_of("active")
    executor = key_changes.KeyChange()
    early = proposed("rotate", kid, now=NOW, early=True)
    text = " ".join(executor.changes(early, now=NOW))
    assert kid[:10] in text and active[:10] in text and "refuses what it signs" in text
    planned = proposed("roll_over", kid, now=NOW, at=READY)
    assert "2027-01-17 16:00" in " ".join(executor.changes(planned, now=NOW))
    assert kid_of("next") == kid, "showing changes nothing"


MOVES = st.tuples(
    st.sampled_from(["rotate", "early", "roll_over", "call_off", "withdraw", "kill", "beat"]),
    st.integers(min_value=0, max_value=3),  # which key, counted from the newest
    st.sampled_from([0, 60, AHEAD["border"], OVERLAP]),  # seconds until the move
    st.booleans(),  # a second officer approves
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(MOVES, max_size=8))
def test_some_order_of_changes_leaves_a_use_without_a_key_or_brings_one_back(node: str, moves: list[Any]) -> None:
    """Whatever officers do: one active and one next key, no step that the diagram has not, none by one officer."""
    now = NOW
    with transaction.atomic():
        before = _states()
        for act, which, later, approved in moves:
            now += later
            _move(act, which, now, approved=approved)
            after = _states()
            assert list(after.values()).count("active") == list(after.values()).count("next") == 1
            assert {(before[kid], after[kid]) for kid in before if before[kid] != after[kid]} <= STEPS
            if not approved and act not in ("kill", "beat"):
                assert after == before
            published = {key.kid for key in signing.published("border", now=now).keys}
            taken_back = SigningKey.objects.filter(use="border", withdrawn_at__isnull=False)
            assert not published & set(taken_back.values_list("kid", flat=True))
            before = after
        transaction.set_rollback(True)


STEPS = {("next", "active"), ("active", "old"), *((state, "killed") for state in ("next", "active", "old"))}


def _states() -> dict[str, str]:
    return dict(SigningKey.objects.filter(use="border").values_list("kid", "state"))


def _move(act: str, which: int, now: int, *, approved: bool) -> None:
    kids = list(SigningKey.objects.filter(use="border").order_by("-pk").values_list("kid", flat=True))
    kid = kids[which % len(kids)]
    try:
        if act == "kill":
            key_changes.kill(kid=kid, why="x", officer=FIRST, now=now)
        elif act == "beat":
            takeovers.carry_out(now)
        else:
            name, more = ("rotate", {"early": True}) if act == "early" else (act, {"at": now + AHEAD["border"]})
            proposal = proposed(name, kid, now=now, **more)
            proposing.approve(proposal=proposal, officer=SECOND if approved else FIRST, now=now)
    except (Unacceptable, UnableToPropose, UnableToDecide):
        pass
