"""The plan for a deployed entity, under the suite's module names: each node is judged with its peer as trust anchor."""

import itertools
import json
import uuid

from tests.conformance import documents, jose, wire
from tests.conformance.modules import PLAN, module
from tests.conformance.nodes import Nodes
from tests.conformance.relying_parties import WELL_KNOWN, RelyingParty

RESOLVE_RESPONSE = "resolve-response+jwt"


@module(PLAN + "entity-configuration")
def test_entity_configuration(marked: Nodes) -> None:
    """A configuration that a stranger cannot read, or a superior that does not know its own subordinate."""
    for entity in (marked.hk, marked.mo):
        configuration = documents.configuration(entity)
        assert configuration["authority_hints"]
        for hint in configuration["authority_hints"]:
            superior = documents.configuration(hint)
            assert entity in documents.subordinates(superior)
            documents.statement(superior, entity)


@module(PLAN + "list-and-fetch")
def test_list_and_fetch(marked: Nodes, party: RelyingParty) -> None:
    """A subordinate on the list about whom there is no statement, or whose own configuration does not hold."""
    for node, expected in ((marked.hk, {marked.mo, party.entity_id}), (marked.mo, {marked.hk})):
        superior = documents.configuration(node)
        listed = documents.subordinates(superior)
        assert expected <= set(listed)
        for subject in listed:
            documents.configuration(subject)
            documents.statement(superior, subject)


@module(PLAN + "ensure-fetch-with-invalid-sub-fails")
def test_fetch_of_a_stranger(nodes: Nodes) -> None:
    """A statement about whoever asks for one."""
    _refused(nodes.hk, f"https://{uuid.uuid4()}", 404, "not_found")


@module(PLAN + "ensure-fetch-with-iss-as-sub-fails")
def test_fetch_of_itself(nodes: Nodes) -> None:
    """A statement of an entity about itself from the endpoint for those below it."""
    _refused(nodes.hk, nodes.hk, 400, "invalid_request")


@module(PLAN + "compare-trust-chain-to-resolve")
def test_resolved_chain(marked: Nodes) -> None:
    """A resolver that answers with another chain than anybody finds by walking."""
    for entity, anchor in ((marked.hk, marked.mo), (marked.mo, marked.hk)):
        superior = documents.configuration(anchor)
        walked = [documents.configuration(entity), documents.statement(superior, entity), superior]
        text = documents.fetched(
            documents.endpoint(superior, "resolve"),
            media_type=f"application/{RESOLVE_RESPONSE}",
            sub=entity,
            trust_anchor=anchor,
        )
        response = jose.verified(text, superior["jwks"]["keys"], typ=RESOLVE_RESPONSE)
        assert (response["iss"], response["sub"]) == (anchor, entity)
        resolved = [jose.claims(statement) for statement in response["trust_chain"]]
        assert [_compared(claims) for claims in resolved] == [_compared(claims) for claims in walked]
        assert response["exp"] <= min(claims["exp"] for claims in resolved)


@module(PLAN + "preconfigured-keys-match-trust-anchors-keys")
def test_keys_on_paper(marked: Nodes) -> None:
    """An anchor that publishes other keys than those it handed out by the second channel."""
    for entity, anchor in itertools.permutations((marked.hk, marked.mo)):
        assert anchor in documents.configuration(entity)["authority_hints"]
        published = jose.claims(wire.get(anchor + WELL_KNOWN).text)["jwks"]["keys"]
        assert sorted(map(json.dumps, published)) == sorted(map(json.dumps, marked.anchors[anchor]["keys"]))


def _refused(node: str, subject: str, status: int, error: str) -> None:
    answer = wire.get(documents.endpoint(documents.configuration(node), "fetch"), sub=subject)
    body = answer.json()
    assert (answer.status, body["error"]) == (status, error)
    assert body["error_description"]  # §8.9: both are required


def _compared(claims: documents.Claims) -> documents.Claims:
    return {name: claims[name] for name in documents.COMPARED if name in claims}
