"""Revocation (RFC 7009): what a client gives back is dead at once, and nobody's else is."""

import pytest

from idp.audit.models import AuditEvent
from idp.oidc import replay
from idp.oidc.models import Client, Grant, UsedOnce
from idp.protocol import keys
from tests.oidc.attested import AttestedPhone
from tests.oidc.basic_party import BasicParty
from tests.oidc.resource_server import ResourceServer, introspected, revoked
from tests.oidc.world import World, error_of


@pytest.fixture
def stranger(basic: BasicParty) -> ResourceServer:
    return ResourceServer(basic.world)


def is_open(party: BasicParty, token: str) -> bool:
    return bool(party.world.userinfo(token, scheme="Bearer", proof=None).status_code == 200)


def refreshed(party: BasicParty, token: str) -> int:
    return party.post("/oidc/token", {"grant_type": "refresh_token", "refresh_token": token}).status_code


def test_refresh_token_takes_the_grant_with_it(basic: BasicParty) -> None:
    """RFC 7009 §2.1: the access tokens of the same grant too."""
    got = basic.tokens()
    revoked(basic, got["refresh_token"])
    assert Grant.objects.get().revoked_at == basic.world.now
    assert refreshed(basic, got["refresh_token"]) == 400 and not is_open(basic, got["access_token"])
    event = AuditEvent.objects.get(kind="oidc.grant_revoked")
    assert event.actor == "client:basic-party" and event.data == {"reason": "revoked_by_client"}


def test_access_token_is_refused_from_now_on(basic: BasicParty) -> None:
    """invalid solely because it was given back (row 66); the refresh token gets another."""
    got = basic.tokens()
    assert is_open(basic, got["access_token"])
    revoked(basic, got["access_token"])
    assert not is_open(basic, got["access_token"])
    assert introspected(basic, got["access_token"]) == {"active": False}
    assert introspected(basic, got["refresh_token"])["active"] is True
    assert refreshed(basic, got["refresh_token"]) == 200
    event = AuditEvent.objects.get(kind="oidc.token_revoked")
    assert (event.actor, event.subject) == ("client:basic-party", f"grant:{Grant.objects.get().pk}")


def test_bound_token_is_refused_at_protected_endpoints(world: World) -> None:
    """invalid solely because it was given back: the same for a phone's token, with its proof."""
    token = world.tokens()["access_token"]
    assert world.userinfo(token).status_code == 200
    response = world.post("/oidc/revoke", world.messenger.authenticated(token=token))
    assert response.status_code == 200
    assert world.userinfo(token).status_code == 401


def test_access_token_is_remembered_until_its_end_and_recorded_once(basic: BasicParty) -> None:
    """Forgotten a second early it would be good again; kept longer it would be kept for nothing."""
    token = basic.tokens()["access_token"]
    for _ in range(2):
        revoked(basic, token)
    end = basic.world.now + 3600
    assert UsedOnce.objects.get(kind=replay.REVOKED).expires_at == end + 1
    replay.purge(now=end)
    assert UsedOnce.objects.filter(kind=replay.REVOKED).exists()
    assert AuditEvent.objects.filter(kind="oidc.token_revoked").count() == 1


def test_token_of_a_client_for_itself_can_be_given_back(basic: BasicParty) -> None:
    """There is no grant to end."""
    basic.says(grant_types=["client_credentials"])
    token = basic.post("/oidc/token", {"grant_type": "client_credentials"}).json()["access_token"]
    revoked(basic, token)
    assert introspected(basic, token) == {"active": False}
    assert AuditEvent.objects.get(kind="oidc.token_revoked").subject == "client:basic-party"


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
def test_token_of_another_client_is_not_revoked(basic: BasicParty, stranger: ResourceServer, name: str) -> None:
    """invalid solely because the token is another's; the answer tells nothing of it."""
    got = basic.tokens()
    revoked(stranger, got[name])
    assert introspected(basic, got[name])["active"] is True
    assert not AuditEvent.objects.filter(kind__endswith="_revoked").exists()


def test_resource_does_not_revoke_what_is_for_it(basic: BasicParty, stranger: ResourceServer) -> None:
    """invalid solely because the resource is asked, and not the client that holds the token."""
    basic.says(grant_types=["client_credentials"])
    form = {"grant_type": "client_credentials", "resource": stranger.row.resources[0]}
    token = basic.post("/oidc/token", form).json()["access_token"]
    revoked(stranger, token)
    assert introspected(stranger, token)["active"] is True


@pytest.mark.parametrize("text", ["x", "a.b.c", "." * 200])
def test_unknown_token_is_no_error(basic: BasicParty, text: str) -> None:
    """RFC 7009 §2.2: what the client wanted is the case."""
    revoked(basic, text)
    assert not UsedOnce.objects.exists()


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense"])
def test_hint_is_not_needed(basic: BasicParty, hint: str) -> None:
    """A wrong hint must not save the token (RFC 7009 §2.1)."""
    token = basic.tokens()["refresh_token"]
    revoked(basic, token, token_type_hint=hint)
    assert Grant.objects.get().revoked_at is not None


def test_caller_is_authenticated_and_enabled(basic: BasicParty) -> None:
    """invalid solely because of who asks."""
    form = {"token": basic.tokens()["refresh_token"]}
    assert error_of(basic.post("/oidc/revoke", form, authorization=None)) == (401, "invalid_client")
    Client.objects.update(disabled=True)
    assert error_of(basic.post("/oidc/revoke", form)) == (400, "unauthorized_client")
    assert Grant.objects.get().revoked_at is None


def test_request_is_a_form_with_a_token(basic: BasicParty) -> None:
    """invalid solely because the token is missing, or in the URL."""
    assert error_of(basic.post("/oidc/revoke", {})) == (400, "invalid_request")
    assert error_of(basic.post("/oidc/revoke?token=x", {"token": "x"})) == (400, "invalid_request")


def test_replayed_assertion_revokes_nothing(world: World) -> None:
    """invalid solely because the assertion was seen before (row 33)."""
    token, assertion = world.tokens()["access_token"], world.messenger.assertion()
    form = world.messenger.authenticated(token="x", client_assertion=assertion)
    assert world.post("/oidc/revoke", form).status_code == 200
    assert error_of(world.post("/oidc/revoke", {**form, "token": token})) == (401, "invalid_client")
    assert world.userinfo(token).status_code == 200


def test_another_phone_of_the_same_messenger_revokes_nothing(world: World) -> None:
    """invalid solely because the grant belongs to another attested key of the same client."""
    phone, other = AttestedPhone(world), AttestedPhone(world)
    token = phone.redeem(phone.code()).json()["refresh_token"]
    other.key = keys.generate()
    for thief in (True, False):
        headers = (other if thief else phone).headers()
        form = {"client_id": world.messenger.client_id, "token": token}
        active = world.post("/oidc/introspect", form, headers=headers).json()["active"]
        assert active is not thief
        headers = (other if thief else phone).headers()
        assert world.post("/oidc/revoke", form, headers=headers).status_code == 200
        assert (Grant.objects.get().revoked_at is None) is thief
