"""The client of a trial: an hour, its own officer, its own cookies, and nothing left of it."""

import json
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import Client as Browser
from hypothesis import given
from hypothesis import strategies as st

from idp.audit.models import AuditEvent
from idp.oidc import registration, tasks
from idp.oidc.errors import ERRORS, OAuthError
from idp.oidc.models import Client, Consent, Grant
from idp.oidc.trying import trials, window, words
from idp.protocol import keys
from tests.oidc.test_client_admin import signed_in
from tests.oidc.world import Messenger, World

KEY = keys.generate()
OFFICER = "account:7"
BEGIN, END = "/admin/parties/try-it/begin/", "/admin/parties/try-it/end/"


def begun(now: int, officer: str = OFFICER, **changes: Any) -> Client:
    facts: dict[str, Any] = {"profile": "border", "like": None, "jwk": KEY.public.jwk(), **changes}
    return trials.begin(**facts, officer=officer, now=now)


def granted(world: World, client: Client) -> Grant:
    facts = {"traveller": world.traveller, "client": client}
    Consent.objects.create(**facts, since_at=world.now, given_at=world.now)
    return Grant.objects.create(**facts, acr="x", auth_time=world.now, created_at=world.now)


def test_a_trial_is_good_for_longer_than_its_hour(world: World) -> None:
    made = begun(world.now)
    assert registration.find(made.client_id, now=world.now + 3599).pk == made.pk
    with pytest.raises(OAuthError, match="hour"):
        registration.find(made.client_id, now=world.now + 3600)


def test_a_trial_leaves_something_behind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its key, a consent, or a grant that lives; one that was given nothing leaves no row."""
    used, unused = begun(world.now), begun(world.now, "account:8")
    grant = granted(world, used)
    monkeypatch.setattr("idp.clock.now", lambda: world.now + 3599)
    tasks.purge()
    assert Client.objects.filter(registration="trial", disabled=False).count() == 2
    monkeypatch.setattr("idp.clock.now", lambda: world.now + 3600)
    tasks.purge()
    tasks.purge()
    grant.refresh_from_db()
    used.refresh_from_db()
    assert grant.revoked_at == world.now + 3600 and not Consent.objects.exists()
    assert used.disabled and set(used.metadata) == {"client_name"}
    assert not Client.objects.filter(pk=unused.pk).exists()
    assert [row.actor for row in AuditEvent.objects.filter(kind="oidc.trial_ended")] == ["node", "node"]


def test_an_officer_has_two_trials_or_ends_anothers(world: World) -> None:
    first, other = begun(world.now), begun(world.now, "account:77")
    second = begun(world.now)
    assert set(Client.objects.filter(registration="trial")) == {second, other}
    for client_id in (first.client_id, other.client_id, world.messenger.client_id):
        with pytest.raises(trials.UnableToTry):
            trials.own(client_id, officer=OFFICER)
    assert trials.own(second.client_id, officer=OFFICER) == second


def test_the_record_does_not_say_who_tried_what(world: World, bank: Client) -> None:
    made = begun(world.now, like=bank)
    event = AuditEvent.objects.get(kind="oidc.trial_begun")
    assert (event.actor, event.subject) == (OFFICER, made.client_id)
    assert event.data["like"] == "bank" and event.data["thumbprint"] == KEY.public.thumbprint
    assert event.data["expires_at"] == world.now + 3600


@pytest.fixture
def bank(world: World) -> Client:
    said = {
        **Messenger.metadata(world.messenger),
        "client_name": "Bank",
        "scope": "openid email",
        "verified_claims": ["name", "document_number"],
    }
    facts = {"registration": "admin", "sector": "bank.example", "created_at": 1}
    return Client.objects.create(
        client_id="bank", profile="border", metadata=said, resources=["https://a.b/c"], **facts
    )


def test_a_trial_takes_more_from_the_client_like_which_it_is(world: World, bank: Client) -> None:
    """Its keys, its addresses, its sector (and with it its travellers' numbers), its resources, or border tokens."""
    made = begun(world.now, profile="basic", like=bank)
    assert made.profile == "border" and made.sector == made.client_id and made.resources == [] and not made.is_wallet
    said = made.metadata
    assert (said["scope"], said["verified_claims"]) == ("openid email", ["name", "document_number"])
    assert said["redirect_uris"] == ["http://hk.localhost:8002/oidc/try-it/returned"]
    assert [key["x"] for key in said["jwks"]["keys"]] == [KEY.public.jwk()["x"]]
    assert said["client_name"] == "A trial by an officer, like Bank"
    assert {"client_name#zh-Hans", "client_name#zh-Hant", "client_name#pt"} <= set(said)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"profile": "lax"}, id="profile"),
        pytest.param({"jwk": None}, id="no-key"),
        pytest.param({"jwk": {}}, id="empty"),
        pytest.param({"jwk": {**KEY.public.jwk(), "d": "AQ"}}, id="private"),
        pytest.param({"jwk": keys.generate("EdDSA").public.jwk()}, id="other-curve"),
        pytest.param({"jwk": {**KEY.public.jwk(), "kid": ""}}, id="unnamed"),
    ],
)
def test_a_key_or_profile_that_cannot_be_is_registered(world: World, changes: dict[str, Any]) -> None:
    """invalid solely because of one fact; and then nothing has changed."""
    before = begun(world.now)
    with pytest.raises(trials.UnableToTry):
        begun(world.now, **changes)
    assert trials.own(before.client_id, officer=OFFICER) == before


def post(browser: Browser, path: str, value: Any) -> Any:
    return browser.post(path, json.dumps(value), content_type="application/json")


def test_the_script_is_answered_without_a_role(world: World) -> None:
    body = {"profile": "border", "jwk": KEY.public.jwk()}
    auditor = signed_in("auditor", "view_client")
    for path in ("/admin/parties/try-it/", BEGIN, END):
        assert auditor.get(path).status_code == 403 and post(auditor, path, body).status_code == 403
    assert not Client.objects.filter(registration="trial").exists()
    officer = signed_in("trust", "add_client")
    assert officer.get(BEGIN).status_code == 405
    assert [post(officer, BEGIN, bad).status_code for bad in ([], {}, {"profile": "border", "jwk": "x" * 5000})] == [
        400
    ] * 3
    made = post(officer, BEGIN, body)
    assert made.status_code == 200 and made.json()["signs"] is False
    assert post(auditor, END, {"client_id": made.json()["client_id"]}).status_code == 403
    assert post(officer, END, {"client_id": made.json()["client_id"]}).json() == {}


def test_a_trial_of_another_officer_is_ended(world: World) -> None:
    made = post(signed_in("one", "add_client"), BEGIN, {"profile": "basic", "jwk": KEY.public.jwk()}).json()
    other = post(signed_in("two", "add_client"), END, {"client_id": made["client_id"]})
    assert other.status_code == 400 and Client.objects.filter(client_id=made["client_id"]).exists()


def test_the_traveller_gets_the_officers_session_or_ends_it(world: World) -> None:
    """Also the secret against forged requests: with another, each open form of the officer's would fail."""
    officer = signed_in("trust", "add_client", "view_client")
    officer.get("/admin/parties/try-it/")
    session, csrf = (officer.cookies[name].value for name in (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME))
    post(officer, BEGIN, {"profile": "border", "jwk": KEY.public.jwk()})
    login = officer.get("/account/login")
    assert login.context["request"].user.is_anonymous
    sent = {"username": "mei", "password": "a long enough password"}
    assert officer.post("/account/login", sent).status_code == 302
    assert "mei" in officer.get("/account/").content.decode()
    assert officer.get("/admin/parties/").status_code == 200
    assert officer.cookies[settings.SESSION_COOKIE_NAME].value == session
    assert officer.cookies[settings.CSRF_COOKIE_NAME].value == csrf
    made = Client.objects.get(registration="trial")
    assert post(officer, END, {"client_id": made.client_id}).status_code == 200
    assert officer.get("/account/").status_code == 302, "the traveller is logged in where the officer sits"
    assert officer.get("/admin/parties/").status_code == 200
    assert AuditEvent.objects.filter(kind="accounts.logged_out").count() == 1


def answered(cookies: dict[str, str], path: str) -> tuple[dict[str, str], HttpResponse]:
    """What the view was given, and the answer to one that sets both cookies and deletes none."""
    seen: dict[str, str] = {}

    def view(request: HttpRequest) -> HttpResponse:
        seen.update(request.COOKIES)
        response = HttpResponse()
        response.set_cookie(settings.SESSION_COOKIE_NAME, "new", max_age=99_999, httponly=True, samesite="Lax")
        response.delete_cookie(settings.CSRF_COOKIE_NAME)
        return response

    request = HttpRequest()
    request.path, request.COOKIES = path, dict(cookies)  # type: ignore[misc]
    return seen, window.middleware(view)(request)  # type: ignore[return-value]


PATHS = st.sampled_from(["/account/login", "/oidc/authorize", "/", "/administration", "/admin", "/border/v1/tokens"])


@given(PATHS, st.booleans())
def test_a_page_of_the_window_sees_the_officers_cookies(path: str, logged_in: bool) -> None:
    known, own = settings.SESSION_COOKIE_NAME, window.names()[settings.SESSION_COOKIE_NAME]
    mine = {own: "travellers"} if logged_in else {}
    seen, response = answered({window.mark(): "1", known: "officers", **mine}, path)
    assert seen.get(known) == mine.get(own)
    morsel = response.cookies[own]
    assert known not in response.cookies and morsel.value == "new"
    assert (morsel["max-age"], morsel["httponly"], morsel["samesite"]) == (3600, True, "Lax")
    assert response.cookies[window.names()[settings.CSRF_COOKIE_NAME]]["max-age"] == 0


@pytest.mark.parametrize("path", ["/admin/", "/admin/parties/try-it/begin/", "/border/v1/officers/badges", "/account/"])
def test_a_page_that_is_not_of_the_window_is_changed(path: str) -> None:
    marked = {} if path == "/account/" else {window.mark(): "1"}
    known = settings.SESSION_COOKIE_NAME
    seen, response = answered({**marked, known: "officers", window.names()[known]: "travellers"}, path)
    assert seen[known] == "officers" and set(response.cookies) == {known, settings.CSRF_COOKIE_NAME}


def test_a_cookie_of_the_window_can_be_set_by_a_neighbours_page(settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = True
    assert window.mark() == "__Host-try-it" and all(own.startswith("__Host-") for own in window.names().values())


def test_an_error_is_not_explained(db: None) -> None:
    assert set(ERRORS) <= set(words.errors()) and all(words.errors().values())


def test_a_message_of_the_script_has_no_words(db: None) -> None:
    """A name in the scripts that the catalogue lacks is a page that stops in the middle."""
    import re
    from pathlib import Path

    text = "".join(Path("static/oidc/trying", name).read_text() for name in ("page.js", "view.js"))
    told = words.catalogue()
    assert set(re.findall(r"texts\.(\w+)", text)) | {"name", "value", "means"} == set(told["texts"])
    shown = set(re.findall(r'(?:show|exchange)\("(\w+)"', text))
    assert shown == set(told["messages"])
    assert {name for name, _ in words.mistakes() if name} == set(re.findall(r'mistake === "(\w+)"', text))
