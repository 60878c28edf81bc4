"""The harness judged, without a node: what a foreign client could say or leave out and still seem content."""

import ssl
import sys
import time
from pathlib import Path

import pytest

from tests.conformance import install, wire
from tests.conformance.browsing import Arrival
from tests.conformance_oidc import dialogue, parties
from tests.conformance_oidc.certificates import CertificateAuthority
from tests.conformance_oidc.judged import JUDGES

CLIENT = """
import json, sys
print(json.dumps({"visit": "https://hk.localhost/a", "decision": "deny"}), flush=True)
told = json.loads(input())
print(json.dumps({"module": "went", "outcome": "passed", "detail": [told, json.loads(sys.argv[1])]}))
sys.exit("fell over")
"""


def test_a_client_is_taken_by_the_hand() -> None:
    """A client that is given another way than it asked for, or that is believed beyond its last word."""
    seen = []

    def visit(url: str, decision: str) -> Arrival:
        seen.append((url, decision))
        return Arrival("https://rp.localhost/callback", {"code": "a&b"}, 303, "", "")

    verdicts = dialogue.talk([sys.executable, "-c", CLIENT], {}, {"world": 1}, visit)
    assert seen == [("https://hk.localhost/a", "deny")]
    url = "https://rp.localhost/callback?code=a%26b"
    assert verdicts.of("went").passed and verdicts.of("went").detail == [{"url": url, "form": None}, {"world": 1}]
    assert not verdicts.of("more").passed and "fell over" in verdicts.of("more").detail


def test_a_client_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that says nothing and never ends."""
    monkeypatch.setattr(dialogue, "SECONDS", 0.2)
    begun = time.monotonic()
    verdicts = dialogue.talk([sys.executable, "-c", "import time; time.sleep(60)"], {}, {}, lambda url, decision: None)
    assert time.monotonic() - begun < 30 and not verdicts.of("anything").passed


def test_answers_by_form_are_told_apart() -> None:
    """A form that reaches the client as a query, so that it judges something that never happened."""
    by_form = dialogue._answer(Arrival("https://rp.localhost/c", {"code": "x"}, 200, "", "", by_form=True))
    assert by_form == {"url": "https://rp.localhost/c", "form": "code=x"}
    assert "error" in dialogue._answer(Arrival(None, {}, 400, "<main><code>no</code></main>", "text/html"))


def test_certificates_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS in name only: an authority that nobody named, or a certificate of another server, is believed."""
    known, stranger = tmp_path / "known", tmp_path / "stranger"
    known.mkdir()
    stranger.mkdir()
    monkeypatch.setattr(wire, "_tls", ssl.create_default_context())
    authority = CertificateAuthority(known)
    wire.trust(str(authority.file))
    with parties.sites(authority) as sites:
        site = sites["rp.localhost"]
        site.pages["/jwks"] = {"keys": []}
        assert wire.get(f"{site.origin}/jwks").json() == {"keys": []}
        with pytest.raises(ssl.SSLCertVerificationError, match="match"):
            wire.get(f"{site.origin.replace('rp.', 'third.')}/jwks")
    with parties.sites(CertificateAuthority(stranger)) as sites, pytest.raises(ssl.SSLCertVerificationError):
        wire.get(f"{sites['rp.localhost'].origin}/jwks")


def test_what_the_node_posted_is_handed_on() -> None:
    """A client that hears of a logout what was posted elsewhere, or a way through the pages that ends the harness."""
    client = """
import json
print(json.dumps({"heard": "/logout"}), flush=True)
forms = json.loads(input())
print(json.dumps({"visit": "https://hk.localhost/a"}), flush=True)
print(json.dumps({"module": "heard", "outcome": "passed", "detail": [forms, json.loads(input())["error"]]}))
"""

    def visit(url: str, decision: str) -> Arrival:
        raise AssertionError("round in a circle")

    verdicts = dialogue.talk([sys.executable, "-c", client], {}, {}, visit, lambda path: [{"at": path}])
    forms, error = verdicts.of("heard").detail
    assert forms == [{"at": "/logout"}] and "round in a circle" in error and verdicts.modules == {"heard"}


PYTHON_CLIENT = """
from conversation import edited, claims_of, forged, module, refused, run, stays, visit
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0." + 86 * "A"

@module("true")
def true():
    assert visit("https://hk.localhost/a", "deny") == ("https://rp.localhost/c?code=x", None)
    stays("https://hk.localhost/page", "invalid_request")
    assert claims_of(edited(JWT, sub="b")) == {"sub": "b"} and forged(JWT) != JWT
    with refused(ValueError, "why"):
        raise ValueError("this is why")

@module("nothing-refused")
def nothing():
    with refused(Exception):
        pass

@module("another-reason")
def another():
    with refused(ValueError, "why"):
        raise ValueError("because")

@module("another-page")
def page():
    stays("https://hk.localhost/page", "access_denied")

@module("went-on")
def went():
    stays("https://hk.localhost/a", "invalid_request")

run()
"""


def test_python_clients_pass_only_with_what_they_say() -> None:
    """A client from PyPI that passes where nothing was refused, or for another reason, or not on the page."""
    world = {"issuer": "https://hk.localhost", "clients": {}}
    command = [sys.executable, "-c", PYTHON_CLIENT]
    verdicts = dialogue.talk(command, {"PYTHONPATH": str(dialogue.JUDGES)}, world, _two_ways)
    assert {name for name in verdicts.modules if verdicts.of(name).passed} == {"true"}, verdicts.of("true").detail
    assert len(verdicts.modules) == 5


NODE_CLIENT = """
import { claimsOf, edited, forged, refused, retried, run, stays, visit, must } from "JUDGES/dialogue.mjs";
const jwt = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0." + "A".repeat(86);
const fails = (error) => Promise.reject(Object.assign(new Error("no"), { error }));
const first = { path: "/t", status: 400, text: '{"error": "use_dpop_nonce"}', challenge: "", nonce: "n", sent: null };
const second = { path: "/t", status: 200, text: "{}", challenge: "", nonce: "n", sent: "n" };
const endpoint = "https://hk.localhost/t";
await run({
  "true": async () => {
    must((await visit("https://hk.localhost/a")).href === "https://rp.localhost/c?code=x", "another place");
    await stays("https://hk.localhost/page", "invalid_request");
    must(claimsOf(edited(jwt, { sub: "b" })).sub === "b" && forged(jwt) !== jwt, "nothing changed");
    await refused(fails("invalid_grant"), "invalid_grant");
    retried([first, second], endpoint);
  },
  "nothing-refused": () => refused(Promise.resolve(), "invalid_grant"),
  "another-reason": () => refused(fails("invalid_client"), "invalid_grant"),
  "another-page": () => stays("https://hk.localhost/page", "access_denied"),
  "went-on": () => stays("https://hk.localhost/a", "invalid_request"),
  "not-asked-for-a-nonce": async () => retried([{ ...second, sent: null }, second], endpoint),
  "never-sent-it": async () => retried([first, { ...second, sent: "other" }], endpoint),
  "no-second-try": async () => retried([first], endpoint),
});
"""


@pytest.mark.skipif(install.node_directory() is None, reason="no Node that is new enough: make conformance-oidc")
def test_node_clients_pass_only_with_what_they_say() -> None:
    """The same for a client from npm, and one that takes a first answer for a retry."""
    directory = install.node_directory()
    source = NODE_CLIENT.replace("JUDGES", dialogue.JUDGES.as_uri())
    command = [f"{directory}/node", "--input-type=module", "-e", source, "client"]
    verdicts = dialogue.talk(command, {"JUDGE_MODULES": str(dialogue.JUDGES)}, {}, _two_ways)
    assert {name for name in verdicts.modules if verdicts.of(name).passed} == {"true"}, verdicts.of("true").detail
    assert len(verdicts.modules) == 8


def _two_ways(url: str, decision: str) -> Arrival:
    if url.endswith("/page"):
        return Arrival(None, {}, 400, "<main><code>invalid_request</code></main>", "text/html")
    return Arrival("https://rp.localhost/c", {"code": "x"}, 303, "", "")


def test_versions_are_those_that_the_report_names() -> None:
    """A report that names another version than was installed."""
    lists = {
        name: (dialogue.JUDGES / f"{name}.txt").read_text("utf-8").splitlines() for name in ("idpyoidc", "authlib")
    }
    for judge in JUDGES.values():
        installed = install.packages() if judge.environment == "npm" else lists[judge.environment]
        assert judge.client.replace("@", "==") in {package.replace("@", "==") for package in installed}


def test_no_module_is_counted_twice() -> None:
    """A row that stands for two modules, of which one may fail."""
    for judge in JUDGES.values():
        assert len(set(judge.modules)) == len(judge.modules)
