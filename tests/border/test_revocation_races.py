"""Thirty-two workers issue, revoke and look for orphans at once: no token escapes, none is taken back twice."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from django.db import OperationalError

from idp.accounts import devices
from idp.accounts.models import Device
from idp.audit.models import AuditEvent
from idp.border import issuance, orphans, revocation
from idp.border.models import IssuedToken
from idp.federation import status_lists
from idp.federation.models import StatusChange, StatusEntry
from idp.protocol.status_list import INVALID
from tests.border.test_races import granted_access
from tests.border.test_revocation import status
from tests.border.world import World
from tests.oidc.test_races import race

WORKERS = 32
pytestmark = [pytest.mark.usefixtures("shared_database"), pytest.mark.django_db(transaction=True)]


def _issuing(world: World) -> Callable[[], int]:
    """One worker's job, with a grant of its own: how many tokens it issued."""
    grant = world.grant(world.detail(max_tokens=10))
    granted = granted_access(world, grant)
    request = issuance.TokenRequest(
        world.checkpoint.entity_id, "exit", str(world.document.pk), "jwt", world.holder.public
    )

    def job() -> int:
        issued = 0
        with suppress(issuance.UnableToIssue):  # the phone was revoked: nothing more is given to it
            for _ in range(3):
                issuance.issue(access=granted, request=request, now=world.now)
                issued += 1
        return issued

    return job


def _stubborn(job: Callable[[], int]) -> Callable[[], int]:
    """As a task that runs again: SQLite may refuse a writer whose turn does not come in five seconds."""

    def run() -> int:
        while True:
            try:
                return job()
            except OperationalError as error:
                if "locked" not in str(error):
                    raise

    return run


def test_no_token_of_a_phone_escapes_that_is_revoked_while_they_are_issued(world: World) -> None:
    """What was stored after the last look of the thirty-two is found by the next, within five seconds."""
    phone = Device.objects.get()

    def end() -> int:
        devices.revoke(device=phone, actor="account:7")
        return 0

    def look() -> int:
        orphans.follow(now=world.now)
        return 0

    issuers = [_stubborn(_issuing(world)) for _ in range(20)]
    _issuing(world)()  # whatever comes first in the race, there are some to be found
    race(*issuers, *[_stubborn(end)] * 4, *[_stubborn(look)] * 8)
    orphans.follow(now=world.now)
    tokens = list(IssuedToken.objects.all())
    assert len(tokens) >= 3
    assert {token.revoked_for for token in tokens} == {"device"}
    assert {status(world, token) for token in tokens} == {INVALID}
    assert AuditEvent.objects.filter(kind="border_token.revoked").count() == len(tokens)
    assert orphans.follow(now=world.now) == 0


def test_thirty_two_who_revoke_the_same_tokens_revoke_each_once(world: World) -> None:
    """Twice in the audit it would be two revocations; and two who lock in different orders would wait for ever."""
    _issuing(world)()
    token = IssuedToken.objects.first()
    later, idx = status_lists.allocate(expires_at=token.expires_at + 3600, now=world.now + 3600)
    IssuedToken.objects.filter(pk=token.pk).update(status_uri=later, status_idx=idx)  # in a list of its own

    def job() -> int:
        return revocation.revoke(tokens=IssuedToken.objects.order_by("-pk"), actor="account:7", now=world.now)

    assert sum(race(*[_stubborn(job)] * WORKERS)) == 3
    assert AuditEvent.objects.filter(kind="border_token.revoked").count() == 3
    assert StatusEntry.objects.filter(value=INVALID).count() == StatusChange.objects.count() == 3


def test_suspended_reinstated_and_revoked_at_once_it_ends_revoked(world: World) -> None:
    """A reinstatement that read before the revocation must not undo it."""
    _issuing(world)()
    type(status_lists._find(IssuedToken.objects.first().status_uri)).objects.update(bits=2)
    acts = [*["suspend", "reinstate"] * 15, "revoke", "revoke"]

    def job(act: str) -> Callable[[], int]:
        tokens = IssuedToken.objects.all()
        return lambda: revocation.ACTS[act](tokens=tokens, actor="account:7", now=world.now)

    race(*[_stubborn(job(act)) for act in acts])
    assert {status(world, token) for token in IssuedToken.objects.all()} == {INVALID}
