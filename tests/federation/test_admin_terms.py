"""The terms of recognition and the trust marks on the admin site."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from idp.audit.models import AuditEvent
from idp.federation import entities, mark_types, marks, peering, terms
from idp.federation.models import IssuedMark, Peer
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.peers import Peers
from tests.federation.test_admin import LIST, officer

__all__ = ["officer"]

TERMS = {
    "metadata_policy": "{}",
    "max_path_length": "1",
    "naming_constraints": "{}",
    "allowed_entity_types": list(terms.PEER_TYPES),
    "valid_from_0": "",
    "valid_from_1": "",
    "valid_until_0": "",
    "valid_until_1": "",
    "legal_basis": "",
    "contract": "",
}


@pytest.fixture
def peer(peers: Peers) -> Peer:
    return peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)


def _change(client: Client, peer: Peer, **changed: Any) -> Any:
    return client.post(f"{LIST}{peer.pk}/change/", {**TERMS, **changed})


def test_an_officer_sets_terms_under_their_own_name_and_sees_dates(officer: Client, peer: Peer) -> None:
    policy = '{"openid_provider": {"issuer": {"essential": true}}}'
    response = _change(
        officer,
        peer,
        metadata_policy=policy,
        max_path_length="0",
        allowed_entity_types=["border_token_issuer"],
        valid_until_0="2027-01-31",
        valid_until_1="18:00:00",
        legal_basis="a treaty",
    )
    assert response.status_code == 302, response.content.decode()
    agreed = terms.of(Peer.objects.get())
    assert agreed == terms.Terms(
        metadata_policy={"openid_provider": {"issuer": {"essential": True}}},
        max_path_length=0,
        allowed_entity_types=("border_token_issuer",),
        valid_until=1_801_389_600,  # 2027-01-31T10:00:00Z: the project's time zone is eight hours ahead
        legal_basis="a treaty",
    )
    assert AuditEvent.objects.get(kind="federation.peer.terms_changed").actor.startswith("account:")
    page = officer.get(f"{LIST}{peer.pk}/change/").content.decode()
    assert 'value="2027-01-31"' in page
    assert 'value="18:00:00"' in page
    assert "1801389600" not in page


def test_a_form_that_changes_nothing_records_nothing(officer: Client, peer: Peer) -> None:
    assert _change(officer, peer).status_code == 302
    assert terms.of(Peer.objects.get()) == terms.Terms()
    assert not AuditEvent.objects.filter(kind="federation.peer.terms_changed").exists()


@pytest.mark.parametrize(
    "bad",
    [
        {"max_path_length": "2"},
        {"allowed_entity_types": ["federation_entity"]},
        {"allowed_entity_types": []},
        {"metadata_policy": "nonsense"},
        {"metadata_policy": "[]"},
        {"metadata_policy": '{"openid_provider": {"issuer": {"value": "https://x.example"}}}'},
        {"naming_constraints": '{"permitted": "x"}'},
        {
            "valid_from_0": "2027-01-31",
            "valid_from_1": "00:00",
            "valid_until_0": "2027-01-30",
            "valid_until_1": "00:00",
        },
        {"valid_until_0": "nonsense", "valid_until_1": "00:00"},
    ],
    ids=str,
)
def test_terms_that_cannot_be_stated_are_an_error_on_the_page(officer: Client, peer: Peer, bad: dict[str, Any]) -> None:
    """Invalid solely because of the one field."""
    response = _change(officer, peer, **{"contract": "no. 7", **bad})
    assert response.status_code == 200
    assert "errorlist" in response.content.decode()
    assert terms.of(Peer.objects.get()) == terms.Terms()


def test_whoever_may_only_look_sees_the_terms_and_sets_none(officer: Client, peer: Peer) -> None:
    """Invalid solely because of the permission."""
    agreed = terms.Terms(valid_until=1_801_389_600, contract="number seven")
    terms.set_terms(peer, terms=agreed, officer=OFFICER)
    account = get_user_model().objects.get()
    account.is_superuser = False
    account.save()
    account.user_permissions.add(Permission.objects.get(codename="view_peer"))
    page = officer.get(f"{LIST}{peer.pk}/change/").content.decode()
    assert "number seven" in page
    assert "1801389600" not in page
    assert "<textarea" not in page
    assert _change(officer, peer, contract="mine").status_code == 403
    assert Peer.objects.get().contract == "number seven"


def test_an_ended_peer_has_no_terms_to_set(officer: Client, peer: Peer) -> None:
    """Invalid solely because recognition has ended."""
    peering.end(peer, officer=OFFICER)
    assert _change(officer, peer, contract="x").status_code == 403
    assert officer.get(f"{LIST}{peer.pk}/change/").status_code == 200


@pytest.mark.parametrize(
    ("period", "word"), [({"valid_until": NOW}, "lapsed"), ({"valid_from": NOW + 1}, "not begun"), ({}, "one-sided")]
)
def test_the_list_says_where_recognition_is_out_of_its_period(
    officer: Client, peer: Peer, period: dict[str, int], word: str
) -> None:
    terms.set_terms(peer, terms=terms.Terms(**period), officer=OFFICER)
    assert word in officer.get(LIST).content.decode()


def test_marks_are_listed_and_taken_back_by_an_action(officer: Client, node: str, peer: Peer) -> None:
    lmc = entities.host(path="checkpoints/lmc", metadata={"oauth_resource": {"resource": "x"}}, now=NOW).entity_id
    mark_types.add(mark_type="https://marks.example/a", now=NOW)
    mark = marks.give(mark_type="https://marks.example/a", subject=lmc, now=NOW, actor=OFFICER)
    page = "/admin/federation/issuedmark/"
    assert lmc in officer.get(page).content.decode()
    assert str(NOW) not in officer.get(page).content.decode()
    officer.post(page, {"action": "revoke_marks", "_selected_action": [mark.pk]})
    mark.refresh_from_db()
    assert mark.revoked_at == NOW
    assert IssuedMark.objects.filter(revoked_at=None).get().subject == peer.entity_id
    assert AuditEvent.objects.get(kind="federation.mark.revoked").actor.startswith("account:")


def test_whoever_may_only_look_takes_no_mark_back(officer: Client, node: str, peer: Peer) -> None:
    """Invalid solely because of the permission."""
    account = get_user_model().objects.get()
    account.is_superuser = False
    account.save()
    account.user_permissions.add(Permission.objects.get(codename="view_issuedmark"))
    mark = IssuedMark.objects.get()
    officer.post("/admin/federation/issuedmark/", {"action": "revoke_marks", "_selected_action": [mark.pk]})
    mark.refresh_from_db()
    assert mark.revoked_at is None


@pytest.mark.parametrize("model", ["marktype", "issuedmark"])
def test_marks_and_types_are_edited_by_nobody(officer: Client, node: str, peer: Peer, model: str) -> None:
    mark_types.add(mark_type="https://marks.example/a", now=NOW)
    assert officer.get(f"/admin/federation/{model}/").status_code == 200
    assert officer.get(f"/admin/federation/{model}/add/").status_code == 403
    assert officer.post(f"/admin/federation/{model}/1/change/", {"subject": "x"}).status_code in (302, 403)
