"""The plans' books: every module of a plan is judged or has a reason, and what judges can be seen to fail. No node."""

import importlib
import json
import socket
import ssl
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conformance import jose, wire
from tests.conformance.browsing import Arrival
from tests.conformance_oidc import aging, heard, parties, plans, refusals, told, transport
from tests.conformance_oidc.certificates import CertificateAuthority
from tests.conformance_oidc.plans import PLANS, Plan

FOLDER = Path(__file__).resolve().parent
DOCS = FOLDER.parents[1] / "docs" / "conformance.md"
ISSUER, CALLBACK = "https://hk.localhost:1", "https://rp.localhost:2/callback"


def _marks() -> Iterator[tuple[str, str]]:
    """Client and module of every mark in this folder."""
    for path in sorted(FOLDER.glob("test_*.py")):
        tests = vars(importlib.import_module(f"tests.conformance_oidc.{path.stem}"))
        for test in (value for name, value in tests.items() if name.startswith("test_")):
            for mark in getattr(test, "pytestmark", []):
                cases = mark.args[1] if mark.name == "parametrize" else []
                for own in (own for case in cases for own in getattr(case, "marks", ()) if own.name == "conformance"):
                    yield own.kwargs["client"], own.kwargs["module"]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_every_module_is_judged_once_or_has_a_reason(plan: Plan) -> None:
    """A module that was forgotten, or one that is said to be left out and yet is in the report."""
    judged = Counter(name for client, name in _marks() if client == plan.judge)
    left = [plan.prefix + name for name in plans.NOT_JUDGED.get(plan, {})]
    assert judged + Counter(left) == Counter(plan.prefix + name for name in set(plan.modules))


def test_every_reason_stands_in_the_docs() -> None:
    """A module that a reader of the report misses and finds no word about; or a plan with another number of them."""
    text = DOCS.read_text("utf-8")
    assert all(f"{line} " in text for line in plans.figures())
    for names in (*plans.NOT_JUDGED.values(), plans.OTHER_PLANS):
        for name, reason in names.items():
            assert f"`{name}`" in text and reason in text, name


def test_names_of_other_plans_are_not_ours() -> None:
    """A module that is left out as another plan's and belongs to one of ours."""
    ours = {plan.prefix + name for plan in PLANS for name in plan.modules}
    assert not ours & set(plans.OTHER_PLANS)


def _response(key: jose.Key, **changes: Any) -> str:
    claims = {"iss": ISSUER, "aud": "party", "exp": int(time.time()) + 300, "code": "c", **changes}
    return key.sign(claims)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other1.example"},
        {"aud": "other"},
        {"exp": 1_000_000_000},
        {"exp": 4_000_000_000},
        {"exp": None},
    ],
    ids=json.dumps,
)
def test_signed_responses_are_looked_at(changes: dict[str, Any]) -> None:
    """A response for another client, or of another time or issuer, that passes; or by RS256, or by nobody's key."""
    key = jose.generate("PS256")
    told_at = {"issuer": ISSUER, "client_id": "party", "keys": [key.public]}
    assert heard.signed(_response(key), **told_at) == {"iss": ISSUER, "code": "c"}  # type: ignore[arg-type]
    for text in (_response(key, **changes), _response(key.by("RS256")), _response(jose.generate("PS256"))):
        with pytest.raises((AssertionError, KeyError)):
            heard.signed(text, **told_at)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arrival", "mode"),
    [
        (Arrival(CALLBACK, {"code": "c"}, 303, "", ""), None),
        (Arrival(f"{CALLBACK}?foo=bar", {"code": "c"}, 200, "", "", by_form=True), None),
        (Arrival(CALLBACK, {"code": "c", "foo": "bar"}, 303, "", ""), "form_post"),
        (Arrival(CALLBACK, {"code": "c", "foo": "bar"}, 303, "", ""), "jwt"),
    ],
)
def test_callbacks_are_looked_at(arrival: Arrival, mode: str | None) -> None:
    """A redirect URI that lost its query, or an answer in another mode than was asked for."""
    server = SimpleNamespace(signing_keys=list)

    def read(arrival: Arrival, mode: str | None) -> Arrival:
        callbacks = [f"{CALLBACK}?foo=bar"]
        return heard.read(arrival, mode=mode, issuer=ISSUER, client_id="party", callbacks=callbacks, server=server)

    sound = Arrival(CALLBACK, {"code": "c", "foo": "bar"}, 303, "", "")
    assert read(sound, None).parameters == {"code": "c"} and read(sound, None).callback == CALLBACK
    with pytest.raises(AssertionError):
        read(arrival, mode)


@pytest.mark.parametrize(
    "claims",
    [
        {"shoe_size": 43},
        {"email": "nobody"},
        {"email_verified": "true"},
        {"birthdate": "5 May 1985"},
        {"updated_at": "2026-01-01"},
        {"address": "1 Specimen Road"},
        {"address": {"house": "1"}},
        {"name": ""},
        {"name#en": None},
    ],
    ids=json.dumps,
)
def test_claims_are_looked_at(claims: dict[str, Any]) -> None:
    """A claim that is empty, unknown, or of another form than OpenID Connect gives it."""
    sound = {"sub": "s", "name#en": "SPECIMEN", "address": {"formatted": "1 Specimen Road"}, "email_verified": False}
    assert told.sound(sound) == sound
    with pytest.raises(AssertionError):
        told.sound({**sound, **claims})


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"error": "invalid_grant"}),
        (401, {"error": "invalid_grant"}),
        (400, {"error": "invalid_request"}),
        (400, {"error": "invalid_grant", "access_token": "t"}),
        (400, {"error": "invalid_grant", "error_description": "a\tb"}),
        (500, {"error": "invalid_grant"}),
    ],
)
def test_refusals_are_looked_at(status: int, body: dict[str, str]) -> None:
    """A request that went through, or failed in another way, counted as refused."""
    refusals.answered(_answer(400, {"error": "invalid_grant", "error_description": "no"}), refusals.GRANT)
    with pytest.raises(AssertionError):
        refusals.answered(_answer(status, body), refusals.GRANT)


def test_old_tls_is_noticed(tmp_path: Path) -> None:
    """A server that also speaks old TLS and counts as modern."""
    authority = CertificateAuthority(tmp_path)
    with parties.sites(authority) as sites:
        transport.is_modern(sites["rp.localhost"].origin)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.certify("rp.localhost"))
    context.set_ciphers(transport.ANY)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1_1
    with _listening(context) as port:
        assert transport.spoken(port, ssl.TLSVersion.TLSv1_1) == "TLSv1.1"
        with pytest.raises(AssertionError, match="TLSv1_1"):
            transport.is_modern(f"https://rp.localhost:{port}")


def test_what_could_not_be_begun_fails_where_it_is_looked_at() -> None:
    """One defect that fails every module, or none."""
    assert aging.Begun(lambda: 5).get() == 5

    def broken() -> int:
        raise ValueError("no")

    later = aging.Begun(broken)
    with pytest.raises(AssertionError):
        later.get()


@contextmanager
def _listening(context: ssl.SSLContext) -> Iterator[int]:
    """A server that shakes hands and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            with suppress(OSError):  # closed, or the guest left
                while True:
                    plain, _ = server.accept()
                    with suppress(OSError), plain, context.wrap_socket(plain, server_side=True) as secure:
                        secure.recv(1)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield port
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _answer(status: int, body: dict[str, str]) -> wire.Answer:
    return wire.Answer(status, {"content-type": "application/json"}, (), json.dumps(body).encode())
