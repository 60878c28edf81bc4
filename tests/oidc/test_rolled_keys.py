"""Tokens by a key that signs no more: good while it is published, refused afterwards, and at once when it was killed
(OpenID Connect Core §10.1.1, row 75)."""

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client as Browser

from idp.federation import entities, signing
from idp.federation.signing import OVERLAP
from idp.oidc import dpop_nonces, tokens
from idp.protocol import encrypted_request, jws, keys, strict_json
from tests.oidc.basic_party import BasicParty
from tests.oidc.relying_party import RelyingParty, enter, kept
from tests.oidc.test_access import problem_of
from tests.oidc.test_authorize import code_on
from tests.oidc.world import World, error_of


def kid_of(text: str) -> str:
    return str(strict_json.loads_object(strict_json.b64decode(text.split(".")[0]))["kid"])


def roll(world: World, *, algorithm: str = "ES256", use: str = "oidc") -> None:
    """The next key signs from now on."""
    signing.activate_next(use=use, algorithm=algorithm, now=world.now, emergency=True)


def published(world: World) -> set[str]:
    return {key["kid"] for key in Browser().get("/oidc/jwks").json()["keys"]}


def hint(basic: BasicParty, text: str) -> HttpResponse:
    """A request with ``text`` as its id_token_hint, which may be older than the token's own five minutes."""
    return basic.ask(id_token_hint=text)


def test_access_token_by_the_key_before_opens_what_it_opened(world: World) -> None:
    """A roll-over that ends every session of the hour before."""
    token = world.tokens()
    old = kid_of(token["access_token"])
    roll(world)
    assert world.userinfo(token["access_token"]).status_code == 200
    assert old in published(world)
    again = world.refresh(token["refresh_token"]).json()["access_token"]
    assert kid_of(again) != old and world.userinfo(again).status_code == 200


@pytest.mark.parametrize(("age", "good"), [(OVERLAP - 1, True), (OVERLAP, False)])
def test_id_token_by_an_old_key_is_a_hint_for_as_long_as_the_key_is_published(
    world: World, basic: BasicParty, monkeypatch: pytest.MonkeyPatch, age: int, good: bool
) -> None:
    """invalid solely because the key's time of overlap is over; a hint has no other end."""
    token = basic.tokens()["id_token"]
    roll(world, algorithm="RS256")
    monkeypatch.setattr("idp.clock.now", lambda: world.now + age)
    assert (kid_of(token) in published(world)) is good
    response = hint(basic, token)
    assert response.status_code == 303
    assert ("error=invalid_request" in response["Location"]) is not good


def test_access_token_by_a_key_whose_time_is_over_opens_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """invalid solely because of the key: somebody has kept it and signs with it still."""
    key = signing.signer("oidc", algorithm="ES256")
    claims = jws.parse_unverified(world.tokens()["access_token"], tokens.ACCESS_TOKEN).claims
    roll(world)
    for age, status in ((OVERLAP - 1, 200), (OVERLAP, 401)):
        later = world.now + age
        monkeypatch.setattr("idp.clock.now", lambda later=later: later)
        text = jws.sign(tokens.ACCESS_TOKEN, {**claims, "iat": later, "exp": later + 60}, key)
        world.messenger.now = later
        response = world.userinfo(text, now=later, nonce=dpop_nonces.fresh(now=later))
        assert response.status_code == status, response.content
    assert problem_of(response) == (401, "invalid_token")


def test_tokens_by_a_key_that_was_killed_are_refused_at_once(world: World, basic: BasicParty) -> None:
    """invalid solely because an officer killed the key: whoever has stolen it signs what the node signed."""
    mine, token = basic.tokens(), world.tokens()
    for text in (token["access_token"], mine["id_token"]):
        assert kid_of(text) in published(world)
        signing.kill(kid=kid_of(text), now=world.now)
        assert kid_of(text) not in published(world)
    assert problem_of(world.userinfo(token["access_token"])) == (401, "invalid_token")
    assert "error=invalid_request" in hint(basic, mine["id_token"])["Location"]
    form = {"token": mine["access_token"]}
    assert basic.post("/oidc/introspect", form).json() == {"active": False}  # signed by the same key as the wallet's
    assert world.refresh(token["refresh_token"]).status_code == 200  # the grant is not the key's


def test_killed_key_of_the_past_is_refused_at_once(world: World) -> None:
    """invalid solely because of the kill: the key had been rolled over, and would have been good for days."""
    token = world.tokens()["access_token"]
    roll(world)
    assert world.userinfo(token).status_code == 200
    signing.kill(kid=kid_of(token), now=world.now)
    assert problem_of(world.userinfo(token)) == (401, "invalid_token")


def test_request_encrypted_to_the_key_before_is_opened_until_it_is_killed(world: World, rp: RelyingParty) -> None:
    """A client that keeps our key set for a day; invalid solely because the key was killed."""
    recipient = signing.private_key("request").public
    roll(world, use="request")

    def sealed() -> Any:
        return enter(world, encrypted_request.seal_request(rp.signed(), recipient=recipient))

    kept(sealed())
    signing.kill(kid=recipient.kid, now=world.now)
    assert code_on(sealed()) == "invalid_request_object"


def test_assertion_by_a_key_that_the_client_took_back_is_refused(world: World) -> None:
    """invalid solely because the client's metadata has another key by now: its own roll-over is followed too."""
    who = world.messenger
    assert world.push().status_code == 201
    old, who.key = who.key, keys.generate()
    who.entity.metadata = {"openid_relying_party": who.metadata()}
    entities.forget(who.client_id)
    assert error_of(world.push(client_assertion=who.assertion(signer=old))) == (401, "invalid_client")
    assert world.push().status_code == 201
