"""Border tokens taken back, and that a gate hears of it."""

import datetime
from collections.abc import Callable

import pytest

from idp.accounts.models import Account, Device, TravelDocument
from idp.audit.models import AuditEvent
from idp.border import revocation
from idp.border.models import IssuedToken
from idp.border.tasks import revoke_orphans
from idp.federation import signing, status_lists
from idp.oidc.models import Grant
from idp.protocol.status_list import verify_status_list
from tests.border.world import World, problem_of


def status(world: World, token: IssuedToken) -> int:
    """What the published list says, read as a gate reads it."""
    text = status_lists.published(token.status_uri, world.now)
    verified = verify_status_list(text, keys=signing.published("status"), uri=token.status_uri, now=world.now)
    return verified.get(token.status_idx)


@pytest.fixture
def token(world: World) -> IssuedToken:
    assert world.ask().status_code == 201
    row = IssuedToken.objects.get()
    assert status(world, row) == 0
    return row


def test_a_revoked_token_is_so_in_the_list_that_gates_read(world: World, token: IssuedToken) -> None:
    for count in (1, 0):
        assert revocation.revoke(tokens=IssuedToken.objects.all(), actor="account:7", now=world.now) == count
    assert status(world, token) == revocation.INVALID
    token.refresh_from_db()
    assert (token.revoked_at, token.revoked_by) == (world.now, "account:7")
    assert AuditEvent.objects.get(kind="border_token.revoked").actor == "account:7"


def test_a_dead_token_needs_no_revocation(world: World, token: IssuedToken) -> None:
    assert revocation.revoke(tokens=IssuedToken.objects.all(), actor="x", now=token.expires_at) == 0


def test_the_traveller_revokes_their_own(world: World, token: IssuedToken) -> None:
    path = f"/border/v1/tokens/{token.jti}/revoke"
    answer = world.machine.post(path, headers=world.authorized(path, world.access_token()))
    assert answer.status_code == 204
    assert status(world, token) == revocation.INVALID


@pytest.mark.parametrize("jti", ["A" * 22, "x"])
def test_a_token_that_is_not_there_is_not_found(world: World, jti: str) -> None:
    """invalid solely because there is no such token."""
    path = f"/border/v1/tokens/{jti}/revoke"
    assert problem_of(world.machine.post(path, headers=world.authorized(path, world.access_token()))) == (
        404,
        "not_found",
    )


def test_another_travellers_token_is_not_found(world: World, token: IssuedToken) -> None:
    """invalid solely because the token is another traveller's."""
    IssuedToken.objects.update(traveller=world.person("siu", "B7654321")[0])
    path = f"/border/v1/tokens/{token.jti}/revoke"
    assert problem_of(world.machine.post(path, headers=world.authorized(path, world.access_token()))) == (
        404,
        "not_found",
    )
    assert status(world, token) == 0


def _device() -> None:
    Device.objects.update(revoked_at=datetime.datetime.now(datetime.UTC))


def _document() -> None:
    TravelDocument.objects.update(status=TravelDocument.Status.REVOKED)


def _account() -> None:
    Account.objects.update(is_active=False)


def _consent() -> None:
    Grant.objects.update(revoked_at=1_800_000_000)


@pytest.mark.parametrize("end", [_device, _document, _account, _consent])
def test_a_token_ends_with_what_it_stands_on(world: World, token: IssuedToken, end: Callable[[], None]) -> None:
    """A phone is lost and revoked: the tokens on it must not open a gate for another day."""
    assert revoke_orphans() == 0
    end()
    assert revoke_orphans() == 1
    assert status(world, token) == revocation.INVALID
    assert revoke_orphans() == 0
