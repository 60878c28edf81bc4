"""The pages about one peer: what can be proposed of it, what one officer does at once, and who may."""

import dataclasses
from typing import Any

import pytest
from django.test import Client

from idp.accounts.roles import Role
from idp.federation import peering, signing, terms
from idp.federation.models import Peer
from idp.federation.recognition import acts
from idp.federation.terms import Terms
from idp.proposals.models import Proposal, Review
from idp.protocol import keys
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.peers import Peers
from tests.federation.recognition.conftest import Officers
from tests.federation.recognition.deciding import announce
from tests.federation.recognition.test_wizard import approve, end_of, text

DAY = 86_400


@pytest.fixture
def peer(peers: Peers, now: int) -> Peer:
    agreed = Terms(valid_until=NOW + DAY, contract="HK-CN-7")
    return peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER, terms=agreed)


def url(peer: Peer, name: str = "") -> str:
    return f"/admin/trust/peers/{peer.pk}/{name}"


def sent(client: Client, peer: Peer, name: str, **changes: Any) -> dict[str, Any]:
    """The act's form as a browser would send it."""
    form = client.get(url(peer, f"{name}/")).context["form"]
    values = {field.html_name: field.value() for field in form} | {"why": "it is agreed", **changes}
    return {name: value for name, value in values.items() if value not in (None, "", False)}


def made(client: Client, peer: Peer, name: str, **changes: Any) -> Proposal:
    form = {**sent(client, peer, name, **changes), "propose": "yes"}
    answer = client.post(url(peer, f"{name}/"), form)
    assert answer.status_code == 302, text(answer)
    return Proposal.objects.order_by("-pk")[0]


def again(peer: Peer) -> Peer:
    peer.refresh_from_db()
    return peer


def test_one_officer_moves_a_switch_by_a_page(officer: Client, second: Client, peer: Peer) -> None:
    for name, standing in (("accept", "mutual"), ("end", "ended")):
        proposal = made(officer, peer, name)
        before = again(peer).standing
        assert before != standing
        approve(officer, proposal)
        assert again(peer).standing == before
        approve(second, proposal)
        assert again(peer).standing == standing


def test_a_renewal_is_seen_before_it_is_proposed(officer: Client, second: Client, peer: Peer) -> None:
    form = sent(officer, peer, "renew", valid_until="2028-01-31", contract="HK-CN-8")
    shown = text(officer.post(url(peer, "renew/"), form))
    assert "HK-CN-7 → HK-CN-8" in shown and "2028-02-01 00:00" in shown and not Proposal.objects.exists()
    approve(second, made(officer, peer, "renew", valid_until="2028-01-31", contract="HK-CN-8"))
    assert (again(peer).contract, peer.valid_until) == ("HK-CN-8", 1_832_947_200)


def test_terms_are_proposed_over_those_that_came_meanwhile(officer: Client, second: Client, peer: Peer) -> None:
    """The form that was shown is of other terms than those that stand when it is sent."""
    form = sent(officer, peer, "terms", max_path_length="0")
    assert "nobody: the peer alone" in text(officer.post(url(peer, "terms/"), form))
    approve(second, made(officer, peer, "terms", max_path_length="0"))
    assert again(peer).max_path_length == 0
    late = officer.post(url(peer, "terms/"), {**form, "propose": "yes"})
    assert "changed since" in text(late) and Proposal.objects.count() == 1


def test_announced_keys_are_pinned_without_being_heard(
    officer: Client, second: Client, peer: Peer, peers: Peers
) -> None:
    fresh = keys.generate().public
    peers.cn.configuration_claims["jwks"] = keys.KeySet([peers.cn.key.public, fresh]).jwks()
    announce(peer, peers.cn)
    assert "announces new keys" in text(officer.get("/admin/trust/"))
    for told in ("", "0000 0000"):
        answer = officer.post(url(peer, "keys/"), sent(officer, peer, "keys", compare_1=told))
        assert "errorlist" in text(answer) and not Proposal.objects.exists()
    approve(second, made(officer, peer, "keys", compare_1=end_of(fresh)))
    assert len(again(peer).jwks["keys"]) == 2 and peer.successor_jwks is None


def test_a_suspension_waits_for_a_second_officer_or_ends_by_one(officer: Client, second: Client, peer: Peer) -> None:
    page = url(peer, "suspend/")
    assert "A gate that is cut off" in text(officer.get(page)) and again(peer).suspended_at is None
    assert "errorlist" in text(officer.post(page, {"why": ""})) and again(peer).suspended_at is None
    assert officer.post(page, {"why": "its keys were stolen"}).status_code == 302
    assert again(peer).standing == "suspended"
    assert Review.objects.get().what == "suspended: its keys were stolen"
    assert "it is suspended" in text(officer.post(page, {"why": "once more"}))
    proposal = made(officer, peer, "resume")
    assert again(peer).standing == "suspended"
    approve(second, proposal)
    assert again(peer).standing == "one-sided"


@pytest.mark.parametrize("name", [act.name for act in acts.ACTS])
def test_an_act_that_is_not_possible_breaks_its_page(officer: Client, peer: Peer, name: str) -> None:
    peering.end(peer, officer=OFFICER)
    assert officer.get(url(peer)).status_code == 200
    assert f"{url(peer)}{name}/" not in text(officer.get(url(peer)))
    answer = officer.post(url(peer, f"{name}/"), {"why": "x", "propose": "yes"})
    assert answer.status_code == 200 and not Proposal.objects.exists()
    assert officer.get(url(peer, f"{name}/")).status_code == 200


def test_a_peer_without_announced_keys_or_suspension_breaks_the_pages_about_them(officer: Client, peer: Peer) -> None:
    for name in ("keys", "resume"):
        page = text(officer.get(url(peer, f"{name}/")))
        assert "errornote" in page and "Propose it" not in page


@pytest.mark.parametrize("name", ["suspend", *(act.name for act in acts.ACTS)])
@pytest.mark.parametrize("role", [Role.BORDER, Role.AUDITOR, Role.OPERATOR])
def test_another_role_changes_trust(officers: Officers, peer: Peer, role: Role, name: str) -> None:
    client = officers("other", role)
    assert client.get(url(peer, f"{name}/")).status_code == 403
    assert client.post(url(peer, f"{name}/"), {"why": "x", "propose": "yes"}).status_code == 403
    assert again(peer).standing == "one-sided" and not Proposal.objects.exists()


def test_who_may_only_look_is_shown_what_can_be_done(officers: Officers, officer: Client, peer: Peer) -> None:
    auditor, border = officers("auditor", Role.AUDITOR), officers("border", Role.BORDER)
    for page in (url(peer), "/admin/trust/"):
        assert border.get(page).status_code == 403
        seen = text(auditor.get(page))
        assert "HK-CN-7" in seen and 'class="button' not in seen
        assert 'class="button' in text(officer.get(page))
    assert auditor.get("/admin/trust/recognise/").status_code == 403
    assert border.post("/admin/trust/recognise/", {"entity_id": peer.entity_id}).status_code == 403


@pytest.mark.parametrize(
    ("period", "word"), [({"valid_until": NOW}, "lapsed"), ({"valid_from": NOW + 1}, "not begun"), ({}, "one-sided")]
)
def test_the_list_hides_that_a_recognition_is_out_of_its_period(
    officer: Client, peer: Peer, period: dict[str, int], word: str
) -> None:
    agreed = dataclasses.replace(Terms(), **period)  # type: ignore[arg-type]
    terms.set_terms(peer, terms=agreed, officer=OFFICER)
    assert word in text(officer.get("/admin/trust/"))
    assert word in text(officer.get(url(peer)))


def test_a_node_cannot_read_out_its_own_keys(officer: Client, node: str) -> None:
    page = text(officer.get("/admin/trust/"))
    for groups in peering.fingerprints(signing.published("federation")).values():
        assert groups in page
