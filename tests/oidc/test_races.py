"""One code, one request_uri, one jti, brought by four workers at the same moment: accepted once (row 48)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.test import Client as Browser

from idp.audit.models import AuditEvent
from idp.oidc import replay
from idp.oidc.models import AuthorizationCode, Client, Grant, PushedRequest, UsedOnce
from idp.protocol.refusals import Reason, Refusal
from tests.oidc.world import VERIFIER, World

WORKERS = 4
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

    with ThreadPoolExecutor(len(jobs)) as pool:
        return sorted(pool.map(run, jobs))


def test_identifier_is_spent_by_one_worker() -> None:
    """A cache that checks before it writes lets two pass."""

    def spend() -> int:
        try:
            replay.spend(replay.DPOP, "jti", 2_000_000_000)
        except Refusal as error:
            assert error.reason is Reason.REPLAYED
            return 1
        return 0

    assert race(*[spend] * WORKERS) == [0, 1, 1, 1]
    assert UsedOnce.objects.count() == 1


def test_code_is_redeemed_by_one_worker(world: World) -> None:
    """Two tokens for one code; the losers end the grant, because one of the two may be a thief."""
    code = world.code()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "https://messenger.example/callback"}
    who = world.messenger

    def job() -> Callable[[], int]:
        values = who.authenticated(**form, code_verifier=VERIFIER)
        proof = who.proof("/oidc/token")
        return lambda: world.post("/oidc/token", values, proof=proof).status_code

    assert race(*[job() for _ in range(WORKERS)]) == [200, 400, 400, 400]
    assert AuthorizationCode.objects.get().used_at == world.now
    assert Grant.objects.get().revoked_at is not None


def test_request_uri_is_completed_by_one_worker(world: World) -> None:
    """Two codes for one consent."""
    world.log_in()
    uri = world.pushed()
    page = world.open(uri)
    form = {
        "client_id": world.messenger.client_id,
        "request_uri": uri,
        "decision": "allow",
        "choice-document": "card",
        "csrfmiddlewaretoken": str(page.context["csrf_token"]),
    }
    cookies = {name: morsel.value for name, morsel in world.browser.cookies.items()}

    def job() -> int:
        browser = Browser(enforce_csrf_checks=True)
        browser.cookies.load(cookies)
        response: HttpResponse = browser.post("/oidc/consent", form)
        return response.status_code

    assert settings.SESSION_COOKIE_NAME in cookies
    assert race(*[job] * WORKERS) == [303, 400, 400, 400]
    assert Grant.objects.count() == 1 and PushedRequest.objects.get().completed_at == world.now


def test_assertion_and_proof_are_accepted_by_one_worker(world: World) -> None:
    """Four pushes with one assertion, then four requests with one proof."""
    form = world.messenger.authenticated(request=world.messenger.signed())
    world.push()
    assert race(*[lambda: world.post("/oidc/par", form).status_code] * WORKERS) == [201, 401, 401, 401]
    token = world.tokens()["access_token"]
    proof = world.messenger.proof("/oidc/userinfo", method="GET", access_token=token)
    assert race(*[lambda: world.userinfo(token, proof=proof).status_code] * WORKERS) == [200, 401, 401, 401]


def test_client_gets_one_token_for_one_assertion_and_one_proof(world: World) -> None:
    """Sixteen workers with the very same request, then with one proof, then with one assertion (row 48)."""
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

    assert race(*[job(assertion=assertion, proof=proof) for _ in range(16)]) == [200] + [401] * 15
    proof, assertion = who.proof("/oidc/token"), who.assertion()
    assert race(*[job(proof=proof) for _ in range(16)]) == [200] + [400] * 15
    assert race(*[job(assertion=assertion) for _ in range(16)]) == [200] + [401] * 15
    assert AuditEvent.objects.filter(kind="oidc.token_issued").count() == 3
