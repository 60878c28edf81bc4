"""A traveller's applications: all of them are shown, and what is revoked is dead at once, and nobody else's is."""

import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client as Browser

from idp.accounts import contact, sessions
from idp.accounts.models import Account, Traveller
from idp.audit.models import AuditEvent
from idp.oidc import applications, grants
from idp.oidc.applications import UnableToRevoke
from idp.oidc.models import Client, Consent, Grant
from tests.oidc.basic_party import BasicParty
from tests.oidc.resource_server import introspected
from tests.oidc.test_claims import give_document
from tests.oidc.world import CALLBACK, World, answer

PAGE = "/account/applications"
LASTING = {"scope": "openid offline_access", "prompt": "consent"}  # outlives the session, in which others log in


def page(world: World) -> str:
    response = world.browser.get(PAGE)
    assert response.status_code == 200 and "no-store" in response["Cache-Control"]
    return response.content.decode()


def press(world: World, client: Client, **more: str) -> HttpResponse:
    """The button beside ``client``, with the CSRF token of the page that the browser has."""
    token = world.browser.get(PAGE).context["csrf_token"]
    return world.browser.post(f"{PAGE}/{client.pk}/revoke", {"csrfmiddlewaretoken": str(token), **more})


def userinfo(party: BasicParty, token: str) -> int:
    return int(party.world.userinfo(token, scheme="Bearer", proof=None).status_code)


def refreshed(party: BasicParty, token: str) -> int:
    return party.post("/oidc/token", {"grant_type": "refresh_token", "refresh_token": token}).status_code


def another(world: World) -> Traveller:
    return Traveller.objects.create(account=Account.objects.create_user("jun", "a long enough password"))


def test_application_stands_there_with_what_it_is_told(basic: BasicParty) -> None:
    """Words for each claim that is told, and none for those that were unticked."""
    world = basic.world
    contact.keep(traveller=world.traveller, details={"email": "mei@example.com"}, now=world.now)
    basic.says(policy_uri="https://clinic.example/privacy")
    basic.tokens(scope="openid email phone offline_access", prompt="consent", without=["phone_number"])
    shown = page(world)
    for text in ("Basic Party", "messenger.example", "Your e-mail address", "after you log out", "2027-01-15"):
        assert text in shown, text
    assert "Your telephone number" not in shown and "mei@example.com" not in shown
    assert 'href="https://clinic.example/privacy"' in shown


def test_login_alone_is_named_as_such(basic: BasicParty) -> None:
    basic.tokens()
    assert "Nothing but a number" in page(basic.world)


def test_verified_claims_are_marked(basic: BasicParty) -> None:
    basic.says(verified_claims=["birthdate"])
    give_document(basic)
    wanted = {"verification": {"trust_framework": None}, "claims": {"birthdate": None}}
    basic.tokens(claims=json.dumps({"userinfo": {"verified_claims": wanted}}))
    assert "from your document" in page(basic.world)


def test_nobody_sees_an_application_that_was_never_allowed(basic: BasicParty) -> None:
    """Invalid solely because the traveller said no."""
    basic.world.log_in()
    basic.decide(basic.kept(), decision="deny")
    assert "Basic Party" not in page(basic.world)


def test_times_are_of_the_first_consent_and_of_the_last_use(basic: BasicParty, now: int) -> None:
    """A refresh is a use; consents and grants are of different times."""
    first = basic.tokens()
    Consent.objects.update(since_at=now - 900, given_at=now - 500)
    Grant.objects.update(created_at=now - 700)
    found = applications.of(traveller=basic.world.traveller)[0]
    assert (found.since, found.last_used) == (now - 900, now)  # its refresh token is of now
    assert refreshed(basic, first["refresh_token"]) == 200
    Grant.objects.get().refresh_tokens.all().delete()
    assert applications.of(traveller=basic.world.traveller)[0].last_used == now - 500


def test_living_grant_without_a_consent_is_shown(basic: BasicParty, now: int) -> None:
    """Access that nobody could see, and so nobody could end."""
    basic.tokens()
    Consent.objects.all().delete()
    found = applications.of(traveller=basic.world.traveller)
    assert [(item.client.client_id, item.since, list(item.claims)) for item in found] == [("basic-party", now, [])]
    Grant.objects.update(revoked_at=now)
    assert applications.of(traveller=basic.world.traveller) == []


def test_the_one_that_was_used_last_comes_first(basic: BasicParty, now: int) -> None:
    basic.tokens()
    for number in (1, 2):
        row = Client.objects.create(
            client_id=f"older-{number}", profile="basic", registration="admin", sector="x.example", created_at=now
        )
        Consent.objects.create(traveller=basic.world.traveller, client=row, since_at=now - 9, given_at=now - number)
    found = [item.client.client_id for item in applications.of(traveller=basic.world.traveller)]
    assert found == ["basic-party", "older-1", "older-2"]


def test_wallet_is_shown_with_what_it_may_fetch(world: World) -> None:
    world.tokens()
    assert "It may fetch border tokens for you" in page(world)


def test_revoked_application_has_nothing_any_more(basic: BasicParty) -> None:
    """Userinfo, introspection, refresh and the next login: each refused, each solely because of the revocation."""
    world = basic.world
    tokens = basic.tokens(scope="openid email")
    code = answer(basic.next(scope="openid email"))["code"]
    assert userinfo(basic, tokens["access_token"]) == 200
    response = press(world, basic.row)
    assert (response.status_code, response["Location"]) == (302, PAGE)
    assert userinfo(basic, tokens["access_token"]) == 401
    assert introspected(basic, tokens["access_token"]) == {"active": False}
    assert introspected(basic, tokens["refresh_token"]) == {"active": False}
    assert refreshed(basic, tokens["refresh_token"]) == 400
    assert basic.redeem(code).status_code == 400
    assert not Consent.objects.exists()
    assert answer(basic.next(prompt="none"))["error"] == "consent_required"
    assert "It must ask you again" in page(world)
    assert "You have allowed no application anything." in page(world)


def test_revocation_is_recorded_with_every_grant(basic: BasicParty) -> None:
    basic.tokens()
    basic.tokens(prompt="consent")
    who = f"traveller:{basic.world.traveller.pk}"
    press(basic.world, basic.row)
    event = AuditEvent.objects.get(kind="oidc.consent_withdrawn")
    assert (event.actor, event.subject, event.data) == (who, "client:basic-party", {"grants": 2})
    ended = AuditEvent.objects.filter(kind="oidc.grant_revoked")
    assert {(one.actor, one.data["reason"]) for one in ended} == {(who, "consent_withdrawn")} and len(ended) == 2


def test_nothing_is_revoked_without_the_event(basic: BasicParty, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write without its audit event: both are of one transaction."""
    tokens = basic.tokens()

    def broken(**_: Any) -> None:
        raise RuntimeError("no audit")

    monkeypatch.setattr(applications.events, "record", broken)
    with pytest.raises(RuntimeError):
        applications.revoke(traveller=basic.world.traveller, client=basic.row, now=basic.world.now)
    assert Consent.objects.exists() and userinfo(basic, tokens["access_token"]) == 200


def test_another_travellers_application_is_not_revoked(basic: BasicParty) -> None:
    """Invalid solely because it is somebody else who is logged in; and there is no telling who has it."""
    tokens = basic.tokens(**LASTING)
    basic.world.log_in(account=another(basic.world).account)
    assert "Basic Party" not in page(basic.world)
    assert press(basic.world, basic.row).status_code == 404
    assert userinfo(basic, tokens["access_token"]) == 200 and Consent.objects.exists()
    unknown = Client(pk=basic.row.pk + 1000)
    assert press(basic.world, unknown).status_code == 404
    assert press(basic.world, Client(pk=10**30)).status_code == 404


def test_the_same_application_of_two_travellers_ends_for_one(basic: BasicParty) -> None:
    """Invalid solely because of the traveller: a filter by client alone."""
    first = basic.tokens(**LASTING)
    other = another(basic.world)
    basic.world.log_in(account=other.account)
    code = answer(basic.decide(basic.kept()))["code"]
    second = basic.redeem(code).json()
    press(basic.world, basic.row)
    assert userinfo(basic, second["access_token"]) == 401
    assert userinfo(basic, first["access_token"]) == 200
    assert [row.traveller for row in Consent.objects.all()] == [basic.world.traveller]


def test_other_applications_stay(world: World, basic: BasicParty) -> None:
    """Invalid solely because of the client: a filter by traveller alone."""
    mine = world.tokens()["access_token"]
    basic.tokens()
    press(world, basic.row)
    assert world.userinfo(mine).status_code == 200
    assert [row.client.client_id for row in Consent.objects.all()] == [world.messenger.client_id]


def test_form_of_another_site_revokes_nothing(basic: BasicParty) -> None:
    """Invalid solely because the CSRF token is not the session's (row 73)."""
    tokens = basic.tokens()
    assert press(basic.world, basic.row, csrfmiddlewaretoken="x" * 64).status_code == 403
    assert basic.world.browser.get(f"{PAGE}/{basic.row.pk}/revoke").status_code == 405
    assert userinfo(basic, tokens["access_token"]) == 200


def test_nobody_is_sent_to_the_login(basic: BasicParty) -> None:
    """Invalid solely because nobody is logged in."""
    basic.tokens()
    stranger = Browser()
    for response in (stranger.get(PAGE), stranger.post(f"{PAGE}/{basic.row.pk}/revoke")):
        assert response.status_code == 302 and response["Location"].startswith("/account/login?")
    assert Consent.objects.exists()


def test_password_is_enough_to_revoke(basic: BasicParty) -> None:
    """A traveller who lost the passkey must be able to stop an application."""
    tokens = basic.tokens()
    basic.world.log_in(acr=sessions.ACR_PASSWORD)
    assert press(basic.world, basic.row).status_code == 302
    assert userinfo(basic, tokens["access_token"]) == 401


def test_second_press_finds_nothing(basic: BasicParty) -> None:
    """A button that was pressed twice makes no second event."""
    basic.tokens()
    press(basic.world, basic.row)
    assert press(basic.world, basic.row).status_code == 404
    assert AuditEvent.objects.filter(kind="oidc.consent_withdrawn").count() == 1
    with pytest.raises(UnableToRevoke):
        applications.revoke(traveller=basic.world.traveller, client=basic.row, now=basic.world.now)


def test_consent_without_a_living_grant_is_withdrawn(basic: BasicParty, now: int) -> None:
    """The grant ended with the session; what was agreed to is remembered until it is taken back."""
    basic.tokens()
    grants.revoke(grant=Grant.objects.get(), actor="node", reason="logged_out", now=now)
    assert "Basic Party" in page(basic.world)
    press(basic.world, basic.row)
    assert AuditEvent.objects.get(kind="oidc.consent_withdrawn").data == {"grants": 0}


def test_stopped_application_is_marked_and_can_be_revoked(basic: BasicParty) -> None:
    basic.tokens()
    Client.objects.filter(pk=basic.row.pk).update(disabled=True)
    assert "stopped by the authority" in page(basic.world)
    assert press(basic.world, basic.row).status_code == 302


def test_name_of_an_application_is_text_and_not_markup(basic: BasicParty) -> None:
    """On the page, and in the message after it."""
    basic.tokens()
    basic.says(client_name="<b>Clinic</b>")
    assert "<b>Clinic</b>" not in page(basic.world) and "&lt;b&gt;Clinic" in page(basic.world)
    press(basic.world, basic.row)
    assert "<b>Clinic</b>" not in page(basic.world)


def tick_only(world: World, client: Client, *names: str, **more: str) -> HttpResponse:
    token = str(world.browser.get(PAGE).context["csrf_token"])
    form = {"csrfmiddlewaretoken": token, "claim": names, **more}
    return world.browser.post(f"{PAGE}/{client.pk}/claims", form)


@pytest.fixture
def known(basic: BasicParty) -> dict[str, Any]:
    """Tokens of a client that may be told an e-mail address and a telephone number."""
    details = {"email": "mei@example.com", "phone": "+85212345678"}
    contact.keep(traveller=basic.world.traveller, details=details, now=basic.world.now)
    return basic.tokens(scope="openid email phone")


def told(party: BasicParty, tokens: dict[str, Any]) -> set[str]:
    return set(party.world.userinfo(tokens["access_token"], scheme="Bearer", proof=None).json()) - {"sub"}


def test_claim_that_is_taken_back_is_told_no_more(basic: BasicParty, known: dict[str, Any]) -> None:
    """Invalid solely because of the tick; the rest goes on, and a new request for it asks again."""
    assert tick_only(basic.world, basic.row, "phone_number").status_code == 302
    assert told(basic, known) == {"phone_number", "phone_number_verified"}
    assert "Your e-mail address" not in page(basic.world)
    assert answer(basic.next(scope="openid email", prompt="none"))["error"] == "consent_required"
    event = AuditEvent.objects.get(kind="oidc.consent_narrowed")
    who = f"traveller:{basic.world.traveller.pk}"
    assert (event.actor, event.subject, event.data) == (who, "client:basic-party", {"claims": ["email"]})


def test_tick_that_was_never_agreed_to_adds_nothing(basic: BasicParty, known: dict[str, Any]) -> None:
    """A form with more boxes than the page has; and one that changes nothing leaves no event."""
    tick_only(basic.world, basic.row, "phone_number", "email", "address", "verified_claims/name")
    assert Consent.objects.get().claims == ["email", "phone_number"]
    assert not AuditEvent.objects.filter(kind="oidc.consent_narrowed").exists()
    tick_only(basic.world, basic.row, "phone_number", "address", "verified_claims/name")
    assert Consent.objects.get().claims == ["phone_number"]


def test_claims_of_another_traveller_are_not_taken_back(basic: BasicParty, known: dict[str, Any]) -> None:
    """Invalid solely because it is somebody else who is logged in, or the CSRF token is not the session's."""
    assert tick_only(basic.world, basic.row, csrfmiddlewaretoken="x" * 64).status_code == 403
    basic.world.log_in(account=another(basic.world).account)
    assert tick_only(basic.world, basic.row).status_code == 404
    assert Consent.objects.get().claims == ["email", "phone_number"]


def test_no_claim_left_is_no_access_lost(basic: BasicParty, known: dict[str, Any]) -> None:
    """What is told and what may be done are two things: the login stays."""
    tick_only(basic.world, basic.row)
    assert told(basic, known) == set() and "Nothing but a number" in page(basic.world)


def test_account_page_leads_there(basic: BasicParty) -> None:
    basic.world.log_in()
    assert f'href="{PAGE}"' in basic.world.browser.get("/account/").content.decode()
    assert CALLBACK not in page(basic.world)
