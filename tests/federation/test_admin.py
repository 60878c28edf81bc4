from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django_otp.plugins.otp_static.models import StaticDevice

from idp.federation import peering
from idp.federation.models import Peer
from tests.federation.peers import Peers

LIST = "/admin/federation/peer/"


@pytest.fixture
def officer(node: str, settings: Any, tmp_path: Path) -> Client:
    """An officer with the second factor done."""
    settings.STATIC_ROOT = tmp_path
    client = Client(headers={"host": "hk.localhost"})
    account = get_user_model().objects.create_superuser(username="officer-7", password="x")
    client.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
    device = StaticDevice.objects.create(user=account, name="test")
    session = client.session
    session["otp_device_id"] = device.persistent_id
    session.save()
    return client


@pytest.fixture
def peer(peers: Peers) -> Peer:
    return peering.propose(peers.cn.entity_id)


def test_without_the_second_factor_nothing_is_shown(officer: Client) -> None:
    session = officer.session
    del session["otp_device_id"]
    session.save()
    assert officer.get(LIST).status_code == 302


@pytest.mark.parametrize("action", ["recognise", "accept", "suspend", "resume", "end", "approve_keys"])
def test_one_officer_moves_a_switch_in_the_list(officer: Client, peer: Peer, action: str) -> None:
    """Even one with every permission: the actions of before are gone, with the pages that asked."""
    before = Peer.objects.values().get()
    officer.post(LIST, {"action": action, "_selected_action": [peer.pk], "confirmed": "yes"})
    assert Peer.objects.values().get() == before


def test_one_officer_makes_a_peer_known_by_a_form(officer: Client, peers: Peers) -> None:
    assert officer.post(f"{LIST}add/", {"entity_id": peers.cn.entity_id}).status_code == 403
    assert not Peer.objects.exists()


def test_one_officer_sets_terms_by_a_form(officer: Client, peer: Peer) -> None:
    page = f"{LIST}{peer.pk}/change/"
    assert "<textarea" not in officer.get(page).content.decode()
    assert officer.post(page, {"contract": "mine", "max_path_length": "0"}).status_code == 403
    assert Peer.objects.get().contract == ""


def test_nothing_is_edited_or_deleted_by_hand(officer: Client, peer: Peer) -> None:
    officer.post(f"{LIST}{peer.pk}/change/", {"entity_id": "https://x.example", "jwks": "{}", "recognised_at": "1"})
    assert officer.post(f"{LIST}{peer.pk}/delete/", {"post": "yes"}).status_code == 403
    kept = Peer.objects.get()
    assert (kept.entity_id, kept.jwks, kept.recognised_at) == (peer.entity_id, peer.jwks, None)


def test_an_officer_without_the_right_looks(officer: Client, peer: Peer) -> None:
    account = get_user_model().objects.get()
    account.is_superuser = False
    account.save()
    assert officer.get(LIST).status_code == 403
    account.user_permissions.add(Permission.objects.get(codename="view_peer"))
    assert officer.get(LIST).status_code == 200


@pytest.mark.parametrize("model", ["subordinate", "hostedentity", "signingkey", "statuslist", "marktype", "issuedmark"])
def test_the_other_lists_are_there_to_read(officer: Client, model: str) -> None:
    assert officer.get(f"/admin/federation/{model}/").status_code == 200
    assert officer.get(f"/admin/federation/{model}/add/").status_code == 403


def test_a_page_of_a_peer_opens(officer: Client, peer: Peer) -> None:
    assert peering.fingerprint(peer.jwks) in officer.get(f"{LIST}{peer.pk}/change/").content.decode()
