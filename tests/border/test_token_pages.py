"""Travellers take their own border tokens back by their account, and nobody else's."""

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from idp.accounts.models import Guardianship, Traveller
from idp.border.models import IssuedToken
from idp.protocol.status_list import INVALID
from tests.border.test_revocation import status
from tests.border.world import World

PAGE = "/account/border-tokens"


@pytest.fixture
def browser(world: World, monkeypatch: pytest.MonkeyPatch) -> Client:
    """The traveller's, logged in."""
    from idp.accounts import sessions
    from idp.accounts.sessions import Authenticated

    def known(request: Any) -> Authenticated:
        return Authenticated(
            account=world.traveller.account,
            traveller=world.traveller,
            acr=sessions.ACR_PASSWORD,
            amr=("pwd",),
            auth_time=world.now,
            sid="s",
        )

    monkeypatch.setattr(sessions, "authentication", known)
    return Client(headers={"host": "hk.localhost"})


@pytest.fixture
def tokens(world: World) -> list[IssuedToken]:
    for _ in range(2):
        assert world.ask().status_code == 201
    return [*IssuedToken.objects.order_by("pk")]


def _press(browser: Client, **form: str) -> HttpResponse:
    return browser.post(f"{PAGE}/revoke", form, follow=True)


def test_the_page_shows_what_is_good_now(world: World, browser: Client, tokens: list[IssuedToken]) -> None:
    IssuedToken.objects.filter(pk=tokens[0].pk).update(revoked_at=1, revoked_for="holder")
    shown = browser.get(PAGE)
    assert "no-store" in shown["Cache-Control"]
    assert tokens[1].jti in shown.content.decode()
    assert tokens[0].jti not in shown.content.decode()
    assert PAGE in browser.get("/account/").content.decode(), "or nobody finds it"


def test_one_is_taken_back_and_the_other_stays(world: World, browser: Client, tokens: list[IssuedToken]) -> None:
    assert "1 border token was taken back." in _press(browser, jti=tokens[0].jti).content.decode()
    assert [status(world, token) for token in tokens] == [INVALID, 0]
    row = IssuedToken.objects.get(pk=tokens[0].pk)
    assert (row.revoked_by, row.revoked_for) == (f"traveller:{world.traveller.pk}", "holder")
    assert "no such border token" in _press(browser, jti=tokens[0].jti).content.decode()


def test_all_are_taken_back(world: World, browser: Client, tokens: list[IssuedToken]) -> None:
    assert "2 border tokens were taken back." in _press(browser).content.decode()
    assert [status(world, token) for token in tokens] == [INVALID, INVALID]


@pytest.mark.parametrize("jti", ["", "\0", "A" * 22])
def test_a_token_that_is_none_takes_nothing_back(
    world: World, browser: Client, tokens: list[IssuedToken], jti: str
) -> None:
    """invalid solely because no token has this identifier: an empty one must not mean all."""
    _press(browser, jti=jti)
    assert [status(world, token) for token in tokens] == [0, 0]


def test_anothers_token_is_neither_shown_nor_taken_back(
    world: World, browser: Client, tokens: list[IssuedToken]
) -> None:
    """invalid solely because the tokens are another traveller's."""
    IssuedToken.objects.update(traveller=world.person("siu", "B7654321")[0])
    assert tokens[0].jti not in browser.get(PAGE).content.decode()
    _press(browser, jti=tokens[0].jti)
    _press(browser)
    assert [status(world, token) for token in tokens] == [0, 0]


def test_the_tokens_of_a_child_are_its_guardians_to_take_back(
    world: World, browser: Client, tokens: list[IssuedToken]
) -> None:
    child = Traveller.objects.create(account=None, ward_since=world.now)
    world.give(child, "C7654321", birth_date=world.document.birth_date.replace(year=2020))
    IssuedToken.objects.filter(pk=tokens[0].pk).update(traveller=child)
    _press(browser, jti=tokens[0].jti)
    assert status(world, tokens[0]) == 0
    facts = {"guardian": world.traveller, "ward": child, "consented_at": world.now, "began_at": world.now}
    Guardianship.objects.create(**facts)
    _press(browser, jti=tokens[0].jti)
    assert status(world, tokens[0]) == INVALID


def test_nobody_takes_tokens_back_without_a_session(world: World, tokens: list[IssuedToken]) -> None:
    assert world.machine.post(f"{PAGE}/revoke").status_code == 302
    assert world.machine.get(PAGE).status_code == 302
    assert [status(world, token) for token in tokens] == [0, 0]
