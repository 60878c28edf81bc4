"""Requests by value: who comes in without pushing, and what must end on a page (rows 25 to 29, 31, 34, 35, 38, 43)."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.federation import entities, signing, statements
from idp.oidc.models import AuthorizationCode, Client, Grant, PushedRequest
from idp.oidc.parameters import MAX_STATE
from idp.protocol import encrypted_request, keys
from idp.protocol.request_object import REQUEST_OBJECT
from tests.oidc.relying_party import RSA, RelyingParty, client, code, enter, kept, tokens
from tests.oidc.test_authorize import code_on
from tests.oidc.world import CALLBACK, NODE, Messenger, World, answer
from tests.simulators.federation import REMOVE, chain, with_raw_claims

ATTACKER = "https://attacker.example/cb"


@pytest.mark.parametrize("method", ["get", "post"])
def test_relying_party_gets_tokens_without_pushing(world: World, rp: RelyingParty, method: str) -> None:
    """A provider that refuses everything would pass all the others."""
    page = enter(world, method=method)
    uri = kept(page)
    assert world.open(uri)["Location"].startswith("/account/login?")  # a password is enough: no acr was asked for
    world.log_in()
    assert world.open(uri).status_code == world.open(uri).status_code == 200  # a reload, though the jti is spent
    given_code = answer(world.decide(uri))
    assert given_code["state"] == "s-1" and given_code["iss"] == NODE
    assert world.redeem(given_code["code"], proof=None, code_verifier=REMOVE).status_code == 200
    registered = client()
    assert (registered.profile, registered.registration) == ("federation", "automatic")
    assert registered.expires_at is not None and registered.expires_at > world.now


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
def test_each_algorithm_of_the_metadata_is_taken(world: World, rp: RelyingParty, algorithm: str) -> None:
    """An algorithm that is advertised and refused."""
    key = keys.generate(algorithm)
    rp.says(jwks=keys.KeySet([key.public]).jwks())
    kept(enter(world, rp.signed(signer=key)))


def own_chain(rp: Messenger, now: int) -> list[str]:
    return [rp.entity.configuration(), statements.subordinate_statement(rp.client_id, now)]


@pytest.mark.parametrize("method", ["get", "post"])
def test_chain_in_the_header_serves_while_nobody_answers(world: World, rp: RelyingParty, method: str) -> None:
    """OpenID Federation §12.1.1: the relying party may bring its chain, and ours beside it."""
    world.federation.down.add("rp.example")
    page = enter(world)
    assert (page.status_code, code_on(page)) == (503, "temporarily_unavailable")
    assert "cannot be verified just now" in page.content.decode()
    peer = [statements.entity_configuration(world.now)]
    headers = {"trust_chain": own_chain(rp, world.now), "peer_trust_chain": peer}
    kept(enter(world, rp.signed(headers=headers), method=method))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"jti": REMOVE}, "invalid_request_object"),
        ({"exp": REMOVE}, "invalid_request_object"),
        ({"iss": REMOVE}, "invalid_request_object"),
        ({"aud": REMOVE}, "invalid_request_object"),
        ({"aud": [NODE, "https://b.example"]}, "invalid_request_object"),
        ({"aud": "http://mo.localhost:8003"}, "invalid_request_object"),
        ({"aud": f"{NODE}/oidc/authorize"}, "invalid_request_object"),
        ({"iss": "https://b.example"}, "invalid_request_object"),
        ({"client_id": "https://b.example"}, "invalid_request_object"),
        ({"iss": "https://b.example", "client_id": "https://b.example"}, "invalid_request_object"),
        ({"sub": "https://rp.example"}, "invalid_request_object"),
        ({"exp": 1_800_000_000 - 300}, "invalid_request_object"),
        ({"exp": 1_800_000_000 + 86_400}, "invalid_request_object"),
        ({"signer": keys.generate()}, "invalid_request_object"),
        ({"headers": {"alg": "none"}}, "invalid_request_object"),
        ({"headers": {"alg": "HS256"}}, "invalid_request_object"),
        ({"headers": {"alg": "PS256"}}, "invalid_request_object"),
        ({"headers": {"typ": "entity-statement+jwt"}}, "invalid_request_object"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request_object"),
    ],
)
def test_request_object_that_does_not_hold_ends_on_a_page(
    world: World, rp: RelyingParty, changes: dict[str, Any], error: str
) -> None:
    """invalid solely because of one thing about the request object (row 26): its redirect URI is not followed."""
    page = enter(world, rp.signed(redirect_uri=CALLBACK, **changes))
    assert code_on(page) == error and page.status_code == 400
    assert not PushedRequest.objects.exists()


@pytest.mark.parametrize(
    "claims",
    [
        '"exp": 1800000060, "exp": 1900000000',
        '"exp": "1800000060"',
        '"exp": 1800000060.0',
        '"exp": true',
        '"exp": NaN',
        '"exp": 1800000060, "max_age": 9007199254740992',
        '"exp": 1800000060, "aud": {"a": 1}',
    ],
)
def test_json_that_readers_read_differently_ends_on_a_page(world: World, rp: RelyingParty, claims: str) -> None:
    """invalid solely because of a doubled member, a number that is none, or an audience that is an object (row 72)."""
    common = f'"iss": "{rp.client_id}", "client_id": "{rp.client_id}", "jti": "raw-1", "response_type": "code"'
    audience = "" if "aud" in claims else f', "aud": "{NODE}"'
    text = with_raw_claims(f"{{{common}{audience}, {claims}}}", signer=RSA, token_type=REQUEST_OBJECT)
    assert code_on(enter(world, text)) == "invalid_request_object"
    sound = f'{{{common}, "aud": "{NODE}", "exp": 1800000060}}'  # but for a redirect_uri, which is looked at later
    sound = with_raw_claims(sound, signer=RSA, token_type=REQUEST_OBJECT)
    assert code_on(enter(world, sound)) == "invalid_request"


def test_request_object_is_accepted_once(world: World, rp: RelyingParty) -> None:
    """invalid solely because its jti was seen, here or at the other endpoint (row 26)."""
    text = rp.signed()
    kept(enter(world, text))
    assert code_on(enter(world, text)) == "invalid_request_object"
    assert world.push(request=text).json()["error"] == "invalid_request_object"


def test_federation_key_signs_no_request(world: World, rp: RelyingParty) -> None:
    """invalid solely because the entity's federation key signed (row 25)."""
    assert code_on(enter(world, rp.signed(signer=rp.entity.key))) == "invalid_request_object"


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"client_id": REMOVE}, "invalid_request"),
        ({"client_id": "https://messenger.example"}, "invalid_request_object"),
        ({"client_id": "https://rp.example/"}, "invalid_request_object"),
        ({"client_id": "https://RP.example"}, "invalid_request_object"),
        ({"client_id": "https://rp.example:443"}, "invalid_request_object"),
        ({"client_id": "https://rр.example"}, "invalid_request_object"),
        ({"request_uri": "https://attacker.example/request.jwt"}, "invalid_request"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_what_stands_beside_the_object_must_fit(
    world: World, rp: RelyingParty, method: str, query: dict[str, Any], error: str
) -> None:
    """invalid solely because client_id is another spelling or missing, or there are two requests (rows 26, 38, 71)."""
    assert code_on(enter(world, method=method, **query)) == error


def test_parameters_beside_the_object_are_ignored(world: World, rp: RelyingParty) -> None:
    """RFC 9101 §6.3: only what was signed counts (rows 29, 39)."""
    kept(enter(world, redirect_uri=ATTACKER, scope="admin", state="evil", response_type="token"))
    saved = PushedRequest.objects.get().parameters
    assert (saved["redirect_uri"], saved["scope"], saved["state"]) == (CALLBACK, "openid", "s-1")


@pytest.mark.parametrize("method", ["get", "post"])
def test_assertion_does_not_pass_for_a_request(world: World, rp: RelyingParty, method: str) -> None:
    """invalid solely because it is a client assertion, and the reverse (row 34)."""
    text = rp.assertion(client_id=rp.client_id, redirect_uri=CALLBACK, response_type="code", scope="openid")
    assert code_on(enter(world, text, method=method)) == "invalid_request_object"
    refused = world.redeem(code(world), proof=None, code_verifier=REMOVE, client_assertion=rp.signed())
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


def test_stranger_with_a_redirect_uri_of_its_own_ends_on_a_page(world: World, rp: RelyingParty) -> None:
    """invalid solely because nobody vouches: never a redirect (row 29)."""
    world.messenger = RelyingParty(world.federation, "https://stranger.example", world.now)
    page = enter(world, world.messenger.signed(redirect_uri=ATTACKER))
    assert (page.status_code, code_on(page)) == (401, "invalid_client")
    assert "attacker" not in page.content.decode() + str(page.headers)
    assert not Client.objects.exists()


@pytest.mark.parametrize("name", ["trust_chain", "peer_trust_chain"])
def test_chain_of_another_entity_ends_on_a_page(world: World, rp: RelyingParty, name: str) -> None:
    """invalid solely because the header has a sound chain of somebody else (rows 27, 28)."""
    other = RelyingParty(world.federation, "https://other.example", world.now)
    world.vouch_for(other)
    page = enter(world, rp.signed(headers={name: own_chain(other, world.now)}))
    assert code_on(page) == "invalid_client"


def test_chain_to_another_anchor_ends_on_a_page(world: World, rp: RelyingParty) -> None:
    """invalid solely because the chain ends in an anchor that is not ours (row 28)."""
    elsewhere = world.federation.authority("https://elsewhere.example")
    elsewhere.recognise(rp.entity, hinted=False)
    page = enter(world, rp.signed(headers={"trust_chain": chain(rp.entity, elsewhere)}))
    assert code_on(page) == "invalid_client"


def test_metadata_that_cannot_be_used_ends_on_a_page(world: World, rp: RelyingParty) -> None:
    """invalid solely because of the metadata; its error code is for pushed requests (row 29)."""
    rp.says(redirect_uris=["http://rp.example/cb"])
    assert code_on(enter(world)) == "invalid_client"


def test_recognition_that_ended_is_noticed_at_once(world: World, rp: RelyingParty) -> None:
    """invalid solely because this node stopped vouching (row 31)."""
    kept(enter(world))
    entities.end_subordinate(entity_id=rp.client_id, now=world.now)
    assert code_on(enter(world)) == "invalid_client"


def test_chain_past_its_end_is_looked_for_again(
    world: World, rp: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """invalid solely because the chain has expired and nobody answers (row 31); valid once somebody does."""
    kept(enter(world))
    later = client().expires_at or 0
    world.now = rp.now = later
    monkeypatch.setattr("idp.clock.now", lambda: later)
    world.federation.down.add("rp.example")
    assert code_on(enter(world)) == "temporarily_unavailable"
    world.federation.down.clear()
    world.federation.now = later
    monkeypatch.setattr("idp.clock.now", lambda: later + 60)
    rp.now = later + 60
    kept(enter(world))
    assert (client().expires_at or 0) > later


@pytest.mark.parametrize(
    "redirect_uri",
    [
        REMOVE,
        "https://messenger.example/callback/",
        "https://messenger.example/callback/../open?url=https://attacker.example",
        "https://messenger.example/callback#x",
        "https://user@messenger.example/callback",
        "https://messenger.example:443/callback",
        "https://messеnger.example/callback",
        "http://localhost:1234/callback",
        ATTACKER,
    ],
)
def test_redirect_uri_that_is_not_registered_ends_on_a_page(world: World, rp: RelyingParty, redirect_uri: Any) -> None:
    """invalid solely because redirect_uri is not, character for character, one of the client's (row 43)."""
    page = enter(world, rp.signed(rp.request(redirect_uri=redirect_uri)))
    assert code_on(page) == "invalid_request"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": REMOVE}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": REMOVE}, "invalid_scope"),
        ({"nonce": 5}, "invalid_request"),
        ({"state": "a\x00b"}, "invalid_request"),
        ({"state": "s" * (MAX_STATE + 1)}, "invalid_request"),
        ({"scope": "admin all"}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"acr_values": "urn:mace:incommon:iap:gold"}, "unmet_authentication_requirements"),
        ({"resource": "https://other.example"}, "invalid_target"),
        ({"code_challenge": "v" * 43, "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "v" * 43}, "invalid_request"),
        ({"code_challenge_method": "S256"}, "invalid_request"),
        ({"dpop_jkt": "short"}, "invalid_request"),
        ({"authorization_details": [{"type": "border_crossing"}]}, "invalid_authorization_details"),
    ],
)
def test_parameter_out_of_profile_is_answered_to_the_client(
    world: World, rp: RelyingParty, changes: dict[str, Any], error: str
) -> None:
    """invalid solely because of one parameter of a trusted client: it learns so (RFC 6749 §4.1.2.1, rows 40, 42)."""
    refused = answer(enter(world, rp.signed(rp.request(**changes))))
    assert refused["error"] == error and refused["iss"] == NODE
    assert refused.get("state") == (None if "state" in changes else "s-1")  # a bad one does not come back
    assert not PushedRequest.objects.exists()


def test_unknown_scopes_are_left_out(world: World, rp: RelyingParty) -> None:
    """OpenID Connect Core §3.1.2.1: a conventional relying party asks for more than there is."""
    assert tokens(world, rp.request(scope="admin openid all"))["scope"] == "openid"


def test_wallet_must_push(world: World) -> None:
    """invalid solely because the client is of the border profile (row 35)."""
    assert code_on(enter(world)) == "invalid_request"
    assert not PushedRequest.objects.exists()


def test_client_that_promised_to_push_must(world: World, rp: RelyingParty) -> None:
    """invalid solely because its metadata says so (RFC 9126 §6)."""
    rp.says(require_pushed_authorization_requests=True)
    assert code_on(enter(world)) == "invalid_request"


def test_client_stopped_by_an_officer_ends_on_a_page(world: World, rp: RelyingParty) -> None:
    """invalid solely because the client is disabled."""
    kept(enter(world))
    Client.objects.update(disabled=True)
    assert code_on(enter(world)) == "unauthorized_client"


def test_silent_request_is_answered_without_a_page(world: World, rp: RelyingParty) -> None:
    """OpenID Connect Core §3.1.2.1: prompt=none."""
    uri = kept(enter(world, rp.signed(rp.request(prompt="none"))))
    assert answer(world.open(uri))["error"] == "login_required"


@pytest.mark.parametrize("profile", ["border", "federation"])
def test_encrypted_request_is_opened(world: World, profile: str, request: pytest.FixtureRequest) -> None:
    """A key that is published and opens nothing."""
    if profile == "federation":
        request.getfixturevalue("rp")
    recipient = signing.private_key("request").public
    sealed = encrypted_request.seal_request(world.messenger.signed(), recipient=recipient)
    if profile == "border":
        assert world.push(request=sealed).status_code == 201
    else:
        kept(enter(world, sealed))


def test_encrypted_request_to_another_key_ends_on_a_page(world: World, rp: RelyingParty) -> None:
    """invalid solely because it was not encrypted to us (row 69)."""
    sealed = encrypted_request.seal_request(rp.signed(), recipient=keys.generate().public)
    assert code_on(enter(world, sealed)) == "invalid_request_object"


def test_post_of_a_pushed_request_goes_on_with_get(world: World, rp: RelyingParty) -> None:
    """OpenID Connect Core §3.1.2.1: the endpoint takes both methods; the session's cookie comes with GET only."""
    uri = world.pushed()
    sent = {"client_id": rp.client_id, "request_uri": uri}
    assert kept(world.browser.post("/oidc/authorize", sent_form(sent), content_type=FORM)) == uri
    assert code_on(world.browser.post("/oidc/authorize", sent_form({**sent, "client_id": "x"}), content_type=FORM))
    assert code_on(world.browser.post("/oidc/authorize", "{}", content_type="application/json")) == "invalid_request"
    huge = sent_form({**sent, "request": "x" * 70_000})
    assert world.browser.post("/oidc/authorize", huge, content_type=FORM).status_code == 413


FORM = "application/x-www-form-urlencoded"


def sent_form(values: dict[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in values.items())


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    claims=st.dictionaries(
        st.sampled_from(
            ["client_id", "iss", "aud", "exp", "jti", "scope", "state", "redirect_uri", "nonce", "max_age"]
        ),
        st.none() | st.integers() | st.text(max_size=8) | st.lists(st.text(max_size=3), max_size=2),
        max_size=3,
    ),
    query=st.dictionaries(
        st.sampled_from(["client_id", "request", "request_uri", "x"]), st.text(max_size=12), max_size=2
    ),
)
def test_no_junk_makes_the_endpoint_fail(
    world: World, rp: RelyingParty, claims: dict[str, Any], query: dict[str, str]
) -> None:
    """Whatever comes, signed or not, is a page or a redirect to the registered URI, and never a 500."""
    assert rp.key is RSA
    text = rp.signed(signer=RSA, **claims)
    response = enter(world, text, **query)
    assert response.status_code in (200, 303, 400, 401, 413), response.content
    if response.status_code == 303:
        assert response["Location"].startswith(("/oidc/authorize?", CALLBACK))
    assert not Grant.objects.exists() and not AuthorizationCode.objects.exists()
