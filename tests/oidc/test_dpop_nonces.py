"""Nonces of DPoP proofs (RFC 9449 §8, §9): asked for by profile, given with every answer, good for a while (row 49)."""

from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse

from idp import clock, conf
from idp.oidc import dpop_nonces
from idp.oidc.models import UsedOnce
from idp.protocol import dpop
from tests.oidc.basic_party import BasicParty
from tests.oidc.relying_party import RelyingParty
from tests.oidc.world import VERIFIER, World, error_of

NONCE = dpop_nonces.HEADER
SLOT = dpop_nonces.SLOT


def code_form(world: World) -> dict[str, str]:
    form = {"grant_type": "authorization_code", "code": world.code(), "code_verifier": VERIFIER}
    return world.messenger.authenticated(**form, redirect_uri="https://messenger.example/callback")


def asks_for_a_nonce(response: HttpResponse) -> str:
    assert error_of(response) == (400, "use_dpop_nonce")
    return str(response[NONCE])


def test_proof_without_nonce_is_refused_and_the_same_request_may_come_again(world: World) -> None:
    """The client library repeats the request as it was, with another proof: its assertion must still be good."""
    form, who = code_form(world), world.messenger
    nonce = asks_for_a_nonce(world.post("/oidc/token", form, proof=who.proof("/oidc/token", nonce=None)))
    response = world.post("/oidc/token", form, proof=who.proof("/oidc/token", nonce=nonce))
    assert response.status_code == 200
    assert error_of(world.post("/oidc/token", form, proof=who.proof("/oidc/token"))) == (401, "invalid_client")


def test_pushed_request_may_come_again_with_a_nonce(world: World) -> None:
    """Neither the assertion nor the request object's jti was used up by the first try."""
    who = world.messenger
    form = who.authenticated(request=who.signed())
    nonce = asks_for_a_nonce(world.post("/oidc/par", form, proof=who.proof("/oidc/par", nonce=None)))
    assert world.post("/oidc/par", form, proof=who.proof("/oidc/par", nonce=nonce)).status_code == 201
    assert world.post("/oidc/par", form, proof=who.proof("/oidc/par")).status_code == 401


def test_refused_request_spends_what_it_brought_when_its_nonce_is_good(world: World) -> None:
    """A replay that was tried with a wrong parameter first."""
    who = world.messenger
    form = who.authenticated(request=who.signed(redirect_uri="https://elsewhere.example/"))
    assert world.post("/oidc/par", form, proof=who.proof("/oidc/par")).status_code == 400
    again = {**form, "request": who.signed()}
    assert error_of(world.post("/oidc/par", again, proof=who.proof("/oidc/par"))) == (401, "invalid_client")


def test_bad_proof_is_no_reason_to_take_an_assertion_twice(world: World) -> None:
    """Everything was given back, and not only where a nonce was lacking."""
    form, who = code_form(world), world.messenger
    bad = who.proof("/oidc/par")  # for another endpoint
    assert error_of(world.post("/oidc/token", form, proof=bad)) == (400, "invalid_dpop_proof")
    assert error_of(world.post("/oidc/token", form, proof=who.proof("/oidc/token"))) == (401, "invalid_client")
    form, bad = who.authenticated(request=who.signed()), who.proof("/oidc/token")
    assert error_of(world.post("/oidc/par", form, proof=bad)) == (400, "invalid_dpop_proof")
    assert error_of(world.post("/oidc/par", form, proof=who.proof("/oidc/par"))) == (401, "invalid_client")


@pytest.mark.parametrize("nonce", ["x", "é", "A" * 43])
def test_nonce_of_somebody_else_is_refused(world: World, nonce: str) -> None:
    asks_for_a_nonce(world.redeem(world.code(), proof=world.messenger.proof("/oidc/token", nonce=nonce)))


@pytest.mark.parametrize(
    "age, good", [(0, True), (SLOT, True), (2 * SLOT, False), (-SLOT, False)], ids=["this", "before", "old", "ahead"]
)
def test_nonce_is_good_in_its_slot_and_the_next(now: int, age: int, good: bool) -> None:
    """A proof made ahead for another day; a nonce that goes bad while the phone scans a face."""
    given = dpop_nonces.fresh(now=now)
    middle = now // SLOT * SLOT + SLOT // 2
    assert dpop_nonces.is_fresh(given, now=middle + age) is good


def test_worker_whose_clock_is_a_little_ahead_gives_nonces_that_others_take(now: int) -> None:
    """Two workers at the border of two slots sent the client back and forth."""
    border = now // SLOT * SLOT + SLOT
    assert dpop_nonces.is_fresh(dpop_nonces.fresh(now=border), now=border - 5)


def test_nonce_is_of_this_node(now: int, settings: Any, tmp_path: Path) -> None:
    """A nonce that anybody can work out."""
    before = dpop_nonces.fresh(now=now)
    settings.IDP_KEY_DIR = tmp_path
    assert dpop_nonces.fresh(now=now) != before


def test_every_answer_to_a_proof_has_the_next_nonce(world: World) -> None:
    """A client that has to be refused every few minutes (§8.2)."""
    who = world.messenger
    assert world.push(proof=who.proof("/oidc/par"))[NONCE] == dpop_nonces.fresh(now=clock.now())
    response = world.redeem(world.code())
    token = response.json()["access_token"]
    assert response[NONCE] == world.userinfo(token)[NONCE] == dpop_nonces.fresh(now=clock.now())
    assert NONCE not in world.push()  # no proof, no nonce


def test_protected_endpoint_asks_for_a_nonce(world: World) -> None:
    """A proof for userinfo that was made ahead, on a phone that was held for a minute (§9)."""
    token, who = world.tokens()["access_token"], world.messenger
    proof = who.proof("/oidc/userinfo", method="GET", access_token=token, nonce=None)
    response = world.userinfo(token, proof=proof)
    assert (response.status_code, response.json()["code"]) == (401, "use_dpop_nonce")
    assert response["WWW-Authenticate"].startswith('DPoP error="use_dpop_nonce"')
    assert world.userinfo(token, nonce=response[NONCE]).status_code == 200


def test_relying_party_needs_none_until_its_profile_is_named(world: World, rp: RelyingParty, settings: Any) -> None:
    """Many libraries do not know nonces; but a nonce that is there has to be good."""
    proof = rp.proof("/oidc/par", nonce=None)
    assert world.post("/oidc/par", {"request": rp.signed()}, proof=proof).status_code == 201
    old = rp.proof("/oidc/par", nonce=dpop_nonces.fresh(now=world.now - 3 * SLOT))
    asks_for_a_nonce(world.post("/oidc/par", {"request": rp.signed()}, proof=old))
    settings.IDP_DPOP_NONCE = ["federation"]
    asks_for_a_nonce(world.post("/oidc/par", {"request": rp.signed()}, proof=rp.proof("/oidc/par", nonce=None)))


def test_proof_of_a_refused_client_gets_no_request_for_a_nonce(world: World, basic: BasicParty) -> None:
    """Whoever cannot authenticate is told that, and nothing of proofs."""
    who = world.messenger
    form = who.authenticated(grant_type="client_credentials", client_assertion="x")
    assert error_of(world.post("/oidc/token", form, proof=who.proof("/oidc/token", nonce=None)))[1] == "invalid_client"


def test_refused_try_leaves_no_row(world: World) -> None:
    form, who = code_form(world), world.messenger
    before = UsedOnce.objects.count()
    asks_for_a_nonce(world.post("/oidc/token", form, proof=who.proof("/oidc/token", nonce=None)))
    assert UsedOnce.objects.count() == before


@pytest.mark.parametrize("value", ["border", {"border": 1}, ["borders"], 5, [["border"]]])
def test_setting_that_names_no_profile_is_found_at_start(settings: Any, value: Any) -> None:
    settings.IDP_DPOP_NONCE = value
    assert [found.id for found in dpop_nonces.check()] == ["idp.E108"]


def test_proof_keeps_its_nonce(world: World, now: int) -> None:
    """The claim was dropped on the way from the wire."""
    who = world.messenger
    text = who.proof("/oidc/token", nonce="n-1")
    assert dpop.verify(text, method="POST", url=f"{conf.authority().entity_id}/oidc/token", now=now).nonce == "n-1"
