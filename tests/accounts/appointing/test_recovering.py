"""A stolen key stops at once, by one officer and for another's eyes, and nobody gets in by it."""

import pytest
from django_otp.plugins.otp_totp.models import TOTPDevice

from idp.accounts import invitations
from idp.accounts.appointing import recovering
from idp.accounts.appointing.recovering import UnableToRecover
from idp.accounts.models import Account, OfficerInvitation, Passkey
from idp.accounts.roles import Role
from idp.audit.models import AuditEvent
from idp.proposals.models import Review
from tests.accounts.appointing.test_changing import name
from tests.accounts.people import traveller
from tests.accounts.test_roles import officer
from tests.border.world import browser
from tests.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]


def take(account: Account, by: Account) -> None:
    recovering.take_factors_away(account=account, why="the key was stolen", officer=name(by), now=NOW)


def test_something_of_a_stolen_key_still_opens_the_site() -> None:
    """Passkey, code, password, open link, standing session: each alone would."""
    chief, other = officer("chief", Role.TRUST), officer("other", Role.BORDER)
    other.set_password("a long and quiet word")
    other.save()
    session = browser(other)
    assert session.get("/admin/").status_code == 200
    Passkey.objects.create(account=other, credential_id=b"1", public_key=b"2")
    link = invitations.invite(account=other, actor="console", now=NOW)
    take(other, chief)
    other.refresh_from_db()
    assert session.get("/admin/").status_code == 302
    assert not other.has_usable_password() and not other.passkeys.exists()
    assert not TOTPDevice.objects.filter(user=other).exists()
    with pytest.raises(invitations.UnableToEnrol):
        invitations.find(secret=link.rstrip("/").rpartition("/")[2], now=NOW)
    assert OfficerInvitation.objects.get().outcome == "taken_back"


def test_nobody_looks_at_what_one_officer_did() -> None:
    chief, other = officer("chief", Role.TRUST), officer("other", Role.BORDER)
    take(other, chief)
    review = Review.objects.get()
    assert (review.kind, review.subject, review.acted_by) == (recovering.TAKEN, name(other), name(chief))
    assert "the key was stolen" in review.what
    event = AuditEvent.objects.get(kind=recovering.TAKEN)
    assert (event.actor, event.subject, event.data["passkeys"]) == (name(chief), name(other), 0)


def test_it_is_done_to_oneself_by_another_role_or_to_a_traveller() -> None:
    """invalid solely because of who does it, or to whom."""
    chief, border, person = officer("chief", Role.TRUST), officer("border", Role.BORDER), traveller().account
    closed = Account.objects.create_user("closed", kind="officer", is_staff=True, is_active=False)
    for account, by in ((chief, chief), (chief, border), (person, chief), (closed, chief)):
        with pytest.raises(UnableToRecover):
            take(account, by)
    assert person.has_usable_password() and not Review.objects.exists()
