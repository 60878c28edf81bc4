"""A trust mark is given by two officers and taken back by one, whom another reviews."""

from typing import Any

import pytest
from django.test import Client

from idp.accounts.roles import Role
from idp.audit.models import AuditEvent
from idp.federation import mark_types, marks, peering
from idp.federation.models import IssuedMark, Peer
from idp.federation.vouching import changing
from idp.proposals import proposing
from idp.proposals.models import Proposal, Review
from idp.proposals.proposing import UnableToDecide, UnableToPropose
from tests.conftest import NOW
from tests.federation.recognition.conftest import Officers
from tests.federation.recognition.test_wizard import approve, text
from tests.proposals.officers import FIRST, SECOND, appoint

TYPE = "https://marks.example/a"
GIVE = "/admin/trust/marks/give/"


@pytest.fixture
def peer(cn: str, now: int) -> Peer:
    mark_types.add(mark_type=TYPE, now=NOW)
    return Peer.objects.get(entity_id=cn)


def proposed(payload: Any) -> Proposal:
    appoint(FIRST, SECOND)
    facts = {"kind": changing.KIND, "subject": "x", "why": "it was inspected", "officer": FIRST, "now": NOW}
    return proposing.propose(payload=payload, **facts)


def held(peer: Peer) -> bool:
    return IssuedMark.objects.filter(subject=peer.entity_id, mark_type=TYPE, revoked_at=None).exists()


def test_one_officer_gives_a_mark(officer: Client, second: Client, peer: Peer) -> None:
    form = {"mark_type": TYPE, "subject": peer.entity_id, "why": "it was inspected"}
    assert TYPE in text(officer.post(GIVE, form)) and not Proposal.objects.exists()
    assert officer.post(GIVE, {**form, "propose": "yes"}).status_code == 302
    made = Proposal.objects.get()
    assert peer.entity_id in text(officer.get("/admin/trust/marks/"))
    approve(officer, made)
    assert not held(peer)
    approve(second, made)
    assert held(peer)
    data = AuditEvent.objects.filter(kind="federation.mark.given").order_by("-pk")[0].data
    assert data["officers"] == [made.proposed_by, Proposal.objects.get().decided_by] and data["proposal"] == made.pk


def test_an_officer_takes_a_mark_back_without_reason_or_review(officer: Client, peer: Peer) -> None:
    mark = IssuedMark.objects.get(subject=peer.entity_id)
    page = f"/admin/trust/marks/{mark.pk}/take-back/"
    assert "refused at our gates" in text(officer.get(page))
    assert "errorlist" in text(officer.post(page, {"why": ""})) and not Review.objects.exists()
    assert officer.post(page, {"why": "it lied"}).status_code == 302
    mark.refresh_from_db()
    assert mark.revoked_at == NOW
    assert (Review.objects.get().kind, Review.objects.get().subject) == (changing.TAKEN, peer.entity_id)
    assert AuditEvent.objects.get(kind="federation.mark.revoked").data == {"type": mark.mark_type, "why": "it lied"}
    assert "it is revoked" in text(officer.post(page, {"why": "again"})) and Review.objects.count() == 1


def test_a_mark_is_given_to_who_came_back_or_holds_it(
    node: str, peer: Peer, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = proposed(changing.payload(mark_type=TYPE, subject=peer.entity_id))
    again = proposed(changing.payload(mark_type=TYPE, subject=peer.entity_id))
    proposing.approve(proposal=again, officer=SECOND, now=NOW)
    with pytest.raises(UnableToDecide, match="holds this"):
        proposing.approve(proposal=late, officer=SECOND, now=NOW)
    marks.revoke(subject=peer.entity_id, now=NOW, actor="x")
    peering.end(peer, officer="x")
    with pytest.raises(UnableToDecide, match="not the one"):
        proposing.approve(proposal=late, officer=SECOND, now=NOW)
    monkeypatch.setattr("idp.clock.now", lambda: NOW + 1)
    peering.make_known(peer.entity_id, jwks=peer.jwks, name={}, officer="x")
    with pytest.raises(UnableToDecide, match="not the one"):
        proposing.approve(proposal=late, officer=SECOND, now=NOW)
    assert not held(peer)


@pytest.mark.parametrize(
    "changed",
    [
        {"mark_type": "https://marks.example/unknown"},
        {"mark_type": ["x"]},
        {"mark_type": "\0"},
        {"subject": "https://nobody.example"},
        {"subject": 7},
        {"since": True},
        {"more": 1},
    ],
    ids=["unknown", "list", "null", "nobody", "number", "since", "more"],
)
def test_what_is_no_gift_is_proposed(node: str, peer: Peer, changed: dict[str, Any]) -> None:
    with pytest.raises(UnableToPropose):
        proposed({**changing.payload(mark_type=TYPE, subject=peer.entity_id), **changed})


@pytest.mark.parametrize("role", [Role.BORDER, Role.AUDITOR, Role.OPERATOR])
def test_another_role_gives_or_takes(officers: Officers, peer: Peer, role: Role) -> None:
    client, mark = officers("other", role), IssuedMark.objects.get(subject=peer.entity_id)
    assert client.post(GIVE, {"mark_type": TYPE, "subject": peer.entity_id, "why": "x"}).status_code == 403
    assert client.post(f"/admin/trust/marks/{mark.pk}/take-back/", {"why": "x"}).status_code == 403
    mark.refresh_from_db()
    assert mark.revoked_at is None
