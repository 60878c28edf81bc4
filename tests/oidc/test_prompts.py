"""prompt, max_age, hints, levels and languages: what the client may ask of the login (OpenID Connect Core §3.1.2.1)."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpResponse

from idp.accounts import sessions
from idp.accounts.models import Account, Traveller
from idp.federation import signing
from idp.oidc import tokens
from idp.oidc.models import PushedRequest
from idp.protocol import jws
from tests.oidc.basic_party import BasicParty
from tests.oidc.world import World, answer


def login_query(response: HttpResponse) -> dict[str, str]:
    assert response.status_code == 303
    parts = urlsplit(response["Location"])
    assert parts.path == "/account/login", response["Location"]
    return {name: values[0] for name, values in parse_qs(parts.query).items()}


def another(world: World) -> Account:
    account = Account.objects.create_user("jun", "a long enough password")
    Traveller.objects.create(account=account)
    return account


def test_silent_request_without_session(basic: BasicParty) -> None:
    assert answer(basic.next(prompt="none"))["error"] == "login_required"


def test_silent_request_before_consent(basic: BasicParty) -> None:
    basic.world.log_in()
    assert answer(basic.next(prompt="none"))["error"] == "consent_required"


def test_silent_request_after_consent(basic: BasicParty) -> None:
    """Single sign-on: agreed to before, logged in still."""
    basic.tokens()
    assert "code" in answer(basic.next(prompt="none"))


def test_silent_request_for_more_than_was_agreed_to(basic: BasicParty) -> None:
    """invalid solely because of a scope that the traveller has not seen."""
    basic.tokens()
    assert answer(basic.next(prompt="none", scope="openid email"))["error"] == "consent_required"


def test_consent_is_asked_once(basic: BasicParty) -> None:
    basic.tokens()
    assert "code" in answer(basic.next())
    assert basic.next(prompt="consent").status_code == 200


def test_refused_consent_is_not_remembered(basic: BasicParty) -> None:
    basic.world.log_in()
    basic.decide(basic.kept(), decision="deny")
    assert basic.next().status_code == 200


def test_consent_to_one_client_is_not_consent_to_another(basic: BasicParty) -> None:
    basic.tokens()
    basic.row.pk, basic.row.client_id = None, "second"
    basic.row.save()
    basic.client_id = "second"
    assert basic.next().status_code == 200


@pytest.mark.parametrize("prompt", ["login", "select_account"])
def test_prompt_asks_again_once(basic: BasicParty, prompt: str) -> None:
    """invalid solely because the session is older than the request; a login after it is enough."""
    world = basic.world
    basic.tokens()
    world.log_in(at=world.now - 5)
    uri = basic.kept(prompt=prompt)
    login_query(world.open(uri, client_id=basic.client_id))
    world.log_in(at=world.now)
    assert "code" in answer(basic.decide(uri))


def test_max_age_asks_again(basic: BasicParty) -> None:
    basic.world.log_in(at=basic.world.now - 100)
    login_query(basic.next(max_age="10"))
    assert basic.next(max_age="10000").status_code == 200


def test_login_hint_reaches_the_login_page(basic: BasicParty) -> None:
    query = login_query(basic.next(login_hint="mei"))
    page = basic.world.browser.get("/account/login", query)
    assert b'value="mei"' in page.content


def test_level_that_is_essential_is_asked_for(basic: BasicParty) -> None:
    """Core §5.5.1.1: acr as an essential claim; a voluntary one would be met by the password."""
    basic.world.log_in(acr=sessions.ACR_PASSWORD)
    claims = {"id_token": {"acr": {"essential": True, "values": [sessions.ACR_MULTIFACTOR]}}}
    assert login_query(basic.next(claims=json.dumps(claims)))["acr"] == sessions.ACR_MULTIFACTOR
    assert basic.next().status_code == 200


def test_levels_that_are_unknown_and_voluntary_are_ignored(basic: BasicParty) -> None:
    basic.world.log_in()
    assert basic.next(acr_values="1 2").status_code == 200


class TestHints:
    """id_token_hint: the client says whom it expects."""

    def hint(self, basic: BasicParty, **changes: Any) -> str:
        parsed = jws.parse_unverified(basic.tokens()["id_token"], tokens.ID_TOKEN)
        return jws.sign(tokens.ID_TOKEN, {**parsed.claims, **changes}, signing.signer("oidc", algorithm="RS256"))

    def test_same_person_goes_on(self, basic: BasicParty) -> None:
        assert "code" in answer(basic.next(prompt="none", id_token_hint=self.hint(basic)))

    def test_expired_hint_is_good(self, basic: BasicParty) -> None:
        """Core §3.1.2.1: the client need not have a fresh one."""
        old = {"iat": basic.world.now - 9000, "exp": basic.world.now - 8000}
        assert "code" in answer(basic.next(prompt="none", id_token_hint=self.hint(basic, **old)))

    def test_another_person_is_asked_to_log_in(self, basic: BasicParty) -> None:
        """invalid solely because somebody else is logged in (row 67)."""
        hint = self.hint(basic)
        basic.world.log_in(account=another(basic.world))
        assert answer(basic.next(prompt="none", id_token_hint=hint))["error"] == "login_required"
        login_query(basic.next(id_token_hint=hint))

    @pytest.mark.parametrize("changes", [{"iss": "https://other.example"}, {"aud": "another-client"}])
    def test_hint_of_others_is_refused(self, basic: BasicParty, changes: dict[str, Any]) -> None:
        """invalid solely because the id token is another provider's or another client's."""
        assert answer(basic.ask(id_token_hint=self.hint(basic, **changes)))["error"] == "invalid_request"

    def test_access_token_is_no_hint(self, basic: BasicParty) -> None:
        """invalid solely because of its type (RFC 8725 §3.11)."""
        assert answer(basic.ask(id_token_hint=basic.tokens()["access_token"]))["error"] == "invalid_request"


def test_subject_as_a_claim_with_a_value_is_expected(basic: BasicParty) -> None:
    """Core §5.5.1: sub with a value; nobody else's login will do."""
    sub = jws.parse_unverified(basic.tokens()["id_token"], tokens.ID_TOKEN).claims["sub"]
    asked = json.dumps({"id_token": {"sub": {"value": sub}}})
    assert "code" in answer(basic.next(prompt="none", claims=asked))
    basic.world.log_in(account=another(basic.world))
    assert answer(basic.next(prompt="none", claims=asked))["error"] == "login_required"


@pytest.mark.parametrize(("asked", "language"), [("xx zh-Hant en", "zh-hant"), ("pt-BR", "pt"), ("xx", None)])
def test_pages_speak_the_language_asked_for(basic: BasicParty, asked: str, language: str | None) -> None:
    response = basic.next(ui_locales=asked)
    login_query(response)
    cookie = response.cookies.get("django_language")
    assert (cookie.value if cookie else None) == language


def test_what_the_client_need_not_know_is_not_kept(basic: BasicParty) -> None:
    """The hint's text is an id token; only whom it names is needed."""
    hint = basic.tokens()["id_token"]
    basic.kept(id_token_hint=hint)
    assert hint not in json.dumps(PushedRequest.objects.latest("pk").parameters)
