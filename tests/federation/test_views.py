import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.test import Client

from idp.federation import (
    entities,
    historical_keys,
    marks,
    peering,
    resolution,
    resolve_response,
    signing,
)
from idp.federation.models import SigningKey
from idp.protocol import jws
from idp.protocol.entity_statements import ENTITY_STATEMENT, parse_entity_configuration
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.peers import Peers

STATEMENT = "application/entity-statement+jwt"
RESOURCE = {"oauth_resource": {"resource": "http://hk.localhost:8002/checkpoints/lmc"}}


@pytest.fixture
def client(settings: Any, tmp_path: Path) -> Client:
    settings.STATIC_ROOT = tmp_path  # whitenoise warns of a folder that is not there
    return Client(headers={"host": "hk.localhost"})


@pytest.fixture
def http(node: str, client: Client) -> Client:
    return client


def _error(response: Any, status: int, code: str) -> None:
    """Both members, JSON, and never kept (Federation §8.9)."""
    assert response.status_code == status
    assert response["Content-Type"] == "application/json"
    assert response.json()["error"] == code
    assert response.json()["error_description"]
    assert set(response.json()) == {"error", "error_description"}
    assert response["Cache-Control"] == "no-store"


def test_the_configuration_is_served_with_its_type_and_tag(http: Client, node: str) -> None:
    response = http.get("/.well-known/openid-federation")
    assert response["Content-Type"] == STATEMENT
    assert parse_entity_configuration(response.content.decode(), now=NOW, expect=node).sub == node
    again = http.get("/.well-known/openid-federation", headers={"if-none-match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_host_header_changes_nothing_in_what_is_signed(http: Client, settings: Any) -> None:
    """Invalid solely because of the Host header: it is never believed."""
    settings.ALLOWED_HOSTS = ["*"]
    evil = {"host": "evil.example", "x-forwarded-host": "evil.example"}
    response = http.get("/.well-known/openid-federation", headers=evil)
    assert "evil" not in str(jws.parse_unverified(response.content, ENTITY_STATEMENT).claims)


def test_a_hosted_configuration_is_served_below_its_path_only(http: Client, node: str) -> None:
    hosted = entities.host(path="checkpoints/lmc", metadata=RESOURCE, now=NOW)
    response = http.get("/checkpoints/lmc/.well-known/openid-federation")
    assert parse_entity_configuration(response.content.decode(), now=NOW).sub == hosted.entity_id
    _error(http.get("/checkpoints/other/.well-known/openid-federation"), 404, "not_found")
    _error(http.get("/a/b/c/../.well-known/openid-federation"), 404, "not_found")
    _error(http.get("/checkpoints%00/.well-known/openid-federation"), 404, "not_found")


def test_a_statement_is_fetched_by_its_subject(http: Client, cn: str, node: str) -> None:
    response = http.get("/federation/fetch", {"sub": cn, "iss": node, "anchor": "x", "unknown": "1"})
    assert response["Content-Type"] == STATEMENT
    assert jws.parse_unverified(response.content, ENTITY_STATEMENT).claims["sub"] == cn


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "invalid_request"),
        ("sub=", 400, "invalid_request"),
        ("sub=http://hk.localhost:8002", 400, "invalid_request"),
        ("sub=a&sub=b", 400, "invalid_request"),
        ("sub=https://unknown.example", 404, "not_found"),
        ("sub=%00", 400, "invalid_request"),
        ("sub=http://HK.localhost:8002", 404, "not_found"),
        ("sub=http://hk.localhost:8002/", 404, "not_found"),
    ],
)
def test_a_fetch_without_a_subject_of_ours_is_refused(http: Client, query: str, status: int, code: str) -> None:
    """Negative case 21 (and 71: another spelling is another entity)."""
    _error(http.get(f"/federation/fetch?{query}"), status, code)


@pytest.mark.parametrize("act", [peering.suspend, peering.end])
def test_a_statement_is_404_at_once_when_recognition_is_suspended_or_ended(http: Client, cn: str, act: Any) -> None:
    tag = http.get("/federation/fetch", {"sub": cn})["ETag"]
    act(peering.Peer.objects.get(), officer=OFFICER)
    _error(http.get("/federation/fetch", {"sub": cn}, headers={"if-none-match": tag}), 404, "not_found")


@pytest.mark.parametrize("path", ["fetch", "list", "trust-mark", "trust-marked", "historical-keys"])
def test_other_methods_are_not_allowed(http: Client, path: str) -> None:
    _error(http.post(f"/federation/{path}"), 405, "invalid_request")


def test_a_node_without_keys_says_try_later(db: None, now: int, client: Client) -> None:
    _error(client.get("/.well-known/openid-federation"), 503, "temporarily_unavailable")


def test_the_list_holds_peers_and_subordinates_and_takes_the_filters(http: Client, cn: str, node: str) -> None:
    lmc = entities.host(path="checkpoints/lmc", metadata=RESOURCE, now=NOW).entity_id
    marked = marks.border_issuer(node)
    for query, expected in [
        ("", [cn, lmc]),
        ("iss=x&unknown=1", [cn, lmc]),
        ("entity_type=oauth_resource", [lmc]),
        ("entity_type=openid_provider&entity_type=border_token_issuer", [cn]),
        ("entity_type=openid_provider&entity_type=oauth_resource", []),
        ("intermediate=true", [cn]),
        ("intermediate=false", [lmc]),
        ("trust_marked=true", [cn]),
        ("trust_marked=false", [lmc]),
        (f"trust_mark_type={quote(marked)}", [cn]),
        ("trust_mark_type=https://x.example/m", []),
    ]:
        response = http.get(f"/federation/list?{query}")
        assert response["Content-Type"] == "application/json"
        assert response.json() == expected, query


def test_the_list_omits_who_is_suspended(http: Client, cn: str) -> None:
    peering.suspend(peering.Peer.objects.get(), officer=OFFICER)
    assert http.get("/federation/list").json() == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("updated_after=1", "unsupported_parameter"),
        ("limit=5", "unsupported_parameter"),
        ("intermediate=maybe", "invalid_request"),
        ("trust_marked=1", "invalid_request"),
    ],
)
def test_a_filter_that_is_not_supported_is_not_ignored(http: Client, query: str, code: str) -> None:
    """Negative case 22."""
    _error(http.get(f"/federation/list?{query}"), 400, code)


def _resolved(http: Client, subject: str, node: str, query: str = "") -> dict[str, Any]:
    response = http.get(f"/federation/resolve?sub={quote(subject)}&trust_anchor={quote(node)}{query}")
    assert response.status_code == 200, response.content
    assert response["Content-Type"] == "application/resolve-response+jwt"
    keys = signing.published("federation")
    return jws.verify(response.content, resolve_response.RESOLVE_RESPONSE, keys, now=NOW).claims


def test_a_resolved_entity_comes_with_its_chain_and_its_good_marks(
    http: Client, cn: str, node: str, peers: Peers
) -> None:
    mark_type = marks.border_issuer(node)
    mark = marks.issued(mark_type=mark_type, subject=cn, now=NOW)
    peers.cn.carry(mark, mark_type)
    peers.cn.carry(peers.cn.mark(cn, "https://x.example/own-praise"), "https://x.example/own-praise")
    chain = resolution.resolve(cn, now=NOW)
    claims = _resolved(http, cn, node)
    assert (claims["iss"], claims["sub"], claims["exp"]) == (node, cn, chain.expires_at)
    assert claims["trust_chain"] == list(chain.statements)
    assert claims["trust_marks"] == [{"trust_mark_type": mark_type, "trust_mark": mark}]
    assert set(claims["metadata"]) == set(chain.metadata)
    assert "aud" not in claims


def test_resolving_takes_entity_types_and_several_anchors(http: Client, cn: str, node: str) -> None:
    resolution.resolve(cn, now=NOW)
    query = "&trust_anchor=https://other.example&entity_type=openid_provider&entity_type=oauth_client"
    assert set(_resolved(http, cn, node, query)["metadata"]) == {"openid_provider"}


def test_the_node_and_what_it_hosts_are_always_at_hand(http: Client, node: str) -> None:
    hosted = entities.host(path="checkpoints/lmc", metadata=RESOURCE, now=NOW)
    assert _resolved(http, node, node)["sub"] == node
    assert _resolved(http, hosted.entity_id, node)["metadata"] == RESOURCE


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("sub=http://hk.localhost:8002", 400, "invalid_request"),
        ("trust_anchor=http://hk.localhost:8002", 400, "invalid_request"),
        ("sub=http://hk.localhost:8002&anchor=http://hk.localhost:8002", 400, "invalid_request"),
        ("sub=http://hk.localhost:8002&trust_anchor=https://other.example", 404, "invalid_trust_anchor"),
        ("sub=https://unknown.example&trust_anchor=http://hk.localhost:8002", 404, "not_found"),
        ("sub=nonsense&trust_anchor=http://hk.localhost:8002", 404, "not_found"),
    ],
)
def test_resolving_without_an_anchor_of_ours_or_a_known_subject_is_refused(
    http: Client, query: str, status: int, code: str
) -> None:
    """Negative case 23."""
    _error(http.get(f"/federation/resolve?{query}"), status, code)


def test_a_stranger_cannot_send_the_resolver_searching(http: Client, cn: str, node: str, peers: Peers) -> None:
    """Negative case 23: unauthenticated and uncached, so nothing is fetched."""
    peers.asked.clear()
    for subject in (cn, peers.mo.entity_id, "https://unknown.example"):
        _error(http.get("/federation/resolve", {"sub": subject, "trust_anchor": node}), 404, "not_found")
    assert peers.asked == []


def test_a_cached_chain_that_broke_is_no_answer(http: Client, cn: str, node: str) -> None:
    resolution.resolve(cn, now=NOW)
    row = resolution.ChainCache.objects.get(subject=cn)
    peering.end(peering.Peer.objects.get(), officer=OFFICER)
    row.pk = None
    row.save(force_insert=True)
    _error(http.get("/federation/resolve", {"sub": cn, "trust_anchor": node}), 400, "invalid_trust_chain")


def _ask(http: Client, form: dict[str, str]) -> Any:
    return http.post("/federation/trust-mark-status", urlencode(form), "application/x-www-form-urlencoded")


def test_a_mark_is_served_to_and_about_its_holder(http: Client, cn: str, node: str) -> None:
    query = {"trust_mark_type": marks.border_issuer(node), "sub": cn}
    response = http.get("/federation/trust-mark", query)
    assert response["Content-Type"] == "application/trust-mark+jwt"
    assert http.get("/federation/trust-marked", query).json() == [cn]
    answer = _ask(http, {"trust_mark": response.content.decode()})
    assert answer["Content-Type"] == "application/trust-mark-status-response+jwt"
    assert jws.verify(answer.content, marks.STATUS_RESPONSE, signing.published("federation"), now=NOW)


def test_marks_that_are_not_there_are_refused(http: Client, cn: str, node: str, peers: Peers) -> None:
    """Negative case 20."""
    border = marks.border_issuer(node)
    _error(http.get("/federation/trust-mark"), 400, "invalid_request")
    _error(http.get("/federation/trust-mark", {"trust_mark_type": border}), 400, "invalid_request")
    _error(http.get("/federation/trust-mark", {"trust_mark_type": border, "sub": peers.mo.entity_id}), 404, "not_found")
    _error(http.get("/federation/trust-marked", {"trust_mark_type": "https://x.example/m"}), 404, "not_found")
    _error(_ask(http, {"trust_mark": "x"}), 400, "invalid_request")
    _error(_ask(http, {}), 400, "invalid_request")
    foreign = peers.mo.mark(cn, border)
    _error(_ask(http, {"trust_mark": foreign}), 404, "not_found")
    _error(http.get("/federation/trust-mark-status", {"trust_mark": foreign}), 405, "invalid_request")
    body = json.dumps({"trust_mark": foreign})
    _error(http.post("/federation/trust-mark-status", body, "application/json"), 400, "invalid_request")
    _error(http.post("/federation/trust-mark-status", {"trust_mark": foreign}), 400, "invalid_request")  # multipart
    _error(_ask(http, {"trust_mark": "x" * 70_000}), 413, "invalid_request")


def test_historical_keys_say_how_each_ended(http: Client, node: str) -> None:
    """Negative case 24 wants to tell compromised from superseded."""
    first = signing.signer("federation").kid
    signing.prepare_next(use="federation")
    signing.activate_next(use="federation", now=NOW, emergency=True)
    second = signing.signer("federation").kid
    signing.kill(kid=second, now=NOW + 5)
    response = http.get("/federation/historical-keys")
    assert response["Content-Type"] == "application/jwk-set+jwt"
    claims = jws.verify(
        response.content, historical_keys.HISTORICAL_KEYS, signing.published("federation"), now=NOW
    ).claims
    ended = {key["kid"]: (key["revoked"]["reason"], key["exp"]) for key in claims["keys"]}
    assert ended == {first: ("superseded", NOW), second: ("compromised", NOW + 5)}
    assert all(key["iat"] and "d" not in key for key in claims["keys"])
    assert SigningKey.objects.filter(use="federation", state="active").count() == 1
