"""Consent by claim: what is asked stands on the page, and what was unticked is neither told nor remembered."""

import json
from collections.abc import Collection
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse

from idp.accounts import contact, sessions
from idp.audit.models import AuditEvent
from idp.oidc import authorization, claims, consent_lines, verified
from idp.oidc.models import Client, Consent, Grant
from idp.oidc.tokens import ID_TOKEN
from idp.protocol import jws
from tests.oidc.basic_party import BasicParty
from tests.oidc.test_claims import give_document
from tests.oidc.world import answer, ticks

CONTACT = {"email": "mei@example.com", "phone": "+85212345678"}
BOTH = "openid email phone"


@pytest.fixture
def known(basic: BasicParty) -> BasicParty:
    """The client of a traveller who keeps an e-mail address and a telephone number."""
    contact.keep(traveller=basic.world.traveller, details=CONTACT, now=basic.world.now)
    return basic


def told(client: BasicParty, tokens: dict[str, Any]) -> set[str]:
    """The names that userinfo has beside the subject."""
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    answered = client.world.machine.get("/oidc/userinfo", headers=headers)
    assert answered.status_code == 200, answered.content
    return set(answered.json()) - {"sub"}


def asking(**requests: Any) -> str:
    return json.dumps({"userinfo": requests})


def shown(page: HttpResponse) -> dict[str, bool]:
    """The claims on the consent page, and whether each is marked as needed."""
    assert page.status_code == 200, page.content
    return {line.name: line.essential for line in page.context["claims"]}


def agreed(client: BasicParty) -> list[str]:
    names: list[str] = Consent.objects.get(client=client.row).claims
    return names


def test_page_has_one_line_for_each_claim_however_often_it_is_asked_for(basic: BasicParty) -> None:
    """By scope and by name, for both places, in two languages: one line; what nobody tells has none."""
    basic.world.log_in()
    wanted = {
        "userinfo": {"name#en": None, "name#zh-Hant": None, "email_verified": None, "no_such": {"essential": True}},
        "id_token": {"email": None, "birthdate": {"essential": True}, "acr": {"essential": True}},
    }
    page = basic.next(scope="openid email", claims=json.dumps(wanted))
    assert shown(page) == {"name": False, "birthdate": True, "email": False}
    assert ticks(page) == ["claim-name", "claim-email"]


def test_scope_profile_is_spelled_out(basic: BasicParty) -> None:
    """A scope is a word of developers."""
    basic.world.log_in()
    page = basic.next(scope="openid profile").content.decode()
    assert all(str(consent_lines.WORDS[name]) in page for name in claims.SCOPE_CLAIMS["profile"])
    assert "profile" not in page.split('<form method="post" action="/oidc/consent"')[1].split("</form>")[0]


def test_every_claim_has_words() -> None:
    """A page that fails on a claim which the metadata offers."""
    assert set(consent_lines.WORDS) == {claims.unit(name) for name in claims.TOLD}
    assert set(consent_lines.WORDS_OF_DOCUMENTS) == set(verified.NAMES)


@pytest.fixture
def proving(known: BasicParty) -> BasicParty:
    """The client may ask what the traveller's document says."""
    known.says(verified_claims=list(verified.NAMES))
    give_document(known)
    return known


PROVEN = {
    "verification": {"trust_framework": None, "evidence": [{"type": {"value": "document"}}]},
    "claims": {"name": {"essential": True, "purpose": "to print it on <b>the card</b>"}, "birthdate": None},
}


def test_verified_claims_have_lines_of_their_own(proving: BasicParty) -> None:
    """One line beside the plain claim's, the document itself, and what the client says it is for, as text."""
    proving.world.log_in()
    page = proving.next(claims=asking(name=None, verified_claims=PROVEN))
    lines = {"name": False, "verified_claims/name": True, "verified_claims/birthdate": False}
    assert shown(page) == {**lines, "verified_claims/evidence": False}
    assert "to print it on &lt;b&gt;the card&lt;/b&gt;</q>" in page.content.decode()
    assert page.content.decode().count("from your document") == 3


def test_unticked_verified_claim_is_not_told(proving: BasicParty) -> None:
    """Invalid solely because the traveller unticked it, and the document with it."""
    wanted = asking(verified_claims=PROVEN)
    tokens = proving.tokens(claims=wanted, without=["verified_claims/birthdate", "verified_claims/evidence"])
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    found = proving.world.machine.get("/oidc/userinfo", headers=headers).json()["verified_claims"]
    assert {claims.base(name) for name in found["claims"]} == {"name"} and "evidence" not in found["verification"]
    assert agreed(proving) == ["verified_claims/name"]


def test_login_alone_asks_for_no_claim(basic: BasicParty) -> None:
    basic.world.log_in()
    page = basic.next()
    assert shown(page) == {} and "What it is told" not in page.content.decode()


@pytest.mark.parametrize(
    ("without", "names", "scope"),
    [
        ((), {"email", "email_verified", "phone_number", "phone_number_verified"}, BOTH),
        (("email",), {"phone_number", "phone_number_verified"}, "openid phone"),
        (("email", "phone_number"), set(), "openid"),
    ],
)
def test_unticked_claim_is_not_told(known: BasicParty, without: Collection[str], names: set[str], scope: str) -> None:
    """Invalid solely because the traveller unticked it; the client learns it by the scope (RFC 6749 §5.1)."""
    tokens = known.tokens(scope=BOTH, without=without)
    assert (told(known, tokens), tokens["scope"]) == (names, scope)


def test_unticked_claim_is_not_in_the_id_token(known: BasicParty) -> None:
    """A filter at userinfo alone."""
    wanted = json.dumps({"id_token": {"email": None, "phone_number": None}})
    tokens = known.tokens(claims=wanted, without=["email"])
    parsed = jws.parse_unverified(tokens["id_token"], ID_TOKEN).claims
    assert "phone_number" in parsed and "email" not in parsed


def test_unticked_claim_is_asked_for_again(known: BasicParty) -> None:
    """Remembered as if it were agreed to; with the rest agreed to, the next login would go through."""
    known.tokens(scope=BOTH, without=["email"])
    assert agreed(known) == ["phone_number"]
    assert "code" in answer(known.next(scope="openid phone"))
    assert answer(known.next(scope=BOTH, prompt="none"))["error"] == "consent_required"
    assert shown(known.next(scope=BOTH)) == {"email": False, "phone_number": False}


def test_needed_claim_goes_along_without_a_tick(known: BasicParty) -> None:
    """It has no box that could be sent; and one that is sent by hand changes nothing."""
    tokens = known.tokens(claims=asking(email={"essential": True}, phone_number=None), without=["phone_number"])
    assert told(known, tokens) == {"email"}


def test_tick_for_what_was_not_asked_for_gives_nothing(known: BasicParty) -> None:
    """Invalid solely because the client did not ask: a form with more boxes than the page has."""
    known.world.log_in()
    uri = known.kept(scope="openid phone")
    page = known.world.open(uri, client_id=known.client_id)
    form = {
        "client_id": known.client_id,
        "request_uri": uri,
        "decision": "allow",
        "csrfmiddlewaretoken": page.context["csrf_token"],
        "claim-phone_number": "on",
        "claim-email": "on",
        "claim-no_such": "on",
    }
    answer(known.world.browser.post("/oidc/consent", form))
    assert agreed(known) == ["phone_number"]


def test_claim_that_is_unticked_later_is_not_told_by_older_tokens(known: BasicParty) -> None:
    """A traveller who says no, and a token from before that still tells."""
    before = known.tokens(scope=BOTH)
    known.tokens(scope=BOTH, prompt="consent", without=["email"])
    assert "email" not in told(known, before)


def test_claim_that_is_agreed_to_later_stays_beside_the_others(known: BasicParty) -> None:
    known.tokens(scope="openid email")
    known.tokens(scope="openid phone")
    assert agreed(known) == ["email", "phone_number"]


def test_consent_to_one_client_tells_another_nothing(known: BasicParty, now: int) -> None:
    """Invalid solely because the consent is another client's."""
    tokens = known.tokens(scope=BOTH)
    row = Consent.objects.get()
    other = Client.objects.create(
        client_id="second", profile="basic", registration="admin", sector="second.example", created_at=now
    )
    Consent.objects.filter(pk=row.pk).update(client=other)
    assert told(known, tokens) == set()


def test_first_and_last_consent_are_told_apart(known: BasicParty, now: int) -> None:
    known.tokens(scope="openid email")
    Consent.objects.update(since_at=now - 900, given_at=now - 900)
    known.tokens(scope=BOTH)
    row = Consent.objects.get()
    assert (row.since_at, row.given_at) == (now - 900, now)


def test_consent_that_was_taken_back_meanwhile_gives_nothing(known: BasicParty) -> None:
    """Invalid solely because the consent went away between the look at it and the code."""
    known.tokens(scope=BOTH)
    known.world.log_in()
    request = known.world.browser.get("/account/").wsgi_request
    who = sessions.authentication(request)
    assert who is not None and who.traveller is not None
    handle = known.kept(scope=BOTH)
    pushed = authorization.opened({"client_id": [known.client_id], "request_uri": [handle]}, now=known.world.now)
    assert not authorization.needs_consent(pushed, who.traveller)
    Consent.objects.all().delete()
    with pytest.raises(authorization.Undeliverable):
        authorization.allow(
            pushed=pushed, who=who, traveller=who.traveller, choices={}, ticked=None, now=known.world.now
        )
    assert Grant.objects.count() == 1 and not Consent.objects.exists()


def test_audit_names_the_claims_and_not_their_values(known: BasicParty) -> None:
    known.tokens(scope=BOTH, without=["phone_number"])
    event = AuditEvent.objects.get(kind="oidc.consent_given")
    assert event.data["claims"] == ["email"] and "mei@example.com" not in str(event.data)


def test_pages_of_the_client_are_linked(basic: BasicParty) -> None:
    """In the traveller's language where the client has one, without anything about where the traveller came from."""
    basic.world.log_in()
    basic.says(
        client_uri="https://clinic.example/",
        policy_uri="https://clinic.example/privacy",
        **{"policy_uri#zh-Hant": "https://clinic.example/hant", "tos_uri": "https://elsewhere.example/terms"},
    )
    page = basic.next().content.decode()
    for uri in ("https://clinic.example/", "https://clinic.example/privacy", "https://elsewhere.example/terms"):
        assert f'href="{uri}" target="_blank" rel="noopener noreferrer nofollow"' in page
    basic.world.browser.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hant"
    assert 'href="https://clinic.example/hant"' in basic.next().content.decode()


def test_lasting_access_stands_on_the_page(basic: BasicParty) -> None:
    """OpenID Connect Core §11: access without the traveller there, which nobody told them of."""
    basic.world.log_in()
    assert "after you log out" in basic.next(scope="openid offline_access", prompt="consent").content.decode()
    assert "after you log out" not in basic.next().content.decode()
