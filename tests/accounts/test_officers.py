"""Officers: a second factor at the admin site, and what the admin site lets them do."""

import base64
import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from axes.models import AccessAttempt
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from idp.accounts.models import Account
from idp.audit.models import AuditEvent
from tests.accounts.people import HOST, PASSWORD, document, traveller
from tests.looks import look

pytestmark = pytest.mark.django_db


@pytest.fixture
def created(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    call_command("officer", "create", "Alice.Officer", "--totp")
    return dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())


def log_in(facts: dict[str, str], **changes: str) -> Client:
    client = Client(headers={"host": HOST})
    secret = facts["secret"]
    code = totp(base64.b32decode(secret + "=" * (-len(secret) % 8)))
    form = {
        "username": facts["officer"], "password": facts["password"], "otp_token": f"{code:06}",
        "otp_device": TOTPDevice.objects.get().persistent_id, **changes,
    }  # fmt: skip
    client.post("/admin/login/?next=/admin/", form)
    return client


def test_the_command_prints_what_an_authenticator_needs(created: dict[str, str]) -> None:
    account = Account.objects.get()
    assert (account.username, account.kind) == ("alice.officer", "officer")
    assert account.is_staff and not account.is_superuser
    assert created["roles"] == "trust_officer border_officer biometric_officer auditor operator"
    uri = urlsplit(created["otpauth"])
    assert (uri.scheme, uri.netloc, parse_qs(uri.query)["secret"]) == ("otpauth", "totp", [created["secret"]])
    assert set(AuditEvent.objects.values_list("kind", flat=True)) == {
        "accounts.officer_created",
        "accounts.role_granted",
        "accounts.second_factor_given",
    }


def test_an_officer_enters_with_both_factors_and_with_neither_alone(created: dict[str, str]) -> None:
    assert log_in(created, otp_token="").get("/admin/").status_code == 302
    assert log_in(created, password="wrong").get("/admin/").status_code == 302
    TOTPDevice.objects.update(throttling_failure_count=0, last_t=-1)
    assert log_in(created).get("/admin/").status_code == 200


def test_a_guess_at_the_code_makes_the_right_one_wait(created: dict[str, str]) -> None:
    """Six digits are guessed in an hour where every guess is looked at."""
    for _ in range(3):  # only the first is looked at: the others come before the wait is over
        assert log_in(created, otp_token="guess1").get("/admin/").status_code == 302
        assert TOTPDevice.objects.get().throttling_failure_count == 1
        # A second is the wait, and a slow machine takes longer to ask again.
        TOTPDevice.objects.update(throttling_failure_timestamp=timezone.now() + datetime.timedelta(minutes=10))
    assert log_in(created).get("/admin/").status_code == 302
    TOTPDevice.objects.update(throttling_failure_timestamp=timezone.now() - datetime.timedelta(seconds=2))
    assert log_in(created).get("/admin/").status_code == 200


def test_the_sixth_guess_at_an_officers_password_is_not_even_looked_at(created: dict[str, str]) -> None:
    """Whoever looks over the shoulder for the code has all day for the password."""
    for number in range(5):
        assert log_in(created, password=f"guess {number}").get("/admin/").status_code == 302
    TOTPDevice.objects.update(throttling_failure_count=0, last_t=-1)
    assert log_in(created).get("/admin/").status_code == 302
    AccessAttempt.objects.all().delete()
    TOTPDevice.objects.update(throttling_failure_count=0, last_t=-1)
    assert log_in(created).get("/admin/").status_code == 200


def test_a_traveller_does_not_enter_the_admin_site(created: dict[str, str]) -> None:
    account = traveller().account
    TOTPDevice.objects.update(user=account)
    assert log_in({**created, "officer": "siu.ming", "password": PASSWORD}).get("/admin/").status_code == 302


def test_a_disabled_officer_does_not_enter(created: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="nobody would be left"):
        call_command("officer", "disable", "alice.officer")
    assert log_in(created).get("/admin/").status_code == 200
    call_command("officer", "create", "bob")
    TOTPDevice.objects.update(throttling_failure_count=0, last_t=-1)
    call_command("officer", "disable", "ALICE.officer")
    assert log_in(created).get("/admin/").status_code == 302
    with pytest.raises(CommandError):
        call_command("officer", "disable", "nobody")


def test_a_password_from_a_file_is_not_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    call_command("officer", "create", "alice", "--password-file", str(file))
    assert "password" not in capsys.readouterr().out
    assert Account.objects.get().check_password(PASSWORD)


@pytest.mark.parametrize(("name", "password"), [("a b", PASSWORD), ("alice", "short"), ("siu.ming", PASSWORD)])
def test_a_bad_name_or_password_makes_no_officer(tmp_path: Path, name: str, password: str) -> None:
    traveller("siu.ming")
    file = tmp_path / "password"
    file.write_text(password)
    with pytest.raises(CommandError):
        call_command("officer", "create", name, "--password-file", str(file))
    assert Account.objects.count() == 1


def test_every_page_of_our_models_opens_and_shows_no_secret(created: dict[str, str]) -> None:
    client, person, card = log_in(created), traveller(), document()
    event = AuditEvent.objects.first()
    device = TOTPDevice.objects.get()
    paths = [
        "accounts/account/", f"accounts/account/{person.account.pk}/change/", "accounts/traveller/",
        f"accounts/traveller/{person.pk}/change/", "accounts/traveldocument/", "accounts/traveldocument/add/",
        f"accounts/traveldocument/{card.pk}/change/", "audit/", f"audit/events/{event.pk}/",
        "audit/treehead/", "accounts/secondfactor/", f"accounts/secondfactor/{device.pk}/change/",
    ]  # fmt: skip
    for path in paths:
        answer = look(client, f"/admin/{path}")
        assert answer.status_code == 200, path
        text = answer.content.decode()
        assert created["secret"] not in text and device.key not in text and person.account.password not in text


@pytest.mark.parametrize("action", ["add/", "1/delete/"])
@pytest.mark.parametrize("model", ["audit/auditevent", "accounts/account", "accounts/secondfactor"])
def test_what_has_another_way_is_not_made_or_deleted_here(created: dict[str, str], model: str, action: str) -> None:
    client = log_in(created)
    path = action.replace("1", str(Account.objects.get().pk)) if model == "accounts/account" else action
    if model == "accounts/secondfactor":
        path = action.replace("1", str(TOTPDevice.objects.get().pk))
    if model == "audit/auditevent":
        path = action.replace("1", str(AuditEvent.objects.first().pk))
    assert client.post(f"/admin/{model}/{path}").status_code == 403


def test_an_audit_event_cannot_be_changed_here(created: dict[str, str]) -> None:
    event = AuditEvent.objects.first()
    assert log_in(created).post(f"/admin/audit/auditevent/{event.pk}/change/", {"kind": "x"}).status_code == 403


def test_a_change_by_an_officer_leaves_its_trace_without_values(created: dict[str, str]) -> None:
    client, card = log_in(created), document()
    form = {
        "type": "hkid", "number": "A1234563", "name_native": "陳小文", "name_latin": "CHAN SIU MAN",
        "birth_date": "1990-01-01", "sex": "M", "nationality": "CHN", "issued_by": "HKG", "expires_on": "2040-01-01",
        "status": "revoked", "endorsements-TOTAL_FORMS": "1", "endorsements-INITIAL_FORMS": "0",
        "guardians-TOTAL_FORMS": "0", "guardians-INITIAL_FORMS": "0",
        "endorsements-0-kind": "G", "endorsements-0-destination": "MAC", "endorsements-0-valid_from": "2026-01-01",
        "endorsements-0-valid_to": "2026-12-31", "endorsements-0-stay_days": "7",
    }  # fmt: skip
    answer = client.post(f"/admin/accounts/traveldocument/{card.pk}/change/", form)
    assert answer.status_code == 302, answer.content.decode()
    card.refresh_from_db()
    assert card.status == "revoked" and card.endorsements.count() == 1
    events = AuditEvent.objects.filter(kind="admin.changed", subject=f"accounts.traveldocument:{card.pk}")
    assert [event.data for event in events.order_by("pk")] == [
        {"fields": ["name_latin", "name_native", "status"]},
        {"fields": ["endorsements"]},
    ]
    assert {event.actor for event in events} == {f"account:{Account.objects.get(username='alice.officer').pk}"}


def test_a_document_is_not_linked_by_an_officer(created: dict[str, str]) -> None:
    """Only a face links a document: the field is shown and not taken."""
    person, card = traveller(), document()
    form = {
        "type": "hkid", "number": "A1234563", "name_native": "陳", "name_latin": "CHAN", "birth_date": "1990-01-01",
        "sex": "M", "nationality": "CHN", "issued_by": "HKG", "expires_on": "2040-01-01", "status": "valid",
        "traveller": str(person.pk), "endorsements-TOTAL_FORMS": "0", "endorsements-INITIAL_FORMS": "0",
        "guardians-TOTAL_FORMS": "0", "guardians-INITIAL_FORMS": "0",
    }  # fmt: skip
    assert log_in(created).post(f"/admin/accounts/traveldocument/{card.pk}/change/", form).status_code == 302
    card.refresh_from_db()
    assert card.name_native == "陳" and card.traveller is None


def test_a_guardian_is_named_however_the_number_was_typed(client: Client, created: str) -> None:
    """A number with brackets would name nobody, and no error would say so."""
    card = document(number="RE1", type="reentry")
    form = {
        "type": "reentry", "number": "RE1", "name_native": "陳", "name_latin": "CHAN", "birth_date": "2019-01-01",
        "sex": "M", "nationality": "CHN", "issued_by": "HKG", "expires_on": "2040-01-01", "status": "valid",
        "endorsements-TOTAL_FORMS": "0", "endorsements-INITIAL_FORMS": "0",
        "guardians-TOTAL_FORMS": "1", "guardians-INITIAL_FORMS": "0",
        "guardians-0-type": "hkid", "guardians-0-number": "a123456(3)",
    }  # fmt: skip
    assert log_in(created).post(f"/admin/accounts/traveldocument/{card.pk}/change/", form).status_code == 302
    assert card.guardians.get().number == "A1234563"
