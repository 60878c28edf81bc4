"""What every federation endpoint owes its callers: JSON errors, HEAD, no surprises (Federation §8.9)."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.exceptions import SuspiciousOperation
from django.db import DatabaseError
from django.test import Client

from idp.federation import entities, marks, resolution, statements, terms
from idp.federation.models import Peer
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.peers import Peers

FORM = "application/x-www-form-urlencoded"
GETS = ["fetch", "list", "resolve", "trust-mark", "trust-marked", "historical-keys"]
RESOURCE = {"oauth_resource": {"resource": "x"}}


def _error(response: Any, status: int, code: str) -> None:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    assert response.json() == {"error": code, "error_description": response.json()["error_description"]}
    assert response.json()["error_description"]


def _good(node: str, cn: str) -> dict[str, str]:
    return {"sub": cn, "trust_anchor": node, "trust_mark_type": marks.border_issuer(node)}


@pytest.mark.parametrize("path", GETS)
def test_head_is_answered_like_get_without_a_body(http: Client, node: str, cn: str, path: str) -> None:
    resolution.resolve(cn, now=NOW)
    got = http.get(f"/federation/{path}", _good(node, cn))
    head = http.head(f"/federation/{path}", _good(node, cn))
    assert (head.status_code, head["Content-Type"]) == (200, got["Content-Type"])


@pytest.mark.parametrize("path", GETS)
def test_unknown_parameters_change_nothing(http: Client, node: str, cn: str, path: str) -> None:
    resolution.resolve(cn, now=NOW)
    more = {"unknown": "1", "iss": "x", "anchor": "x", "\0": "\0"}
    assert http.get(f"/federation/{path}", {**_good(node, cn), **more}).status_code == 200


@pytest.mark.parametrize("path", GETS)
@pytest.mark.parametrize("junk", ["\0", "\n", "\ud800", "x" * 5000, "'; drop table federation_peer; --", "%00", "💥"])
def test_junk_in_any_parameter_is_a_refusal_and_never_an_error_of_ours(
    http: Client, node: str, cn: str, path: str, junk: str
) -> None:
    """Invalid solely because of what one parameter holds."""
    for name in ("sub", "trust_anchor", "trust_mark_type", "entity_type", "intermediate", "trust_marked"):
        query = urlencode({**_good(node, cn), name: junk}, errors="surrogatepass")
        assert http.get(f"/federation/{path}?{query}").status_code in (200, 400, 404), name


def test_too_many_parameters_are_refused_as_json(http: Client, node: str) -> None:
    """Invalid solely because of their number."""
    query = "&".join(f"p{number}=1" for number in range(1001))
    _error(http.get(f"/federation/fetch?{query}"), 400, "invalid_request")
    _error(http.post("/federation/trust-mark-status", query, FORM), 400, "invalid_request")


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/x-www-form-urlencoded; charset=utf-16", "trust_mark=x", 400),
        ("application/json", "{}", 400),
        ("multipart/form-data; boundary=x", "--x--", 400),
        (FORM, "trust_mark=%00", 400),
        (FORM, "trust_mark=a&trust_mark=b", 400),
        (FORM, "trust_mark=" + "x" * 70_000, 413),
        (FORM, "", 400),
    ],
    ids=str,
)
def test_a_form_that_cannot_be_read_is_refused_as_json(
    http: Client, node: str, content_type: str, body: str, status: int
) -> None:
    """Invalid solely because of the body."""
    _error(http.post("/federation/trust-mark-status", body, content_type), status, "invalid_request")


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options"])
def test_other_methods_are_refused_as_json(http: Client, node: str, method: str) -> None:
    for path in (*(f"federation/{name}" for name in GETS), "federation/trust-mark-status", "status/aggregation"):
        _error(getattr(http, method)(f"/{path}"), 405, "invalid_request")
    _error(http.post("/.well-known/openid-federation"), 405, "invalid_request")
    _error(http.get("/federation/trust-mark-status"), 405, "invalid_request")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/.well-known/openid-federation", "GET, HEAD"),
        ("/status/aggregation", "GET, HEAD"),
        ("/federation/fetch", "GET, HEAD"),
        ("/federation/resolve", "GET, HEAD, POST"),
        ("/federation/trust-mark-status", "POST"),
    ],
)
def test_a_refused_method_is_told_those_that_are_taken(http: Client, node: str, path: str, allowed: str) -> None:
    """Invalid solely because a 405 lacks Allow (RFC 9110 §15.5.6)."""
    assert http.put(path)["Allow"] == allowed


@pytest.mark.parametrize("error", [RuntimeError("a secret"), DatabaseError("a secret"), KeyError("a secret")])
def test_what_nobody_expected_is_a_server_error_that_tells_nothing(
    http: Client, node: str, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(statements, "subordinate_statement", fail)
    monkeypatch.setattr(statements, "entity_configuration", fail)
    for path in ("/federation/fetch?sub=https://x.example", "/.well-known/openid-federation"):
        response = http.get(path)
        _error(response, 500, "server_error")
        assert "secret" not in response.content.decode()


def test_what_django_calls_suspicious_is_a_bad_request(
    http: Client, node: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise SuspiciousOperation("x")

    monkeypatch.setattr(statements, "subordinate_statement", fail)
    _error(http.get("/federation/fetch?sub=https://x.example"), 400, "invalid_request")


def test_a_fetch_of_what_lapsed_is_not_found_whatever_tag_is_shown(http: Client, cn: str) -> None:
    tag = http.get("/federation/fetch", {"sub": cn})["ETag"]
    terms.set_terms(Peer.objects.get(), terms=terms.Terms(valid_until=NOW), officer=OFFICER)
    _error(http.get("/federation/fetch", {"sub": cn}, headers={"if-none-match": tag}), 404, "not_found")
    assert http.get("/federation/list").json() == []


def test_a_foreign_entity_is_not_found(http: Client, node: str, cn: str, peers: Peers) -> None:
    """Negative case 21: known to us, below somebody else."""
    below = peers.authority("below", cn, oauth_resource={"resource": "x"})
    peers.cn.recognise(below)
    resolution.resolve(below.entity_id, now=NOW)
    _error(http.get("/federation/fetch", {"sub": below.entity_id}), 404, "not_found")


def test_the_list_knows_the_marks_of_subordinates_too(http: Client, node: str, cn: str) -> None:
    """Negative case 22 has the filters; this is what they filter by."""
    lmc = entities.host(path="checkpoints/lmc", metadata=RESOURCE, now=NOW).entity_id
    assert http.get("/federation/list?trust_marked=false").json() == [lmc]
    marks.mark_types.add(mark_type="https://marks.example/a", now=NOW)
    marks.give(mark_type="https://marks.example/a", subject=lmc, now=NOW, actor=OFFICER)
    assert http.get("/federation/list?trust_marked=true").json() == [cn, lmc]
    assert http.get("/federation/list?trust_mark_type=https://marks.example/a").json() == [lmc]
    assert http.get("/federation/trust-marked?trust_mark_type=https://marks.example/a").json() == [lmc]


def test_a_revoked_mark_of_ours_is_left_out_of_a_resolve_response(
    http: Client, node: str, cn: str, peers: Peers
) -> None:
    """Invalid solely because it was taken back: its signature and time still hold."""
    border = marks.border_issuer(node)
    peers.cn.carry(marks.issued(mark_type=border, subject=cn, now=NOW), border)
    resolution.resolve(cn, now=NOW)
    assert _marks_in(http, node, cn) == [border]
    marks.revoke(subject=cn, mark_type=border, now=NOW, actor=OFFICER)
    assert _marks_in(http, node, cn) == []


def _marks_in(http: Client, node: str, subject: str) -> list[str]:
    from idp.federation.resolve_response import RESOLVE_RESPONSE
    from idp.protocol.jws import parse_unverified

    response = http.get("/federation/resolve", {"sub": subject, "trust_anchor": node})
    claims = parse_unverified(response.content, RESOLVE_RESPONSE).claims
    return [mark["trust_mark_type"] for mark in claims.get("trust_marks", [])]
