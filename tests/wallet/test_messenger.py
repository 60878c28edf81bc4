"""The messenger signs only what it should, and only for its phones."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.inbound import Problem, Request
from idp.protocol import client_assertion, keys, pkce, request_object, strict_json
from idp.protocol.entity_statements import parse_entity_configuration
from idp.protocol.refusals import Reason, Refusal
from idp.wallet import phone_proof, signing_rules
from idp.wallet.config import MessengerConfig
from idp.wallet.messenger import Messenger
from idp.wallet.messenger_state import SIGNATURES_PER_MINUTE
from tests.conftest import NOW

MESSENGER, PROVIDER, CALLBACK = "https://messenger.example", "https://idp.hk.example", "https://wallet.example/back"
DEVICE = keys.generate("ES256")
CONFIG = MessengerConfig(
    MESSENGER, {"en": "M", "zh-hans": "信", "zh-hant": "信"}, (PROVIDER,), frozenset({PROVIDER}), (CALLBACK,)
)
DETAIL = {
    "type": "border_crossing",
    "locations": [f"{PROVIDER}/checkpoints/west"],
    "directions": ["exit"],
    "valid_from": NOW,
    "valid_until": NOW + 3600,
    "max_tokens": 2,
    "ahead": False,
}
REQUEST = {
    "response_type": "code",
    "redirect_uri": CALLBACK,
    "state": "s" * 43,
    "code_challenge": pkce.challenge_of("v" * 43),
    "code_challenge_method": "S256",
    "dpop_jkt": DEVICE.public.thumbprint,
    "authorization_details": [DETAIL],
}


@pytest.fixture
def messenger(tmp_path: Path, now: int) -> Messenger:
    made = Messenger(config=CONFIG, directory=tmp_path)
    _post(made, "/phones", {})
    return made


def _post(messenger: Messenger, path: str, value: Any, **changes: Any) -> dict[str, Any]:
    body = strict_json.dumps(value)
    arguments = {"url": MESSENGER + path, "body": body, "now": NOW, "jti": secrets.token_urlsafe(16), "key": DEVICE}
    proof = phone_proof.prove(**{**arguments, **changes})
    headers = {"content-type": "application/json", phone_proof.HEADER.lower(): proof}
    response = messenger.routes()["POST", path](Request("POST", path, {}, headers, body))
    return strict_json.loads_object(response.body)


def _sign(messenger: Messenger, request: Any = None, audience: Any = PROVIDER, **changes: Any) -> dict[str, Any]:
    value = {"audience": audience, **({} if request is None else {"request": request})}
    return _post(messenger, "/sign", value, **changes)


def _client_keys(messenger: Messenger) -> keys.KeySet:
    configuration = parse_entity_configuration(messenger.entity_configuration(now=NOW), now=NOW)
    return keys.parse_jwks(configuration.metadata["openid_relying_party"]["jwks"])


def test_what_it_signs_is_what_an_authority_takes(messenger: Messenger) -> None:
    answer = _sign(messenger, REQUEST)
    announced = request_object.announce(answer["request"], issuer=PROVIDER, now=NOW, require_nbf=True)
    verified = request_object.verify(announced, client_id=MESSENGER, keys=_client_keys(messenger), now=NOW)
    assert {**verified.parameters} == {**REQUEST, "client_id": MESSENGER}
    assert verified.exp - NOW <= 60
    assertion = client_assertion.announce(answer["client_assertion"], issuer=PROVIDER, now=NOW)
    client_assertion.verify(assertion, client_id=MESSENGER, keys=_client_keys(messenger), now=NOW)
    again = _sign(messenger, REQUEST)
    assert again["request"] != answer["request"]
    assert "request" not in _sign(messenger)


def test_request_object_and_assertion_do_not_pass_for_each_other(messenger: Messenger) -> None:
    answer = _sign(messenger, REQUEST)
    with pytest.raises(Refusal):
        client_assertion.announce(answer["request"], issuer=PROVIDER, now=NOW)
    with pytest.raises(Refusal):
        request_object.announce(answer["client_assertion"], issuer=PROVIDER, now=NOW, require_nbf=True)


@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uri": "https://evil.example/back"},
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": CALLBACK + "?next=https://evil.example"},
        {"redirect_uri": [CALLBACK]},
        {"client_id": "https://other.example"},
        {"response_type": "token"},
        {"response_type": "code id_token"},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"dpop_jkt": None},
        {"dpop_jkt": keys.generate("ES256").public.thumbprint},
        {"state": None},
        {"state": ""},
        {"state": "s" * 600},
        {"sub": MESSENGER},
        {"aud": "https://other.example"},
        {"iss": MESSENGER},
        {"exp": NOW + 10**6},
        {"request_uri": "urn:x"},
        {"id_token_hint": "x"},
        {"authorization_details": []},
        {"authorization_details": [{"type": "payment"}]},
        {"authorization_details": [{**DETAIL, "directions": ["sideways"]}]},
        {"authorization_details": [{**DETAIL, "valid_until": NOW + 8 * 86_400}]},
        {"authorization_details": [{**DETAIL, "document": "H12345678"}]},
    ],
)  # fmt: skip
def test_a_request_that_is_not_to_be_signed(messenger: Messenger, change: dict[str, Any]) -> None:
    """Invalid solely because of the one parameter that was changed or left out (None)."""
    request = {name: value for name, value in {**REQUEST, **change}.items() if value is not None}
    with pytest.raises(Refusal):
        _sign(messenger, request)


def test_an_opaque_reference_to_a_document_is_signed(messenger: Messenger) -> None:
    detail = {**DETAIL, "document": "0c6ce5f2-30f3-4f0a-9f0c-4f9d1c1a2b3c"}
    assert "request" in _sign(messenger, {**REQUEST, "authorization_details": [detail]})


@pytest.mark.parametrize("audience", ["https://evil.example", PROVIDER + "/", "", None, [PROVIDER], {}])
def test_a_provider_that_the_messenger_does_not_know(messenger: Messenger, audience: Any) -> None:
    """Invalid solely because of the audience."""
    with pytest.raises(Refusal) as caught:
        _sign(messenger, REQUEST, audience=audience)
    assert caught.value.reason is Reason.UNTRUSTED_ISSUER


def _status(act: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(Problem) as caught:
        act()
    return caught.value.status, caught.value.code


def test_a_phone_that_is_not_registered(messenger: Messenger) -> None:
    """Invalid solely because nobody registered the key."""
    stranger = keys.generate("ES256")
    request = {**REQUEST, "dpop_jkt": stranger.public.thumbprint}
    assert _status(lambda: _sign(messenger, request, key=stranger)) == (403, "unknown_phone")


def test_a_phone_that_was_revoked(messenger: Messenger) -> None:
    assert messenger.state.revoke(DEVICE.public.thumbprint, now=NOW)
    assert _status(lambda: _sign(messenger, REQUEST))[0] == 403
    assert _status(lambda: _post(messenger, "/phones", {}))[0] == 403  # nor does registering again help
    assert not messenger.state.revoke("nobody", now=NOW)


def test_another_phones_request(messenger: Messenger) -> None:
    """Invalid solely because dpop_jkt is the key of a phone that did not ask."""
    other = keys.generate("ES256")
    _post(messenger, "/phones", {}, key=other)
    with pytest.raises(Refusal) as caught:
        _sign(messenger, REQUEST, key=other)
    assert caught.value.reason is Reason.POLICY_VIOLATION


def test_a_proof_twice(messenger: Messenger) -> None:
    _sign(messenger, REQUEST, jti="once")
    assert _status(lambda: _sign(messenger, REQUEST, jti="once")) == (403, "replayed")


def test_a_proof_is_remembered_over_a_restart(messenger: Messenger, tmp_path: Path) -> None:
    _sign(messenger, REQUEST, jti="once")
    again = Messenger(config=CONFIG, directory=tmp_path)
    assert _status(lambda: _sign(again, REQUEST, jti="once")) == (403, "replayed")
    assert again.federation_keys.jwks() == messenger.federation_keys.jwks()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"url": MESSENGER + "/phones"}, Reason.WRONG_AUDIENCE),
        ({"url": "https://other.example/sign"}, Reason.WRONG_AUDIENCE),
        ({"body": b"{}"}, Reason.KEY_BINDING_FAILED),
        ({"now": NOW - 61}, Reason.EXPIRED),
        ({"now": NOW + 11}, Reason.NOT_YET_VALID),
        ({"key": keys.generate("EdDSA")}, Reason.BAD_SIGNATURE),
        ({"jti": ""}, Reason.MALFORMED),
    ],
)
def test_a_proof_of_another_request(messenger: Messenger, change: dict[str, Any], reason: Reason) -> None:
    """Invalid solely because the proof is for another address, body or time, or by a key of another kind."""
    with pytest.raises(Refusal) as caught:
        _sign(messenger, REQUEST, **change)
    assert caught.value.reason is reason


def test_a_phone_that_asks_without_end(messenger: Messenger) -> None:
    for _ in range(SIGNATURES_PER_MINUTE - 1):  # registering was one
        _sign(messenger)
    assert _status(lambda: _sign(messenger))[0] == 429
    assert not messenger.state.is_busy(DEVICE.public.thumbprint, now=NOW + 61)


def test_its_entity_configuration(messenger: Messenger) -> None:
    configuration = parse_entity_configuration(messenger.entity_configuration(now=NOW), now=NOW, expect=MESSENGER)
    assert configuration.authority_hints == (PROVIDER,)
    assert set(configuration.metadata) == {"openid_relying_party", "oauth_client"}
    client = configuration.metadata["openid_relying_party"]
    assert client["client_name"] == "M"
    assert client["client_name#zh-Hans"] == client["client_name#zh-Hant"] == "信"
    assert client["token_endpoint_auth_method"] == "private_key_jwt"
    assert client["request_object_signing_alg"] == "ES256"
    assert client["dpop_bound_access_tokens"] is True
    assert client["authorization_details_types"] == ["border_crossing"]
    assert client["client_registration_types"] == ["automatic"]
    assert client["redirect_uris"] == [CALLBACK]
    federation = {key.thumbprint for key in messenger.federation_keys.keys}
    assert not federation & {key.thumbprint for key in _client_keys(messenger).keys}
    assert "d" not in str(configuration.claims["jwks"]["keys"][0].keys() & keys.PRIVATE_MEMBERS)


def test_keys_and_state_are_its_owners_alone(messenger: Messenger, tmp_path: Path) -> None:
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) >= 3
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    assert (tmp_path / "keys").stat().st_mode & 0o077 == 0


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*REQUEST, "x"]), inner, max_size=6)
        ),
        max_leaves=8,
    )
)
def test_any_request_is_signed_or_refused(value: Any) -> None:
    with pytest.raises(Refusal):
        signing_rules.check_request(
            value, client_id=MESSENGER, redirect_uris=(CALLBACK,), jkt=DEVICE.public.thumbprint, now=NOW
        )
