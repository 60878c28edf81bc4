"""A peer is recognised through the pages: looked at, its keys compared, its terms written, and two officers."""

import re
from typing import Any

import pytest
from django.test import Client

from idp.federation import peering, terms
from idp.federation.models import Peer
from idp.federation.recognition import candidates, forms
from idp.proposals.models import Proposal
from idp.protocol import keys
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.peers import Peers

PAGE = "/admin/trust/recognise/"
LIST = "/admin/trust/"


def text(response: Any) -> str:
    return str(response.content.decode())


def end_of(key: keys.PublicKey) -> str:
    """What the peer's officer reads out last."""
    return peering.fingerprints(keys.KeySet([key]))[key.thumbprint][-9:]


def looked(client: Client, entity_id: str) -> Any:
    return client.post(PAGE, {"entity_id": entity_id})


def sent(client: Client, peers: Peers, **changes: Any) -> dict[str, Any]:
    """The second step's form as a browser would send it, with the key compared."""
    context = looked(client, peers.cn.entity_id).context
    values = {field.html_name: field.value() for field in context["form"]}
    values |= {"candidate": context["sealed"], "entity_id": peers.cn.entity_id, "why": "the ministry asked for it"}
    values |= {"compare_1": end_of(peers.cn.key.public), **changes}
    return {name: value for name, value in values.items() if value not in (None, "", False)}


def approve(client: Client, made: Proposal) -> None:
    data = {"action": "approve", "_selected_action": [made.pk], "confirmed": "yes"}
    client.post("/admin/proposals/proposal/", data)


def test_a_peer_is_recognised_by_two_officers_through_the_pages(
    officer: Client, second: Client, peers: Peers, now: int
) -> None:
    form = sent(officer, peers, accept="on", valid_until="2027-12-31", contract="HK-CN-7", max_path_length="0")
    shown = text(officer.post(PAGE, form))
    assert peering.fingerprints(peers.cn.keys)[peers.cn.key.public.thumbprint] in shown
    assert "HK-CN-7" in shown and not Proposal.objects.exists()
    assert officer.post(PAGE, {**form, "propose": "yes"}).status_code == 302
    made = Proposal.objects.get()
    assert not Peer.objects.exists()
    assert peers.cn.entity_id in text(officer.get(LIST)), "it waits for another officer"
    approve(officer, made)
    assert not Peer.objects.exists(), "who proposed does not approve"
    approve(second, made)
    peer = Peer.objects.get()
    assert (peer.standing, peer.name, peer.contract) == ("mutual", {"en": "CN"}, "HK-CN-7")
    assert peer.valid_until == 1_830_268_800, "midnight after the last day in Hong Kong"
    page = text(officer.get(LIST))
    assert "mutual" in page and "2028-01-01 00:00" in page


def test_the_end_of_a_fingerprint_is_on_the_page_where_it_is_to_be_heard(officer: Client, peers: Peers) -> None:
    page = text(looked(officer, peers.cn.entity_id))
    groups = peering.fingerprints(peers.cn.keys)[peers.cn.key.public.thumbprint].split()
    assert " ".join(groups[:-2]) in page
    assert groups[-1] not in re.sub(r'value="[^"]*"', "", page) and " ".join(groups[-2:]) not in page


@pytest.mark.parametrize("told", ["", "0000 0000", "nonsense"])
def test_a_key_is_pinned_whose_fingerprint_nobody_heard(officer: Client, peers: Peers, told: str) -> None:
    form = sent(officer, peers, compare_1=told)
    assert "errorlist" in text(officer.post(PAGE, {**form, "propose": "yes"}))
    assert not Proposal.objects.exists()


@pytest.mark.parametrize("spelling", ["upper", "together", "dashes"])
def test_a_fingerprint_is_refused_for_how_it_is_spelt(officer: Client, peers: Peers, spelling: str) -> None:
    end = end_of(peers.cn.key.public)
    told = {"upper": end.upper(), "together": end.replace(" ", ""), "dashes": end.replace(" ", "-")}[spelling]
    assert officer.post(PAGE, {**sent(officer, peers, compare_1=told), "propose": "yes"}).status_code == 302


def test_a_second_key_that_was_not_compared_is_pinned(officer: Client, second: Client, peers: Peers, now: int) -> None:
    peers.cn.configuration_claims["jwks"] = keys.KeySet([peers.cn.key.public, keys.generate().public]).jwks()
    context = looked(officer, peers.cn.entity_id).context
    place = list(context["form"].comparison.groups).index(peers.cn.key.public.thumbprint) + 1
    form = sent(officer, peers)
    form.pop("compare_1")
    only = {**form, f"compare_{place}": end_of(peers.cn.key.public)}
    officer.post(PAGE, {**only, "propose": "yes"})
    approve(second, Proposal.objects.get())
    assert Peer.objects.get().jwks == peers.cn.keys.jwks()


@pytest.mark.parametrize("entity_id", ["nonsense", "http://hk.localhost:8002", "http://nobody.localhost:1", "http://x"])
def test_what_cannot_be_looked_at_is_more_than_an_error_at_the_field(officer: Client, entity_id: str) -> None:
    response = looked(officer, entity_id)
    assert response.status_code == 200 and "errorlist" in text(response)


def test_a_private_address_is_asked(officer: Client) -> None:
    """Whom to ask is an officer's word; the node's own network is not to be asked for it."""
    assert "errorlist" in text(looked(officer, "https://10.0.0.7"))


def test_a_form_of_an_hour_ago_or_of_another_officer_is_taken(
    officer: Client, second: Client, peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = {**sent(officer, peers), "propose": "yes"}
    assert "look at it anew" in text(second.post(PAGE, form))
    assert "look at the peer anew" in text(officer.post(PAGE, {**form, "candidate": f"{form['candidate']}x"}))
    monkeypatch.setattr(candidates, "HELD", -1)
    assert "look at the peer anew" in text(officer.post(PAGE, form))
    assert not Proposal.objects.exists()


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
        {"valid_from": "2027-12-31", "valid_until": "2027-12-30"},
        {"valid_until": "nonsense"},
        {"valid_until": "9999-12-31"},
        {"valid_until": "2020-01-01"},
        {"why": ""},
    ],
    ids=str,
)
def test_terms_that_cannot_be_stated_are_proposed(officer: Client, peers: Peers, now: int, bad: dict[str, Any]) -> None:
    """Invalid solely because of the one field."""
    form = {**sent(officer, peers), "propose": "yes", **bad}
    response = officer.post(PAGE, form)
    assert response.status_code == 200 and "errorlist" in text(response)
    assert not Proposal.objects.exists()


def test_a_peer_whose_keys_are_pinned_is_compared_by_others(officer: Client, peers: Peers) -> None:
    """Its recognition of us is accepted already, under the keys that were compared then."""
    peering.accept_recognition(peering.propose(peers.cn.entity_id), officer=OFFICER)
    assert "compare_1" in text(looked(officer, peers.cn.entity_id))
    peers.cn.key = keys.generate()
    assert "not signed by a key that is pinned" in text(looked(officer, peers.cn.entity_id))


def test_a_recognised_peer_goes_through_the_wizard_again(officer: Client, cn: str) -> None:
    assert "is recognised" in text(looked(officer, cn))


def test_days_are_read_as_other_seconds_than_they_were(officer: Client, peers: Peers) -> None:
    """A period set at the console to the minute must not move because a form shows days."""
    before = terms.Terms(valid_from=NOW, valid_until=NOW + 1)
    facts = {"entity_id": peers.cn.entity_id, "before": before}
    form = forms.TermsForm(**facts)
    again = forms.TermsForm({name: form[name].value() for name in form.fields}, **facts)
    assert again.is_valid(), again.errors
    assert again.agreed == before
