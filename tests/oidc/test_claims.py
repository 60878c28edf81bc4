"""What relying parties learn of travellers: what was asked for, allowed and known, and nothing else (Core §5)."""

import datetime
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.accounts import contact
from idp.accounts.models import TravelDocument
from idp.oidc import claims, identity, metadata
from idp.oidc.models import Grant
from idp.protocol.claims_answer import Facts, answer
from tests.accounts.people import document
from tests.oidc.basic_party import BasicParty
from tests.oidc.test_basic_profile import id_token

CONTACT = {
    "email": "mei@example.com",
    "phone": "+85212345678",
    "street_address": "8 Example Road",
    "country": "Hong Kong",
    "language": "zh-hant",
}
CHAN = {"name": {"zh-Hant": "陳大文", "en": "CHAN, TAI MAN"}, "family_name": {"en": "CHAN"}}


def give_document(basic: BasicParty, *, at: int = 0, **changes: Any) -> TravelDocument:
    linked = datetime.datetime.fromtimestamp(at or basic.world.now, datetime.UTC)
    return document(traveller=basic.world.traveller, linked_at=linked, **{"name_latin": "CHAN, TAI MAN", **changes})


def userinfo(basic: BasicParty, **request: Any) -> dict[str, Any]:
    token = basic.tokens(**request)["access_token"]
    response = basic.world.machine.get("/oidc/userinfo", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 200, response.content
    told = dict(response.json())
    assert told.pop("sub")
    return told


def test_profile_is_what_the_document_says(basic: BasicParty, now: int) -> None:
    give_document(basic)
    assert userinfo(basic, scope="openid profile") == {
        "name": "陳大文",
        "name#zh-Hant": "陳大文",
        "name#en": "CHAN, TAI MAN",
        "given_name": "TAI MAN",
        "given_name#en": "TAI MAN",
        "family_name": "CHAN",
        "family_name#en": "CHAN",
        "birthdate": "1990-01-01",
        "gender": "male",
        "zoneinfo": "Asia/Hong_Kong",
        "updated_at": now,
    }


def test_contact_details_are_told_as_unverified(basic: BasicParty, now: int) -> None:
    contact.keep(traveller=basic.world.traveller, details=CONTACT, now=now)
    assert userinfo(basic, scope="openid email phone address") == {
        "email": "mei@example.com",
        "email_verified": False,
        "phone_number": "+85212345678",
        "phone_number_verified": False,
        "address": {
            "formatted": "8 Example Road\nHong Kong",
            "street_address": "8 Example Road",
            "country": "Hong Kong",
        },
    }


def test_a_scope_opens_its_own_claims_only(basic: BasicParty, now: int) -> None:
    give_document(basic)
    contact.keep(traveller=basic.world.traveller, details=CONTACT, now=now)
    for scope, names in claims.SCOPE_CLAIMS.items():
        assert {claims.base(name) for name in userinfo(basic, scope=f"openid {scope}")} <= set(names)
    assert userinfo(basic) == {}


def test_without_a_document_only_what_the_traveller_says_is_known(basic: BasicParty, now: int) -> None:
    assert userinfo(basic, scope="openid profile email phone address") == {}
    basic.world.traveller.account.display_name = "小美"
    basic.world.traveller.account.save()
    contact.keep(traveller=basic.world.traveller, details={"language": "pt"}, now=now)
    told = userinfo(basic, scope="openid profile email phone address")
    assert told == {"nickname": "小美", "locale": "pt", "updated_at": now}


def test_id_token_carries_what_was_asked_for_it_and_no_more(basic: BasicParty) -> None:
    give_document(basic)
    asked = {"id_token": {"birthdate": {"essential": True}}, "userinfo": {"gender": None}}
    tokens = basic.tokens(scope="openid profile", claims=json.dumps(asked))
    _, told = id_token(tokens)
    assert told["birthdate"] == "1990-01-01"
    assert not {"gender", "name", "zoneinfo"} & set(told)


def test_claims_by_name_need_no_scope(basic: BasicParty) -> None:
    give_document(basic)
    asked = json.dumps({"userinfo": {"birthdate": None, "name#en": None, "no_such": {"essential": True}}})
    assert userinfo(basic, claims=asked) == {"birthdate": "1990-01-01", "name#en": "CHAN, TAI MAN"}


def test_a_client_cannot_have_the_protocols_claims_changed(basic: BasicParty) -> None:
    """What it asks about iss, aud and the like is not listened to."""
    asked = {"id_token": {name: {"value": "other"} for name in claims.PROTOCOL if name not in ("sub", "acr")}}
    _, told = id_token(basic.tokens(claims=json.dumps(asked)))
    assert "other" not in told.values()


def test_languages_of_the_request_are_kept_with_the_grant(basic: BasicParty) -> None:
    give_document(basic)
    told = userinfo(basic, scope="openid profile", claims_locales="en-GB fr")
    assert (told["name"], told["name#en"]) == ("CHAN, TAI MAN", "CHAN, TAI MAN")
    assert "name#zh-Hant" not in told
    assert Grant.objects.get().claims_locales == "en-GB fr"


@pytest.mark.parametrize(("side", "script"), [("HKG", "zh-Hant"), ("MAC", "zh-Hant"), ("CHN", "zh-Hans")])
def test_the_issuing_side_decides_the_script(basic: BasicParty, side: str, script: str) -> None:
    give_document(basic, issued_by=side)
    assert set(identity.of(basic.world.traveller).texts["name"]) == {script, "en"}


@pytest.mark.parametrize("latin", ["CHAN TAI MAN", "CHAN,", ", TAI MAN", "CHAN, TAI, MAN", ""])
def test_names_that_nobody_parted_stay_whole(basic: BasicParty, latin: str) -> None:
    """No surname is guessed, neither from Latin letters nor from the first of the characters."""
    give_document(basic, name_latin=latin)
    assert set(identity.of(basic.world.traveller).texts) == {"name"}


def test_the_third_sex_has_no_word_in_the_standard(basic: BasicParty) -> None:
    give_document(basic, sex="X")
    assert "gender" not in identity.of(basic.world.traveller).values


def test_revoked_documents_say_nothing_and_the_latest_speaks(basic: BasicParty, now: int) -> None:
    give_document(basic, at=now - 9)
    give_document(basic, number="B1234567", name_native="陳小文", at=now - 5)
    give_document(basic, number="C1234567", name_native="無效", status="revoked", at=now - 1)
    facts = identity.of(basic.world.traveller)
    assert (facts.texts["name"]["zh-Hant"], facts.values["updated_at"]) == ("陳小文", now - 5)


def test_contact_that_changed_later_is_what_was_updated(basic: BasicParty, now: int) -> None:
    give_document(basic, at=now - 9)
    contact.keep(traveller=basic.world.traveller, details=CONTACT, now=now - 3)
    assert identity.of(basic.world.traveller).values["updated_at"] == now - 3


@given(
    st.dictionaries(st.sampled_from([*sorted(claims.TOLD), "name#en", "sub", "iss", "x"]), st.none(), max_size=8),
    st.text("abehnstz-HK ", max_size=24),
)
def test_nothing_is_told_that_was_not_asked_for(wanted: dict[str, None], locales: str) -> None:
    facts = Facts({"birthdate": "1990-01-01", "gender": "male", "email": "a@b"}, CHAN)
    kept = claims.of_place("userinfo", {"userinfo": wanted}, scope="openid")
    told = answer(kept, facts, locales=locales)
    assert {claims.base(name) for name in told} <= {claims.base(name) for name in wanted} & claims.TOLD
    assert {name for name in kept if name in facts.values} == {name for name in told if name in facts.values}


def test_metadata_names_every_claim(basic: BasicParty) -> None:
    document = metadata.openid_provider()
    assert document["claims_parameter_supported"] is True
    assert set(document["claims_supported"]) == {*claims.PROTOCOL, *claims.TOLD, "verified_claims"}
    assert len(document["claims_supported"]) == len(set(document["claims_supported"]))
