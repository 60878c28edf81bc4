"""Logout that a client asks for (OpenID Connect RP-Initiated Logout 1.0, row 67)."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client as Browser

from idp.accounts.models import Account, Traveller
from idp.federation import signing
from idp.oidc import tokens
from idp.protocol import jws, keys
from tests.oidc.basic_party import BasicParty
from tests.oidc.world import NODE, World

AFTER = "https://messenger.example/bye"
PATH = "/oidc/logout"


@pytest.fixture
def party(basic: BasicParty) -> BasicParty:
    basic.says(post_logout_redirect_uris=[AFTER, "https://messenger.example/bye?from=hk"])
    return basic


def leave(party: BasicParty, **query: Any) -> HttpResponse:
    return party.world.browser.get(PATH, query)


def logged_in(world: World) -> bool:
    return world.browser.get("/account/").status_code == 200


def is_error_page(response: HttpResponse) -> bool:
    return response.status_code == 400 and b"invalid_request" in response.content


def test_own_id_token_of_this_session_logs_out_at_once(world: World, party: BasicParty) -> None:
    """The client's page may send the browser here without a page in between, and gets its state back."""
    hint = party.tokens()["id_token"]
    response = leave(party, id_token_hint=hint, post_logout_redirect_uri=AFTER, state="a&b")
    assert (response.status_code, response["Location"]) == (303, f"{AFTER}?state=a%26b")
    assert not logged_in(world)


def test_registered_query_stays_in_front_of_the_state(world: World, party: BasicParty) -> None:
    """A query that was registered belongs to the URI."""
    uri, hint = "https://messenger.example/bye?from=hk", party.tokens()["id_token"]
    response = leave(party, id_token_hint=hint, post_logout_redirect_uri=uri, state="s")
    assert parse_qs(urlsplit(response["Location"]).query) == {"from": ["hk"], "state": ["s"]}


def test_expired_id_token_serves_as_a_hint(world: World, party: BasicParty, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hint is no credential: it expires after minutes and a session lasts for hours."""
    hint = party.tokens()["id_token"]
    monkeypatch.setattr("idp.clock.now", lambda: world.now + 86_400)
    assert leave(party, id_token_hint=hint, post_logout_redirect_uri=AFTER)["Location"] == AFTER


@pytest.mark.parametrize("query", [{}, {"state": "s"}, {"client_id": "basic-party"}, {"unknown": "x"}])
def test_without_a_hint_the_traveller_is_asked(world: World, party: BasicParty, query: dict[str, str]) -> None:
    """A link on any page must not log a traveller out."""
    world.log_in()
    page = leave(party, **query)
    assert page.status_code == 200
    assert logged_in(world)
    token = page.context["csrf_token"]
    done = world.browser.post(f"{PATH}/confirm", {**query, "decision": "leave", "csrfmiddlewaretoken": token})
    assert done.status_code == 200
    assert "oidc/logged_out.html" in [template.name for template in done.templates]
    assert not logged_in(world)


def test_confirming_needs_the_page(world: World, party: BasicParty) -> None:
    """invalid solely because the CSRF token is missing."""
    world.log_in()
    assert world.browser.post(f"{PATH}/confirm", {"decision": "leave"}).status_code == 403
    assert logged_in(world)


def test_traveller_may_stay(world: World, party: BasicParty) -> None:
    """Whoever did not ask for it is not logged out; and nobody is told by a redirect who is logged in."""
    world.log_in()
    query = {"client_id": party.client_id, "post_logout_redirect_uri": AFTER}
    page = leave(party, **query)
    form = {**query, "decision": "stay", "csrfmiddlewaretoken": page.context["csrf_token"]}
    assert world.browser.post(f"{PATH}/confirm", form)["Location"] == "/account/"
    assert logged_in(world)


def test_confirmed_logout_goes_on_to_the_client(world: World, party: BasicParty) -> None:
    """The content security policy of the page must let the form's redirect through."""
    world.log_in()
    query = {"client_id": party.client_id, "post_logout_redirect_uri": AFTER, "state": "s"}
    page = leave(party, **query)
    assert "form-action 'self' https://messenger.example" in page["Content-Security-Policy"]
    form = {**page.context["fields"], "decision": "leave", "csrfmiddlewaretoken": page.context["csrf_token"]}
    assert world.browser.post(f"{PATH}/confirm", form)["Location"] == f"{AFTER}?state=s"
    assert not logged_in(world)


def test_hint_alone_ends_on_our_page(world: World, party: BasicParty) -> None:
    """No URI to go to: the traveller reads here that it is done."""
    response = leave(party, id_token_hint=party.tokens()["id_token"])
    assert (response.status_code, "oidc/logged_out.html" in [t.name for t in response.templates]) == (200, True)
    assert not logged_in(world)


@pytest.mark.parametrize(
    "uri",
    ["https://evil.example/", AFTER + "?x=1", AFTER + "/", AFTER + "#", AFTER.replace("https", "http"), AFTER.upper()],
)
def test_unregistered_uri_is_an_error_page(world: World, party: BasicParty, uri: str) -> None:
    """invalid solely because the URI is not one of the registered, character by character (row 67)."""
    hint = party.tokens()["id_token"]
    assert is_error_page(leave(party, id_token_hint=hint, post_logout_redirect_uri=uri))
    assert logged_in(world)


def test_uri_of_nobody_is_an_error_page(world: World, party: BasicParty) -> None:
    """invalid solely because neither hint nor client_id says whose URI it is."""
    world.log_in()
    assert is_error_page(leave(party, post_logout_redirect_uri=AFTER, state="s"))
    assert logged_in(world)


def test_hint_that_is_not_ours_is_an_error_page(world: World, party: BasicParty) -> None:
    """invalid solely because of its signature, its issuer, or because it is no token (row 67)."""
    hint = party.tokens()["id_token"]
    head, body, signature = hint.split(".")
    foreign = jws.sign(
        tokens.ID_TOKEN,
        {"iss": NODE, "sub": "x", "aud": party.client_id, "exp": world.now, "iat": world.now},
        keys.generate(),
    )
    abroad = jws.sign(
        tokens.ID_TOKEN,
        {"iss": "https://other.example", "sub": "x", "aud": party.client_id, "exp": world.now, "iat": world.now},
        signing.signer("oidc", algorithm="ES256"),
    )
    for bad in (f"{head}.{body}.{'A' * len(signature)}", f"{head}.{body[:-4]}AAAA.{signature}", "x", foreign, abroad):
        assert is_error_page(leave(party, id_token_hint=bad, post_logout_redirect_uri=AFTER)), bad
    assert logged_in(world)


def test_access_token_is_no_hint(world: World, party: BasicParty) -> None:
    """invalid solely because it is a token of another kind."""
    assert is_error_page(leave(party, id_token_hint=party.tokens()["access_token"]))


def test_hint_of_another_client_is_an_error_page(world: World, party: BasicParty) -> None:
    """invalid solely because client_id names another than the hint was issued to (§2)."""
    hint = party.tokens()["id_token"]
    assert is_error_page(leave(party, id_token_hint=hint, client_id="other"))


def test_disabled_client_sends_nobody_anywhere(world: World, party: BasicParty) -> None:
    """invalid solely because an officer stopped the client."""
    hint = party.tokens()["id_token"]
    type(party.row).objects.update(disabled=True)
    assert is_error_page(leave(party, id_token_hint=hint, post_logout_redirect_uri=AFTER))


def test_parameter_that_stands_twice_is_an_error_page(world: World, party: BasicParty) -> None:
    """invalid solely because state stands twice: two readers would read two values."""
    assert is_error_page(world.browser.get(f"{PATH}?state=a&state=b"))


@pytest.mark.parametrize("again", ["another session", "another traveller"])
def test_hint_of_another_session_asks_first(world: World, party: BasicParty, again: str) -> None:
    """A client that knew the traveller once must not log the present session out without a word."""
    hint = party.tokens()["id_token"]
    other = Browser(enforce_csrf_checks=True)
    world.browser = other
    account = None
    if again == "another traveller":
        account = Account.objects.create_user("jun", "a long enough password")
        Traveller.objects.create(account=account)
    world.log_in(account=account)
    assert leave(party, id_token_hint=hint, post_logout_redirect_uri=AFTER).status_code == 200
    assert logged_in(world)


def test_nobody_logged_in_is_not_asked(world: World, party: BasicParty) -> None:
    """There is nothing to end, so the browser goes on at once."""
    query = {"client_id": party.client_id, "post_logout_redirect_uri": AFTER}
    assert leave(party, **query)["Location"] == AFTER
    assert b"logged out" in leave(party).content


def test_posted_request_comes_back_with_the_cookie(world: World, party: BasicParty) -> None:
    """A form of another site comes without our cookie (SameSite=Lax); the GET that follows has it."""
    hint = party.tokens()["id_token"]
    response = world.browser.post(PATH, {"id_token_hint": hint, "state": "s"}, headers={"origin": "https://rp.example"})
    assert response.status_code == 400  # multipart is no form of this protocol
    kind = "application/x-www-form-urlencoded"
    response = world.browser.post(PATH, f"id_token_hint={hint}&state=s", content_type=kind)
    assert (response.status_code, response["Location"]) == (303, f"{PATH}?id_token_hint={hint}&state=s")
    assert logged_in(world)
    assert world.browser.get(response["Location"]).status_code == 200
    assert not logged_in(world)


def test_page_speaks_the_language_that_the_client_asks_for(world: World, party: BasicParty) -> None:
    """ui_locales; the client's name in that language stands in it."""
    party.says(**{"client_name#pt": "Clínica"})
    world.log_in()
    page = leave(party, client_id=party.client_id, ui_locales="xx pt").content.decode()
    assert '<html lang="pt">' in page
    assert "Clínica" in page


def test_discovery_names_the_endpoint(world: World) -> None:
    """A client looks for it there."""
    document = world.machine.get("/.well-known/openid-configuration").json()
    assert document["end_session_endpoint"] == NODE + PATH
    assert document["backchannel_logout_supported"] is document["backchannel_logout_session_supported"] is True
