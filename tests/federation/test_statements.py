from typing import Any

import pytest

from idp.federation import entities, marks, peering, signing, statements, terms
from idp.federation.models import HeldMark, Peer, Statement
from idp.protocol.entity_statements import ENTITY_STATEMENT, parse_entity_configuration, verify_subordinate_statement
from idp.protocol.jws import parse_unverified
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.peers import Peers


def _claims(text: str) -> dict[str, Any]:
    return parse_unverified(text, ENTITY_STATEMENT).claims


def test_the_nodes_configuration_verifies_and_names_what_it_is(node: str) -> None:
    configuration = parse_entity_configuration(statements.entity_configuration(NOW), now=NOW, expect=node)
    assert configuration.exp - configuration.iat == 2 * 86_400
    assert set(configuration.metadata) == {"federation_entity", "border_token_issuer"}
    assert configuration.trust_mark_issuers == {marks.border_issuer(node): (node,)}
    federation = configuration.metadata["federation_entity"]
    assert federation["federation_fetch_endpoint"] == f"{node}/federation/fetch"
    assert "jwks" not in federation


def test_federation_keys_and_protocol_keys_are_never_the_same(node: str) -> None:
    """Federation §5.2: statement keys sign statements only."""
    claims = _claims(statements.entity_configuration(NOW))
    issuer = claims["metadata"]["border_token_issuer"]
    sets = [claims["jwks"], issuer["jwks"], issuer["status_jwks"]]
    kids = [key["kid"] for jwks in sets for key in jwks["keys"]]
    assert len(kids) == len(set(kids))


def test_without_an_accepted_peer_the_hints_are_absent_and_never_empty(node: str) -> None:
    assert "authority_hints" not in _claims(statements.entity_configuration(NOW))


def test_a_configuration_is_kept_until_half_worn(node: str) -> None:
    first = statements.entity_configuration(NOW)
    assert statements.entity_configuration(NOW + statements.RENEW_AFTER - 1) == first
    assert statements.entity_configuration(NOW + statements.RENEW_AFTER) != first


def test_a_clock_set_back_does_not_serve_a_statement_of_the_future(node: str) -> None:
    statements.entity_configuration(NOW + 1000)
    assert _claims(statements.entity_configuration(NOW))["iat"] == NOW


def test_new_metadata_shows_at_once(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    statements.entity_configuration(NOW)
    monkeypatch.setitem(entities._providers, "openid_provider", lambda: {"issuer": node})
    assert "openid_provider" in _claims(statements.entity_configuration(NOW + 1))["metadata"]


def test_a_killed_federation_key_takes_its_statements_with_it(node: str, peers: Peers) -> None:
    peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    old = signing.signer("federation").kid
    assert parse_unverified(statements.subordinate_statement(peers.cn.entity_id, NOW), ENTITY_STATEMENT).kid == old
    signing.kill(kid=old, now=NOW)
    for text in (statements.entity_configuration(NOW), statements.subordinate_statement(peers.cn.entity_id, NOW)):
        assert parse_unverified(text, ENTITY_STATEMENT).kid == signing.signer("federation").kid
    assert old not in str(_claims(statements.entity_configuration(NOW))["jwks"])


def test_the_statement_about_a_peer_bounds_what_it_may_vouch_for(node: str, peers: Peers) -> None:
    peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    statement = verify_subordinate_statement(
        statements.subordinate_statement(peers.cn.entity_id, NOW),
        superior_keys=signing.published("federation"),
        issuer=node,
        subject=peers.cn.entity_id,
        now=NOW,
    )
    assert statement.exp - statement.iat == 3 * 86_400
    assert statement.constraints is not None
    assert statement.constraints.max_path_length == 1
    assert statement.constraints.allowed_entity_types == set(terms.PEER_TYPES)
    assert "federation_entity" not in terms.PEER_TYPES
    assert statement.keys.jwks() == peers.cn.keys.jwks()
    assert statement.metadata_policy["openid_provider"]["issuer"]["value"] == peers.cn.entity_id


@pytest.mark.parametrize("step", ["proposed", "suspended", "ended"])
def test_nothing_is_stated_about_a_peer_that_is_not_recognised_now(node: str, peers: Peers, step: str) -> None:
    peer = peering.propose(peers.cn.entity_id)
    if step != "proposed":
        peering.recognise(peer, officer=OFFICER)
        statements.subordinate_statement(peer.entity_id, NOW)
        {"suspended": peering.suspend, "ended": peering.end}[step](peer, officer=OFFICER)
    with pytest.raises(statements.UnableToState):
        statements.subordinate_statement(peer.entity_id, NOW)


def test_the_two_switches_do_not_move_each_other(node: str, peers: Peers) -> None:
    peer = peering.accept_recognition(peering.propose(peers.cn.entity_id), officer=OFFICER)
    assert _claims(statements.entity_configuration(NOW))["authority_hints"] == [peers.cn.entity_id]
    with pytest.raises(statements.UnableToState):
        statements.subordinate_statement(peer.entity_id, NOW)
    peering.suspend(peer, officer=OFFICER)
    assert "authority_hints" not in _claims(statements.entity_configuration(NOW))
    peering.resume(peer, officer=OFFICER)
    assert "authority_hints" in _claims(statements.entity_configuration(NOW))


def test_a_held_mark_is_shown_while_it_lasts_and_its_giver_is_accepted(node: str, peers: Peers) -> None:
    peer = peering.propose(peers.cn.entity_id)
    mark_type = marks.border_issuer(peers.cn.entity_id)
    HeldMark.objects.create(peer=peer, mark_type=mark_type, text=peers.cn.mark(node, mark_type), expires_at=NOW + 60)
    assert "trust_marks" not in _claims(statements.entity_configuration(NOW))
    peering.accept_recognition(peer, officer=OFFICER)
    shown = _claims(statements.entity_configuration(NOW))["trust_marks"]
    assert [mark["trust_mark_type"] for mark in shown] == [mark_type]
    assert "trust_marks" not in _claims(statements.entity_configuration(NOW + 60))


def test_renewal_makes_everything_in_force_anew(node: str, peers: Peers) -> None:
    peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    entities.host(path="checkpoints/lmc", metadata={"oauth_resource": {"resource": "x"}}, now=NOW)
    assert statements.renew(NOW) == 4  # the node, a peer, a checkpoint, and the checkpoint's own
    later = NOW + statements.RENEW_AFTER
    statements.renew(later)
    assert set(Statement.objects.values_list("issued_at", flat=True)) == {later}


def test_one_statement_that_cannot_be_made_does_not_let_the_others_expire(node: str, peers: Peers) -> None:
    """Invalid solely because of a policy that an earlier release let pass."""
    for authority in (peers.cn, peers.mo):
        peering.recognise(peering.propose(authority.entity_id), officer=OFFICER)
    broken = {"openid_provider": {"issuer": {"value": "https://other.example"}}}
    Peer.objects.filter(entity_id=peers.cn.entity_id).update(metadata_policy=broken)
    assert statements.renew(NOW) == 2  # the node and Macau
    assert Statement.objects.filter(subject=peers.mo.entity_id).exists()


def test_a_statement_that_verification_would_refuse_leaves_no_row(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(entities._providers, "openid_provider", lambda: {"issuer": None})  # a null is not metadata
    with pytest.raises(Exception, match="malformed"):
        statements.entity_configuration(NOW)
    assert not Statement.objects.exists()
    assert not Peer.objects.exists()
