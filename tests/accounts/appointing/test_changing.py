"""Officers and roles by two officers: what is made, what cannot be, and that somebody is always left."""

from typing import Any

import pytest

from idp.accounts import granting, invitations, officers
from idp.accounts.appointing import changing
from idp.accounts.models import Account, RoleGrant
from idp.accounts.roles import Role
from idp.audit.models import AuditEvent
from idp.proposals import executors, proposing
from idp.proposals.models import Proposal
from idp.proposals.proposing import UnableToDecide, UnableToPropose
from tests.accounts.test_roles import fresh, officer
from tests.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]


class Chiefs:
    """Two trust officers, and somebody whom their proposals are about."""

    def __init__(self) -> None:
        self.first, self.second = officer("first", Role.TRUST), officer("second", Role.TRUST)
        self.other = officer("other", Role.BORDER)

    def propose(self, payload: dict[str, Any], by: Account | None = None) -> Proposal:
        kind = changing.ROLE if "role" in payload else changing.OFFICER
        facts = {"kind": kind, "subject": changing.subject_of(payload), "payload": payload, "why": "the chief asked"}
        return proposing.propose(**facts, officer=name(by or self.first), now=NOW)

    def approve(self, made: Proposal, by: Account | None = None) -> Proposal:
        return proposing.approve(proposal=made, officer=name(by or self.second), now=NOW)

    def both(self, payload: dict[str, Any]) -> Proposal:
        return self.approve(self.propose(payload))


def name(account: Account) -> str:
    return f"account:{account.pk}"


@pytest.fixture
def chiefs(db: None) -> Chiefs:
    return Chiefs()


def role_of(account: Account, change: str, role: Role) -> dict[str, Any]:
    return {"account": account.pk, "change": change, "role": role.value}


def test_a_role_is_given_and_ended_by_two_who_are_both_named(chiefs: Chiefs) -> None:
    chiefs.both(role_of(chiefs.other, "grant", Role.AUDITOR))
    assert granting.roles_of(chiefs.other) == [Role.BORDER, Role.AUDITOR]
    made = RoleGrant.objects.get(account=chiefs.other, role=Role.AUDITOR)
    two = [name(chiefs.first), name(chiefs.second)]
    assert made.granted_by.split() == two
    chiefs.both(role_of(chiefs.other, "end", Role.BORDER))
    assert granting.roles_of(chiefs.other) == [Role.AUDITOR]
    events = AuditEvent.objects.filter(kind__in=["accounts.role_granted", "accounts.role_ended"], actor=two[1])
    assert [event.data["officers"] for event in events] == [two, two]


@pytest.mark.parametrize(
    "payload",
    [
        {"change": "grant", "role": "auditor"},
        {"change": "end", "role": "trust_officer"},
        {"change": "close"},
        {"change": "invite"},
    ],
    ids=str,
)
def test_somebody_proposes_or_decides_about_ones_own(chiefs: Chiefs, payload: dict[str, Any]) -> None:
    """invalid solely because the change is about that officer."""
    with pytest.raises(UnableToPropose, match="themselves"):
        chiefs.propose({**payload, "account": chiefs.first.pk})
    third = officer("third", Role.TRUST)
    made = chiefs.propose({**payload, "account": chiefs.second.pk})
    for decide in (proposing.approve, proposing.reject):
        with pytest.raises(UnableToDecide, match="themselves"):
            decide(proposal=made, officer=name(chiefs.second), now=NOW)
    assert chiefs.approve(made, third).state == "approved"


def test_an_officer_is_made_and_the_link_is_in_the_approval_alone(chiefs: Chiefs) -> None:
    done = chiefs.both({"change": "create", "username": "Newcomer", "roles": ["auditor", "border_officer"]})
    made = Account.objects.get(username="newcomer")
    assert granting.roles_of(made) == [Role.BORDER, Role.AUDITOR] and not made.has_usable_password()
    secret = done.handed_over.rstrip("/").rpartition("/")[2]
    assert invitations.find(secret=secret, now=NOW).account == made
    assert Proposal.objects.get(pk=done.pk).handed_over == ""
    assert not any(secret in str(event.data) for event in AuditEvent.objects.all())
    two = [name(chiefs.first), name(chiefs.second)]
    for kind in ("accounts.officer_created", "accounts.officer_invited"):
        assert AuditEvent.objects.get(kind=kind).data == {"officers": two}


def test_an_officer_is_invited_anew_and_closed(chiefs: Chiefs) -> None:
    first = chiefs.both({"change": "invite", "account": chiefs.other.pk}).handed_over
    assert first and chiefs.both({"change": "invite", "account": chiefs.other.pk}).handed_over != first
    assert chiefs.both({"change": "close", "account": chiefs.other.pk}).handed_over == ""
    assert not fresh(chiefs.other).is_active and granting.roles_of(chiefs.other) == []


@pytest.mark.parametrize(
    "payload",
    [
        {"change": "grant", "role": "border_officer", "account": "other"},
        {"change": "end", "role": "auditor", "account": "other"},
        {"change": "grant", "role": "king", "account": "other"},
        {"change": "lend", "role": "auditor", "account": "other"},
        {"change": "grant", "role": "auditor", "account": 0},
        {"change": "grant", "role": "auditor", "account": "7"},
        {"change": "close", "account": 0},
        {"change": "open", "account": "other"},
        {"change": "create", "username": "other", "roles": ["auditor"]},
        {"change": "create", "username": "a b", "roles": ["auditor"]},
        {"change": "create", "username": "newcomer", "roles": []},
        {"change": "create", "username": "newcomer", "roles": ["king"]},
    ],
    ids=str,
)
def test_what_could_not_be_made_is_proposed(chiefs: Chiefs, payload: dict[str, Any]) -> None:
    """invalid solely because of one member."""
    if payload.get("account") == "other":
        payload = {**payload, "account": chiefs.other.pk}
    with pytest.raises(UnableToPropose):
        chiefs.propose(payload)
    assert not Proposal.objects.exists()


@pytest.mark.parametrize("payload", [{"change": "end", "role": "trust_officer"}, {"change": "close"}], ids=str)
def test_the_last_who_appoints_is_taken_away(payload: dict[str, Any], chiefs: Chiefs) -> None:
    """Two proposals that each leave one, and together none."""
    third, fourth = officer("third", Role.TRUST), officer("fourth", Role.TRUST)
    one = chiefs.propose({**payload, "account": third.pk}, chiefs.first)
    assert chiefs.approve(one, chiefs.second).state == "approved"
    for account in (chiefs.first, fourth):
        granting.end(account=account, role=Role.TRUST, actor="console", now=NOW)
    with pytest.raises(granting.UnableToChangeRole, match="appoint"):
        granting.end(account=chiefs.second, role=Role.TRUST, actor="console", now=NOW)
    with pytest.raises(granting.UnableToChangeRole, match="appoint"):
        officers.disable(account=chiefs.second, actor="console", now=NOW)
    assert fresh(chiefs.second).is_active
    kind = changing.ROLE if "role" in payload else changing.OFFICER
    about = Proposal(kind=kind, payload={**payload, "account": chiefs.second.pk})
    with pytest.raises(executors.Unacceptable, match="appoint"):
        executors.of(kind).check(about, now=NOW)
    granting.end(account=chiefs.other, role=Role.BORDER, actor="console", now=NOW)


def test_an_approval_makes_what_cannot_be_made_any_more(chiefs: Chiefs) -> None:
    made = chiefs.propose({"change": "create", "username": "newcomer", "roles": ["auditor"]})
    officer("newcomer")
    with pytest.raises(UnableToDecide, match="taken"):
        chiefs.approve(made)
    closed = chiefs.propose(role_of(chiefs.other, "grant", Role.AUDITOR))
    officers.disable(account=chiefs.other, actor="console", now=NOW)
    with pytest.raises(UnableToDecide, match="closed"):
        chiefs.approve(closed)


def test_the_officer_who_decides_is_not_told_what_it_comes_to(chiefs: Chiefs) -> None:
    """Each kind of change has lines, and they name the officer."""
    for payload in (
        role_of(chiefs.other, "grant", Role.AUDITOR),
        role_of(chiefs.other, "end", Role.BORDER),
        {"change": "close", "account": chiefs.other.pk},
        {"change": "invite", "account": chiefs.other.pk},
        {"change": "create", "username": "newcomer", "roles": ["auditor"]},
    ):
        made = chiefs.propose(payload)
        lines = executors.of(made.kind).changes(made, now=NOW)
        assert ("newcomer" if "username" in payload else "other") in lines[0] and len(lines) > 1
