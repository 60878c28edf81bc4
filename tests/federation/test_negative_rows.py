"""Negative cases 20 to 24 over HTTP: fetch, list, resolve, trust mark status and historical keys, one row each."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from idp.federation import entities, marks, peering, resolution, signing, statements
from idp.federation.historical_keys import HISTORICAL_KEYS
from idp.protocol import jws
from idp.protocol.entity_statements import ENTITY_STATEMENT
from idp.protocol.refusals import Reason, Refusal
from tests.conftest import NOW
from tests.federation.peers import Peers

NODE = "http://hk.localhost:8002"


def _refused(response: Any, status: int, code: str) -> None:
    assert (response.status_code, response.json()["error"]) == (status, code)
    assert response.json()["error_description"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({}, 400, "invalid_request"),
        ({"sub": NODE}, 400, "invalid_request"),
        ({"sub": "https://unknown.example"}, 404, "not_found"),
        ({"sub": "proposed"}, 404, "not_found"),
        ({"sub": "below"}, 404, "not_found"),
        ({"sub": "ended"}, 404, "not_found"),
    ],
    ids=str,
)
def test_row_21_fetch(http: Client, cn: str, peers: Peers, query: dict[str, str], status: int, code: str) -> None:
    """Without a subject, about the node itself, about strangers: entities that others vouch for, or nobody any more."""
    below = peers.authority("below", cn, oauth_resource={"resource": "x"})
    peers.cn.recognise(below)
    resolution.resolve(below.entity_id, now=NOW)
    ended = entities.host(path="checkpoints/old", metadata={"oauth_resource": {"resource": "x"}}, now=NOW).entity_id
    entities.end_subordinate(entity_id=ended, now=NOW)
    proposed = peering.propose(peers.mo.entity_id).entity_id
    named = {"proposed": proposed, "below": below.entity_id, "ended": ended}
    _refused(http.get("/federation/fetch", {name: named.get(v, v) for name, v in query.items()}), status, code)


@pytest.mark.parametrize("name", ["updated_after", "updated_before", "limit", "from_entity_id", "audit_timestamps"])
def test_row_22_list(http: Client, cn: str, name: str) -> None:
    """A filter that this node does not have: an answer without it would be an answer to another question."""
    assert http.get("/federation/list").json() == [cn]
    _refused(http.get("/federation/list", {name: "1"}), 400, "unsupported_parameter")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"sub": "cn"}, 400, "invalid_request"),
        ({"trust_anchor": NODE}, 400, "invalid_request"),
        ({"sub": "cn", "trust_anchor": "https://other.example"}, 404, "invalid_trust_anchor"),
        ({"sub": "mo", "trust_anchor": NODE}, 404, "not_found"),
        ({"sub": "https://unknown.example", "trust_anchor": NODE}, 404, "not_found"),
    ],
    ids=str,
)
def test_row_23_resolve(http: Client, cn: str, peers: Peers, query: dict[str, str], status: int, code: str) -> None:
    """Without an anchor of ours, or about somebody who is not at hand; and nobody is asked for it."""
    named = {"cn": cn, "mo": peers.mo.entity_id}
    peers.asked.clear()
    _refused(http.get("/federation/resolve", {name: named.get(v, v) for name, v in query.items()}), status, code)
    assert peers.asked == []


def test_row_24_historical_keys(http: Client, cn: str) -> None:
    """A superseded key still proves what it signed before; a compromised one proves nothing, and says so."""
    old_text = statements.subordinate_statement(cn, NOW)
    old = signing.signer("federation").kid
    signing.prepare_next(use="federation")
    signing.activate_next(use="federation", now=NOW + 5, emergency=True)
    assert _history(http)[old]["revoked"] == {"revoked_at": NOW + 5, "reason": "superseded"}
    parsed = jws.verify(old_text, ENTITY_STATEMENT, signing.published("federation", now=NOW), now=NOW)
    assert parsed.claims["iat"] < _history(http)[old]["exp"]
    signing.kill(kid=old, now=NOW + 7)
    assert _history(http)[old]["revoked"]["reason"] == "compromised"
    with pytest.raises(Refusal) as refused:
        jws.verify(old_text, ENTITY_STATEMENT, signing.published("federation", now=NOW), now=NOW)
    assert refused.value.reason is Reason.BAD_SIGNATURE
    assert statements.subordinate_statement(cn, NOW + 7) != old_text


def _history(http: Client) -> dict[str, Any]:
    response = http.get("/federation/historical-keys")
    assert response["Content-Type"] == "application/jwk-set+jwt"
    claims = jws.verify(response.content, HISTORICAL_KEYS, signing.published("federation"), now=NOW).claims
    for entry in claims["keys"]:  # §8.7.2: these and the public members, nothing private
        assert {"kid", "exp", "kty"} <= entry.keys()
        assert not {"d", "k", "p", "q"} & entry.keys()
        assert isinstance(entry["exp"], int)
    return {entry["kid"]: entry for entry in claims["keys"]}


@pytest.mark.parametrize("way", ["plain", "demanded"])
def test_row_20_trust_mark_status(http: Client, cn: str, peers: Peers, settings: Any, way: str) -> None:
    """Unsigned, of another kind, never given; a caller's assertion is looked at wherever it may be given."""
    if way == "demanded":
        settings.IDP_FEDERATION_AUTH = {"trust_mark_status": ["none", "private_key_jwt"]}
    good = marks.issued(mark_type=marks.border_issuer(NODE), subject=cn, now=NOW)
    form = "application/x-www-form-urlencoded"
    ask = "/federation/trust-mark-status"
    assert http.post(ask, urlencode({"trust_mark": good}), form).status_code == 200
    _refused(http.post(ask, urlencode({"trust_mark": peers.cn.configuration()}), form), 400, "invalid_request")
    foreign = peers.mo.mark(cn, marks.border_issuer(NODE))
    _refused(http.post(ask, urlencode({"trust_mark": foreign}), form), 404, "not_found")
    asserted = http.post(ask, urlencode({"trust_mark": good, "client_assertion": "x"}), form)
    if way == "demanded":
        _refused(asserted, 401, "invalid_client")
    else:
        assert asserted.status_code == 200
