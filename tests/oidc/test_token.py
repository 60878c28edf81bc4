"""What must not come out of the token endpoint, each with its exact error."""

import json
import logging
from typing import Any

import pytest

from idp.accounts import devices
from idp.accounts.models import Account, Device, Traveller
from idp.audit.models import AuditEvent
from idp.oidc.models import AuthorizationCode, Grant
from idp.protocol import keys
from tests.oidc.world import NODE, Messenger, World, error_of
from tests.simulators.federation import REMOVE


def test_code_is_good_once_and_its_second_use_ends_the_grant(world: World) -> None:
    """invalid solely because the code was used; its tokens may be a thief's (row 41)."""
    code = world.code()
    token = world.redeem(code).json()
    assert world.userinfo(token["access_token"]).status_code == 200
    assert error_of(world.redeem(code)) == (400, "invalid_grant")
    assert world.userinfo(token["access_token"]).status_code == 401
    assert error_of(world.refresh(token["refresh_token"])) == (400, "invalid_grant")
    revoked = AuditEvent.objects.get(kind="oidc.grant_revoked")
    assert revoked.data == {"reason": "code_reused"}


def test_code_lives_for_sixty_seconds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """invalid solely because a minute has passed (row 41)."""
    code = world.code()
    monkeypatch.setattr("idp.clock.now", lambda: world.now + 60)
    world.messenger.now = world.now + 60
    assert error_of(world.redeem(code)) == (400, "invalid_grant")


def test_code_of_another_client_is_refused_and_stays_good(world: World) -> None:
    """invalid solely because another client brings it (row 41)."""
    code, mine = world.code(), world.messenger
    world.messenger = Messenger(world.federation, "https://other.example", world.now)
    world.vouch_for(world.messenger)
    assert error_of(world.redeem(code)) == (400, "invalid_grant")
    world.messenger = mine
    assert world.redeem(code).status_code == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"code": "x" * 48}, "invalid_grant"),
        ({"code": REMOVE}, "invalid_request"),
        ({"redirect_uri": "https://messenger.example/other"}, "invalid_grant"),
        ({"redirect_uri": REMOVE}, "invalid_grant"),
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_grant"),
        ({"code_verifier": REMOVE}, "invalid_grant"),
        ({"grant_type": "client_credentials"}, "unauthorized_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": REMOVE}, "unsupported_grant_type"),
        ({"resource": "https://other.example"}, "invalid_target"),
        ({"authorization_details": "[]"}, "invalid_authorization_details"),
    ],
)
def test_token_request_with_one_wrong_parameter_is_refused(world: World, form: dict[str, Any], error: str) -> None:
    """invalid solely because of one parameter (rows 40, 41, 53, 54); the code stays good."""
    code = world.code()
    assert error_of(world.redeem(**{"code": code, **form})) == (400, error)
    assert world.redeem(code).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [{"aud": f"{NODE}/oidc/token"}, {"aud": [NODE]}, {"exp": 1_800_000_000 - 300}, {"sub": REMOVE}, {"jti": REMOVE}],
)
def test_assertion_that_does_not_hold_is_refused(world: World, changes: dict[str, Any]) -> None:
    """invalid solely because of one thing about the assertion (rows 32, 33)."""
    code = world.code()
    form = {"client_assertion": world.messenger.assertion(**changes)}
    assert error_of(world.redeem(code, **form)) == (401, "invalid_client")


def test_trust_errors_stay_at_par(world: World) -> None:
    """invalid solely because nobody vouches any more; here RFC 6749 has one word for it."""
    from idp.federation import entities

    code = world.code()
    entities.end_subordinate(entity_id=world.messenger.client_id, now=world.now)
    assert error_of(world.redeem(code)) == (401, "invalid_client")


def test_assertion_of_the_push_is_not_good_again(world: World) -> None:
    """invalid solely because its jti was spent at the other endpoint (row 33)."""
    assertion = world.messenger.assertion()
    code = world.code(client_assertion=assertion)
    assert error_of(world.redeem(code, client_assertion=assertion)) == (401, "invalid_client")


def test_request_without_proof_is_refused(world: World) -> None:
    """invalid solely because nothing would bind the token to the phone."""
    code = world.code()
    assert error_of(world.redeem(code, proof=None)) == (400, "invalid_request")


@pytest.mark.parametrize(
    "options",
    [
        {"url": f"{NODE}/oidc/par"},
        {"url": "https://hk.localhost:8002/oidc/token"},
        {"url": "http://attacker.localhost/oidc/token"},
        {"method": "GET"},
        {"now": 1_800_000_000 - 3600},
        {"now": 1_800_000_000 + 3600},
        {"key": keys.generate("RS256")},
    ],
)
def test_proof_that_does_not_hold_is_refused(world: World, options: dict[str, Any]) -> None:
    """invalid solely because of one thing about the proof (rows 46 to 48)."""
    proof = world.messenger.proof("/oidc/token", **options)
    assert error_of(world.redeem(world.code(), proof=proof)) == (400, "invalid_dpop_proof")


def test_two_proofs_are_refused(world: World) -> None:
    """invalid solely because there are two DPoP headers, which a server joins by a comma (row 46)."""
    proof = ", ".join(world.messenger.proof("/oidc/token") for _ in range(2))
    assert error_of(world.redeem(world.code(), proof=proof)) == (400, "invalid_dpop_proof")


def test_host_header_moves_nothing(world: World) -> None:
    """invalid solely because the proof is for the host that the attacker put into the headers (row 47)."""
    headers = {"X-Forwarded-Host": "attacker.localhost", "X-Forwarded-Proto": "https"}
    code, who = world.code(), world.messenger
    form = who.authenticated(grant_type="authorization_code", code=code)
    proof = who.proof("/oidc/token", url="https://attacker.localhost/oidc/token")
    assert error_of(world.post("/oidc/token", form, proof=proof, headers=headers)) == (400, "invalid_dpop_proof")


def test_proof_is_accepted_once(world: World) -> None:
    """invalid solely because its jti was seen, even in a request that failed (row 48)."""
    code, proof = world.code(), world.messenger.proof("/oidc/token")
    assert error_of(world.redeem("x" * 48, proof=proof)) == (400, "invalid_grant")
    assert error_of(world.redeem(code, proof=proof)) == (400, "invalid_dpop_proof")


def test_same_jti_by_another_key_is_another_proof(world: World) -> None:
    """Otherwise one phone could use up the proofs of all others."""
    world.redeem("x" * 48, proof=world.messenger.proof("/oidc/token", key=keys.generate(), jti="same"))
    assert world.redeem(world.code(), proof=world.messenger.proof("/oidc/token", jti="same")).status_code == 200


def test_details_can_be_narrowed_and_not_widened(world: World) -> None:
    """invalid solely because the token request asks for what was not granted (row 54)."""
    who = world.messenger
    details = [who.detail(), who.detail(directions=["entry"])]
    token = world.tokens(who.request(authorization_details=details))
    first = token["authorization_details"][0]
    narrowed = world.refresh(token["refresh_token"], authorization_details=json.dumps([first]))
    assert narrowed.json()["authorization_details"] == [first]
    for wider in ({**first, "max_tokens": 3}, {**first, "document": "another-persons"}, {**first, "extra": 1}):
        refused = world.refresh(token["refresh_token"], authorization_details=json.dumps([wider]))
        assert error_of(refused) == (400, "invalid_authorization_details")


def test_scope_cannot_be_widened_at_refresh(world: World) -> None:
    """invalid solely because the scope was not granted (row 55)."""
    token = world.tokens(world.messenger.request(scope=REMOVE))
    assert error_of(world.refresh(token["refresh_token"], scope="openid")) == (400, "invalid_scope")


def test_refresh_by_another_client_or_key_is_refused(world: World) -> None:
    """invalid solely because of who brings the refresh token, or which phone (row 52)."""
    token, mine = world.tokens()["refresh_token"], world.messenger
    stranger = mine.proof("/oidc/token", key=keys.generate())
    assert error_of(world.refresh(token, proof=stranger)) == (400, "invalid_grant")
    assert error_of(world.refresh(token, proof=None)) == (400, "invalid_request")
    world.messenger = Messenger(world.federation, "https://other.example", world.now)
    world.vouch_for(world.messenger)
    assert error_of(world.refresh(token)) == (400, "invalid_grant")
    world.messenger = mine
    assert world.refresh(token).status_code == 200


def test_refresh_ends_with_its_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """invalid solely because thirty days have passed."""
    token = world.tokens()["refresh_token"]
    later = world.now + 30 * 86_400
    monkeypatch.setattr("idp.clock.now", lambda: later)
    monkeypatch.setattr("idp.oidc.registration.resolution.resolve", _still_valid(world))
    world.messenger.now = later
    assert error_of(world.refresh(token)) == (400, "invalid_grant")


def _still_valid(world: World) -> Any:
    from idp.federation import resolution

    chain = resolution.resolve(world.messenger.client_id, now=world.now)
    return lambda client_id, *, now: chain


def test_client_without_the_grant_type_gets_no_refresh_token(world: World) -> None:
    """invalid solely because the client's metadata does not name refresh_token."""
    del world.messenger.entity.metadata["openid_relying_party"]["grant_types"]
    assert "refresh_token" not in world.tokens()
    assert error_of(world.refresh("x")) == (400, "unauthorized_client")


def test_revoked_phone_gets_no_tokens(world: World) -> None:
    """invalid solely because the traveller revoked the phone."""
    token = world.tokens()
    devices.revoke(device=Device.objects.get(), actor="test")
    assert error_of(world.refresh(token["refresh_token"])) == (400, "invalid_grant")
    assert error_of(world.redeem(world.code())) == (400, "invalid_grant")


def test_phone_of_another_traveller_gets_no_tokens(world: World) -> None:
    """invalid solely because the key is enrolled for somebody else; the code is not used up by that."""
    other = Traveller.objects.create(account=Account.objects.create_user("other", "a long enough password"))
    devices.enrol(traveller=other, jkt=world.messenger.jkt, name="Theirs")
    code = world.code()
    assert error_of(world.redeem(code)) == (400, "invalid_grant")
    assert AuthorizationCode.objects.get().used_at is None and Grant.objects.get().jkt == ""
    world.messenger.phone = keys.generate()
    assert world.redeem(code).status_code == 200


def test_account_that_was_closed_gets_no_tokens(world: World) -> None:
    """invalid solely because the account is not active any more."""
    code = world.code()
    Account.objects.update(is_active=False)
    assert error_of(world.redeem(code)) == (400, "invalid_grant")


def test_errors_tell_nothing_of_the_request(world: World) -> None:
    """Text that repeats input ends up in pages and logs of others."""
    response = world.redeem('"><script>', grant_type='x"\\é')
    assert b"<" not in response.content and error_of(response) == (400, "unsupported_grant_type")


def test_tokens_are_in_no_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The engine writes whole tokens into its debug log; whoever reads logs would cross borders."""
    with caplog.at_level(logging.DEBUG):
        token = world.tokens()
    assert token["access_token"] not in caplog.text and token["refresh_token"] not in caplog.text
