"""Userinfo for whoever may ask, in each way that OpenID Connect Core §5.3 has, and for nobody else."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse

from idp.federation import signing
from idp.oidc import userinfo
from idp.oidc.models import Client
from idp.protocol import jws
from tests.oidc.basic_party import BasicParty
from tests.oidc.relying_party import RelyingParty, tokens
from tests.oidc.test_access import problem_of
from tests.oidc.test_basic_profile import id_token
from tests.oidc.test_claims import give_document
from tests.oidc.world import NODE, Messenger, World, error_of
from tests.simulators.federation import REMOVE

FORM = "application/x-www-form-urlencoded"
CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "WWW-Authenticate, DPoP-Nonce"}


def get(world: World, token: str, **more: Any) -> HttpResponse:
    return world.machine.get("/oidc/userinfo", headers={"Authorization": f"Bearer {token}"}, **more)


def post(world: World, form: Mapping[str, Any], *, query: str = "", kind: str = FORM, **headers: str) -> HttpResponse:
    body = urlencode(form, doseq=True)
    return world.machine.post(f"/oidc/userinfo{query}", body, content_type=kind, headers=headers)


def shared(response: HttpResponse) -> dict[str, str]:
    """The headers that let a page of another origin read the answer."""
    return {name: value for name, value in response.headers.items() if name.startswith("Access-Control")}


# --- how it is asked -----------------------------------------------------------------------------------------------


def test_every_way_of_asking_gets_the_same_answer(basic: BasicParty) -> None:
    """Core §5.3.1: GET, POST with the header, POST with the token in the form."""
    give_document(basic)
    token = basic.tokens(scope="openid profile")["access_token"]
    answers = [
        get(basic.world, token),
        post(basic.world, {}, Authorization=f"Bearer {token}"),
        post(basic.world, {"unknown": "x"}, kind=f"{FORM}; charset=UTF-8", Authorization=f"Bearer {token}"),
        post(basic.world, {"access_token": token}),
    ]
    for answer in answers:
        assert answer.status_code == 200, answer.content
        assert (answer["Content-Type"], answer["Cache-Control"]) == ("application/json", "no-store")
        assert answer.json() == answers[0].json() and answer.json()["name"] == "陳大文"
    assert "陳大文" in answers[0].content.decode()


def test_token_in_the_form_is_for_conventional_clients_only(world: World, rp: RelyingParty) -> None:
    """invalid solely because of the client's profile (FAPI 2.0 Security Profile §5.3.3, row 50)."""
    token = tokens(world)["access_token"]
    assert get(world, token).status_code == 200
    refused = post(world, {"access_token": token})
    assert problem_of(refused) == (401, "invalid_token")
    assert refused["WWW-Authenticate"].startswith('Bearer error="invalid_token"')


@pytest.mark.parametrize("proved", [False, True])
def test_bound_token_in_the_form_is_refused_with_and_without_its_proof(basic: BasicParty, proved: bool) -> None:
    """invalid solely because the token is bound: a proof goes with the header's DPoP scheme only (RFC 9449 §7.1)."""
    world, who = basic.world, basic.world.messenger
    form = {"grant_type": "authorization_code", "code": basic.code(), "redirect_uri": f"{who.client_id}/callback"}
    token = basic.post("/oidc/token", form, proof=who.proof("/oidc/token")).json()["access_token"]
    proof = {"DPoP": who.proof("/oidc/userinfo", access_token=token)} if proved else {}
    assert problem_of(post(world, {"access_token": token}, **proof)) == (401, "invalid_token")
    again = {"DPoP": who.proof("/oidc/userinfo", access_token=token), "Authorization": f"DPoP {token}"}
    assert post(world, {}, **again).status_code == 200


def test_two_tokens_are_none(basic: BasicParty) -> None:
    """invalid solely because the token comes in two ways, or twice (RFC 6750 §2, §3.1)."""
    token = basic.tokens()["access_token"]
    for refused in (
        post(basic.world, {"access_token": token}, Authorization=f"Bearer {token}"),
        post(basic.world, {"access_token": token}, Authorization="Basic eDp5"),
        post(basic.world, {"access_token": [token, token]}),
        post(basic.world, {"access_token": token}, query=f"?access_token={token}"),
    ):
        assert problem_of(refused) == (400, "invalid_request")
        assert refused["WWW-Authenticate"] == 'Bearer error="invalid_request"'


def test_token_in_the_query_is_not_looked_at(basic: BasicParty) -> None:
    """invalid solely because the token is in the URL, which ends up in logs (RFC 9700 §4.3.2)."""
    token = basic.tokens()["access_token"]
    for path in (f"/oidc/userinfo?access_token={token}", f"/oidc/userinfo?{urlencode({'access_token': 'other'})}"):
        assert problem_of(basic.world.machine.get(path)) == (401, "invalid_token")
        assert basic.world.machine.get(path, headers={"Authorization": f"Bearer {token}"}).status_code == 200


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain"])
def test_token_in_another_body_is_not_looked_at(basic: BasicParty, kind: str) -> None:
    """invalid solely because the body is no form (RFC 6750 §2.2)."""
    token = basic.tokens()["access_token"]
    assert problem_of(post(basic.world, {"access_token": token}, kind=kind)) == (401, "invalid_token")


@pytest.mark.parametrize("form", [{}, {"access_token": ""}, {"token": "x"}])
def test_form_without_token_is_told_what_is_missing_and_no_error(basic: BasicParty, form: dict[str, str]) -> None:
    """RFC 6750 §3.1: no error code for somebody who did not try."""
    refused = post(basic.world, form)
    assert problem_of(refused) == (401, "invalid_token") and "error=" not in refused["WWW-Authenticate"]


@pytest.mark.parametrize("value", ["a" * 66_000, "\x00", ["a"] * 9], ids=["long", "null", "many"])
def test_form_that_is_none_is_refused(world: World, value: Any) -> None:
    assert problem_of(post(world, {"access_token": value})) == (400, "invalid_request")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "TRACE"])
def test_other_methods_are_refused(world: World, method: str) -> None:
    refused = world.machine.generic(method, "/oidc/userinfo")
    assert (refused.status_code, refused["Allow"]) == (405, "GET, POST, OPTIONS")
    assert shared(refused) == CORS


def test_token_without_openid_is_told_which_scope_is_missing(world: World) -> None:
    """RFC 6750 §3.1: insufficient_scope, and the scope that is needed."""
    token = world.tokens(world.messenger.request(scope="offline_access"))["access_token"]
    refused = world.userinfo(token)
    assert problem_of(refused) == (403, "forbidden")
    assert refused["WWW-Authenticate"] == ('DPoP error="insufficient_scope", scope="openid", algs="ES256 EdDSA PS256"')


# --- from pages of other origins (Core §5.3, Fetch) ----------------------------------------------------------------


def test_page_of_another_origin_may_ask_first(world: World) -> None:
    """A browser that gets no answer to its question never sends the token."""
    asked = {"Origin": "https://rp.example", "Access-Control-Request-Method": "GET"}
    answer = world.machine.options("/oidc/userinfo", headers={**asked, "Access-Control-Request-Headers": "dpop"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert shared(answer) == {
        **CORS,
        "Access-Control-Allow-Methods": "GET, POST",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, DPoP",
        "Access-Control-Max-Age": "3600",
    }


def test_page_of_another_origin_may_read_answers_and_refusals(basic: BasicParty) -> None:
    """An error that a page cannot read looks like a network that is down. No cookie is ever let in."""
    token = basic.tokens()["access_token"]
    for response in (
        get(basic.world, token),
        get(basic.world, "x"),
        post(basic.world, {"access_token": [token, token]}),
        basic.world.machine.get("/oidc/userinfo"),
        basic.world.machine.put("/oidc/userinfo"),
    ):
        assert shared(response) == CORS


def test_cookies_give_nobody_anything(basic: BasicParty) -> None:
    """invalid solely because the traveller's session is all that came along: any origin may ask here."""
    basic.tokens()
    assert basic.world.browser.get("/oidc/userinfo").status_code == 401


# --- signed (Core §5.3.2) ------------------------------------------------------------------------------------------


def verified(response: HttpResponse, *, now: int) -> jws.VerifiedJWS:
    assert (response.status_code, response["Content-Type"]) == (200, "application/jwt")
    assert response["Cache-Control"] == "no-store"
    return jws.verify(response.content.decode(), userinfo.RESPONSE, signing.published("oidc"), now=now)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_signed_answer_says_who_and_for_whom(basic: BasicParty, algorithm: str) -> None:
    give_document(basic)
    basic.says(userinfo_signed_response_alg=algorithm)
    got = basic.tokens(scope="openid profile")
    found = verified(get(basic.world, got["access_token"]), now=basic.world.now)
    assert found.header["alg"] == algorithm
    claims = dict(found.claims)
    assert (claims["iss"], claims["aud"]) == (NODE, basic.client_id)
    assert claims["sub"] == id_token(got)[1]["sub"] and claims["name"] == "陳大文"
    assert not {"exp", "iat", "nonce", "at_hash"} & set(claims)  # nobody shall take it for an id token


def test_signed_answer_is_no_id_token(basic: BasicParty) -> None:
    """invalid solely because it is userinfo: as a hint it would name a subject (RFC 8725 §2.8)."""
    basic.says(userinfo_signed_response_alg="RS256")
    answer = get(basic.world, basic.tokens()["access_token"]).content.decode()
    assert "error=invalid_request" in basic.ask(id_token_hint=answer)["Location"]


@pytest.mark.parametrize("said", [None, "none"])
def test_answer_is_plain_unless_it_was_asked_otherwise(basic: BasicParty, said: str | None) -> None:
    basic.says(**({} if said is None else {"userinfo_signed_response_alg": said}))
    answer = get(basic.world, basic.tokens()["access_token"])
    assert answer["Content-Type"] == "application/json" and set(answer.json()) == {"sub"}


def test_relying_party_of_a_chain_may_have_it_signed(world: World, rp: RelyingParty) -> None:
    rp.says(userinfo_signed_response_alg="ES256")
    found = verified(get(world, tokens(world)["access_token"]), now=world.now)
    assert (found.header["alg"], found.claims["aud"]) == ("ES256", rp.client_id)


@pytest.mark.parametrize("said", ["ES256", "RS256", "PS256"])
def test_border_client_gets_it_signed_by_a_modern_algorithm(world: World, said: str) -> None:
    """FAPI 2.0 Security Profile §5.4.1 leaves RS256 out; what was wanted signed is never told unsigned."""
    bank = bank_of(world, userinfo_signed_response_alg=said)
    token = world.tokens(bank.request(authorization_details=REMOVE))["access_token"]
    found = verified(world.userinfo(token), now=world.now)
    assert (found.header["alg"], found.claims["aud"]) == ("ES256", bank.client_id)


def bank_of(world: World, **metadata: Any) -> Messenger:
    """The world's client from now on: of the profile ``border``, and no wallet."""
    made = Messenger(world.federation, "https://bank.example", world.now)
    Client.objects.create(
        client_id=made.client_id,
        profile=Client.Profile.BORDER,
        registration=Client.Registration.ADMIN,
        metadata=made.metadata(authorization_details_types=REMOVE, **metadata),
        sector="bank.example",
        created_at=world.now,
    )
    world.messenger = made
    return made


@pytest.mark.parametrize("algorithm", ["HS256", "PS256", "EdDSA", "", 5])
def test_relying_party_that_wants_another_signature_is_refused(
    world: World, rp: RelyingParty, algorithm: object
) -> None:
    """invalid solely because we do not sign so: it would refuse every answer of ours."""
    rp.says(userinfo_signed_response_alg=algorithm)
    assert error_of(world.push()) == (400, "invalid_metadata")


def test_what_is_told_is_json_of_this_time(basic: BasicParty) -> None:
    """Every string of the answer is text, not an escape that some reader takes apart otherwise."""
    give_document(basic)
    told = get(basic.world, basic.tokens(scope="openid profile")["access_token"])
    assert json.loads(told.content) == told.json() and b"\\u" not in told.content
