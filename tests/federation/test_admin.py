from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django_otp.plugins.otp_static.models import StaticDevice

from idp.audit.models import AuditEvent
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


def _act(officer: Client, peer: Peer, action: str, **more: str) -> Any:
    return officer.post(LIST, {"action": action, "_selected_action": [peer.pk], **more})


def test_without_the_second_factor_nothing_is_shown(officer: Client) -> None:
    session = officer.session
    del session["otp_device_id"]
    session.save()
    assert officer.get(LIST).status_code == 302


def test_a_proposal_pins_the_keys_and_shows_their_fingerprint(officer: Client, peers: Peers) -> None:
    response = officer.post(f"{LIST}add/", {"entity_id": peers.cn.entity_id}, follow=True)
    peer = Peer.objects.get()
    assert peer.jwks == peers.cn.keys.jwks()
    assert peering.fingerprint(peer.jwks) in response.content.decode()
    assert "proposed" in response.content.decode()
    assert AuditEvent.objects.get(kind="federation.peer.proposed").actor.startswith("account:")


def test_an_ended_peer_may_be_proposed_anew(officer: Client, peer: Peer) -> None:
    peering.end(peer, officer="x")
    officer.post(f"{LIST}add/", {"entity_id": peer.entity_id})
    peer.refresh_from_db()
    assert peer.standing == "proposed"


@pytest.mark.parametrize("entity_id", ["nonsense", "http://hk.localhost:8002", "http://nobody.localhost:1"])
def test_a_proposal_that_fails_is_an_error_at_the_field(officer: Client, entity_id: str) -> None:
    response = officer.post(f"{LIST}add/", {"entity_id": entity_id})
    assert response.status_code == 200
    assert "errorlist" in response.content.decode()
    assert not Peer.objects.exists()


@pytest.mark.parametrize(
    ("action", "standing"),
    [("recognise", "one-sided"), ("accept", "one-sided"), ("suspend", "suspended"), ("end", "ended")],
)
def test_a_switch_asks_first_and_then_moves_with_the_officers_name(
    officer: Client, peer: Peer, action: str, standing: str
) -> None:
    asked = _act(officer, peer, action)
    assert asked.status_code == 200
    assert peering.fingerprint(peer.jwks) in asked.content.decode()
    peer.refresh_from_db()
    assert peer.standing == "proposed", "the first post only asks"
    _act(officer, peer, action, confirmed="yes")
    peer.refresh_from_db()
    assert peer.standing == standing
    assert AuditEvent.objects.order_by("-pk").filter(kind__startswith="federation.peer").first().actor != "node"


def test_both_switches_show_as_mutual(officer: Client, peer: Peer) -> None:
    for action in ("recognise", "accept", "suspend", "resume"):
        _act(officer, peer, action, confirmed="yes")
    assert "mutual" in officer.get(LIST).content.decode()


def test_a_switch_that_cannot_move_says_so(officer: Client, peer: Peer) -> None:
    """Invalid solely because recognition has ended."""
    peering.end(peer, officer="x")
    _act(officer, peer, "recognise", confirmed="yes")
    peer.refresh_from_db()
    assert peer.standing == "ended"
    assert "has ended" in officer.get(LIST).content.decode()


def test_nothing_is_edited_or_deleted_by_hand(officer: Client, peer: Peer) -> None:
    officer.post(f"{LIST}{peer.pk}/change/", {"entity_id": "https://x.example", "jwks": "{}", "recognised_at": "1"})
    assert officer.post(f"{LIST}{peer.pk}/delete/", {"post": "yes"}).status_code == 403
    kept = Peer.objects.get()
    assert (kept.entity_id, kept.jwks, kept.recognised_at) == (peer.entity_id, peer.jwks, None)


def test_an_officer_without_the_right_moves_nothing(officer: Client, peer: Peer) -> None:
    account = get_user_model().objects.get()
    account.is_superuser = False
    account.save()
    assert _act(officer, peer, "end", confirmed="yes").status_code == 403
    account.user_permissions.add(Permission.objects.get(codename="view_peer"))  # may look, may not move
    assert officer.get(LIST).status_code == 200
    _act(officer, peer, "end", confirmed="yes")
    peer.refresh_from_db()
    assert peer.standing == "proposed"


@pytest.mark.parametrize("model", ["subordinate", "hostedentity", "signingkey", "statuslist", "marktype", "issuedmark"])
def test_the_other_lists_are_there_to_read(officer: Client, model: str) -> None:
    assert officer.get(f"/admin/federation/{model}/").status_code == 200
    assert officer.get(f"/admin/federation/{model}/add/").status_code == 403


def test_a_page_of_a_peer_opens(officer: Client, peer: Peer) -> None:
    assert peering.fingerprint(peer.jwks) in officer.get(f"{LIST}{peer.pk}/change/").content.decode()
