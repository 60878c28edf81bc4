"""A token ends within seconds with what it stands on, however that was ended, and however many others live."""

import datetime
from collections.abc import Callable

import pytest
from django.db import connection

from idp.accounts import guardians
from idp.accounts.models import Account, Device, Endorsement, Guardianship, TravelDocument, Traveller
from idp.border import orphans
from idp.border.models import IssuedToken
from idp.border.tasks import revoke_orphans
from idp.oidc.models import Grant
from idp.protocol.status_list import INVALID
from tests.border.test_revocation import status
from tests.border.world import World


@pytest.fixture
def token(world: World) -> IssuedToken:
    """One that stands on everything that one can stand on."""
    permit = world.endorse(world.document)
    assert world.ask().status_code == 201
    IssuedToken.objects.update(endorsement=permit)
    return IssuedToken.objects.get()


def _phone(world: World) -> None:
    Device.objects.update(revoked_at=datetime.datetime.fromtimestamp(world.now, datetime.UTC))


ENDS: dict[str, Callable[[World], object]] = {
    "device": _phone,
    "document": lambda world: TravelDocument.objects.update(status=TravelDocument.Status.REVOKED),
    "endorsement": lambda world: Endorsement.objects.update(withdrawn_at=world.now),
    "account": lambda world: Account.objects.update(is_active=False),
    "consent": lambda world: Grant.objects.update(revoked_at=world.now),
}


@pytest.mark.parametrize("what", ENDS)
def test_a_token_ends_with_what_it_stands_on(world: World, token: IssuedToken, what: str) -> None:
    """A phone is lost and revoked: the tokens on it must not open a gate for another day."""
    assert revoke_orphans() == 0
    ENDS[what](world)
    assert revoke_orphans() == 1
    token.refresh_from_db()
    assert (status(world, token), token.revoked_for, token.revoked_by) == (INVALID, what, "node")
    assert revoke_orphans() == 0


@pytest.mark.parametrize("what", ENDS)
def test_a_token_that_came_after_the_first_look_is_found_by_the_next(
    world: World, token: IssuedToken, what: str
) -> None:
    """It was being issued while the phone was revoked, and was stored after the sweep."""
    IssuedToken.objects.update(expires_at=world.now, issued_at=world.now - 60)  # not there yet, for the sweep
    ENDS[what](world)
    assert revoke_orphans() == 0
    IssuedToken.objects.update(expires_at=world.now + 1800, issued_at=world.now)
    assert revoke_orphans() == 1


@pytest.mark.parametrize("what", ENDS)
def test_what_ended_so_long_ago_that_no_token_can_live_is_not_looked_at(
    world: World, token: IssuedToken, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each look would be at all that ever ended."""
    now = world.now
    world.now = now - orphans.LONGEST - orphans.MARGIN
    monkeypatch.setattr("idp.clock.now", lambda: world.now)
    Grant.objects.update(created_at=1)
    ENDS[what](world)
    assert orphans.follow(now=now) == 0


def test_a_document_that_is_good_again_keeps_its_tokens(world: World, token: IssuedToken) -> None:
    TravelDocument.objects.update(status=TravelDocument.Status.REVOKED)
    TravelDocument.objects.update(status=TravelDocument.Status.VALID)
    assert revoke_orphans() == 0


class TestChildren:
    """The guardian's phone carries the child's tokens."""

    @pytest.fixture
    def ward(self, world: World, token: IssuedToken) -> Guardianship:
        child = Traveller.objects.create(account=None, ward_since=world.now)
        IssuedToken.objects.update(traveller=child)
        facts = {"guardian": world.traveller, "ward": child, "consented_at": world.now, "began_at": world.now}
        return Guardianship.objects.create(**facts)

    def test_the_childs_tokens_end_with_the_guardianship(self, world: World, ward: Guardianship) -> None:
        assert revoke_orphans() == 0
        guardians.end(guardianship=ward, actor="register", now=world.now)
        assert revoke_orphans() == 1
        assert IssuedToken.objects.get().revoked_for == "guardian"

    def test_the_childs_tokens_end_with_the_guardians_account(self, world: World, ward: Guardianship) -> None:
        Account.objects.filter(traveller=ward.guardian).update(is_active=False)
        assert revoke_orphans() == 1
        assert IssuedToken.objects.get().revoked_for == "account"

    def test_another_guardians_tokens_for_the_child_stay(self, world: World, ward: Guardianship) -> None:
        other, _ = world.person("siu", "B7654321")
        facts = {"consented_at": world.now, "began_at": world.now}
        row = Guardianship.objects.create(guardian=other, ward=ward.ward, **facts)
        guardians.end(guardianship=row, actor="register", now=world.now)
        assert revoke_orphans() == 0

    def test_tokens_of_a_guardian_who_took_the_child_up_again_stay(self, world: World, ward: Guardianship) -> None:
        """But for those of before."""
        guardians.end(guardianship=ward, actor="register", now=world.now)
        again = {"guardian": ward.guardian, "ward": ward.ward, "consented_at": world.now + 5, "began_at": world.now + 5}
        Guardianship.objects.create(**again)
        IssuedToken.objects.update(issued_at=world.now + 6)
        assert revoke_orphans() == 0
        IssuedToken.objects.update(issued_at=world.now + 4)
        assert revoke_orphans() == 1


def test_each_look_goes_by_the_dates_of_the_endings(world: World, token: IssuedToken) -> None:
    """A look at all tokens, every five seconds, would cost more the more of them live."""
    for end in ENDS.values():
        end(world)
    looks = list(orphans._orphans(since=world.now - 1))
    assert len(looks) >= len(ENDS)
    for reason, tokens in looks:
        plan = tokens.filter(revoked_at=None, expires_at__gt=world.now).explain()
        if connection.vendor == "sqlite":  # PostgreSQL reads tables of one row whole, and is right
            assert "SCAN border_issuedtoken" not in plan, reason
            assert plan.count("SCAN ") == 0, (reason, plan)
