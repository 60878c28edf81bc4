"""An invitation lets one officer in, once, within a day."""

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from idp import clock
from idp.accounts import invitations
from idp.accounts.ceremonies import NewCredential
from idp.accounts.models import Account, OfficerInvitation, Passkey
from idp.accounts.roles import Role
from idp.audit.models import AuditEvent
from tests.accounts.people import traveller
from tests.accounts.test_officer_passkeys import OfficersBrowser, invited
from tests.oidc.conftest import shared_database
from tests.oidc.test_races import race

__all__ = ["shared_database"]

pytestmark = pytest.mark.django_db


def test_a_link_makes_an_officer_who_needs_no_password() -> None:
    browser, secret = OfficersBrowser(), invited()
    page = browser.client.get(f"/admin/enrol/{secret}/")
    assert page.status_code == 200 and "officer.one" in page.content.decode()
    assert browser.enrol(secret).status_code == 201
    assert browser.enters()
    assert not Account.objects.get().has_usable_password()
    kinds = list(AuditEvent.objects.order_by("pk").values_list("kind", flat=True))
    granted = ["accounts.role_granted"] * len(Role)  # all, where none was named
    assert kinds == [
        "accounts.officer_created", *granted, "accounts.officer_invited", "accounts.officer_enrolled",
        "accounts.officer_logged_in",
    ]  # fmt: skip


def test_the_database_tells_whoever_reads_it_the_link() -> None:
    secret = invited()
    assert secret.encode() not in bytes(OfficerInvitation.objects.get().digest)
    assert all(secret not in str(event.data) + event.subject for event in AuditEvent.objects.all())


def test_a_link_serves_twice() -> None:
    secret = invited()
    assert OfficersBrowser().enrol(secret).status_code == 201
    second = OfficersBrowser()
    assert second.begin(f"enrol/{secret}").status_code == 404
    assert second.client.get(f"/admin/enrol/{secret}/").status_code == 404
    assert Passkey.objects.count() == 1


def test_a_link_serves_after_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    browser, secret = OfficersBrowser(), invited()
    credential = browser.authenticator.create(browser.begin(f"enrol/{secret}").json())
    begun = clock.now()
    monkeypatch.setattr(clock, "now", lambda: begun + 299)
    OfficerInvitation.objects.update(expires_at=begun + 299)  # the ceremony is young enough, the link is not
    answer = browser.post(f"/admin/enrol/{secret}/complete", {"credential": credential})
    assert answer.status_code == 404
    assert Passkey.objects.count() == 0


def test_a_newer_link_leaves_the_older_one_open() -> None:
    older = invited()
    account = Account.objects.get()
    newer = invitations.invite(account=account, actor="console", now=clock.now()).split("/")[-2]
    assert OfficersBrowser().begin(f"enrol/{older}").status_code == 404
    assert OfficersBrowser().enrol(newer).status_code == 201


def test_a_ceremony_begun_by_one_link_ends_at_anothers() -> None:
    one, two = invited("officer.one"), invited("officer.two")
    browser = OfficersBrowser()
    credential = browser.authenticator.create(browser.begin(f"enrol/{one}").json())
    answer = browser.post(f"/admin/enrol/{two}/complete", {"credential": credential})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_proof")
    assert OfficerInvitation.objects.filter(closed_at=None).count() == 2


def test_a_link_opens_a_closed_account_or_a_travellers() -> None:
    secret = invited()
    Account.objects.update(is_active=False)
    assert OfficersBrowser().begin(f"enrol/{secret}").status_code == 404
    for account in (Account.objects.get(), traveller().account):
        account.refresh_from_db()
        with pytest.raises(invitations.UnableToEnrol):
            invitations.invite(account=account, actor="console", now=clock.now())


def test_the_command_prints_a_link_for_a_new_officer_and_for_one_who_lost_the_key(
    capsys: pytest.CaptureFixture[str],
) -> None:
    links = []
    for _ in range(2):
        call_command("officer", "invite", "Officer.One")
        facts = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines()[:2])
        assert facts["officer"] == "officer.one"
        links.append(facts["link"])
    assert OfficersBrowser().enrol(links[1].split("/")[-2]).status_code == 201
    traveller("siu.ming")
    with pytest.raises(CommandError):
        call_command("officer", "invite", "siu.ming")


@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=True)
def test_of_two_who_use_a_link_at_once_both_get_in(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = invited()
    handle = bytes(Account.objects.get().user_handle)
    both, find = threading.Barrier(2), invitations.find

    def both_find(**asked: Any) -> OfficerInvitation:
        found = find(**asked)
        both.wait(timeout=30)  # neither goes on before the other has seen the link open
        return found

    monkeypatch.setattr(invitations, "find", both_find)

    def using(number: int) -> Callable[[], int]:
        credential = NewCredential(bytes([number]) * 32, b"key", 0, uuid.UUID(int=0), False, handle, {})

        def job() -> int:
            try:
                invitations.accept(secret=secret, credential=credential, name="", now=clock.now())
            except invitations.UnableToEnrol:
                return 1
            return 0

        return job

    assert race(using(1), using(2)) == [0, 1]
    assert Passkey.objects.count() == 1
    assert AuditEvent.objects.filter(kind="accounts.officer_enrolled").count() == 1
