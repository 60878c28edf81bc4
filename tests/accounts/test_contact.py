"""Contact details: what a traveller says is kept as said, seen by nobody else, and can be taken back."""

import pytest
from django.db import IntegrityError, transaction

from idp.accounts import contact
from idp.accounts.models import ContactDetails
from idp.audit.models import AuditEvent
from tests.accounts.people import Browser, traveller

pytestmark = pytest.mark.django_db
PATH = "/account/contact"
EVERYTHING = {
    "email": "mei@example.com",
    "phone": "+852 1234-5678",
    "street_address": "Flat 3, 8 Example Road",
    "locality": "Sha Tin",
    "region": "New Territories",
    "postal_code": "999077",
    "country": "Hong Kong",
    "language": "zh-hant",
}


@pytest.fixture
def browser() -> Browser:
    traveller()
    browser = Browser()
    assert browser.login_by_password().status_code == 302
    return browser


def test_what_is_said_is_kept_and_shown_to_its_owner(browser: Browser, now: int) -> None:
    answer = browser.client.post(PATH, EVERYTHING)
    assert (answer.status_code, answer["Location"]) == (302, "/account/")
    row = ContactDetails.objects.get()
    assert {name: getattr(row, name) for name in contact.FIELDS} == {**EVERYTHING, "phone": "+85212345678"}
    assert row.updated_at == now
    page = browser.client.get("/account/").content.decode()
    assert "mei@example.com" in page and "+85212345678" in page and "Flat 3, 8 Example Road<br>" in page


def test_nothing_is_required_and_nothing_is_kept_of_it(browser: Browser) -> None:
    browser.client.post(PATH, EVERYTHING)
    assert browser.client.post(PATH, dict.fromkeys(EVERYTHING, "")).status_code == 302
    assert not ContactDetails.objects.exists()
    assert "mei@example.com" not in browser.client.get("/account/").content.decode()


def test_a_second_saving_changes_the_one_row(browser: Browser) -> None:
    browser.client.post(PATH, EVERYTHING)
    browser.client.post(PATH, {"email": "other@example.com"})
    row = ContactDetails.objects.get()
    assert (row.email, row.phone, row.address) == ("other@example.com", "", "")


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "no address"},
        {"phone": "12345678"},
        {"phone": "+852 phone"},
        {"phone": "+0123456789"},
        {"phone": "+1234567890123456"},
        {"language": "fr"},
        {"country": "x" * 65},
        {"street_address": "a\x00b"},
    ],
)
def test_one_wrong_field_keeps_nothing(browser: Browser, wrong: dict[str, str]) -> None:
    """invalid solely because of this field."""
    answer = browser.client.post(PATH, {**EVERYTHING, **wrong})
    assert answer.status_code == 422 and b"errorlist" in answer.content
    assert not ContactDetails.objects.exists()


def test_the_page_is_for_its_owner_alone(browser: Browser) -> None:
    """invalid solely because nobody, or somebody else, is logged in."""
    browser.client.post(PATH, EVERYTHING)
    assert Browser().client.get(PATH)["Location"].startswith("/account/login?")
    traveller("other")
    stranger = Browser()
    stranger.login_by_password("other")
    assert b"mei@example.com" not in stranger.client.get(PATH).content
    assert b"mei@example.com" in browser.client.get(PATH).content


def test_the_audit_knows_that_but_not_what(browser: Browser) -> None:
    browser.client.post(PATH, {"email": "mei@example.com"})
    event = AuditEvent.objects.get(kind="accounts.contact_changed")
    assert event.data == {"filled": ["email"]} and "mei" not in f"{event.actor}{event.subject}{event.data}"


def test_an_address_is_written_as_on_an_envelope() -> None:
    row = ContactDetails(street_address="8 Example Road", region="Kowloon", country="Hong Kong")
    assert row.address == "8 Example Road\nKowloon\nHong Kong"
    assert ContactDetails().address == ""


def test_a_row_without_its_time_is_refused() -> None:
    """invalid solely because updated_at is 0."""
    with pytest.raises(IntegrityError), transaction.atomic():
        ContactDetails.objects.create(traveller=traveller(), updated_at=0)
