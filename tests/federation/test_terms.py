"""The terms of recognition: they narrow, they end, and nothing of them is half set."""

import dataclasses
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from idp.audit.models import AuditEvent
from idp.federation import marks, peering, resolution, signing, statements, terms
from idp.federation.models import Peer, Statement
from idp.federation.terms import Terms, UnableToAgree
from idp.protocol.entity_statements import ENTITY_STATEMENT, SubordinateStatement, verify_subordinate_statement
from idp.protocol.jws import parse_unverified
from idp.protocol.refusals import Reason, Refusal
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.peers import Peers

DAY = 86_400
ES256 = {"openid_provider": {"id_token_signing_alg_values_supported": {"subset_of": ["ES256"]}}}


@pytest.fixture
def peer(peers: Peers) -> Peer:
    return peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)


def _agree(peer: Peer, **changed: Any) -> Peer:
    return terms.set_terms(peer, terms=dataclasses.replace(terms.of(peer), **changed), officer=OFFICER)


def _stated(peer: Peer, now: int = NOW) -> SubordinateStatement:
    return verify_subordinate_statement(
        statements.subordinate_statement(peer.entity_id, now),
        superior_keys=signing.published("federation", now=now),
        issuer="http://hk.localhost:8002",
        subject=peer.entity_id,
        now=now,
    )


def _hints(now: int) -> list[str]:
    claims = parse_unverified(statements.entity_configuration(now), ENTITY_STATEMENT).claims
    return list(claims.get("authority_hints", []))


def test_without_terms_the_statement_is_the_minimum(node: str, peer: Peer) -> None:
    stated = _stated(peer)
    assert stated.metadata_policy == terms.minimum(peer.entity_id)
    assert stated.claims["constraints"] == {"max_path_length": 1, "allowed_entity_types": list(terms.PEER_TYPES)}


def test_terms_narrow_the_statement_and_keep_the_minimum(node: str, peer: Peer) -> None:
    naming = {"permitted": [".mo.example"], "excluded": ["x.mo.example"]}
    types = ("openid_provider", "border_token_issuer")
    _agree(peer, metadata_policy=ES256, max_path_length=0, naming_constraints=naming, allowed_entity_types=types)
    stated = _stated(peer)
    assert stated.claims["constraints"] == {
        "max_path_length": 0,
        "allowed_entity_types": list(types),
        "naming_constraints": naming,
    }
    algorithms = stated.metadata_policy["openid_provider"]["id_token_signing_alg_values_supported"]
    assert algorithms == {"subset_of": ["ES256"], "essential": True}
    assert stated.metadata_policy["openid_provider"]["issuer"]["value"] == peer.entity_id
    assert stated.metadata_policy["border_token_issuer"]["jwks"] == {"essential": True}


def test_terms_hold_at_once_for_a_chain_that_was_found_before(node: str, peer: Peer, peers: Peers) -> None:
    """Invalid solely because the path below the peer was cut meanwhile: the chain at hand is not used again."""
    below = peers.authority("below", peers.cn.entity_id, oauth_resource={"resource": "x"})
    peers.cn.recognise(below)
    assert resolution.resolve(below.entity_id, now=NOW).path == (below.entity_id, peer.entity_id, node)
    _agree(peer, max_path_length=0)
    with pytest.raises(Refusal):
        resolution.resolve(below.entity_id, now=NOW)


@pytest.mark.parametrize(
    "bad",
    [
        {"max_path_length": 2},
        {"max_path_length": -1},
        {"allowed_entity_types": ("federation_entity",)},
        {"allowed_entity_types": ("openid_wallet_provider",)},
        {"naming_constraints": {"permitted": ["https://mo.example"]}},
        {"naming_constraints": {"permitted": ".mo.example"}},
        {"naming_constraints": {"allowed": [".mo.example"]}},
        {"valid_from": NOW, "valid_until": NOW},
        {"legal_basis": "x" * 10_001},
        {"contract": "\0"},
        {"metadata_policy": {"openid_provider": {"issuer": {"value": "https://other.example"}}}},
        {"metadata_policy": {"openid_provider": {"issuer": {"value": None}}}},
        {"metadata_policy": {"openid_provider": {"scope": {"one_of": ["a"], "subset_of": ["a"]}}}},
        {"metadata_policy": {"openid_provider": {"scope": {"regexp": ".*"}}}},
        {"metadata_policy": {"openid_provider": []}},
        {"metadata_policy": {"openid_provider": {"x": {"value": float("nan")}}}},
        {"metadata_policy": {"openid_provider": {"x": {"value": 2**60}}}},
        {"metadata_policy": {"openid_provider": {"x": {"value": "\0"}}}},
        {"metadata_policy": {"openid_provider": {"x": {"value": "y" * 70_000}}}},
    ],
)
def test_terms_that_cannot_be_stated_change_nothing(node: str, peer: Peer, bad: dict[str, Any]) -> None:
    """Invalid solely because of the one term."""
    with pytest.raises(UnableToAgree):
        _agree(peer, **{"legal_basis": "a treaty", **bad})
    assert terms.of(Peer.objects.get()) == Terms()
    assert not AuditEvent.objects.filter(kind="federation.peer.terms_changed").exists()


def test_a_change_is_recorded_once_with_a_digest_and_no_text(node: str, peer: Peer) -> None:
    changed = _agree(peer, legal_basis="a treaty", valid_until=NOW + DAY)
    _agree(changed, legal_basis="a treaty")
    event = AuditEvent.objects.get(kind="federation.peer.terms_changed")
    assert (event.actor, event.subject) == (OFFICER, peer.entity_id)
    assert event.data == {
        "digest": terms.digest(terms.of(changed)),
        "changed": ["legal_basis", "valid_until"],
        "until": NOW + DAY,
    }


def test_the_digest_tells_terms_apart(db: None) -> None:
    assert terms.digest(Terms()) != terms.digest(Terms(contract="x"))
    assert terms.digest(Terms(metadata_policy={"a": 1, "b": 2})) == terms.digest(
        Terms(metadata_policy={"b": 2, "a": 1})
    )


def test_terms_come_with_the_recognition_or_not_at_all(node: str, peers: Peers) -> None:
    proposed = peering.propose(peers.cn.entity_id)
    with pytest.raises(UnableToAgree):
        peering.recognise(proposed, officer=OFFICER, terms=Terms(max_path_length=2))
    assert Peer.objects.get().standing == "proposed"
    recognised = peering.recognise(proposed, officer=OFFICER, terms=Terms(max_path_length=0, contract="no. 7"))
    assert (recognised.standing, recognised.max_path_length, recognised.contract) == ("one-sided", 0, "no. 7")


def test_an_ended_peer_has_no_terms_and_starts_anew_without(node: str, peer: Peer) -> None:
    """Invalid solely because recognition has ended."""
    _agree(peer, max_path_length=0, valid_until=NOW + DAY)
    peering.end(peer, officer=OFFICER)
    with pytest.raises(UnableToAgree, match="ended"):
        _agree(peer, max_path_length=1)
    assert terms.of(peering.propose(peer.entity_id)) == Terms()


def test_no_document_outlives_the_recognition(node: str, peer: Peer) -> None:
    until = NOW + 1000
    before = _stated(peer)
    early = marks.issued(mark_type=marks.border_issuer(node), subject=peer.entity_id, now=NOW)
    assert before.exp > until
    _agree(peer, valid_until=until)
    assert _stated(peer).exp == until
    mark = marks.issued(mark_type=marks.border_issuer(node), subject=peer.entity_id, now=NOW)
    assert mark != early
    assert parse_unverified(mark, marks.TRUST_MARK).claims["exp"] == until
    assert resolution.resolve(peer.entity_id, now=NOW).expires_at <= until
    _agree(peer, valid_until=None)
    assert _stated(peer).exp == NOW + statements.STATEMENT_LIFETIME


@pytest.mark.parametrize(
    ("period", "at", "standing"),
    [
        ({"valid_until": NOW + DAY}, NOW + DAY, "lapsed"),
        ({"valid_from": NOW + DAY}, NOW + DAY - 1, "awaited"),
        ({"valid_from": NOW - DAY, "valid_until": NOW}, NOW, "lapsed"),
    ],
)
def test_outside_its_period_recognition_does_not_stand(
    node: str,
    peer: Peer,
    peers: Peers,
    monkeypatch: pytest.MonkeyPatch,
    period: dict[str, int],
    at: int,
    standing: str,
) -> None:
    """Invalid solely because of the period: no statement, no hint, no mark, no chain, no issuer."""
    peering.accept_recognition(peer, officer=OFFICER)
    resolution.resolve(peer.entity_id, now=NOW)
    border = marks.border_issuer(node)
    copy = marks.issued(mark_type=border, subject=peer.entity_id, now=NOW)
    peer = _agree(peer, **period)
    peers.federation.now = at
    monkeypatch.setattr("idp.clock.now", lambda: at)
    assert peer.standing == standing
    assert (peer.recognised, peer.accepted) == (False, False)
    with pytest.raises(statements.UnableToState):
        statements.subordinate_statement(peer.entity_id, at)
    assert _hints(at) == []
    with pytest.raises(marks.UnableToMark):
        marks.issued(mark_type=border, subject=peer.entity_id, now=at)
    assert marks.marked(mark_type=border, now=at) == []
    assert marks.state(copy, at) == "revoked"
    with pytest.raises(Refusal) as refused:
        resolution.resolve(peer.entity_id, now=at)
    assert refused.value.reason is Reason.UNTRUSTED_ISSUER
    assert [entity_id for entity_id, _ in resolution.accepted_issuers(at)] == [node]


def test_within_its_period_recognition_stands_from_the_first_to_the_last_second(node: str, peer: Peer) -> None:
    peering.accept_recognition(peer, officer=OFFICER)
    _agree(peer, valid_from=NOW, valid_until=NOW + 2)
    for now in (NOW, NOW + 1):
        assert _stated(peer, now).sub == peer.entity_id
        assert _hints(now) == [peer.entity_id]
    assert statements.renew(NOW + 1) == 2
    assert statements.renew(NOW + 2) == 1


def test_a_lapsed_entity_breaks_a_chain_that_another_vouches_for(node: str, peer: Peer, peers: Peers) -> None:
    """Invalid solely because the mainland's recognition has lapsed, while Macau, whom we recognise, vouches for it."""
    peering.recognise(peering.propose(peers.mo.entity_id), officer=OFFICER)
    peers.mo.recognise(peers.cn)
    peers.cn.hints[:] = [peers.mo.entity_id]
    peers.cn.metadata.pop("openid_provider")  # else our policy about Macau's issuer would refuse it anyway
    assert resolution.resolve(peers.cn.entity_id, now=NOW).path == (peers.cn.entity_id, peers.mo.entity_id, node)
    _agree(peer, valid_until=NOW - 1)
    with pytest.raises(Refusal) as refused:
        resolution.resolve(peers.cn.entity_id, now=NOW)
    assert refused.value.reason is Reason.UNTRUSTED_ISSUER


def test_the_queries_for_others_agree_with_the_peers_own_words(node: str, peer: Peer, peers: Peers) -> None:
    other = peering.propose(peers.mo.entity_id)
    for changed, stands in [
        ({}, True),
        ({"valid_from": NOW + 1}, False),
        ({"valid_from": NOW, "valid_until": NOW + 1}, True),
        ({"valid_from": None, "valid_until": NOW}, False),
    ]:
        _agree(Peer.objects.get(pk=peer.pk), **changed)
        row = Peer.objects.get(pk=peer.pk)
        assert (row in Peer.objects.standing(NOW)) is stands is row.in_period(NOW)
        assert (row in Peer.objects.broken(NOW)) is not stands
        assert (row in Peer.objects.recognised(NOW)) is stands is row.is_recognised(NOW)
    assert other in Peer.objects.standing(NOW)
    assert other not in Peer.objects.recognised(NOW) | Peer.objects.accepted(NOW)


def test_a_statement_of_before_is_not_served_under_new_terms(node: str, peer: Peer) -> None:
    _stated(peer)
    _agree(peer, max_path_length=0)
    assert not Statement.objects.filter(subject=peer.entity_id).exists()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("federation_peer_not_transitive", {"max_path_length": 2}),
        ("federation_peer_period", {"valid_from": NOW, "valid_until": NOW}),
    ],
)
def test_impossible_terms_are_refused_by_the_database(db: None, name: str, values: dict[str, object]) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Peer.objects.create(entity_id="https://x.example", jwks={}, proposed_at=NOW, **values)
