"""What must not happen in the browser: another's request, an old page, a weak login, a click that was not meant."""

import re
from typing import Any

import pytest

from idp.accounts.models import Account
from idp.accounts.sessions import ACR_PASSWORD
from idp.oidc.models import AuthorizationCode, Grant, PushedRequest
from tests.oidc.world import NODE, Messenger, World, answer
from tests.simulators.federation import REMOVE


def code_on(page: Any) -> str:
    """The error code that an error page shows; a page and never a redirect."""
    assert "Location" not in page
    found = re.search(r"<code>([a-z_]+)</code>", page.content.decode())
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"request_uri": REMOVE}, "invalid_request"),
        ({"client_id": REMOVE}, "invalid_request"),
        ({"request_uri": REMOVE, "request": "eyJ.a.b"}, "invalid_request_object"),
        ({"request": "eyJ.a.b"}, "invalid_request"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:guessed"}, "invalid_request_uri"),
        ({"request_uri": "https://attacker.example/request.jwt"}, "request_uri_not_supported"),
        ({"request_uri": "http://169.254.169.254/"}, "request_uri_not_supported"),
        ({"client_id": "https://other.example"}, "invalid_request_uri"),
        ({"client_id": "https://messenger.example/"}, "invalid_request_uri"),
    ],
)
def test_request_that_was_not_pushed_so_ends_on_a_page(world: World, query: dict[str, Any], code: str) -> None:
    """invalid solely because of client_id or request_uri (rows 29, 35, 36, 38, 71)."""
    world.log_in()
    sent = {"client_id": world.messenger.client_id, "request_uri": world.pushed(), **query}
    sent["redirect_uri"] = "https://attacker.example/cb"
    page = world.browser.get("/oidc/authorize", {name: value for name, value in sent.items() if value is not REMOVE})
    assert code_on(page) == code
    assert page.status_code == 400 and "https://attacker" not in page.content.decode()


def test_parameters_beside_the_request_uri_are_ignored(world: World) -> None:
    """FAPI 2.0 §5.3.2.2: only what was pushed counts."""
    world.log_in()
    page = world.open(world.pushed(), redirect_uri="https://attacker.example/cb", scope="admin")
    assert page.status_code == 200 and "https://attacker" not in page.content.decode()
    assert "attacker" not in page["Content-Security-Policy"]


def test_parameter_that_stands_twice_ends_on_a_page(world: World) -> None:
    """invalid solely because client_id stands twice."""
    page = world.browser.get(f"/oidc/authorize?client_id=a&client_id=b&request_uri={world.pushed()}")
    assert code_on(page) == "invalid_request"


def test_expired_request_uri_ends_on_a_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """invalid solely because 90 seconds passed before anybody opened it (row 36)."""
    uri = world.pushed()
    world.log_in()
    monkeypatch.setattr("idp.clock.now", lambda: world.now + 90)
    assert code_on(world.open(uri)) == "invalid_request_uri"


def test_time_to_log_in_and_read_is_given_and_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A traveller needs minutes; a page left open for ten is dead."""
    uri = world.pushed()
    world.open(uri)
    world.log_in()
    monkeypatch.setattr("idp.clock.now", lambda: world.now + 479)
    assert world.open(uri).status_code == 200
    monkeypatch.setattr("idp.clock.now", lambda: world.now + 480)
    assert code_on(world.decide(uri)) == "invalid_request_uri"


def test_reload_is_fine_and_a_second_completion_is_not(world: World) -> None:
    """invalid solely because the authorization was completed (row 36)."""
    uri = world.pushed()
    assert world.open(uri).status_code == world.open(uri).status_code == 303
    world.log_in()
    assert world.open(uri).status_code == world.open(uri).status_code == 200
    answer(world.decide(uri))
    assert code_on(world.open(uri)) == "invalid_request_uri"
    assert code_on(world.decide(uri)) == "invalid_request_uri"
    assert Grant.objects.count() == 1


def test_denied_request_cannot_be_allowed_afterwards(world: World) -> None:
    """invalid solely because the traveller said no before."""
    world.log_in()
    uri = world.pushed()
    answer(world.decide(uri, decision="deny"))
    assert code_on(world.decide(uri)) == "invalid_request_uri"
    assert not Grant.objects.exists()


def test_password_alone_does_not_reach_the_consent_page(world: World) -> None:
    """invalid solely because border_crossing needs two factors (row 60)."""
    world.log_in(acr=ACR_PASSWORD)
    page = world.open(world.pushed())
    assert page.status_code == 303 and page["Location"].startswith("/account/login?")
    assert "acr%3Amfa" in page["Location"]


def test_password_alone_is_enough_for_a_login(world: World) -> None:
    """Otherwise nobody without a passkey could log in anywhere."""
    world.log_in(acr=ACR_PASSWORD)
    assert world.open(world.pushed(world.messenger.request(authorization_details=REMOVE))).status_code == 200


def test_consent_form_without_the_session_gives_nothing(world: World) -> None:
    """invalid solely because the traveller was logged out, or logged in more weakly, before the form came."""
    world.log_in()
    uri = world.pushed()
    token = world.open(uri).context["csrf_token"]
    world.log_in(acr=ACR_PASSWORD)
    page = world.decide(uri, csrfmiddlewaretoken=str(token))
    assert page.status_code == 303 and page["Location"].startswith("/oidc/authorize?")
    assert not AuthorizationCode.objects.exists()


def test_consent_without_the_csrf_token_is_forbidden(world: World) -> None:
    """invalid solely because another site sent the form (row 73)."""
    world.log_in()
    uri = world.pushed()
    assert world.decide(uri, csrfmiddlewaretoken=REMOVE).status_code == 403
    assert world.decide(uri, csrfmiddlewaretoken="x" * 64).status_code == 403
    assert not Grant.objects.exists()


def test_consent_page_cannot_be_framed_or_kept(world: World) -> None:
    """A page under a transparent frame is allowed by whoever clicks through it (row 73)."""
    world.log_in()
    page = world.open(world.pushed())
    assert page["X-Frame-Options"] == "DENY" and "no-store" in page["Cache-Control"]
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert "form-action 'self' https://messenger.example;" in page["Content-Security-Policy"] + ";"


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_not_allowed(world: World, method: str) -> None:
    """invalid solely because of the method."""
    browser = type(world.browser)()
    assert getattr(browser, method)("/oidc/authorize").status_code == 405
    assert browser.get("/oidc/consent").status_code == 405


def test_client_name_is_text_and_not_markup(world: World) -> None:
    """invalid solely because the client calls itself a script."""
    world.messenger.entity.metadata["openid_relying_party"]["client_name"] = "<script>alert(1)</script>"
    world.log_in()
    page = world.open(world.pushed()).content.decode()
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page


def test_client_name_comes_in_the_travellers_language(world: World) -> None:
    """A name that the traveller cannot read is no name."""
    world.messenger.entity.metadata["openid_relying_party"]["client_name#zh-Hans"] = "信使"
    world.log_in()
    world.browser.cookies["django_language"] = "zh-hans"
    assert "信使" in world.open(world.pushed()).content.decode()


def test_pages_of_the_client_can_be_read_before_deciding(world: World) -> None:
    """What the client does with what it learns is asked about and not shown, or not in the traveller's language."""
    about = {"policy_uri": "https://messenger.example/policy", "policy_uri#pt": "https://messenger.example/politica"}
    world.messenger.entity.metadata["openid_relying_party"] |= {**about, "tos_uri": "https://messenger.example/terms"}
    world.log_in()
    page = world.open(world.pushed()).content.decode()
    assert f'href="{about["policy_uri"]}"' in page and 'href="https://messenger.example/terms"' in page
    world.browser.cookies["django_language"] = "pt"
    page = world.open(world.pushed()).content.decode()
    assert f'href="{about["policy_uri#pt"]}"' in page and about["policy_uri"] not in page


@pytest.mark.parametrize("uri", ["javascript:alert(1)", "http://messenger.example/policy", "/account/logout", "", 5])
def test_page_that_is_no_page_is_not_linked(world: World, uri: object) -> None:
    """invalid solely because the link would run a script, lead astray, or nowhere."""
    world.messenger.entity.metadata["openid_relying_party"] |= {"policy_uri": uri, "tos_uri": uri}
    world.log_in()
    page = world.open(world.pushed())
    assert page.status_code == 200 and 'target="_blank"' not in page.content.decode()


def test_document_of_somebody_else_in_the_request_is_refused(world: World) -> None:
    """invalid solely because the detail names a document that is not this traveller's (row 54)."""
    world.log_in()
    details = [world.messenger.detail(document="another-persons")]
    refused = answer(world.open(world.pushed(world.messenger.request(authorization_details=details))))
    assert refused["error"] == "invalid_authorization_details" and refused["iss"] == NODE


@pytest.mark.parametrize("document", ["another-persons", "", REMOVE])
def test_document_of_somebody_else_in_the_form_is_refused(world: World, document: Any) -> None:
    """invalid solely because the choice is none of those that were offered (row 54)."""
    world.log_in()
    refused = answer(world.decide(world.pushed(), **{"choice-document": document}))
    assert refused["error"] == "invalid_authorization_details"
    assert not Grant.objects.exists() and PushedRequest.objects.get().completed_at is not None


def test_officer_cannot_consent(world: World) -> None:
    """invalid solely because the account has no traveller."""
    world.log_in(account=Account.objects.create_user("warden", "a long enough password"))
    page = world.open(world.pushed())
    assert page.status_code == 403 and code_on(page) == "access_denied"


def test_silent_request_is_answered_without_a_page(world: World) -> None:
    """OpenID Connect Core §3.1.2.1: prompt=none; consent to a crossing is never silent."""
    request = world.messenger.request(prompt="none")
    assert answer(world.open(world.pushed(request)))["error"] == "login_required"
    world.log_in()
    assert answer(world.open(world.pushed(request)))["error"] == "consent_required"


def test_prompt_login_asks_again_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A login page that asks for ever, or not at all."""
    world.log_in(at=world.now - 5)
    uri = world.pushed(world.messenger.request(prompt="login"))
    assert world.open(uri)["Location"].startswith("/account/login")
    monkeypatch.setattr("idp.clock.now", lambda: world.now + 30)
    world.log_in(at=world.now + 20)
    assert world.open(uri).status_code == 200


@pytest.mark.parametrize(("age", "status"), [(59, 200), (61, 303)])
def test_login_older_than_max_age_is_not_enough(world: World, age: int, status: int) -> None:
    """invalid solely because the login is older than max_age."""
    world.log_in(at=world.now - age)
    assert world.open(world.pushed(world.messenger.request(max_age=60))).status_code == status


def test_request_of_a_client_stopped_meanwhile_ends_on_a_page(world: World) -> None:
    """invalid solely because an officer disabled the client after the push."""
    world.log_in()
    uri = world.pushed()
    world_client = PushedRequest.objects.get().client
    world_client.disabled = True
    world_client.save()
    assert code_on(world.open(uri)) == "unauthorized_client"


def test_request_of_another_client_cannot_be_taken_over(world: World) -> None:
    """invalid solely because request_uri was pushed by somebody else (row 36)."""
    other = Messenger(world.federation, "https://other.example", world.now)
    world.vouch_for(other)
    world.post("/oidc/par", other.authenticated(request=other.signed()))
    world.log_in()
    page = world.open(world.pushed(), client_id="https://other.example")
    assert code_on(page) == "invalid_request_uri"
