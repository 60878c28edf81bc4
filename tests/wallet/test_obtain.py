"""The wallet on its way to a border token: the straight way, and every answer that it must not take."""

from collections.abc import Callable
from typing import Any

import pytest

from idp import clock
from idp.protocol import keys
from idp.wallet import obtain
from idp.wallet.errors import UnableTo
from tests.wallet.authority import DOCUMENT
from tests.wallet.conftest import World


def _code(act: Callable[[], Any]) -> str:
    with pytest.raises(UnableTo) as caught:
        act()
    return caught.value.code


def test_the_way_from_the_request_to_a_token_of_each_form(world: World) -> None:
    grant = world.grant()
    assert grant.details[0]["document"] == DOCUMENT
    for form, kind in (("cwt", bytes), ("jwt", str)):
        token = world.token(form)
        assert isinstance(token.body, kind)
        assert token.checkpoint == world.authority.checkpoint
    assert {token.format for token in world.phone.store.tokens(now=clock.now())} == {"cwt", "jwt"}
    assert all(body["document"] == DOCUMENT for _, body in world.authority.received)


def test_a_server_that_demands_dpop_nonces(world: World) -> None:
    world.authority.nonce = "nonce-1"
    world.grant()
    assert world.token().format == "cwt"
    world.authority.nonce = "nonce-2"
    assert world.token("jwt").format == "jwt"


@pytest.mark.parametrize("iss", [None, "", "https://evil.example", "HTTP://HK.localhost"])
def test_an_answer_of_another_server(world: World, iss: str | None) -> None:
    """Invalid solely because iss is missing or not the server that was asked (mix-up, RFC 9207)."""
    assert _code(lambda: world.grant(iss=iss)) == "issuer_mismatch"
    assert world.phone.store.grants(now=clock.now()) == []


def test_an_error_of_another_server(world: World) -> None:
    """Invalid solely because of iss: not even its error is believed."""
    assert _code(lambda: world.grant(iss="https://evil.example", error="access_denied")) == "issuer_mismatch"


@pytest.mark.parametrize("state", [None, "", "guessed"])
def test_an_answer_to_no_request_of_ours(world: World, state: str | None) -> None:
    """Invalid solely because no request of this phone has that state."""
    assert _code(lambda: world.grant(state=state)) == "state_unknown"


def test_an_answer_twice(world: World) -> None:
    started = world.phone.authorize(crossing="day", now=clock.now())
    answer = world.authority.answer(started.authorization_url)
    world.phone.finish(answer, now=clock.now())
    assert _code(lambda: world.phone.finish(answer, now=clock.now())) == "state_unknown"


def test_an_answer_that_comes_too_late(world: World) -> None:
    started = world.phone.authorize(crossing="day", now=clock.now())
    answer = world.authority.answer(started.authorization_url)
    assert _code(lambda: world.phone.finish(answer, now=clock.now() + 901)) == "state_unknown"


def test_the_traveller_said_no(world: World) -> None:
    assert _code(lambda: world.grant(error="access_denied", code=None)) == "consent_denied"
    assert _code(lambda: world.grant(error="server_error", code=None)) == "authorization_refused"
    assert _code(lambda: world.grant(code=None)) == "authorization_refused"


@pytest.mark.parametrize("token_type", ["Bearer", "", "DPoPx", None])
def test_an_access_token_that_is_anybodys(world: World, token_type: str | None) -> None:
    """Invalid solely because token_type is not DPoP."""
    world.authority.changes["token"] = lambda value: {**value, "token_type": token_type}
    assert _code(world.grant) == "token_not_bound"


@pytest.mark.parametrize(
    "widen",
    [
        lambda detail: {**detail, "locations": [*detail["locations"], "http://hk.localhost:1/checkpoints/east"]},
        lambda detail: {**detail, "valid_until": detail["valid_until"] + 1},
        lambda detail: {**detail, "valid_from": detail["valid_from"] - 1},
        lambda detail: {**detail, "max_tokens": detail["max_tokens"] + 1},
        lambda detail: {**detail, "ahead": True},
        lambda detail: {**detail, "ahead": 1},
        lambda detail: {**detail, "purpose": "marketing"},
        lambda detail: {**detail, "type": "payment"},
    ],
)
def test_a_grant_wider_than_asked(world: World, widen: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Invalid solely because one member goes beyond the request."""
    world.authority.changes["token"] = lambda value: {
        **value,
        "authorization_details": [widen(value["authorization_details"][0])],
    }
    assert _code(world.grant) == "grant_too_wide"


@pytest.mark.parametrize("details", [None, [], "twice"])
def test_a_grant_of_nothing_or_of_the_same_twice(world: World, details: Any) -> None:
    def change(value: dict[str, Any]) -> dict[str, Any]:
        given = value["authorization_details"] * 2 if details == "twice" else details
        return {**value, "authorization_details": given}

    world.authority.changes["token"] = change
    assert _code(world.grant) == "grant_too_wide"


def test_a_narrower_grant_is_taken_and_held_to(world: World) -> None:
    def change(value: dict[str, Any]) -> dict[str, Any]:
        detail = {**value["authorization_details"][0], "directions": ["entry"], "max_tokens": 1}
        return {**value, "authorization_details": [detail]}

    world.authority.changes["token"] = change
    world.grant()
    assert _code(world.token) == "consent_needed"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda asked: {**asked, "checkpoint": "http://hk.localhost:1/checkpoints/east"}, "border_token_not_for_us"),
        (lambda asked: {**asked, "direction": "entry"}, "border_token_not_for_us"),
        (lambda asked: {**asked, "holder": keys.generate("ES256").public}, "border_token_not_for_us"),
        (lambda asked: {**asked, "signer": keys.generate("ES256")}, "border_token_untrusted"),
        (lambda asked: {**asked, "iss": "http://mo.localhost:1"}, "border_token_untrusted"),
        (lambda asked: {**asked, "form": "jwt"}, "border_token_untrusted"),
        (lambda asked: {**asked, "nbf": clock.now() + 600, "iat": clock.now() + 600}, "border_token_not_for_us"),
        (lambda asked: {**asked, "exp": clock.now() - 60, "nbf": clock.now() - 600, "iat": clock.now() - 600},
         "border_token_not_for_us"),
    ],
)  # fmt: skip
def test_a_border_token_that_is_not_the_one_asked_for(world: World, change: Any, code: str) -> None:
    """Invalid solely because of the one claim, key or form that was changed."""
    world.authority.changes["border_token"] = change
    world.grant()
    assert _code(world.token) == code
    assert world.phone.store.tokens(now=clock.now()) == []


def test_no_token_without_consent(world: World) -> None:
    assert _code(world.token) == "consent_needed"
    world.grant()
    other = "http://hk.localhost:1/checkpoints/east"
    fetch = world.phone.fetch
    assert _code(lambda: fetch(checkpoint=other, direction="exit", form="cwt", now=clock.now())) == "consent_needed"
    late = clock.now() + 601  # the access token has ended
    assert (
        _code(lambda: fetch(checkpoint=world.authority.checkpoint, direction="exit", form="cwt", now=late))
        == "consent_needed"
    )


def test_one_holder_key_for_each_receiving_authority(world: World) -> None:
    """Two authorities that compare tokens must not find the same key."""
    world.grant()
    world.token("cwt", "exit")
    world.token("jwt", "entry")
    world.phone.fetch(
        checkpoint="http://cn.localhost:9/checkpoints/bay", direction="entry", form="cwt", now=clock.now()
    )
    here, again, there = (keys.thumbprint(body["holder_key"]) for _, body in world.authority.received)
    assert here == again
    assert here != there
    assert world.phone.keyring.device.public.thumbprint not in (here, there)


@pytest.mark.parametrize("checkpoint", ["", "http://hk.localhost:1", "/checkpoints/a", "http://a/checkpoints/a/b"])
def test_a_checkpoint_of_nobody(checkpoint: str) -> None:
    assert _code(lambda: obtain.receiving_authority(checkpoint)) == "invalid_target"


def test_only_what_the_messenger_may_know_reaches_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither code, access token nor border token passes through the messenger."""
    bodies: list[str] = []
    sign = world.messenger.sign

    def spy(body: Any, **rest: Any) -> Any:
        bodies.append(str(body))
        return sign(body, **rest)

    monkeypatch.setattr(world.messenger, "sign", spy)
    grant = world.grant()
    token = world.token("jwt")
    codes = [pushed.code for pushed in world.authority.pushed.values()]
    assert len(bodies) >= 2
    for secret in (*codes, grant.access_token, token.body, DOCUMENT):
        assert not any(secret in body for body in bodies)
