"""Verified claims through the real endpoints: to whom they are told, of which document, and on whose word."""

import datetime
import json
from typing import Any

import pytest
from django.test import Client as Browser

from idp.accounts import sessions
from idp.accounts.models import TravelDocument
from idp.accounts.models.registry import NEVER
from idp.federation import signing
from idp.oidc import client_registration, metadata, userinfo, verified
from idp.oidc.models import Client, Consent, Grant
from idp.protocol import jws
from tests.accounts.people import document
from tests.oidc.basic_party import BasicParty
from tests.oidc.registrant import Registrant
from tests.oidc.relying_party import RelyingParty
from tests.oidc.relying_party import tokens as rp_tokens
from tests.oidc.test_basic_profile import id_token
from tests.oidc.test_claims import give_document
from tests.oidc.world import CALLBACK, NODE, World, answer
from tests.simulators.federation import REMOVE

FRAMEWORK = f"{NODE}/trust-frameworks/linked-document"
DAY = 86_400
NAMED: dict[str, Any] = {"verification": {"trust_framework": None}, "claims": {"birthdate": None}}
SHOWN: dict[str, Any] = {
    "verification": {
        "trust_framework": {"value": FRAMEWORK},
        "time": None,
        "verification_process": None,
        "evidence": [
            {
                "type": {"value": "document"},
                "check_details": [{"check_method": None, "organization": None, "time": None}],
                "document_details": {
                    "type": None,
                    "issuer": {"name": None, "country": None},
                    "date_of_issuance": None,
                    "date_of_expiry": None,
                    "document_number": None,
                },
            }
        ],
    },
    "claims": {"name#zh-Hant": None, "name#en": None, "family_name#en": None, "nationalities": None},
}


def asking(requests: Any, place: str = "userinfo") -> str:
    return json.dumps({place: {"verified_claims": requests}})


@pytest.fixture
def trusted(basic: BasicParty) -> BasicParty:
    """An officer let the client ask for everything, and the traveller has linked an identity card."""
    basic.says(verified_claims=list(verified.NAMES))
    give_document(basic, at=basic.world.now - DAY, issued_on=datetime.date(2020, 2, 3))
    return basic


def told(party: BasicParty, requests: Any, **more: Any) -> Any:
    """What userinfo says; None where it has no verified claims."""
    token = party.tokens(claims=asking(requests), **more)["access_token"]
    return asked_again(party.world, token)


def asked_again(world: World, token: str) -> Any:
    response = world.machine.get("/oidc/userinfo", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 200, response.content
    return response.json().get("verified_claims")


# --- what is told --------------------------------------------------------------------------------------------------


def test_a_document_stands_behind_what_is_told(trusted: BasicParty) -> None:
    found = told(trusted, SHOWN)
    process = found["verification"].pop("verification_process")
    assert len(process) == 43
    linked = datetime.datetime.fromtimestamp(trusted.world.now - DAY, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    check = {"organization": "Border authority", "time": linked}
    assert found == {
        "verification": {
            "trust_framework": FRAMEWORK,
            "time": linked,
            "evidence": [
                {
                    "type": "document",
                    "check_details": [{"check_method": "data", **check}, {"check_method": "bvr", **check}],
                    "document_details": {
                        "type": "idcard",
                        "issuer": {"name": "Border authority", "country": "HKG"},
                        "date_of_issuance": "2020-02-03",
                        "date_of_expiry": "2040-01-01",
                        "document_number": "A1234563",
                    },
                }
            ],
        },
        "claims": {
            "name#zh-Hant": "陳大文",
            "name#en": "CHAN, TAI MAN",
            "family_name#en": "CHAN",
            "nationalities": ["CHN"],
        },
    }


def test_id_token_and_userinfo_have_each_their_own(trusted: BasicParty) -> None:
    asked = {"id_token": {"verified_claims": NAMED}, "userinfo": {"verified_claims": [NAMED, SHOWN]}}
    tokens = trusted.tokens(claims=json.dumps(asked))
    _, claims = id_token(tokens)
    expected = {"verification": {"trust_framework": FRAMEWORK}, "claims": {"birthdate": "1990-01-01"}}
    assert claims["verified_claims"] == expected
    both = asked_again(trusted.world, tokens["access_token"])
    assert both[0] == expected and len(both) == 2


def test_verified_claims_are_not_mixed_with_the_others(trusted: BasicParty, now: int) -> None:
    """What a traveller says of themselves is never verified, and what is verified is not told beside it unasked."""
    trusted.world.traveller.account.display_name = "Mei"
    trusted.world.traveller.account.save()
    every = dict.fromkeys(["nickname", "email", "address", "zoneinfo", "updated_at", "gender"])
    asked = {"userinfo": {"verified_claims": {**NAMED, "claims": every}, "nickname": None}}
    token = trusted.tokens(claims=json.dumps(asked))["access_token"]
    response = trusted.world.machine.get("/oidc/userinfo", headers={"Authorization": f"Bearer {token}"}).json()
    assert response.pop("sub")
    expected = {"verification": {"trust_framework": FRAMEWORK}, "claims": {"gender": "male"}}
    assert response == {"nickname": "Mei", "verified_claims": expected}


@pytest.mark.parametrize(
    "condition",
    [
        {"trust_framework": {"value": "eidas"}},
        {"trust_framework": None, "time": {"max_age": DAY - 1}},
        {"trust_framework": None, "assurance_level": {"value": "high"}},
        {"trust_framework": None, "evidence": [{"type": {"value": "electronic_record"}}]},
        {"trust_framework": None, "evidence": [{"type": {"value": "document"}, "method": {"value": "pipp"}}]},
    ],
)
def test_a_condition_that_is_not_met_is_no_error_and_no_answer(trusted: BasicParty, condition: Any) -> None:
    """invalid solely because of the condition (IDA §5.7.4)."""
    assert told(trusted, {**NAMED, "verification": condition}) is None


def test_age_counts_at_the_time_of_the_request(trusted: BasicParty) -> None:
    """IDA §5.5.2: an answer that was good at login does not go bad with the token's age."""
    asked = {**NAMED, "verification": {"trust_framework": None, "time": {"max_age": DAY}}}
    token = trusted.tokens(claims=asking(asked))["access_token"]
    TravelDocument.objects.update(linked_at=datetime.datetime.fromtimestamp(trusted.world.now - DAY, datetime.UTC))
    assert asked_again(trusted.world, token) is not None
    Grant.objects.update(created_at=trusted.world.now + 1)
    assert asked_again(trusted.world, token) is None


# --- of which document ---------------------------------------------------------------------------------------------


def test_a_document_without_end_has_no_date_of_expiry_and_one_of_another_side_no_name(trusted: BasicParty) -> None:
    TravelDocument.objects.update(expires_on=NEVER, issued_by="CHN", type="hrp", issued_on=None)
    details = told(trusted, SHOWN)["verification"]["evidence"][0]["document_details"]
    assert details == {"type": "urn:causeway:document:hrp", "issuer": {"country": "CHN"}, "document_number": "A1234563"}


@pytest.mark.parametrize(
    "change", [{"status": "revoked"}, {"expires_on": datetime.date(2026, 1, 1)}, {"traveller": None, "linked_at": None}]
)
def test_a_document_that_is_not_valid_is_no_evidence(trusted: BasicParty, change: dict[str, Any]) -> None:
    """invalid solely because of the document; at once, for a token that was good for it before."""
    token = trusted.tokens(claims=asking(NAMED))["access_token"]
    assert asked_again(trusted.world, token) is not None
    TravelDocument.objects.update(**change)
    assert asked_again(trusted.world, token) is None


def test_the_document_that_meets_the_request_is_shown(trusted: BasicParty) -> None:
    give_document(trusted, at=trusted.world.now - 9, type="passport", number="K1234567", name_latin="CHAN TAI MAN")
    kind: dict[str, Any] = {"type": {"value": "document"}, "document_details": {"type": {"value": "idcard"}}}
    asked = {**NAMED, "verification": {"trust_framework": None, "evidence": [kind]}}
    assert told(trusted, asked)["verification"]["evidence"][0]["document_details"] == {"type": "idcard"}
    asked["verification"]["evidence"] = [{**kind, "document_details": {"type": None}}]
    assert told(trusted, asked)["verification"]["evidence"][0]["document_details"] == {"type": "passport"}


def test_a_document_that_was_linked_afterwards_is_not_shown(
    trusted: BasicParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody agreed to that; and to show it the traveller is asked again."""
    token = trusted.tokens(claims=asking(SHOWN))["access_token"]
    assert answer(trusted.next(claims=asking(SHOWN)))["code"]  # not asked again
    give_document(trusted, at=trusted.world.now + 5, type="passport", number="K1234567")
    monkeypatch.setattr("idp.clock.now", lambda: trusted.world.now + 9)
    details = asked_again(trusted.world, token)["verification"]["evidence"][0]["document_details"]
    assert details["type"] == "idcard"
    assert trusted.next(claims=asking(SHOWN)).status_code == 200  # the consent page
    assert answer(trusted.next(scope="openid"))["code"]  # what shows no document needs no new consent


def test_consent_to_something_else_shows_no_new_document(trusted: BasicParty, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever allows an e-mail address has not seen that another document would be shown the next time."""
    trusted.tokens(claims=asking(SHOWN))
    give_document(trusted, at=trusted.world.now + 5, type="passport", number="K1234567")
    monkeypatch.setattr("idp.clock.now", lambda: trusted.world.now + 9)
    trusted.tokens(scope="openid email")
    assert trusted.next(claims=asking(SHOWN)).status_code == 200
    trusted.tokens(claims=asking(SHOWN))
    assert answer(trusted.next(claims=asking(SHOWN)))["code"]


def test_consent_page_says_which_document_and_what_for(trusted: BasicParty) -> None:
    """What is agreed to is this document, not whichever one; its number is for the client, not for the screen."""
    wanted = {**SHOWN, "claims": {"name": {"purpose": "To print <b>your</b> card"}}}
    trusted.world.log_in()
    page = trusted.next(claims=asking(wanted)).content.decode()
    assert page.count("Hong Kong identity card •••••563") == 2  # at the document, and at its number
    assert "A1234563" not in page
    assert "To print &lt;b&gt;your&lt;/b&gt; card" in page
    kind: dict[str, Any] = {"type": {"value": "document"}, "document_details": {"type": {"value": "passport"}}}
    asked = {**NAMED, "verification": {"trust_framework": None, "evidence": [kind]}}
    page = trusted.next(claims=asking(asked)).content.decode()
    assert "You have no document of the kind" in page and "identity card •" not in page
    give_document(trusted, at=trusted.world.now - 2 * DAY, type="passport", number="K1234567")
    page = trusted.next(claims=asking([NAMED, asked])).content.decode()
    assert page.count("Passport •••••567") == 1 and "identity card •" not in page  # which no evidence is asked of
    page = trusted.next(claims=asking([asked, SHOWN])).content.decode()
    assert page.count("Passport •••••567") == page.count("Hong Kong identity card •••••563") == 2


def test_nobody_can_compare_what_two_sectors_are_told(trusted: BasicParty) -> None:
    """A reference that is the same everywhere would undo the pairwise subjects."""
    reference = {**NAMED, "verification": {"trust_framework": None, "verification_process": None}}
    first = told(trusted, reference)["verification"]["verification_process"]
    assert told(trusted, reference)["verification"]["verification_process"] == first
    Client.objects.update(sector="another.example")
    second = told(trusted, reference)["verification"]["verification_process"]
    assert len({first, second, str(TravelDocument.objects.get().pk)}) == 3


# --- to whom -------------------------------------------------------------------------------------------------------


def test_a_client_that_was_not_allowed_gets_none(trusted: BasicParty) -> None:
    """invalid solely because no officer let it; it is not asked about either, and what is plain is told."""
    trusted.says(verified_claims=[])
    asked = json.dumps({"userinfo": {"verified_claims": SHOWN, "birthdate": None}})
    trusted.world.log_in(acr=sessions.ACR_PASSWORD)
    token = trusted.redeem(answer(trusted.decide(trusted.kept(claims=asked)))["code"]).json()["access_token"]
    assert asked_again(trusted.world, token) is None
    assert Grant.objects.get().claims == {"userinfo": {"birthdate": None}}
    assert Consent.objects.get().claims == ["birthdate"]


def test_a_client_gets_what_it_was_allowed_only(trusted: BasicParty) -> None:
    trusted.says(verified_claims=["birthdate", "evidence"])
    found = told(trusted, {**SHOWN, "claims": {**SHOWN["claims"], "birthdate": None}})
    assert found["claims"] == {"birthdate": "1990-01-01"}
    assert "document_number" not in found["verification"]["evidence"][0]["document_details"]
    trusted.says(verified_claims=["birthdate"])
    assert "evidence" not in told(trusted, {**SHOWN, "claims": {"birthdate": None}})["verification"]


def test_a_number_cannot_be_guessed_by_who_may_not_have_it(trusted: BasicParty) -> None:
    """invalid solely because the client may not ask for numbers: right or wrong, a guess is not answered."""
    trusted.says(verified_claims=["birthdate", "evidence"])
    for number in ("A1234563", "B1234567"):
        guess = {
            "type": {"value": "document"},
            "document_details": {"type": None, "document_number": {"value": number}},
        }
        assert told(trusted, {**NAMED, "verification": {"trust_framework": None, "evidence": [guess]}}) is None


def test_what_is_allowed_no_more_is_told_no_more(trusted: BasicParty) -> None:
    """An officer's word counts for tokens that are out."""
    token = trusted.tokens(claims=asking(NAMED))["access_token"]
    trusted.says(verified_claims=["name"])
    assert asked_again(trusted.world, token) is None


def test_a_client_of_a_trust_chain_says_what_it_wants_and_has_no_number(world: World, rp: RelyingParty) -> None:
    rp.says(verified_claims=list(verified.NAMES))
    linked_at = datetime.datetime.fromtimestamp(world.now - DAY, datetime.UTC)
    document(traveller=world.traveller, linked_at=linked_at)
    claims = {"userinfo": {"verified_claims": SHOWN}}
    token = rp_tokens(world, rp.request(claims=claims))["access_token"]
    details = asked_again(world, token)["verification"]["evidence"][0]["document_details"]
    assert details["type"] == "idcard" and "document_number" not in details


def test_an_officer_registers_what_there_is_and_nothing_else(world: World) -> None:
    """A name that nobody can tell would be waited for in vain; the answer says what was taken."""
    made = client_registration.register(
        client_id="clinic",
        profile=Client.Profile.BASIC,
        registration=Client.Registration.ADMIN,
        metadata={"redirect_uris": [CALLBACK], "verified_claims": ["document_number", "email", "name"]},
        resources=(),
        actor="test",
        now=world.now,
    )
    assert made.client.metadata["verified_claims"] == ["name", "document_number"]
    assert verified.permitted(made.client) == {"name", "document_number"}
    made.client.metadata["verified_claims"] = "name"
    assert verified.permitted(made.client) == frozenset()


def test_a_client_that_registered_itself_gets_none(anybody: Registrant) -> None:
    """invalid solely because nobody vouches for it, whatever its metadata says."""
    registered = anybody.register(verified_claims=["name"]).json()
    assert "verified_claims" not in registered
    client = Client.objects.get(client_id=registered["client_id"])
    client.metadata["verified_claims"] = ["name"]
    assert verified.permitted(client) == frozenset()


# --- on whose word -------------------------------------------------------------------------------------------------


def test_a_password_is_not_enough(trusted: BasicParty) -> None:
    """IDA §10.1: the login page asks for more, and a grant from less has none."""
    trusted.world.log_in(acr=sessions.ACR_PASSWORD)
    page = trusted.next(claims=asking(NAMED))
    assert page.status_code == 303 and "acr%3Amfa" in page["Location"]
    silent = answer(trusted.next(claims=asking(NAMED), prompt="none"))
    assert silent["error"] == "login_required"
    token = trusted.tokens(claims=asking(NAMED))["access_token"]
    Grant.objects.update(acr=sessions.ACR_PASSWORD)
    assert asked_again(trusted.world, token) is None


def test_consent_is_remembered_by_verified_claim(trusted: BasicParty) -> None:
    """What was agreed to of the plain claims says nothing of the verified ones."""
    trusted.tokens(claims=json.dumps({"userinfo": {"birthdate": None}}))
    assert trusted.next(claims=asking(NAMED)).status_code == 200
    trusted.tokens(claims=asking(NAMED))
    assert Consent.objects.get().claims == ["birthdate", "verified_claims/birthdate"]
    assert answer(trusted.next(claims=asking(NAMED), prompt="none"))["code"]
    assert answer(trusted.next(claims=asking(SHOWN), prompt="none"))["error"] == "consent_required"


@pytest.mark.parametrize(
    "requests",
    [
        None,
        [],
        {"claims": {"name": None}},
        {**NAMED, "claims": {}},
        {**NAMED, "claims": {"name": {"purpose": "ab"}}},
        {**NAMED, "verification": {"trust_framework": None, "evidence": [{"type": None}]}},
        {**NAMED, "verification": {"trust_framework": None, "time": {"max_age": -1}}},
        [NAMED] * 5,
    ],
)
def test_a_request_that_is_not_one_is_answered_to_the_client(trusted: BasicParty, requests: Any) -> None:
    """invalid solely because of the form (IDA §5.7.6), whoever asks."""
    assert answer(trusted.ask(claims=asking(requests)))["error"] == "invalid_request"


# --- the whole way -------------------------------------------------------------------------------------------------


def test_a_client_of_the_border_profile_gets_them_signed(world: World, now: int) -> None:
    """Profile border: pushed and signed request, consent page, DPoP-bound tokens, userinfo as JWT."""
    who = world.messenger
    signed = {"userinfo_signed_response_alg": "ES256", "verified_claims": ["name", "evidence"]}
    who.entity.metadata = {"openid_relying_party": who.metadata(**signed)}
    linked_at = datetime.datetime.fromtimestamp(now - DAY, datetime.UTC)
    document(traveller=world.traveller, linked_at=linked_at)
    parameters = who.request(claims={"userinfo": {"verified_claims": SHOWN}}, authorization_details=REMOVE)
    tokens = world.tokens(parameters)
    response = world.userinfo(tokens["access_token"])
    assert (response.status_code, response["Content-Type"]) == (200, "application/jwt"), response.content
    verification = jws.verify(response.content.decode(), userinfo.RESPONSE, signing.published("oidc"), now=now)
    found = verification.claims["verified_claims"]
    assert found["claims"] == {"name#zh-Hant": "陳大文", "name#en": "CHAN TAI MAN"}
    assert found["verification"]["evidence"][0]["document_details"]["type"] == "idcard"


def test_metadata_says_what_can_be_asked_for(world: World) -> None:
    """IDA §8; and nothing stands there that no document can show."""
    published = Browser().get("/.well-known/openid-configuration").json()
    assert published["trust_frameworks_supported"] == [FRAMEWORK]
    assert published["claims_in_verified_claims_supported"] == list(verified.CLAIMS)
    assert published["evidence_supported"] == ["document"]
    assert published["documents_check_methods_supported"] == ["data", "bvr"]
    assert set(published["documents_supported"]) == set(verified.KINDS.values())
    assert set(verified.KINDS) == set(TravelDocument.Type.values)
    assert not {"electronic_records_supported", "documents_methods_supported"} & set(published)
    assert "verified_claims" in published["claims_supported"]
    assert metadata.openid_provider()["verified_claims_supported"] is True
