"""The passkey endpoints as the script of our pages calls them."""

import pytest
from django.test import Client

from idp.accounts.models import Account, Passkey, Traveller
from idp.audit.models import AuditEvent
from idp.demo.authenticator import Authenticator
from tests.accounts.people import HOST, ORIGIN, Browser, traveller

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser() -> Browser:
    return Browser()


def test_registering_makes_a_traveller_who_is_logged_in_strongly(browser: Browser, now: int) -> None:
    answer = browser.register("Siu.Ming", next="/oidc/authorize?a=b")
    assert (answer.status_code, answer.json()) == (201, {"next": "/oidc/authorize?a=b"})
    account = Account.objects.get(username="siu.ming")
    assert account.traveller and account.kind == "traveller" and not account.has_usable_password()
    facts = browser.client.session["causeway_authentication"]
    assert len(facts.pop("sid")) == 43
    assert facts == {"acr": "urn:causeway:acr:mfa", "amr": ["hwk", "user", "mfa"], "at": now}
    assert {"accounts.registered", "accounts.logged_in"} <= set(AuditEvent.objects.values_list("kind", flat=True))


def test_logging_in_with_the_passkey_finds_the_account_by_itself(browser: Browser) -> None:
    browser.register()
    again = Browser(browser.authenticator)
    answer = again.login(next="https://evil.example/")
    assert (answer.status_code, answer.json()) == (200, {"next": "/account/"})
    assert again.client.get("/account/").status_code == 200
    assert Passkey.objects.get().last_used_at is not None


def test_a_login_gives_the_session_a_new_key_and_forgets_the_old_contents(browser: Browser) -> None:
    """Session fixation: the key that an attacker planted before the login is worth nothing after it."""
    browser.register()
    victim = Browser(browser.authenticator)
    victim.options("login")
    session = victim.client.session
    session["planted"] = "x"
    session.save()
    before = session.session_key
    assert victim.login().status_code == 200
    assert victim.client.session.session_key != before
    assert "planted" not in victim.client.session
    attacker = Client(headers={"host": HOST})
    attacker.cookies["session"] = before
    assert attacker.get("/account/").status_code == 302


def test_a_name_that_is_taken_is_refused_before_a_passkey_is_made(browser: Browser) -> None:
    traveller("siu.ming")
    answer = browser.post("/account/passkeys/register/options", {"username": "SIU.MING"})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_a_name_taken_while_the_passkey_was_made_leaves_nothing_behind(browser: Browser) -> None:
    options = browser.options("register", username="siu.ming")
    traveller("siu.ming")
    answer = browser.post("/account/passkeys/register", {"credential": browser.authenticator.create(options)})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert Account.objects.count() == Traveller.objects.count() == 1
    assert not Passkey.objects.exists()


@pytest.mark.parametrize("name", ["ab", "a" * 65, "name with space", "", 7, None, "<script>"])
def test_a_name_that_is_none_is_an_invalid_request(browser: Browser, name: object) -> None:
    assert browser.post("/account/passkeys/register/options", {"username": name}).status_code == 400


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"{", "application/json", "invalid_request"),
        (b"[]", "application/json", "invalid_request"),
        (b'{"a":1,"a":2}', "application/json", "invalid_request"),
        (b"{}", "text/plain", "unsupported_media_type"),
        (b'{"x":"' + b"x" * 70_000 + b'"}', "application/json", "too_large"),
    ],
)
@pytest.mark.parametrize("path", ["register/options", "register", "add/options", "add", "login/options", "login"])
def test_a_body_that_is_none_is_a_problem_document(path: str, body: bytes, content_type: str, code: str) -> None:
    answer = Client(headers={"host": HOST}).post(f"/account/passkeys/{path}", body, content_type=content_type)
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == code


def test_the_endpoints_want_the_token_of_a_page_of_ours() -> None:
    """Login CSRF: invalid solely because the CSRF token is missing."""
    browser = Browser(enforce_csrf_checks=True)
    assert browser.post("/account/passkeys/login/options", {}).status_code == 403
    browser.client.get("/account/login")
    token = browser.client.cookies["csrf"].value
    answer = browser.post("/account/passkeys/login/options", {}, headers={"X-CSRFToken": token})
    assert answer.status_code == 200


def test_only_posts_are_answered(browser: Browser) -> None:
    assert browser.client.get("/account/passkeys/login/options").status_code == 405


def test_a_passkey_guesser_is_throttled_and_others_are_not(browser: Browser) -> None:
    browser.register()
    stranger = Browser(Authenticator(origin=ORIGIN))
    stranger.authenticator.credentials = [*browser.authenticator.credentials]
    codes = []
    for _ in range(7):
        credential = stranger.assertion()
        credential["response"]["signature"] = "AAAA"
        codes.append(stranger.post("/account/passkeys/login", {"credential": credential}).json()["code"])
    assert codes[0] == "invalid_proof"
    assert codes[-1] == "rate_limited"
    other = Browser()
    other.register("somebody.else")
    assert Browser(other.authenticator).login().status_code == 200


def test_a_copied_passkey_leaves_a_trace_for_an_officer(browser: Browser) -> None:
    browser.register()
    Passkey.objects.update(sign_count=50)
    answer = Browser(browser.authenticator).login()
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_proof")
    assert AuditEvent.objects.filter(kind="accounts.passkey_counter_went_back").count() == 1


def test_an_officer_s_passkey_does_not_open_the_travellers_pages(browser: Browser) -> None:
    browser.register()
    Account.objects.update(kind="officer")
    assert Browser(browser.authenticator).login().json()["code"] == "invalid_proof"


def test_confirming_asks_for_a_passkey_of_the_same_account(browser: Browser) -> None:
    browser.register("first")
    allowed = browser.options("login")["allowCredentials"]
    assert [item["id"] for item in allowed] == [browser.assertion()["id"]]


# ---- more passkeys


def add(browser: Browser, authenticator: Authenticator, **body: object) -> object:
    options = browser.options("add")
    return browser.post("/account/passkeys/add", {"credential": authenticator.create(options), **body})


def test_adding_to_an_account_without_any_makes_the_session_strong(browser: Browser) -> None:
    traveller()
    browser.login_by_password()
    answer = add(browser, browser.authenticator, name="Phone")
    assert answer.status_code == 201  # type: ignore[attr-defined]
    assert Passkey.objects.get().name == "Phone"
    assert browser.client.session["causeway_authentication"]["acr"] == "urn:causeway:acr:mfa"


def test_a_stolen_password_does_not_add_a_passkey_to_an_account_that_has_one(browser: Browser) -> None:
    """Invalid solely because the session rests on a password."""
    traveller()
    browser.login_by_password()
    add(browser, browser.authenticator)
    thief = Browser(Authenticator(origin=ORIGIN))
    thief.login_by_password()
    answer = thief.post("/account/passkeys/add/options", {})
    assert (answer.status_code, answer.json()["code"]) == (401, "insufficient_user_authentication")


def test_an_old_session_does_not_add_a_passkey(browser: Browser, monkeypatch: pytest.MonkeyPatch, now: int) -> None:
    """Invalid solely because the login was 901 seconds ago."""
    browser.register()
    monkeypatch.setattr("idp.clock.now", lambda: now + 900)
    assert browser.post("/account/passkeys/add/options", {}).status_code == 200
    monkeypatch.setattr("idp.clock.now", lambda: now + 901)
    assert browser.post("/account/passkeys/add/options", {}).status_code == 401


def test_adding_needs_somebody_logged_in(browser: Browser) -> None:
    assert browser.post("/account/passkeys/add/options", {}).status_code == 401
    assert browser.post("/account/passkeys/add", {"credential": {}}).status_code == 401


def test_a_device_is_told_that_it_has_a_passkey_already(browser: Browser) -> None:
    browser.register()
    excluded = browser.options("add")["excludeCredentials"]
    assert len(excluded) == 1


def test_one_passkey_cannot_belong_to_two_accounts(browser: Browser) -> None:
    """Invalid solely because the credential ID is known already (WebAuthn §7.1)."""
    browser.register("first")
    other = Browser(Authenticator(origin=ORIGIN))
    options = other.options("register", username="second")
    credential = other.authenticator.create(options)
    Passkey.objects.update(credential_id=other.authenticator.credentials[0].id)
    answer = other.post("/account/passkeys/register", {"credential": credential})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert not Account.objects.filter(username="second").exists()


def test_there_is_an_end_to_passkeys(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idp.accounts.passkeys.MAX_PASSKEYS", 1)
    browser.register()
    answer = add(browser, Authenticator(origin=ORIGIN))
    assert answer.status_code == 409  # type: ignore[attr-defined]
