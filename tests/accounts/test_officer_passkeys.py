"""Officers log in with a passkey alone; it counts as both factors, and stops counting when it is removed."""

from typing import Any

import pytest
from django.test import Client
from django_otp import devices_for_user
from django_otp.plugins.otp_totp.models import TOTPDevice

from idp import clock
from idp.accounts import invitations, officers
from idp.accounts.models import Account, OfficerInvitation, OfficerPasskey, Passkey
from idp.accounts.passkeys import RECENT_SECONDS
from idp.audit.models import AuditEvent
from tests.accounts.people import Browser

pytestmark = pytest.mark.django_db


class OfficersBrowser(Browser):
    """A browser at the admin site, with an authenticator."""

    def begin(self, path: str) -> Any:
        return self.post(f"/admin/{path}/options", {})

    def enrol(self, secret: str) -> Any:
        credential = self.authenticator.create(self.begin(f"enrol/{secret}").json())
        return self.post(f"/admin/enrol/{secret}/complete", {"credential": credential, "name": "key"})

    def log_in(self, **body: Any) -> Any:
        credential = self.authenticator.get(self.begin("login/passkey").json())
        return self.post("/admin/login/passkey", {"credential": credential, **body})

    def add(self) -> Any:
        """One more passkey, of another authenticator."""
        began = self.begin("passkeys")
        if began.status_code != 200:
            return began
        credential = Browser().authenticator.create(began.json())
        return self.post("/admin/passkeys/complete", {"credential": credential, "name": "second"})

    def enters(self) -> bool:
        return bool(self.client.get("/admin/").status_code == 200)


def invited(name: str = "officer.one") -> str:
    account = officers.create_without_password(username=name, actor="console")
    return invitations.invite(account=account, actor="console", now=clock.now()).rstrip("/").rpartition("/")[2]


@pytest.fixture
def officer() -> OfficersBrowser:
    browser = OfficersBrowser()
    assert browser.enrol(invited()).status_code == 201
    browser.client.post("/admin/logout/")
    return browser


def test_a_passkey_alone_opens_the_admin_site_and_later_requests_know_it(officer: OfficersBrowser) -> None:
    assert not officer.enters()
    answer = officer.log_in(next="/admin/audit/auditevent/")
    assert answer.json() == {"next": "/admin/audit/auditevent/"}
    assert officer.enters() and officer.enters()
    assert AuditEvent.objects.filter(kind="accounts.officer_logged_in").count() == 2


def test_a_login_sends_the_officer_to_another_site(officer: OfficersBrowser) -> None:
    assert officer.log_in(next="https://evil.example/").json() == {"next": "/admin/"}


def test_a_removed_passkey_serves_on_in_a_session(officer: OfficersBrowser) -> None:
    officer.log_in()
    assert officer.enters()
    Passkey.objects.get().delete()
    assert not officer.enters()


def test_a_closed_account_serves_on_in_a_session(officer: OfficersBrowser) -> None:
    officer.log_in()
    Account.objects.update(is_active=False)
    assert not officer.enters()
    answer = officer.log_in()
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_proof")


def test_a_travellers_passkey_opens_the_admin_site() -> None:
    browser = OfficersBrowser()
    browser.register()
    browser.client.post("/account/logout")
    answer = browser.log_in()
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_proof")
    assert not browser.enters()


def test_an_officers_passkey_opens_a_travellers_account(officer: OfficersBrowser) -> None:
    answer = officer.login()
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_proof")


def test_a_passkey_without_user_verification_opens_the_admin_site(officer: OfficersBrowser) -> None:
    officer.authenticator.verifies_user = False
    options = officer.begin("login/passkey").json()
    assert options["userVerification"] == "required"
    credential = officer.authenticator.get({**options, "userVerification": "discouraged"})
    assert officer.post("/admin/login/passkey", {"credential": credential}).status_code == 400


def test_one_answer_logs_in_twice(officer: OfficersBrowser) -> None:
    credential = officer.authenticator.get(officer.begin("login/passkey").json())
    assert officer.post("/admin/login/passkey", {"credential": credential}).status_code == 200
    assert officer.post("/admin/login/passkey", {"credential": credential}).status_code == 400


def test_a_typed_code_passes_for_a_passkey(officer: OfficersBrowser) -> None:
    """django-otp would ask for the code of a passkey, and whoever has the password would try every code."""
    factor = OfficerPasskey.objects.get()
    assert list(devices_for_user(Account.objects.get())) == []
    assert factor.verify_token("000000") is False


def test_the_password_form_asks_for_a_choice_where_a_passkey_stands_beside_the_authenticator(
    officer: OfficersBrowser,
) -> None:
    account = Account.objects.get()
    officers.give_second_factor(account=account, actor="console")
    assert [device.persistent_id for device in devices_for_user(account)] == [TOTPDevice.objects.get().persistent_id]


def test_an_officer_adds_names_and_removes_passkeys_and_keeps_the_last(officer: OfficersBrowser) -> None:
    officer.log_in()
    assert officer.add().status_code == 201
    first, second = Passkey.objects.order_by("pk")
    officer.client.post("/admin/passkeys/", {"passkey": second.pk, "name": "in the safe"})
    page = officer.client.get("/admin/passkeys/").content.decode()
    assert "in the safe" in page and 'data-passkey="add"' in page
    officer.client.post("/admin/passkeys/", {"passkey": second.pk, "remove": "1"})
    assert list(Passkey.objects.all()) == [first]
    officer.client.post("/admin/passkeys/", {"passkey": first.pk, "remove": "1"})
    assert list(Passkey.objects.all()) == [first]
    kinds = set(AuditEvent.objects.values_list("kind", flat=True))
    assert {"accounts.passkey_added", "accounts.passkey_renamed", "accounts.passkey_removed"} <= kinds


def test_one_officer_removes_the_passkey_of_another(officer: OfficersBrowser) -> None:
    other = OfficersBrowser()
    other.enrol(invited("officer.two"))
    theirs = Passkey.objects.get(account__username="officer.one")
    for change in ({"remove": "1"}, {"name": "mine"}):
        other.client.post("/admin/passkeys/", {"passkey": theirs.pk, **change})
    assert Passkey.objects.get(pk=theirs.pk).name == "key"


def test_a_screen_left_open_gives_somebody_a_passkey_of_their_own(
    officer: OfficersBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    officer.log_in()
    assert officer.add().status_code == 201
    later = clock.now() + RECENT_SECONDS + 1
    monkeypatch.setattr(clock, "now", lambda: later)
    assert (officer.add().status_code, officer.add().json()["code"]) == (401, "insufficient_user_authentication")
    officer.client.post("/admin/passkeys/", {"passkey": Passkey.objects.first().pk, "remove": "1"})
    assert Passkey.objects.count() == 2
    assert 'data-passkey="add"' not in officer.client.get("/admin/passkeys/").content.decode()


def test_a_passkey_that_counts_backwards_opens_the_admin_site(officer: OfficersBrowser) -> None:
    Passkey.objects.update(sign_count=1000)
    assert officer.log_in().status_code == 400
    assert AuditEvent.objects.filter(kind="accounts.passkey_counter_went_back").count() == 1


def test_a_stranger_reads_the_page_of_passkeys() -> None:
    assert Client(headers={"host": "hk.localhost"}).get("/admin/passkeys/").status_code == 302
    assert OfficerInvitation.objects.count() == 0
