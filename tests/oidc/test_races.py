"""What is good once, brought by sixteen workers at the same moment: accepted once (rows 33, 36, 41, 48, 52)."""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.test import Client as Browser

from idp.audit.models import AuditEvent
from idp.oidc import initial_access, replay
from idp.oidc.models import AuthorizationCode, Client, Grant, PushedRequest, RefreshToken, UsedOnce
from idp.protocol.refusals import Reason, Refusal
from tests.oidc import relying_party
from tests.oidc.basic_party import BasicParty
from tests.oidc.registrant import Registrant
from tests.oidc.relying_party import RelyingParty
from tests.oidc.world import CALLBACK, VERIFIER, World

WORKERS = 16
LOSERS = WORKERS - 1
pytestmark = pytest.mark.usefixtures("shared_database")


def race(*jobs: Callable[[], int]) -> list[int]:
    """Run ``jobs`` at once, each in a thread with a connection of its own; their results, sorted."""
    barrier = Barrier(len(jobs))

    def run(job: Callable[[], int]) -> int:
        try:
            barrier.wait()
            return job()
        finally:
            connection.close()

    often, before = 1e-5, sys.getswitchinterval()
    sys.setswitchinterval(often)  # seconds; or the first would be through before the second has begun
    try:
        with ThreadPoolExecutor(len(jobs)) as pool:
            return sorted(pool.map(run, jobs))
    finally:
        sys.setswitchinterval(before)


def browsers(world: World) -> Callable[[], Browser]:
    """One browser's session in as many windows as wanted."""
    cookies = {name: morsel.value for name, morsel in world.browser.cookies.items()}
    assert settings.SESSION_COOKIE_NAME in cookies

    def window() -> Browser:
        browser = Browser(enforce_csrf_checks=True)
        browser.cookies.load(cookies)
        return browser

    return window


def issued() -> int:
    return AuditEvent.objects.filter(kind="oidc.token_issued").count()


def test_identifier_is_spent_by_one_worker() -> None:
    """A cache that checks before it writes lets two pass."""

    def spend() -> int:
        try:
            replay.spend(replay.DPOP, "jti", 2_000_000_000)
        except Refusal as error:
            assert error.reason is Reason.REPLAYED
            return 1
        return 0

    assert race(*[spend] * WORKERS) == [0] + [1] * LOSERS
    assert UsedOnce.objects.count() == 1


# --- codes and request URIs ---------------------------------------------------------------------------------------


def test_code_is_redeemed_by_one_worker(world: World) -> None:
    """Two tokens for one code; the losers end the grant, because one of the two may be a thief."""
    code, who = world.code(), world.messenger
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}

    def job() -> Callable[[], int]:
        values, proof = who.authenticated(**form), who.proof("/oidc/token")
        return lambda: world.post("/oidc/token", values, proof=proof).status_code

    assert race(*[job() for _ in range(WORKERS)]) == [200] + [400] * LOSERS
    assert AuthorizationCode.objects.get().used_at == world.now and issued() == 1
    assert Grant.objects.get().revoked_at is not None


def test_code_of_a_conventional_client_is_redeemed_by_one_worker(basic: BasicParty) -> None:
    """Nothing else in its request is good once: the code alone must hold."""
    code = basic.code()
    assert race(*[lambda: basic.redeem(code).status_code] * WORKERS) == [200] + [400] * LOSERS
    assert issued() == RefreshToken.objects.count() == 1
    assert Grant.objects.get().revoked_at is not None


def test_request_uri_is_completed_by_one_worker(world: World) -> None:
    """Two codes for one consent."""
    world.log_in()
    uri = world.pushed()
    form = {
        "client_id": world.messenger.client_id,
        "request_uri": uri,
        "decision": "allow",
        "choice-document": "card",
        "csrfmiddlewaretoken": str(world.open(uri).context["csrf_token"]),
    }
    window = browsers(world)

    def job() -> int:
        response: HttpResponse = window().post("/oidc/consent", form)
        return response.status_code

    assert race(*[job] * WORKERS) == [303] + [400] * LOSERS
    assert Grant.objects.count() == AuthorizationCode.objects.count() == 1
    assert PushedRequest.objects.get().completed_at == world.now


def test_request_uri_that_needs_no_consent_is_completed_by_one_worker(basic: BasicParty) -> None:
    """Two codes for one request: the traveller has agreed before, so that opening it completes it."""
    basic.code()
    query = {"client_id": basic.client_id, "request_uri": basic.kept()}
    window = browsers(basic.world)

    def job() -> int:
        response: HttpResponse = window().get("/oidc/authorize", query)
        assert response.status_code != 303 or response["Location"].startswith(CALLBACK)
        return response.status_code

    assert race(*[job] * WORKERS) == [303] + [400] * LOSERS
    assert Grant.objects.count() == AuthorizationCode.objects.count() == 2


# --- refresh tokens -----------------------------------------------------------------------------------------------


def test_refresh_token_is_rotated_by_one_worker(basic: BasicParty) -> None:
    """Two families from one token; the losers end the grant, and what the winner got is good no more (row 52)."""
    token, before = basic.tokens()["refresh_token"], issued()
    form = {"grant_type": "refresh_token", "refresh_token": token}
    won: list[Any] = []

    def job() -> int:
        response = basic.post("/oidc/token", form)
        won.extend([response.json()] if response.status_code == 200 else [])
        return response.status_code

    assert race(*[job] * WORKERS) == [200] + [400] * LOSERS
    assert RefreshToken.objects.count() == 2 and RefreshToken.objects.exclude(rotated_at=None).count() == 1
    assert issued() - before == AuditEvent.objects.filter(kind="oidc.grant_revoked").count() == 1
    assert Grant.objects.get().revoked_at is not None
    new = {"grant_type": "refresh_token", "refresh_token": won[0]["refresh_token"]}
    assert basic.post("/oidc/token", new).status_code == 400
    assert basic.world.userinfo(won[0]["access_token"], scheme="Bearer", proof=None).status_code == 401


def test_refresh_token_of_a_phone_serves_all_that_its_key_asks(world: World) -> None:
    """A phone that asks twice at once must not lose its consent: its token is bound, and not rotated."""
    token, who = world.tokens()["refresh_token"], world.messenger

    def job() -> Callable[[], int]:
        form = who.authenticated(grant_type="refresh_token", refresh_token=token)
        proof = who.proof("/oidc/token")
        return lambda: world.post("/oidc/token", form, proof=proof).status_code

    assert race(*[job() for _ in range(WORKERS)]) == [200] * WORKERS
    assert Grant.objects.get().revoked_at is None and RefreshToken.objects.count() == 1


# --- assertions, proofs and request objects -----------------------------------------------------------------------


@pytest.mark.parametrize(("once", "status"), [("assertion", 401), ("proof", 400), ("request", 400)])
def test_part_of_a_pushed_request_is_accepted_by_one_worker(world: World, once: str, status: int) -> None:
    """Everything else is each worker's own."""
    who = world.messenger
    assert world.push().status_code == 201  # the client is registered

    def parts() -> dict[str, str]:
        return {"assertion": who.assertion(), "request": who.signed(), "proof": who.proof("/oidc/par")}

    kept = {once: parts()[once]}

    def job() -> Callable[[], int]:
        sent = {**parts(), **kept}
        form = who.authenticated(client_assertion=sent["assertion"], request=sent["request"])
        return lambda: world.post("/oidc/par", form, proof=sent["proof"]).status_code

    assert race(*[job() for _ in range(WORKERS)]) == [201] + [status] * LOSERS
    assert PushedRequest.objects.count() == 2


@pytest.mark.parametrize(("once", "status"), [("assertion", 401), ("proof", 400)])
def test_part_of_a_token_request_is_accepted_by_one_worker(world: World, once: str, status: int) -> None:
    """The refresh token is good for all of them: only the one part is not."""
    who, token = world.messenger, world.tokens()["refresh_token"]
    before = issued()

    def parts() -> dict[str, str]:
        return {"assertion": who.assertion(), "proof": who.proof("/oidc/token")}

    kept = {once: parts()[once]}

    def job() -> Callable[[], int]:
        sent = {**parts(), **kept}
        form = who.authenticated(grant_type="refresh_token", refresh_token=token, client_assertion=sent["assertion"])
        return lambda: world.post("/oidc/token", form, proof=sent["proof"]).status_code

    assert race(*[job() for _ in range(WORKERS)]) == [200] + [status] * LOSERS
    assert issued() - before == 1


def test_proof_is_accepted_at_userinfo_by_one_worker(world: World) -> None:
    token = world.tokens()["access_token"]
    proof = world.messenger.proof("/oidc/userinfo", method="GET", access_token=token)
    job = [lambda: world.userinfo(token, proof=proof).status_code]
    assert race(*job * WORKERS) == [200] + [401] * LOSERS


def test_proof_is_accepted_at_one_of_two_endpoints(world: World) -> None:
    """Its jti is spent, whatever it was shown for: half of the workers push, the others ask for a token."""
    who, token = world.messenger, world.tokens()["refresh_token"]
    path, jti = ("/oidc/par", "/oidc/token"), "one-jti"
    pushes = who.authenticated(request=who.signed())
    asks = who.authenticated(grant_type="refresh_token", refresh_token=token)
    proofs = [who.proof(each, jti=jti) for each in path]
    jobs = [
        lambda: world.post(path[0], pushes, proof=proofs[0]).status_code // 100,
        lambda: world.post(path[1], asks, proof=proofs[1]).status_code // 100,
    ]
    assert race(*jobs * (WORKERS // 2)) == [2] + [4] * LOSERS


def test_request_object_by_value_is_accepted_from_one_window(rp: RelyingParty, world: World) -> None:
    """Two requests kept for one that the relying party signed (OpenID Federation 1.0 §12.1.1.1)."""
    world.log_in()
    assert relying_party.kept(relying_party.enter(world))  # the client is registered
    query = {"client_id": rp.client_id, "request": rp.signed()}
    window = browsers(world)

    def job() -> int:
        response: HttpResponse = window().get("/oidc/authorize", query)
        return int("request_uri" in response.headers.get("Location", ""))

    assert race(*[job] * WORKERS) == [0] * LOSERS + [1]
    assert PushedRequest.objects.count() == 2


def test_client_gets_one_token_for_one_assertion_and_one_proof(world: World) -> None:
    """With the very same request, then with one proof, then with one assertion: one statement spends them (row 48)."""
    who = world.messenger
    metadata = {**who.metadata(), "grant_types": ["client_credentials"]}
    del metadata["authorization_details_types"]
    row = {"profile": "border", "registration": "admin", "metadata": metadata, "sector": "messenger.example"}
    Client.objects.create(client_id=who.client_id, created_at=world.now, **row)
    assertion, proof = who.assertion(), who.proof("/oidc/token")

    def job(**sent: str) -> Callable[[], int]:
        said = {"client_assertion": sent["assertion"]} if "assertion" in sent else {}
        form = who.authenticated(grant_type="client_credentials", **said)
        used = sent.get("proof") or who.proof("/oidc/token")
        return lambda: world.post("/oidc/token", form, proof=used).status_code

    assert race(*[job(assertion=assertion, proof=proof) for _ in range(WORKERS)]) == [200] + [401] * LOSERS
    proof, assertion = who.proof("/oidc/token"), who.assertion()
    assert race(*[job(proof=proof) for _ in range(WORKERS)]) == [200] + [400] * LOSERS
    assert race(*[job(assertion=assertion) for _ in range(WORKERS)]) == [200] + [401] * LOSERS
    assert issued() == 3


def test_invitation_is_used_as_often_as_it_says(invited: Registrant, world: World) -> None:
    """More clients than the officer allowed, whose registrations came at once."""
    invited.token = initial_access.invite(lifetime=3600, uses=3, actor="account:7", now=world.now)
    assert race(*[lambda: invited.register().status_code] * WORKERS) == [201] * 3 + [401] * (WORKERS - 3)
    assert Client.objects.count() == 3
