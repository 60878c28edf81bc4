"""Phones that authenticate by an attestation of their messenger, and whom a messenger vouches for."""

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from idp import clock
from idp.inbound import Problem, Request
from idp.protocol import client_attestation, keys, strict_json
from idp.protocol.entity_statements import parse_entity_configuration
from idp.protocol.refusals import Refusal
from idp.wallet import config, phone_proof
from idp.wallet.client_authentication import RENEW_BEFORE
from idp.wallet.config import ATTESTED, ATTESTED_DPOP, PRIVATE_KEY_JWT
from idp.wallet.errors import UnableTo
from idp.wallet.messenger import ATTESTATION_LIFETIME, Messenger
from idp.wallet.messenger_state import SIGNATURES_PER_MINUTE
from tests.conftest import NOW
from tests.wallet.authority import AuthoritySimulator
from tests.wallet.conftest import World, built, messenger_config, phone_config
from tests.wallet.test_messenger import CONFIG, DEVICE, MESSENGER, PROVIDER, REQUEST

METHODS = [ATTESTED, ATTESTED_DPOP]


@pytest.fixture(params=METHODS)
def attested(request: Any, authority: AuthoritySimulator, tmp_path: Path) -> Iterator[World]:
    authority.challenge = "challenge-1"
    with built(authority, tmp_path, method=request.param) as made:
        yield made


@pytest.fixture
def messenger(tmp_path: Path, now: int) -> Messenger:
    made = Messenger(config=replace(CONFIG, token_endpoint_auth_method=ATTESTED), directory=tmp_path)
    _post(made, "/phones")
    return made


def _post(messenger: Messenger, path: str, value: Any = None, **changes: Any) -> dict[str, Any]:
    body = strict_json.dumps(value or {})
    arguments = {"url": MESSENGER + path, "body": body, "now": NOW, "jti": secrets.token_urlsafe(16), "key": DEVICE}
    proof = phone_proof.prove(**{**arguments, **changes})
    headers = {"content-type": "application/json", phone_proof.HEADER.lower(): proof}
    return strict_json.loads_object(messenger.routes()["POST", path](Request("POST", path, {}, headers, body)).body)


def _status(act: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(Problem) as caught:
        act()
    return caught.value.status, caught.value.code


def _code(act: Callable[[], Any]) -> str:
    with pytest.raises(UnableTo) as caught:
        act()
    return caught.value.code


def _asked(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> list[Any]:
    """The calls of the messenger's ``name`` from now on."""
    calls: list[Any] = []
    real = getattr(world.messenger, name)

    def spy(*given: Any, **rest: Any) -> Any:
        calls.append(given)
        return real(*given, **rest)

    monkeypatch.setattr(world.messenger, name, spy)
    return calls


def test_the_messenger_vouches_for_the_key_that_asks(messenger: Messenger) -> None:
    """What it signs is what an authority takes: for its own phone's key, for a day."""
    answer = _post(messenger, "/attest")
    assert set(answer) == {"client_id", "client_attestation"} and answer["client_id"] == MESSENGER
    metadata = parse_entity_configuration(messenger.entity_configuration(now=NOW), now=NOW).metadata
    said = metadata["openid_relying_party"]
    assert said["token_endpoint_auth_method"] == ATTESTED and "token_endpoint_auth_signing_alg" not in said
    announced = client_attestation.announce(answer["client_attestation"], now=NOW)
    verified = client_attestation.verify(announced, client_id=MESSENGER, keys=keys.parse_jwks(said["jwks"]), now=NOW)
    assert verified.jkt == DEVICE.public.thumbprint
    assert (verified.iat, verified.exp) == (NOW, NOW + ATTESTATION_LIFETIME)


def test_no_attestation_for_a_phone_that_was_revoked(messenger: Messenger) -> None:
    """invalid solely because the phone was revoked."""
    messenger.state.revoke(DEVICE.public.thumbprint, now=NOW)
    assert _status(lambda: _post(messenger, "/attest")) == (403, "unknown_phone")


def test_no_attestation_for_a_phone_that_is_not_registered(messenger: Messenger) -> None:
    """invalid solely because nobody registered the key."""
    assert _status(lambda: _post(messenger, "/attest", key=keys.generate()))[0] == 403


def test_no_attestation_for_a_proof_used_before_or_of_another_request(messenger: Messenger) -> None:
    """invalid solely because of the proof."""
    _post(messenger, "/attest", jti="once")
    assert _status(lambda: _post(messenger, "/attest", jti="once")) == (403, "replayed")
    with pytest.raises(Refusal):
        _post(messenger, "/attest", url=f"{MESSENGER}/sign")


def test_a_phone_that_asks_without_end(messenger: Messenger) -> None:
    for _ in range(SIGNATURES_PER_MINUTE - 1):  # registering was one
        _post(messenger, "/attest")
    assert _status(lambda: _post(messenger, "/attest"))[0] == 429


def test_no_assertion_is_made_where_phones_are_attested(messenger: Messenger) -> None:
    """A signature that no authority takes is one too many."""
    answer = _post(messenger, "/sign", {"audience": PROVIDER, "request": REQUEST})
    assert set(answer) == {"client_id", "request"}
    with pytest.raises(Refusal):
        _post(messenger, "/sign", {"audience": PROVIDER})


def test_no_attestation_where_the_messenger_asserts(tmp_path: Path) -> None:
    """It would vouch to authorities that its metadata does not send there."""
    assert ("POST", "/attest") not in Messenger(config=CONFIG, directory=tmp_path).routes()


@pytest.mark.parametrize("method", [*METHODS, None, "client_secret_basic", ["private_key_jwt"], 1])
def test_the_method_is_read_from_both_files(authority: AuthoritySimulator, tmp_path: Path, method: Any) -> None:
    """A misspelt method would be found out by the traveller."""
    path = phone_config(tmp_path / "phone.json", authority, MESSENGER)
    phone = json.loads(path.read_text())
    registered = messenger_config(MESSENGER, authority)
    server = {
        "entity_id": registered.entity_id,
        "name": {"en": "M"},
        "authority_hints": list(registered.authority_hints),
        "redirect_uris": list(registered.redirect_uris),
    }
    for read, value in ((config.phone, phone), (config.messenger, server)):
        assert read(_written(path, value)).token_endpoint_auth_method == PRIVATE_KEY_JWT
        changed = _written(path, {**value, "token_endpoint_auth_method": method})
        if method in METHODS:
            assert read(changed).token_endpoint_auth_method == method
        else:
            with pytest.raises(Refusal):
                read(changed)


def _written(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value))
    return path


def test_the_way_to_a_token_with_one_attestation(attested: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The messenger is asked for request objects, once for an attestation, and never for an assertion."""
    attested.messenger.state.register(attested.phone.keyring.device.public.thumbprint, now=clock.now())
    signed, vouched = _asked(attested, monkeypatch, "sign"), _asked(attested, monkeypatch, "attest")
    for _ in range(2):
        attested.grant()
    assert attested.token().format == "cwt"
    assert (len(signed), len(vouched)) == (2, 1)
    assert len(attested.authority.attested) == 4 and len(set(attested.authority.attested)) == 1


def test_a_server_that_offers_no_challenge(attested: World) -> None:
    attested.authority.challenge = None
    attested.grant()
    assert len(attested.authority.attested) == 2


def test_a_challenge_that_is_news(attested: World) -> None:
    """The endpoint's one was too old by then: the one in the error is answered, once."""
    attested.authority.changes["challenge"] = lambda _: {"attestation_challenge": "stale"}
    attested.grant()
    assert len(attested.authority.attested) == 2


def test_a_server_that_demands_dpop_nonces_too(authority: AuthoritySimulator, tmp_path: Path) -> None:
    authority.nonce = "nonce-1"
    with built(authority, tmp_path, method=ATTESTED) as world:
        world.grant()
        assert world.token().format == "cwt"


@pytest.mark.parametrize("value", [{}, {"attestation_challenge": ""}, {"attestation_challenge": "x" * 513}])
def test_a_challenge_that_is_none(attested: World, value: dict[str, str]) -> None:
    """Invalid solely because of what the challenge endpoint answers."""
    attested.authority.changes["challenge"] = lambda _: value
    assert _code(attested.grant) == "provider_unreachable"


def test_an_attestation_that_is_too_old_for_the_server(attested: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The phone has it renewed, once: a server that is never content ends the attempt."""
    vouched = _asked(attested, monkeypatch, "attest")
    attested.authority.refused = ["use_fresh_attestation"]
    attested.grant()
    assert len(vouched) == 2
    attested.authority.refused = ["use_fresh_attestation"] * 2
    assert _code(attested.grant) == "authorization_refused"


def test_an_attestation_is_renewed_before_it_ends(attested: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Invalid solely because of its age: a request must not fail for it."""
    vouched = _asked(attested, monkeypatch, "attest")
    attested.grant()
    start = clock.now()
    later = start + ATTESTATION_LIFETIME - RENEW_BEFORE - 10
    for now, asked in ((later, 1), (start + ATTESTATION_LIFETIME - RENEW_BEFORE + 10, 2)):
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        attested.grant()
        assert len(vouched) == asked


def test_a_phone_that_the_messenger_revoked(attested: World) -> None:
    """Invalid solely because the messenger vouches for it no more."""
    attested.messenger.state.register(attested.phone.keyring.device.public.thumbprint, now=clock.now())
    attested.messenger.state.revoke(attested.phone.keyring.device.public.thumbprint, now=clock.now())
    assert _code(attested.grant) == "messenger_refused"
    assert attested.authority.attested == []


@pytest.mark.parametrize("text", [None, 1, "", "a.b.c", "another"])
def test_an_answer_of_the_messenger_that_is_no_attestation(
    attested: World, monkeypatch: pytest.MonkeyPatch, text: Any
) -> None:
    """Invalid solely because of the attestation: missing, none, or of another client."""
    signer = keys.generate()
    if text == "another":
        text = client_attestation.attest(
            client_id="https://b.example", key=signer.public, now=clock.now(), lifetime=60, signer=signer
        )
    answer = {"client_id": attested.messenger.config.entity_id, "client_attestation": text}
    monkeypatch.setattr(attested.messenger, "attest", lambda **_: answer)
    assert _code(attested.grant) == "messenger_refused"
