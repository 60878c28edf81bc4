"""How a response reaches the client: query, form_post, and signed (JARM)."""

import re
from html import unescape

import pytest
from django.http import HttpResponse

from idp.federation import signing
from idp.oidc import responses
from idp.protocol import jws
from tests.oidc.basic_party import BasicParty
from tests.oidc.world import CALLBACK, NODE, World, answer

FIELD = re.compile(r'name="(\w+)" value="([^"]*)"')


def posted(response: HttpResponse) -> dict[str, str]:
    """The fields of the page that posts itself to the client."""
    page = response.content.decode()
    form = page[page.index(f'action="{CALLBACK}"') :].partition("</form>")[0]
    assert response.status_code == 200
    return {name: unescape(value) for name, value in FIELD.findall(form)}


def opened(text: str, now: int) -> dict[str, object]:
    return jws.verify(text, responses.JARM, signing.published("oidc"), now=now).claims


def test_form_post_carries_code_state_and_issuer(basic: BasicParty) -> None:
    basic.world.log_in()
    response = basic.decide(basic.kept(response_mode="form_post"))
    fields = posted(response)
    assert set(fields) == {"code", "state", "iss"} and fields["iss"] == NODE
    assert basic.redeem(fields["code"]).status_code == 200
    assert "https://messenger.example" in response["Content-Security-Policy"]
    assert response["Cache-Control"].startswith("max-age=0")


def test_form_post_escapes_what_the_client_sent(basic: BasicParty) -> None:
    """A state with markup becomes a part of our page."""
    basic.world.log_in()
    state = '"><script>alert(1)</script>'
    response = basic.decide(basic.kept(response_mode="form_post", state=state))
    assert posted(response)["state"] == state and b"<script>alert" not in response.content


def test_error_goes_the_same_way(basic: BasicParty) -> None:
    basic.world.log_in()
    assert posted(basic.decide(basic.kept(response_mode="form_post"), decision="deny"))["error"] == "access_denied"


@pytest.mark.parametrize("mode", ["jwt", "query.jwt"])
def test_signed_response_says_who_and_for_whom(basic: BasicParty, mode: str) -> None:
    """JARM §2.1, §2.4: without aud a code could be handed to another client."""
    basic.world.log_in()
    got = answer(basic.decide(basic.kept(response_mode=mode)))
    assert set(got) == {"response"}
    claims = opened(got["response"], basic.world.now)
    assert (claims["iss"], claims["aud"], claims["state"]) == (NODE, "basic-party", "s-1")
    assert claims["exp"] == basic.world.now + responses.JARM_LIFETIME
    assert basic.redeem(str(claims["code"])).status_code == 200


def test_signed_response_by_form(basic: BasicParty) -> None:
    basic.world.log_in()
    fields = posted(basic.decide(basic.kept(response_mode="form_post.jwt")))
    assert set(fields) == {"response"} and opened(fields["response"], basic.world.now)["code"]


def test_signed_error_of_a_bad_request(basic: BasicParty) -> None:
    """JARM §2.2: errors are signed too, also those found before anybody logs in."""
    got = answer(basic.ask(response_mode="jwt", prompt="none login"))
    assert opened(got["response"], basic.world.now)["error"] == "invalid_request"


def test_wallets_responses_are_signed_with_a_modern_algorithm(world: World) -> None:
    """FAPI 2.0 Message Signing §5.4: never RS256."""
    world.log_in()
    got = answer(world.decide(world.pushed(world.messenger.request(response_mode="jwt"))))
    verified = jws.verify(got["response"], responses.JARM, signing.published("oidc"), now=world.now)
    assert verified.header["alg"] == "ES256"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://a.example/cb", "https://a.example/cb?a=1+2"),
        ("https://a.example/cb?x=y", "https://a.example/cb?x=y&a=1+2"),
        ("com.example.app:/cb", "com.example.app:/cb?a=1+2"),
    ],
)
def test_parameters_come_behind_what_the_redirect_uri_has(uri: str, expected: str) -> None:
    """RFC 6749 §4.1.2: the query component of the redirect URI is kept."""
    assert responses.with_query(uri, {"a": "1 2"}) == expected
