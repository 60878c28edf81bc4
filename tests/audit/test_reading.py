"""A look at personal data that leaves no trace is what these catch."""

import pytest
from django.contrib.admin.sites import site
from django.db import transaction
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from idp.accounts.models import Account, Traveller
from idp.audit import reading
from idp.audit.admin import NotedReads
from idp.audit.models import AuditEvent

pytestmark = pytest.mark.django_db
# Models whose pages show whose they are, or what somebody did.
PERSONAL = {
    "accounts.account",
    "accounts.traveller",
    "accounts.traveldocument",
    "biometrics.job",
    "biometrics.attempts",
    "biometrics.facereference",
    "border.issuedtoken",
    "border.journalentry",
}


@pytest.fixture
def officer() -> Client:
    account = Account.objects.create_superuser("officer-7", "x")
    client = Client(headers={"host": "hk.localhost"})
    client.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session["otp_device_id"] = TOTPDevice.objects.create(user=account, name="a", confirmed=True).persistent_id
    session.save()
    return client


@pytest.fixture
def traveller() -> Traveller:
    return Traveller.objects.create(account=Account.objects.create_user("mei"))


def looks() -> list[tuple[str, str]]:
    return list(AuditEvent.objects.filter(kind=reading.KIND).order_by("pk").values_list("subject", "data__what"))


def test_a_look_at_one_traveller_or_at_the_list_is_an_event(officer: Client, traveller: Traveller) -> None:
    assert officer.get("/admin/accounts/traveller/").status_code == 200
    assert officer.get(f"/admin/accounts/traveller/{traveller.pk}/change/").status_code == 200
    assert looks() == [("accounts.traveller", "list"), (f"accounts.traveller:{traveller.pk}", "page")]


def test_what_was_not_shown_is_no_look(officer: Client, traveller: Traveller) -> None:
    officer.get("/admin/accounts/traveller/5ab2b1c4-25bb-4b1a-9a52-9c4b3b1f7c11/change/")
    clerk = Account.objects.create_user("clerk", kind="officer", is_staff=True)
    officer.force_login(clerk, backend="django.contrib.auth.backends.ModelBackend")
    assert officer.get(f"/admin/accounts/traveller/{traveller.pk}/change/").status_code in (302, 403)
    assert looks() == []


def test_a_page_is_not_shown_when_its_look_cannot_be_noted(
    officer: Client, traveller: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError("the record is full")

    monkeypatch.setattr(reading, "note", broken)
    with pytest.raises(RuntimeError):
        officer.get(f"/admin/accounts/traveller/{traveller.pk}/change/")


def test_no_page_with_personal_data_is_forgotten() -> None:
    noted = {model._meta.label_lower for model, page in site._registry.items() if isinstance(page, NotedReads)}
    assert noted >= PERSONAL


@pytest.mark.parametrize(
    "wrong", [{"reason": "curiosity"}, {"reason": ""}, {"case": "chan tai man"}, {"case": "x" * 65}]
)
def test_free_text_cannot_get_into_a_record_that_is_never_changed(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError), transaction.atomic():
        reading.note(**{"actor": "account:7", "subject": "document:1", "what": "page", "reason": "duty", **wrong})
    assert looks() == []


def test_the_file_number_is_kept() -> None:
    with transaction.atomic():
        reading.note(actor="account:7", subject="document:1", what="page", reason="complaint", case="C/2026-11")
    assert AuditEvent.objects.get().data == {"what": "page", "reason": "complaint", "case": "C/2026-11"}
