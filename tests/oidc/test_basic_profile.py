"""The profile ``basic``: OpenID Connect Core as conventional relying parties speak it."""

import base64
from typing import Any

import pytest

from idp.oidc.models import Client, Grant
from idp.protocol import client_assertion, jws, keys, pkce
from tests.oidc.basic_party import SECRET, BasicParty
from tests.oidc.world import CALLBACK, NODE, VERIFIER, World, answer, error_of
from tests.simulators.federation import REMOVE

KEY = keys.generate("RS256")


def id_token(tokens: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    parsed = jws.parse_unverified(tokens["id_token"], jws.TokenType(None, algorithms=jws.WITH_RS256))
    return parsed.header, parsed.claims


def test_code_flow_without_pkce_and_with_secret(basic: BasicParty) -> None:
    """What every mainstream client does by default: RS256, client_secret_basic, a bearer token."""
    got = basic.tokens()
    header, claims = id_token(got)
    assert (header["alg"], claims["aud"], claims["nonce"], claims["iss"]) == ("RS256", "basic-party", "n-1", NODE)
    assert got["token_type"] == "Bearer"
    info = basic.world.machine.get("/oidc/userinfo", headers={"Authorization": f"Bearer {got['access_token']}"})
    assert info.json()["sub"] == claims["sub"]


def test_request_without_nonce_or_state_is_good(basic: BasicParty) -> None:
    """Core §3.1.2.1: both are the client's choice in the code flow."""
    response = basic.redeem(basic.code(nonce=REMOVE, state=REMOVE))
    assert "nonce" not in id_token(response.json())[1]


def test_request_may_be_posted(basic: BasicParty) -> None:
    """Core §3.1.2.1 asks for GET and POST."""
    basic.world.log_in()
    assert "code" in answer(basic.decide(basic.kept(method="post")))


def test_unknown_parameter_is_ignored(basic: BasicParty) -> None:
    assert basic.kept(extra="foobar")


def test_parameter_that_stands_twice_is_a_page(basic: BasicParty) -> None:
    """invalid solely because scope stands twice (RFC 6749 §3.1)."""
    assert basic.ask(scope=["openid", "openid"]).status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": REMOVE},
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": CALLBACK + "?x=1"},
        {"redirect_uri": CALLBACK + "/../other"},
        {"redirect_uri": CALLBACK + "#f"},
        {"redirect_uri": "https://user@messenger.example/callback"},
        {"redirect_uri": "https://MESSENGER.example/callback"},
        {"redirect_uri": "http://localhost:99/callback"},
        {"client_id": "nobody"},
        {"client_id": REMOVE},
    ],
)
def test_unsound_redirect_uri_or_client_is_a_page(basic: BasicParty, changes: dict[str, Any]) -> None:
    """invalid solely because of the redirect URI or the client: never a redirect (row 43)."""
    response = basic.ask(**changes)
    assert 400 <= response.status_code < 500 and not response.has_header("Location")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": REMOVE}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"claims": "[]"}, "invalid_request"),
        (
            {"claims": '{"id_token": {"acr": {"essential": true, "values": ["urn:other"]}}}'},
            "unmet_authentication_requirements",
        ),
        ({"code_challenge": "x" * 43, "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "x" * 43}, "invalid_request"),
        ({"scope": REMOVE}, "invalid_scope"),
        ({"id_token_hint": "a.b.c"}, "invalid_request"),
        ({"resource": "https://other.example/#f"}, "invalid_target"),
        ({"dpop_jkt": "short"}, "invalid_request"),
    ],
)
def test_bad_parameter_comes_back_to_the_client(basic: BasicParty, changes: dict[str, Any], error: str) -> None:
    """invalid solely because of one parameter; the client learns which kind of error, with its state (row 42)."""
    got = answer(basic.ask(**changes))
    assert (got["error"], got["state"], got["iss"]) == (error, "s-1", NODE)


def test_plain_request_of_a_client_that_signs(basic: BasicParty) -> None:
    """invalid solely because of the registration (RFC 9101 §10.5): whoever left the signature out changed the rest."""
    basic.says(require_signed_request_object=True)
    assert answer(basic.ask())["error"] == "invalid_request"


def test_state_that_is_too_long_does_not_come_back(basic: BasicParty) -> None:
    """invalid solely because of a state of a thousand characters."""
    got = answer(basic.ask(state="s" * 1000))
    assert got["error"] == "invalid_request" and "state" not in got


def test_challenge_that_was_sent_must_be_met(basic: BasicParty) -> None:
    """A downgrade: whoever asked with a challenge redeems with its verifier (row 40)."""
    challenge = {"code_challenge": pkce.challenge_of(VERIFIER), "code_challenge_method": "S256"}
    assert error_of(basic.redeem(basic.code(**challenge))) == (400, "invalid_grant")
    assert basic.redeem(basic.code(**challenge), code_verifier=VERIFIER).status_code == 200
    assert error_of(basic.redeem(basic.code(), code_verifier=VERIFIER)) == (400, "invalid_grant")


def test_secret_in_the_form_needs_its_registration(basic: BasicParty) -> None:
    """invalid solely because the client registered another method (RFC 7591 §2)."""
    form = {"grant_type": "authorization_code", "code": basic.code(), "redirect_uri": CALLBACK}
    form |= {"client_id": basic.client_id, "client_secret": SECRET}
    assert error_of(basic.post("/oidc/token", form, authorization=None)) == (401, "invalid_client")
    basic.says(token_endpoint_auth_method="client_secret_post")
    assert basic.post("/oidc/token", form, authorization=None).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "Basic " + base64.b64encode(b"basic-party:wrong").decode(),
        "Basic " + base64.b64encode(b"basic-party:").decode(),
        "Basic " + base64.b64encode(b"basic-party").decode(),
        "Basic " + base64.b64encode(b"nobody:" + SECRET.encode()).decode(),
        "Basic " + base64.b64encode(b"https://messenger.example:-").decode(),
        "Basic \u00e9",
        "Basic ///",
        "basic",
    ],
)
def test_wrong_credentials_are_challenged(basic: BasicParty, header: str) -> None:
    """invalid solely because of the header; an empty or foreign secret opens no client without one (RFC 6749 §5.2)."""
    world = basic.world
    world.pushed()  # registers the messenger, which has no secret
    form = {"grant_type": "authorization_code", "code": "x", "redirect_uri": CALLBACK}
    response = basic.post("/oidc/token", form, authorization=header)
    assert error_of(response) == (401, "invalid_client")
    if header.startswith("Basic"):
        assert response["WWW-Authenticate"].startswith("Basic ")


def test_two_methods_at_once_are_refused(basic: BasicParty) -> None:
    """invalid solely because the secret comes twice (RFC 6749 §2.3)."""
    form = {"grant_type": "authorization_code", "code": basic.code(), "client_secret": SECRET}
    assert error_of(basic.post("/oidc/token", form)) == (401, "invalid_client")


def test_identifier_beside_the_header_must_be_the_same(basic: BasicParty) -> None:
    form = {"grant_type": "authorization_code", "code": basic.code(), "client_id": "other"}
    assert error_of(basic.post("/oidc/token", form)) == (401, "invalid_client")


def test_special_characters_are_form_encoded_in_the_header(basic: BasicParty) -> None:
    """RFC 6749 §2.3.1: a client whose identifier is a URL."""
    Client.objects.filter(pk=basic.row.pk).update(client_id="https://basic.example:8/x")
    form = {"grant_type": "authorization_code", "code": "x", "redirect_uri": CALLBACK}
    header = basic.basic(client_id="https%3A%2F%2Fbasic.example%3A8%2Fx")
    assert error_of(basic.post("/oidc/token", form, authorization=header)) == (400, "invalid_grant")


class TestAssertions:
    """private_key_jwt in the profile ``basic``: old clients address the endpoint (Core §9)."""

    @pytest.fixture
    def signing_party(self, basic: BasicParty) -> BasicParty:
        basic.says(token_endpoint_auth_method="private_key_jwt", jwks=keys.KeySet([KEY.public]).jwks())
        return basic

    def assertion(self, party: BasicParty, **changes: Any) -> dict[str, str]:
        now = party.world.now
        claims = {"iss": party.client_id, "sub": party.client_id, "aud": NODE, "exp": now + 60, "jti": str(changes)}
        text = jws.sign(client_assertion.CLIENT_ASSERTION, {**claims, **changes}, KEY)
        return {"client_assertion": text, "client_assertion_type": client_assertion.ASSERTION_TYPE}

    @pytest.mark.parametrize("aud", [NODE, f"{NODE}/oidc/token", [f"{NODE}/oidc/token"], [NODE, f"{NODE}/oidc/token"]])
    def test_addressed_to_us(self, signing_party: BasicParty, aud: Any) -> None:
        form = {"grant_type": "authorization_code", "code": signing_party.code(), "redirect_uri": CALLBACK}
        form |= self.assertion(signing_party, aud=aud)
        assert signing_party.post("/oidc/token", form, authorization=None).status_code == 200

    @pytest.mark.parametrize(
        "aud", ["https://other.example", [NODE, "https://other.example"], [], 5, f"{NODE}/oidc/par"]
    )
    def test_addressed_to_others_too(self, signing_party: BasicParty, aud: Any) -> None:
        """invalid solely because of an audience that is not us alone: it could be used elsewhere."""
        form = {"grant_type": "authorization_code", "code": signing_party.code(), "redirect_uri": CALLBACK}
        form |= self.assertion(signing_party, aud=aud)
        assert error_of(signing_party.post("/oidc/token", form, authorization=None)) == (401, "invalid_client")


def test_pushed_request_of_a_basic_client(basic: BasicParty) -> None:
    """PAR is there for who wants it."""
    form = {"response_type": "code", "redirect_uri": CALLBACK, "scope": "openid"}
    response = basic.post("/oidc/par", form)
    assert response.status_code == 201
    basic.world.log_in()
    assert "code" in answer(basic.decide(response.json()["request_uri"]))


def test_disabled_client_gets_nothing(basic: BasicParty) -> None:
    code = basic.code()
    Client.objects.update(disabled=True)
    assert basic.ask().status_code == 400
    assert error_of(basic.redeem(code)) == (400, "unauthorized_client")


def test_code_used_twice_ends_the_grant(basic: BasicParty) -> None:
    """RFC 6749 §4.1.2 (row 41)."""
    code = basic.code()
    assert basic.redeem(code).status_code == 200
    assert error_of(basic.redeem(code)) == (400, "invalid_grant")
    assert Grant.objects.get().revoked_at is not None


def test_wallet_may_not_bring_a_plain_request(world: World) -> None:
    """FAPI 2.0 §5.3.2.2 (row 35); invalid solely because it was not pushed."""
    world.pushed()
    query = {**world.messenger.request(authorization_details=REMOVE), "client_id": world.messenger.client_id}
    response = world.browser.get(
        "/oidc/authorize", {name: value for name, value in query.items() if value is not REMOVE}
    )
    assert response.status_code == 400 and b"invalid_request" in response.content


def test_relying_party_of_a_trust_chain_may_not_bring_a_plain_request(world: World, rp: Any) -> None:
    """invalid solely because nobody has proved to be the relying party (Federation §12.1.1)."""
    query = {"client_id": rp.client_id, "response_type": "code", "redirect_uri": CALLBACK, "scope": "openid"}
    response = world.browser.get("/oidc/authorize", query)
    assert response.status_code == 400 and not response.has_header("Location")
