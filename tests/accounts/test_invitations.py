"""An invitation lets one officer in, once, within a day."""

import threading
import uuid
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from idp import clock
from idp.accounts import invitations, officers
from idp.accounts.ceremonies import NewCredential
from idp.accounts.models import Account, OfficerInvitation, Passkey
from idp.audit.models import AuditEvent
from tests.accounts.people import traveller
from tests.accounts.test_officer_passkeys import OfficersBrowser, invited

pytestmark = pytest.mark.django_db


def test_a_link_makes_an_officer_who_needs_no_password() -> None:
    browser, secret = OfficersBrowser(), invited()
    page = browser.client.get(f"/admin/enrol/{secret}/")
    assert page.status_code == 200 and "officer.one" in page.content.decode()
    assert browser.enrol(secret).status_code == 201
    assert browser.enters()
    assert not Account.objects.get().has_usable_password()
    kinds = list(AuditEvent.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == [
        "accounts.officer_created", "accounts.officer_invited", "accounts.officer_enrolled",
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
    officers.disable(account=Account.objects.get(), actor="console")
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


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("accounts_invitation_digest_length", {"digest": b"short"}),
        ("accounts_invitation_expires_later", {"expires_at": 1}),
        ("accounts_invitation_closed_with_outcome", {"closed_at": 5}),
        ("accounts_invitation_closed_with_outcome", {"closed_at": 5, "outcome": "lost"}),
    ],
    ids=["digest", "expiry", "outcome-missing", "outcome-unknown"],
)
def test_the_database_takes_what_no_invitation_is(name: str, changes: dict[str, Any]) -> None:
    invited()
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        OfficerInvitation.objects.update(**changes)


def test_two_links_are_open_for_one_officer() -> None:
    invited()
    row = {"digest": b"x" * 32, "created_at": 1, "expires_at": 2}
    with pytest.raises(IntegrityError), transaction.atomic():
        OfficerInvitation.objects.create(account=Account.objects.get(), **row)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_use_a_link_at_once_both_get_in(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = invited()
    handle = bytes(Account.objects.get().user_handle)
    barrier, made, refused = threading.Barrier(2), [], []

    find = invitations.find

    def both_find(**asked: Any) -> OfficerInvitation:
        found = find(**asked)
        barrier.wait(timeout=30)  # neither goes on before the other has seen the link open
        return found

    monkeypatch.setattr(invitations, "find", both_find)

    def use(number: int) -> None:
        credential = NewCredential(bytes([number]) * 32, b"key", 0, uuid.UUID(int=0), False, handle, {})
        try:
            made.append(invitations.accept(secret=secret, credential=credential, name="", now=clock.now()).pk)
        except invitations.UnableToEnrol as error:
            refused.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=use, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), refused) == (1, ["not_found"])
    assert Passkey.objects.count() == 1
