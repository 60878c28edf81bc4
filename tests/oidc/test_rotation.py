"""Refresh tokens: rotated for the profile basic, where a stolen one must not live beside the real one."""

from typing import Any

import pytest
from django.http import HttpResponse

from idp.accounts.models import Account
from idp.audit.models import AuditEvent
from idp.oidc import grants
from idp.oidc.models import Grant, RefreshToken
from idp.oidc.replay import digest
from idp.protocol import jws
from tests.oidc import relying_party
from tests.oidc.basic_party import BasicParty
from tests.oidc.relying_party import RelyingParty
from tests.oidc.world import World, error_of


def refresh(party: BasicParty, token: str, **form: Any) -> HttpResponse:
    return party.post("/oidc/token", {"grant_type": "refresh_token", "refresh_token": token, **form})


def is_open(party: BasicParty, token: str) -> bool:
    return bool(party.world.userinfo(token, scheme="Bearer", proof=None).status_code == 200)


def test_another_token_takes_its_place(basic: BasicParty) -> None:
    first = basic.tokens()["refresh_token"]
    got = refresh(basic, first).json()
    assert got["refresh_token"] != first and is_open(basic, got["access_token"])
    old = RefreshToken.objects.get(token_hash=digest(first))
    new = RefreshToken.objects.get(token_hash=digest(got["refresh_token"]))
    assert (old.rotated_at, new.rotated_at) == (basic.world.now, None)
    assert refresh(basic, got["refresh_token"]).status_code == 200


def test_rotated_token_ends_the_whole_family(basic: BasicParty) -> None:
    """invalid solely because it was exchanged before: who brings it may be the thief, or the one robbed (row 52)."""
    first = basic.tokens()["refresh_token"]
    got = refresh(basic, first).json()
    assert error_of(refresh(basic, first)) == (400, "invalid_grant")
    assert not is_open(basic, got["access_token"])
    assert error_of(refresh(basic, got["refresh_token"])) == (400, "invalid_grant")
    assert Grant.objects.get().revoked_at == basic.world.now
    event = AuditEvent.objects.get(kind="oidc.grant_revoked")
    assert (event.actor, event.data) == ("client:basic-party", {"reason": "refresh_token_reused"})


def test_rotated_token_is_noticed_by_whoever_comes_late(basic: BasicParty, monkeypatch: pytest.MonkeyPatch) -> None:
    """invalid solely because another worker exchanged it after this one had looked (row 52)."""
    first = basic.tokens()["refresh_token"]
    monkeypatch.setattr(grants, "rotate", lambda token, *, now: False)
    assert error_of(refresh(basic, first)) == (400, "invalid_grant")
    assert Grant.objects.get().revoked_at is not None and RefreshToken.objects.count() == 1


def test_token_is_not_used_up_by_a_request_that_fails(basic: BasicParty) -> None:
    """A client that erred once would have lost its grant."""
    token = basic.tokens()["refresh_token"]
    assert error_of(refresh(basic, token, scope="openid profile")) == (400, "invalid_scope")
    Account.objects.update(is_active=False)
    assert refresh(basic, token).status_code == 400
    assert RefreshToken.objects.get().rotated_at is None
    Account.objects.update(is_active=True)
    assert refresh(basic, token).status_code == 200


def test_rotation_prolongs_nothing(basic: BasicParty, monkeypatch: pytest.MonkeyPatch) -> None:
    """invalid solely because thirty days have passed since the traveller said yes."""
    token = basic.tokens()["refresh_token"]
    monkeypatch.setattr("idp.clock.now", lambda: basic.world.now + 20 * 86_400)
    token = refresh(basic, token).json()["refresh_token"]
    monkeypatch.setattr("idp.clock.now", lambda: basic.world.now + 30 * 86_400)
    assert error_of(refresh(basic, token)) == (400, "invalid_grant")


def test_rotated_token_of_another_client_ends_nothing(basic: BasicParty, rp: RelyingParty, world: World) -> None:
    """invalid solely because of who brings it; or any client could end grants of others (row 52)."""
    first = basic.tokens()["refresh_token"]
    refresh(basic, first)
    assert error_of(world.refresh(first, proof=None)) == (400, "invalid_grant")
    assert Grant.objects.get().revoked_at is None


def test_profiles_with_keys_do_not_rotate(world: World) -> None:
    """A phone that loses an answer at a border must not lose its consent (FAPI 2.0 Security Profile §5.3.2.1)."""
    token = world.tokens()["refresh_token"]
    for _ in range(2):
        assert "refresh_token" not in world.refresh(token).json()
    assert RefreshToken.objects.get().rotated_at is None


def test_relying_party_of_a_trust_chain_keeps_its_token(rp: RelyingParty, world: World) -> None:
    token = relying_party.tokens(world)["refresh_token"]
    for _ in range(2):
        response = world.refresh(token, proof=None)
        assert response.status_code == 200 and "refresh_token" not in response.json()


def test_level_and_scope_stay_what_they_were(basic: BasicParty) -> None:
    """invalid solely because the scope is wider; a level cannot even be asked for here (row 55)."""
    got = basic.tokens()
    before = claims(got["access_token"])
    wider = refresh(basic, got["refresh_token"], scope="openid email")
    assert error_of(wider) == (400, "invalid_scope")
    asked = {"acr_values": "urn:causeway:acr:fal3", "max_age": "0", "claims": '{"id_token":{"acr":{"essential":true}}}'}
    after = claims(refresh(basic, got["refresh_token"], **asked).json()["access_token"])
    for name in ("acr", "amr", "auth_time", "scope", "sub"):
        assert before[name] == after[name]


def claims(token: str) -> dict[str, Any]:
    return dict(jws.parse_unverified(token, jws.TokenType(None, algorithms=("ES256",))).claims)
