"""The terms of recognition and the trust marks on the admin site."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from idp.federation import entities, mark_types, marks, peering, terms
from idp.federation.models import Peer
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.peers import Peers
from tests.federation.test_admin import LIST, officer

__all__ = ["officer"]


@pytest.fixture
def peer(peers: Peers) -> Peer:
    return peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)


def test_whoever_may_only_look_sees_seconds_or_a_form(officer: Client, peer: Peer) -> None:
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


@pytest.mark.parametrize(
    ("period", "word"), [({"valid_until": NOW}, "lapsed"), ({"valid_from": NOW + 1}, "not begun"), ({}, "one-sided")]
)
def test_the_list_says_where_recognition_is_out_of_its_period(
    officer: Client, peer: Peer, period: dict[str, int], word: str
) -> None:
    terms.set_terms(peer, terms=terms.Terms(**period), officer=OFFICER)
    assert word in officer.get(LIST).content.decode()


def test_a_mark_is_missing_from_the_register_or_taken_back_there(officer: Client, node: str, peer: Peer) -> None:
    lmc = entities.host(path="checkpoints/lmc", metadata={"oauth_resource": {"resource": "x"}}, now=NOW).entity_id
    mark_types.add(mark_type="https://marks.example/a", now=NOW)
    mark = marks.give(mark_type="https://marks.example/a", subject=lmc, now=NOW, actor=OFFICER)
    page = "/admin/federation/issuedmark/"
    assert lmc in officer.get(page).content.decode()
    assert str(NOW) not in officer.get(page).content.decode()
    officer.post(page, {"action": "revoke_marks", "_selected_action": [mark.pk]})
    mark.refresh_from_db()
    assert mark.revoked_at is None, "it is taken back on a page that asks why"


@pytest.mark.parametrize("model", ["marktype", "issuedmark"])
def test_marks_and_types_are_edited_by_nobody(officer: Client, node: str, peer: Peer, model: str) -> None:
    mark_types.add(mark_type="https://marks.example/a", now=NOW)
    assert officer.get(f"/admin/federation/{model}/").status_code == 200
    assert officer.get(f"/admin/federation/{model}/add/").status_code == 403
    assert officer.post(f"/admin/federation/{model}/1/change/", {"subject": "x"}).status_code in (302, 403)
