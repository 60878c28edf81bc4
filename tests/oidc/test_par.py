"""What must not get past the pushed authorization request endpoint, each with its exact error."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse

from idp.oidc.models import PushedRequest
from idp.protocol import keys
from tests.oidc.world import CALLBACK, NODE, World, error_of
from tests.simulators.federation import REMOVE


def pushed_with(world: World, **changes: Any) -> HttpResponse:
    return world.push(world.messenger.request(**changes))


def test_answer_is_201_with_a_short_life(world: World) -> None:
    """RFC 9126 §2.2, and FAPI 2.0's limit of 600 s."""
    response = world.push()
    assert response.status_code == 201 and response["Cache-Control"] == "no-store"
    assert set(response.json()) == {"request_uri", "expires_in"} and response.json()["expires_in"] == 90


def test_get_is_not_allowed(world: World) -> None:
    """invalid solely because it is a GET (row 37)."""
    response = world.machine.get("/oidc/par")
    assert error_of(response) == (405, "invalid_request") and response["Allow"] == "POST"


def test_body_over_the_limit_is_refused(world: World) -> None:
    """invalid solely because it has more than 64 KiB (row 37)."""
    assert error_of(world.push(padding="x" * 65_536)) == (413, "invalid_request")


def test_parameter_that_stands_twice_is_refused(world: World) -> None:
    """invalid solely because client_id stands twice (row 37)."""
    form = world.messenger.authenticated(request=world.messenger.signed())
    body = "&".join(f"{name}={value}" for name, value in {**form, "client_id ": "x"}.items()).replace(
        "client_id =", "client_id="
    )
    response = world.machine.post("/oidc/par", body, content_type="application/x-www-form-urlencoded")
    assert error_of(response) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("path", "extra"),
    [
        ("/oidc/par?client_id=x", {}),
        ("/oidc/par", {"content_type": "application/json"}),
        ("/oidc/par", {"content_type": "application/x-www-form-urlencoded; charset=latin-1"}),
    ],
)
def test_query_string_and_other_bodies_are_refused(world: World, path: str, extra: dict[str, Any]) -> None:
    """invalid solely because parameters come in the URL, or not as a UTF-8 form."""
    options = {"content_type": "application/x-www-form-urlencoded", **extra}
    assert error_of(world.machine.post(path, "a=b", **options)) == (400, "invalid_request")


@pytest.mark.parametrize(
    "body",
    [b"state=%FF", b"state=\xff", b"state=%ED%A0%80", "&".join(f"p{number}=x" for number in range(65)).encode()],
    ids=["escaped bytes that are no UTF-8", "bytes that are no UTF-8", "half a character", "65 parameters"],
)
def test_form_that_cannot_be_read_is_refused(world: World, body: bytes) -> None:
    """invalid solely because of its bytes: with a character of replacement in their place it would be another form."""
    good = urlencode(world.messenger.authenticated(token="x.y.z")).encode()
    kind = "application/x-www-form-urlencoded"
    refused = world.machine.post("/oidc/revoke", body + b"&" + good, content_type=kind)
    assert error_of(refused) == (400, "invalid_request")
    assert world.machine.post("/oidc/revoke", good, content_type=kind).status_code == 200


def test_null_character_is_refused(world: World) -> None:
    """invalid solely because a value holds U+0000, which PostgreSQL cannot store: a 500."""
    assert error_of(world.push(request=REMOVE, state="a\x00b")) == (400, "invalid_request")
    assert error_of(pushed_with(world, state="a\x00b")) == (400, "invalid_request")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": f"{NODE}/oidc/par"},
        {"aud": f"{NODE}/oidc/token"},
        {"aud": [NODE]},
        {"aud": [NODE, "https://b.example"]},
        {"exp": 1_800_000_000 - 300},
        {"nbf": 1_800_000_000 + 61},
        {"sub": REMOVE},
        {"jti": REMOVE},
        {"iss": "https://b.example"},
        {"signer": keys.generate()},
        {"headers": {"alg": "none"}},
        {"headers": {"typ": "oauth-authz-req+jwt"}},
    ],
)
def test_assertion_that_does_not_hold_is_refused(world: World, changes: dict[str, Any]) -> None:
    """invalid solely because of one thing about the assertion (rows 32, 33)."""
    assert error_of(world.push(client_assertion=world.messenger.assertion(**changes))) == (401, "invalid_client")
    assert not PushedRequest.objects.exists()


def test_rs256_assertion_is_refused(world: World) -> None:
    """invalid solely because the border profile leaves RS256 out (row 33), though the key is the client's."""
    rsa = keys.generate("PS256")
    world.messenger.entity.metadata["openid_relying_party"]["jwks"]["keys"].append(
        {name: value for name, value in rsa.public.jwk().items() if name != "alg"}
    )
    sound = world.messenger.assertion(signer=rsa)
    assert world.push(client_assertion=sound).status_code == 201
    legacy = keys.parse_private({**rsa.jwk(), "alg": "RS256"})
    assert error_of(world.push(client_assertion=world.messenger.assertion(signer=legacy))) == (401, "invalid_client")


def test_assertion_is_accepted_once(world: World) -> None:
    """invalid solely because its jti was seen (row 33)."""
    assertion = world.messenger.assertion()
    assert world.push(client_assertion=assertion).status_code == 201
    assert error_of(world.push(client_assertion=assertion)) == (401, "invalid_client")


@pytest.mark.parametrize(
    "form",
    [
        {"client_assertion": REMOVE},
        {"client_assertion_type": REMOVE},
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
        {"client_secret": "secret"},
        {"client_id": "https://b.example"},
        {"client_assertion": "not a jwt"},
    ],
)
def test_other_or_no_authentication_is_refused(world: World, form: dict[str, Any]) -> None:
    """invalid solely because the client did not authenticate by private_key_jwt alone."""
    assert error_of(world.push(**form)) == (401, "invalid_client")


@pytest.mark.parametrize(
    "changes",
    [
        {"jti": REMOVE},
        {"exp": REMOVE},
        {"nbf": REMOVE},
        {"iss": REMOVE},
        {"aud": REMOVE},
        {"aud": [NODE, "https://b.example"]},
        {"aud": "http://mo.localhost:8003"},
        {"iss": "https://b.example"},
        {"client_id": "https://b.example"},
        {"iss": "https://b.example", "client_id": "https://b.example"},
        {"sub": "https://messenger.example"},
        {"exp": 1_800_000_000 - 300, "nbf": 1_800_000_000 - 400},
        {"exp": 1_800_000_000 + 7200},
        {"signer": keys.generate()},
        {"headers": {"alg": "none"}},
        {"headers": {"alg": "RS256"}},
        {"headers": {"typ": "dpop+jwt"}},
        {"request_uri": "urn:ietf:params:oauth:request_uri:x"},
    ],
)
def test_request_object_that_does_not_hold_is_refused(world: World, changes: dict[str, Any]) -> None:
    """invalid solely because of one thing about the request object (rows 26, 36, 39)."""
    assert error_of(world.push(request=world.messenger.signed(**changes))) == (400, "invalid_request_object")


def test_federation_key_signs_no_request(world: World) -> None:
    """invalid solely because the entity's federation key signed (row 25)."""
    signer = world.messenger.entity.key
    assert error_of(world.push(request=world.messenger.signed(signer=signer))) == (400, "invalid_request_object")
    assertion = world.messenger.assertion(signer=signer)
    assert error_of(world.push(client_assertion=assertion)) == (401, "invalid_client")


def test_request_object_is_accepted_once(world: World) -> None:
    """invalid solely because its jti was seen (row 26)."""
    request = world.messenger.signed()
    assert world.push(request=request).status_code == 201
    assert error_of(world.push(request=request)) == (400, "invalid_request_object")


def test_request_object_and_assertion_do_not_pass_for_each_other(world: World) -> None:
    """invalid solely because each is used as the other (row 34)."""
    who = world.messenger
    assert error_of(world.push(client_assertion=who.signed())) == (401, "invalid_client")
    assert error_of(world.push(request=who.assertion(client_id=who.client_id))) == (400, "invalid_request_object")


def test_parameters_outside_the_request_object_are_ignored(world: World) -> None:
    """RFC 9101 §6.3: only what was signed counts (row 39)."""
    uri = world.pushed(redirect_uri="https://attacker.example/cb", scope="openid admin", state="evil")
    kept = PushedRequest.objects.get().parameters
    assert kept["redirect_uri"] == CALLBACK and kept["scope"] == "openid" and kept["state"] == "s-1"
    assert uri not in str(PushedRequest.objects.values())


def unsigned(world: World) -> HttpResponse:
    form = {**world.messenger.request(), "request": REMOVE}
    form["authorization_details"] = json.dumps(form["authorization_details"])
    return world.push(**form)


def test_unsigned_request_of_an_authenticated_client_is_accepted(world: World) -> None:
    """FAPI 2.0's Security Profile asks for no request object."""
    assert unsigned(world).status_code == 201


def test_unsigned_request_of_a_client_that_signs_is_refused(world: World) -> None:
    """invalid solely because the client's metadata promises signed requests (RFC 9101 §10.5)."""
    world.messenger.entity.metadata["openid_relying_party"]["require_signed_request_object"] = True
    assert error_of(unsigned(world)) == (400, "invalid_request")


@pytest.mark.parametrize(
    "redirect_uri",
    [
        REMOVE,
        "https://messenger.example/callback/",
        "https://messenger.example/callback?a=b",
        "https://messenger.example/callback#x",
        "https://messenger.example/callback/../open?url=https://attacker.example",
        "https://messenger.example:443/callback",
        "https://Messenger.example/callback",
        "https://messenger.example.attacker.example/callback",
        "https://user@messenger.example/callback",
        "https://messеnger.example/callback",
        "http://messenger.example/callback",
        "http://localhost:1234/callback",
    ],
)
def test_redirect_uri_that_is_not_registered_is_refused(world: World, redirect_uri: Any) -> None:
    """invalid solely because redirect_uri is not, character for character, one of the client's (row 43)."""
    assert error_of(pushed_with(world, redirect_uri=redirect_uri)) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": 'code"\\é'}, "unsupported_response_type"),
        ({"response_type": REMOVE}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge": REMOVE}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": REMOVE}, "invalid_request"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"scope": 'openid "é'}, "invalid_scope"),
        ({"scope": REMOVE, "authorization_details": REMOVE}, "invalid_scope"),
        ({"state": "s" * 1000}, "invalid_request"),
        ({"nonce": "n" * 1000}, "invalid_request"),
        ({"nonce": 5}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"max_age": -1}, "invalid_request"),
        ({"max_age": True}, "invalid_request"),
        ({"acr_values": "urn:mace:incommon:iap:gold"}, "unmet_authentication_requirements"),
        ({"dpop_jkt": "short"}, "invalid_request"),
        ({"resource": f"{NODE}#x"}, "invalid_target"),
        ({"resource": "/relative"}, "invalid_target"),
        ({"resource": "https://other.example"}, "invalid_target"),
        ({"resource": [NODE, 5]}, "invalid_target"),
    ],
)
def test_parameter_out_of_profile_is_refused(world: World, changes: dict[str, Any], error: str) -> None:
    """invalid solely because of one parameter (rows 40, 42, 53)."""
    assert error_of(pushed_with(world, **changes)) == (400, error)


@pytest.mark.parametrize(
    "details",
    [
        [{"type": "payment"}],
        [{"type": "border_crossing"}],
        "border_crossing",
        [],
        [{"type": "border_crossing", "locations": [f"{NODE}/checkpoints/elsewhere"]}],
    ],
)
def test_details_that_nobody_understands_are_refused(world: World, details: object) -> None:
    """invalid solely because of type, members or place (row 54)."""
    response = pushed_with(world, authorization_details=details)
    assert error_of(response) == (400, "invalid_authorization_details")


@pytest.mark.parametrize("change", [{"extra": 1}, {"locations": [f"{NODE}/checkpoints/other"]}, {"max_tokens": 1000}])
def test_details_with_more_than_the_type_has_are_refused(world: World, change: dict[str, Any]) -> None:
    """invalid solely because of one member (row 54)."""
    response = pushed_with(world, authorization_details=[world.messenger.detail(**change)])
    assert error_of(response) == (400, "invalid_authorization_details")


def test_details_that_the_client_has_not_registered_are_refused(world: World) -> None:
    """invalid solely because the client's metadata does not name the type (RFC 9396 §10)."""
    world.messenger.entity.metadata["openid_relying_party"]["authorization_details_types"] = ["payment"]
    assert error_of(world.push()) == (400, "invalid_authorization_details")


def test_request_uri_in_the_form_is_refused(world: World) -> None:
    """invalid solely because a pushed request cannot point to another (row 36)."""
    assert error_of(world.push(request_uri="urn:ietf:params:oauth:request_uri:x")) == (400, "invalid_request")


def test_proof_of_another_key_than_dpop_jkt_is_refused(world: World) -> None:
    """invalid solely because dpop_jkt is not the proof's key (row 51)."""
    request = world.messenger.request(dpop_jkt=keys.generate().public.thumbprint)
    response = world.push(request, proof=world.messenger.proof("/oidc/par"))
    assert error_of(response) == (400, "invalid_dpop_proof")


def test_bad_proof_at_par_is_refused(world: World) -> None:
    """invalid solely because the proof is for the token endpoint."""
    assert error_of(world.push(proof=world.messenger.proof("/oidc/token"))) == (400, "invalid_dpop_proof")
