"""A look at personal data that leaves no trace, or has no reason, is what these catch."""

from typing import Any

import pytest
from django.contrib.admin.sites import site
from django.db import IntegrityError, transaction
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from idp.accounts import granting
from idp.accounts.models import Account, Traveller
from idp.accounts.roles import Role
from idp.audit import looking, reading
from idp.audit.admin import NotedReads
from idp.audit.models import AuditEvent, GivenReason, LookWords, SeenPerson
from idp.audit.tasks import forget_reasons
from tests.conftest import NOW
from tests.looks import GIVEN, look, subject_of

pytestmark = pytest.mark.django_db
# Models whose pages show whose they are, or what somebody did.
PERSONAL = {
    "accounts.account",
    "accounts.traveller",
    "accounts.traveldocument",
    "accounts.guardianship",
    "biometrics.job",
    "biometrics.attempts",
    "biometrics.facereference",
    "border.issuedtoken",
    "border.journalentry",
}
LIST = "/admin/accounts/traveller/"


def client_of(account: Account) -> Client:
    client = Client(headers={"host": "hk.localhost"})
    client.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session["otp_device_id"] = TOTPDevice.objects.create(user=account, name="a", confirmed=True).persistent_id
    session.save()
    return client


@pytest.fixture
def officer() -> Client:
    return client_of(Account.objects.create_superuser("officer-7", "x"))


@pytest.fixture
def traveller() -> Traveller:
    return Traveller.objects.create(account=Account.objects.create_user("mei"))


@pytest.fixture
def page(traveller: Traveller) -> str:
    return f"{LIST}{traveller.pk}/change/"


def looks() -> list[tuple[str, str]]:
    return list(AuditEvent.objects.filter(kind=reading.KIND).order_by("pk").values_list("subject", "data__what"))


def test_a_look_at_one_traveller_or_at_the_list_is_an_event(officer: Client, traveller: Traveller, page: str) -> None:
    assert "mei" in look(officer, LIST).content.decode()
    assert "mei" in look(officer, page).content.decode()
    assert looks() == [("accounts.traveller", "list"), (f"accounts.traveller:{traveller.pk}", "page")]
    assert set(SeenPerson.objects.values_list("whose", flat=True)) == {f"traveller:{traveller.pk}"}


@pytest.mark.parametrize("end", ["", "history"])
def test_nothing_is_shown_before_a_reason_was_given(officer: Client, page: str, end: str) -> None:
    for path in (LIST, page.replace("change", end or "change")):
        answer = officer.get(path)
        assert subject_of(answer) is not None and "mei" not in answer.content.decode()
    assert looks() == []


def test_the_event_says_why_and_what_was_shown_and_by_whom(officer: Client, page: str, traveller: Traveller) -> None:
    clerk = Account.objects.create_user("clerk", kind="officer", is_staff=True)
    granting.grant(account=clerk, role=Role.BORDER, actor="console", now=NOW)
    look(client_of(clerk), page, reason="investigation", case="2027/113")
    event = AuditEvent.objects.get(kind=reading.KIND)
    assert event.actor == f"account:{clerk.pk}"
    assert (event.data["reason"], event.data["case"], event.data["roles"]) == (
        "investigation",
        "2027/113",
        ["border_officer"],
    )
    assert event.data["kinds"] == ["account", "documents", "phones"]
    assert {"account", "traveldocument.masked_number"} <= set(event.data["fields"])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"reason": ""}, "This field is required"),
        ({"reason": "curiosity"}, "Select a valid choice"),
        ({"reason": "investigation"}, "has a file number"),
        ({"reason": "complaint", "case": "chan tai man"}, "not a file number"),
        ({"reason": "other"}, "what the work is"),
        ({"reason": "other", "words": "the holder of A123456"}, "no long numbers"),
        ({"reason": "other", "words": "mei@example.hk"}, "no long numbers"),
    ],
    ids=["none", "unknown", "no-file", "no-number", "no-words", "a-number", "an-address"],
)
def test_a_reason_that_says_nothing_opens_nothing(officer: Client, page: str, given: dict[str, str], said: str) -> None:
    answer = look(officer, page, **given)
    assert said in answer.content.decode()
    assert not GivenReason.objects.exists() and looks() == []


def test_words_stand_beside_the_record_and_not_in_it(officer: Client, page: str) -> None:
    look(officer, page, reason="other", words="a lost bag was handed in")
    event = AuditEvent.objects.get(kind=reading.KIND)
    assert "bag" not in str(event.data)
    assert LookWords.objects.get(event=event).words == "a lost bag was handed in"


def test_a_reason_is_good_for_one_subject_one_session_and_a_while(
    officer: Client, page: str, traveller: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idp.clock.now", lambda: NOW)
    look(officer, page)
    assert subject_of(officer.get(page)) is None, "it is kept"
    assert subject_of(officer.get(LIST)) == "accounts.traveller"
    assert subject_of(client_of(Account.objects.create_superuser("other", "x")).get(page)) is not None
    again = Client(headers={"host": "hk.localhost"})
    account = Account.objects.get(username="officer-7")
    again.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
    session = again.session
    session["otp_device_id"] = TOTPDevice.objects.get(user=account).persistent_id
    session.save()
    assert subject_of(again.get(page)) is not None, "another session of the same officer"
    monkeypatch.setattr("idp.clock.now", lambda: NOW + looking.LASTS)
    assert subject_of(officer.get(page)) is not None
    forget_reasons()
    assert not GivenReason.objects.exists()


@pytest.mark.parametrize("target", ["https://evil.example/admin/", "//evil.example", "/account/", "/admin/\\evil", ""])
def test_the_way_on_leads_to_a_page_of_the_site(officer: Client, target: str) -> None:
    answer = officer.post("/admin/looks/", {**GIVEN, "subject": "x", "next": target})
    assert answer.status_code == 200 and not GivenReason.objects.exists()


def test_a_form_with_a_mistake_is_not_shown_again_without_a_reason(officer: Client, traveller: Traveller) -> None:
    """The page that a POST answers has the data, too."""
    path = f"/admin/accounts/account/{traveller.account_id}/change/"
    answer = officer.post(path, {"passkeys-TOTAL_FORMS": "x"})
    assert subject_of(answer) is not None and "mei" not in answer.content.decode()


def test_an_action_names_nobody_without_a_reason(officer: Client, traveller: Traveller) -> None:
    answer: Any = officer.post("/admin/biometrics/attempts/", {"action": "reset", "_selected_action": "1"})
    assert answer.status_code == 302 or subject_of(answer) is not None


def test_what_was_not_shown_is_no_look(officer: Client, page: str) -> None:
    officer.get("/admin/accounts/traveller/5ab2b1c4-25bb-4b1a-9a52-9c4b3b1f7c11/change/")
    clerk = Account.objects.create_user("clerk", kind="officer", is_staff=True)
    assert client_of(clerk).get(page).status_code == 403
    assert looks() == []


def test_a_page_is_not_shown_when_its_look_cannot_be_noted(
    officer: Client, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError("the record is full")

    monkeypatch.setattr(reading, "note", broken)
    with pytest.raises(RuntimeError):
        look(officer, page)


def test_no_page_with_personal_data_is_forgotten() -> None:
    noted = {model._meta.label_lower for model, page in site._registry.items() if isinstance(page, NotedReads)}
    assert noted >= PERSONAL
    assert all(page.shows for page in site._registry.values() if isinstance(page, NotedReads))


@pytest.mark.parametrize(
    "wrong",
    [{"reason": "curiosity"}, {"reason": ""}, {"case": "chan tai man"}, {"case": "x" * 65}, {"words": "x" * 201}],
)
def test_free_text_cannot_get_into_a_record_that_is_never_changed(wrong: dict[str, str]) -> None:
    facts = {"actor": "account:7", "subject": "document:1", "what": "page", "reason": "referral"}
    with pytest.raises(ValueError), transaction.atomic():
        reading.note(**{**facts, **wrong})  # type: ignore[arg-type]
    assert looks() == []


def test_the_file_number_is_kept() -> None:
    with transaction.atomic():
        reading.note(actor="account:7", subject="document:1", what="page", reason="complaint", case="C/2026-11")
    assert AuditEvent.objects.get().data == {"what": "page", "reason": "complaint", "case": "C/2026-11"}


def test_a_person_is_seen_once_in_an_event() -> None:
    with transaction.atomic():
        event = reading.note(actor="a", subject="s", what="list", reason="complaint", whose=["traveller:1"] * 2)
    with pytest.raises(IntegrityError, match=r"audit_seen_once|event_id"), transaction.atomic():
        SeenPerson.objects.create(event=event, whose="traveller:1", at=1)


@pytest.mark.parametrize(
    ("name", "changes"),
    [("audit_reason_once", {}), ("audit_reason_present", {"subject": "other", "reason": ""})],
)
def test_a_given_reason_is_one_and_says_something(name: str, changes: dict[str, str]) -> None:
    facts = {"officer": "account:7", "session": "s", "subject": "x", "reason": "referral", "until": 1}
    GivenReason.objects.create(**facts)
    with pytest.raises(IntegrityError, match=rf"{name}|officer"), transaction.atomic():
        GivenReason.objects.create(**{**facts, **changes})
