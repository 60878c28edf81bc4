"""The page about one entity: why it is believed, or what refuses it."""

from typing import Any
from urllib.parse import quote

import pytest

from idp.federation import held, peering
from idp.federation.models import ChainCache, Peer
from idp.office.trust import entity
from idp.protocol.entity_statements import configuration_url
from idp.protocol.refusals import Refusal
from tests.border.world import NODE, OFFICER
from tests.office.trust.conftest import Trusted


def test_looking_at_what_is_held_asks_somebody(trusted: Trusted) -> None:
    trusted.peers.asked.clear()
    found = entity.look_at(trusted.client.entity_id, now=trusted.now, ask=False)
    assert trusted.peers.asked == []
    assert found.found.chain is not None
    assert found.found.chain.path == (trusted.client.entity_id, trusted.cn, NODE)
    assert [said.subject for said in found.said] == [
        trusted.client.entity_id,
        trusted.client.entity_id,
        trusted.cn,
        NODE,
    ]


def test_what_is_held_is_taken_for_what_is_true_now(trusted: Trusted) -> None:
    """A client that its superior ended is refused once somebody asks, and nothing of that look is kept."""
    trusted.peers.cn.end(trusted.client)
    assert entity.look_at(trusted.client.entity_id, now=trusted.now, ask=False).found.chain is not None
    before = list(ChainCache.objects.order_by("pk").values())
    asked = entity.look_at(trusted.client.entity_id, now=trusted.now, ask=True)
    assert asked.found.chain is None
    assert list(ChainCache.objects.order_by("pk").values()) == before


def test_the_tree_hides_who_refused(trusted: Trusted) -> None:
    peering.suspend(Peer.objects.get(entity_id=trusted.cn), officer=OFFICER)
    found = entity.look_at(trusted.client.entity_id, now=trusted.now, ask=True).found
    ends = [(branch.entity_id, str(branch.error)) for branch in found.branches() if branch.error]
    assert any(name == NODE for name, _ in ends)
    assert found.chain is None


def test_a_key_or_mark_that_is_not_believed_looks_good(trusted: Trusted) -> None:
    mark_type = f"{NODE}/trust-marks/border-issuer"
    found = entity.look_at(trusted.cn, now=trusted.now, ask=True)
    assert [mark.refused for mark in found.marks] == [""]
    assert all(key.believed for key in found.keys)
    trusted.peers.cn.marks.clear()
    trusted.peers.cn.carry(trusted.peers.cn.mark(trusted.cn, mark_type), mark_type)
    (mark,) = entity.look_at(trusted.cn, now=trusted.now, ask=True).marks
    assert mark.refused


def test_the_failures_of_a_peer_are_on_no_page(trust_officer: Any, trusted: Trusted) -> None:
    text = trust_officer.get("/admin/trust/entity/", {"id": trusted.mo}).content.decode()
    assert "nobody answers" in text and "Not believed" in text and "not held here" in text


def test_the_page_hides_what_policy_changed(trust_officer: Any, trusted: Trusted) -> None:
    trusted.peers.cn.metadata["openid_provider"]["id_token_signing_alg_values_supported"] = ["ES256", "none"]
    page = trust_officer.post("/admin/trust/entity/", {"id": trusted.cn})
    assert ("openid_provider", "id_token_signing_alg_values_supported", '["ES256", "none"]', '["ES256"]') in (
        page.context["changes"]
    )
    assert "were asked just now" in page.content.decode()


@pytest.mark.parametrize("name", ["nonsense", "http://10.0.0.1", "https://x.example/#f"])
def test_a_name_that_leads_inside_is_looked_for(trust_officer: Any, trusted: Trusted, name: str) -> None:
    trusted.peers.asked.clear()
    assert trust_officer.post("/admin/trust/entity/", {"id": name}).status_code == 400
    assert trusted.peers.asked == []
    with pytest.raises(Refusal):
        entity.look_at(name, now=trusted.now, ask=False)


def test_a_text_that_another_authority_told_elsewhere_is_taken_for_this_url(trusted: Trusted) -> None:
    assert held.text_at(configuration_url(trusted.cn), trusted.now) is not None
    sub = quote(trusted.client.entity_id, safe="")
    assert held.text_at(f"{trusted.cn}/federation/fetch?sub={sub}", trusted.now) is not None
    assert held.text_at(f"{trusted.mo}/federation/fetch?sub={sub}", trusted.now) is None
    assert held.text_at(f"{trusted.cn}/elsewhere?sub={sub}", trusted.now) is None
    assert held.text_at(f"{trusted.cn}/federation/fetch", trusted.now) is None


def test_an_address_is_missing_from_the_places_of_an_entity(trusted: Trusted) -> None:
    checkpoint = trusted.world.checkpoint.entity_id
    assert {url for _, url in entity.look_at(checkpoint, now=trusted.now, ask=False).places} >= {
        "/admin/border/places/lo-wu/"
    }
    (text, url) = entity.look_at(trusted.cn, now=trusted.now, ask=False).places[0]
    assert "mutual" in text and url.startswith("/admin/trust/peers/")
