"""Whatever comes in, a problem document goes out, and never a 500."""

import json
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.border.models import IssuedToken, JournalEntry
from tests.border.world import CODE, World, lane_body, problem_of

ENDPOINTS = {
    "/border/v1/tokens": "POST",
    "/border/v1/tokens/AAAAAAAAAAAAAAAAAAAAAA/revoke": "POST",
    "/border/v1/lanes/enrol": "POST",
    f"/border/v1/checkpoints/{CODE}/bundle": "GET",
    f"/border/v1/checkpoints/{CODE}/sealing-keys": "PUT",
    f"/border/v1/checkpoints/{CODE}/face-models": "PUT",
    "/border/v1/journal": "POST",
    "/border/v1/receipts": "POST",
}
KINDS = st.sampled_from(
    ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "é"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("checkpoint", "direction", "document", "format", "holder_key", "proof", "lane", "code", "jwk", "sealing_jwks")
OBJECTS = st.dictionaries(st.sampled_from([*FIELDS, "face_models", "entries", "head"]), JSON)
BODIES = (
    st.binary(max_size=200)
    | JSON.map(lambda value: json.dumps(value).encode())
    | OBJECTS.map(lambda value: json.dumps(value).encode())
)
HEADERS = st.sampled_from(["", "Lane", "Lane x", "Lane a.b.c", "DPoP x", "Bearer x", "Lane " + "x." * 5000, "Lane é"])
# The world is built once for all examples: none of them may change it, which is what is tested.
few = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def said(answer: Any) -> int:
    """The status, of a problem document that blames the caller."""
    status, _ = problem_of(answer)
    assert 400 <= status < 500, answer.content
    return status


def send(machine: Client, path: str, body: bytes, kind: str, headers: dict[str, str]) -> Any:
    return machine.generic(ENDPOINTS[path], path, body, content_type=kind, headers=headers)


@pytest.mark.parametrize("path", ENDPOINTS)
@few
@given(body=BODIES, kind=KINDS, header=HEADERS)
def test_garbage_without_credentials(world: World, path: str, body: bytes, kind: str, header: str) -> None:
    machine = Client(headers={"host": "hk.localhost"})
    said(send(machine, path, body, kind, {"Authorization": header, "DPoP": header}))
    assert not IssuedToken.objects.exists() and not JournalEntry.objects.exists()


KNOWN = [
    "/border/v1/tokens",
    "/border/v1/journal",
    f"/border/v1/checkpoints/{CODE}/sealing-keys",
    f"/border/v1/checkpoints/{CODE}/face-models",
]


@pytest.mark.parametrize("path", KNOWN)
@few
@given(body=BODIES, kind=KINDS)
def test_garbage_with_credentials(world: World, path: str, body: bytes, kind: str) -> None:
    """invalid solely because of the body: the caller is known."""
    token = world.access_token()
    known = world.authorized(path, token) if path == "/border/v1/tokens" else world.gate.headers(world.now)
    said(send(world.machine, path, body, kind, known))


@few
@given(name=st.sampled_from(["checkpoint", "direction", "document", "format", "holder_key", "proof"]), value=JSON)
def test_one_member_of_a_token_request_is_nonsense(world: World, name: str, value: Any) -> None:
    """invalid solely because of one member (``holder_key`` may be left out: the proof names it)."""
    token = world.access_token()
    body = world.body(token)
    if name == "holder_key" and value is None:
        return
    said(world.post("/border/v1/tokens", {**body, name: value}, headers=world.authorized("/border/v1/tokens", token)))


@few
@given(name=st.sampled_from(["checkpoint", "lane", "code", "jwk", "sealing_jwks", "face_models"]), value=JSON)
def test_one_member_of_an_enrolment_is_nonsense(world: World, name: str, value: Any) -> None:
    """invalid solely because of one member, and of the code."""
    body = {"checkpoint": CODE, "lane": "1", "code": "x", **lane_body(world.gate.key, world.gate.sealing), name: value}
    said(world.post("/border/v1/lanes/enrol", body))


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_another_method_is_not_allowed(world: World, path: str, method: str) -> None:
    """invalid solely because of the method."""
    if ENDPOINTS[path] != method and (path, method) != ("/border/v1/tokens", "GET"):
        assert problem_of(world.machine.generic(method, path)) == (405, "method_not_allowed")


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "BREW"])
@pytest.mark.parametrize("path", ["/border/v2/tokens", "/border/tokens", "/border/V1/tokens", "/border/v1x/journal"])
def test_a_version_that_is_not_spoken_is_told_which_are(world: World, path: str, method: str) -> None:
    """A client of another version gets a page that it cannot read, or an answer of a version that it does not know."""
    answer = world.machine.generic(method, path)
    assert problem_of(answer) == (404, "not_found")
    assert json.loads(answer.content)["versions"] == ["v1"]


@pytest.mark.parametrize(
    "path", ["/border/v1/", "/border/v1/nothing", "/border/v1/tokens/", "/border/v1/tokens/a/b", "/border/v1/%0A"]
)
def test_a_path_that_is_none_is_told_as_a_problem(world: World, path: str) -> None:
    """invalid solely because of the rest of the path; the version is one that is spoken."""
    answer = world.machine.post(path)
    assert problem_of(answer) == (404, "not_found")
    assert "versions" not in json.loads(answer.content)


@pytest.mark.parametrize(
    "path", [path for path, method in ENDPOINTS.items() if method != "GET" and "revoke" not in path]
)
def test_a_body_beyond_its_limit_is_too_large(world: World, path: str) -> None:
    """invalid solely because of its length; it is not even read."""
    body = b"x" * ((1 << 20) + 1)
    token = world.access_token()
    known = world.authorized(path, token) if path == "/border/v1/tokens" else world.gate.headers(world.now)
    assert problem_of(send(world.machine, path, body, "application/json", known)) == (413, "too_large")


def test_a_proof_without_nonce_is_told_which_and_nothing_is_issued(world: World) -> None:
    """A proof that a thief of an unlocked phone made ahead (RFC 9449 §9)."""
    token = world.access_token()
    headers = world.authorized("/border/v1/tokens", token, nonce=None)
    refused = world.post("/border/v1/tokens", world.body(token), headers=headers)
    assert problem_of(refused) == (401, "use_dpop_nonce")
    assert not IssuedToken.objects.exists()
    headers = world.authorized("/border/v1/tokens", token, nonce=refused["DPoP-Nonce"])
    assert world.post("/border/v1/tokens", world.body(token), headers=headers).status_code == 201


@pytest.mark.parametrize("length", ["-1", "many", "9" * 40])
def test_a_length_that_is_none_is_refused(world: World, length: str) -> None:
    """invalid solely because of Content-Length."""
    answer = world.machine.post("/border/v1/receipts", b"", content_type="application/json", CONTENT_LENGTH=length)
    assert 400 <= answer.status_code < 500
