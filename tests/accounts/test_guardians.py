"""Children without a phone: whom the register does not name carries nothing for them, and no longer than it says."""

import datetime
from typing import Any

import pytest

from idp.accounts import documents, guardians, tasks
from idp.accounts.documents import UnableToLink
from idp.accounts.models import Guardianship, RegisteredGuardian, TravelDocument, Traveller
from idp.audit.models import AuditEvent
from tests.accounts.people import PASSWORD, Browser, document, traveller
from tests.conftest import NOW

pytestmark = pytest.mark.django_db
BORN = datetime.date(2019, 6, 1)
FACTS: dict[str, Any] = {
    "type": "reentry",
    "number": "RE12345",
    "birth_date": BORN,
    "expires_on": datetime.date(2040, 1, 1),
}
CHILD = {**FACTS, "name_latin": "CHAN SIU MAN"}


@pytest.fixture
def mother(now: int) -> Traveller:
    person = traveller("mother")
    documents.link(document=document(), traveller=person, actor="a")
    return person


@pytest.fixture
def child(mother: Traveller) -> TravelDocument:
    return named(document(**CHILD))


def named(card: TravelDocument, number: str = "A1234563") -> TravelDocument:
    RegisteredGuardian.objects.create(document=card, type="hkid", number=number)
    return card


def found(guardian: Traveller, **changes: Any) -> TravelDocument:
    return guardians.find_child(guardian=guardian, now=NOW, **{**FACTS, **changes})


def taken(card: TravelDocument, guardian: Traveller, now: int = NOW) -> TravelDocument:
    return guardians.take_up(document=card, guardian=guardian, consented_at=now - 60, actor="worker", now=now)


def refused(card: TravelDocument, guardian: Traveller) -> str:
    with pytest.raises(UnableToLink) as caught:
        taken(card, guardian)
    return caught.value.code


def test_a_named_guardian_takes_the_child_up_and_the_child_is_a_traveller_of_its_own(
    mother: Traveller, child: TravelDocument
) -> None:
    assert found(mother) == child
    taken(child, mother)
    child.refresh_from_db()
    assert child.traveller is not None and child.traveller != mother
    assert (child.traveller.account, child.traveller.ward_since) == (None, NOW)
    row = Guardianship.objects.get()
    assert (row.guardian, row.ward, row.consented_at, row.ended_at) == (mother, child.traveller, NOW - 60, None)
    assert list(guardians.children(guardian=mother, now=NOW)) == [child]
    assert guardians.answered_for(traveller=mother, now=NOW) == [mother, child.traveller]
    data = AuditEvent.objects.get(kind="accounts.guardianship_began").data
    assert data == {"guardian": str(mother.pk), "ward": str(child.traveller_id), "consented_at": NOW - 60}


@pytest.mark.parametrize(
    ("member", "value"),
    [("number", "RE12346"), ("birth_date", datetime.date(2019, 6, 2)), ("expires_on", datetime.date(2040, 1, 2))],
)
def test_a_wrong_fact_is_answered_as_a_child_of_somebody_else(
    mother: Traveller, child: TravelDocument, member: str, value: Any
) -> None:
    """Who is no guardian must not learn by it which children are registered."""
    with pytest.raises(UnableToLink) as wrong:
        found(mother, **{member: value})
    with pytest.raises(UnableToLink) as strange:
        found(traveller("stranger"))
    assert (str(wrong.value), wrong.value.code) == (str(strange.value), strange.value.code)


def test_another_issuers_document_of_the_same_number_is_no_guardians(child: TravelDocument) -> None:
    """invalid solely because the number that the register names is of its own documents."""
    stranger = traveller("stranger")
    documents.link(document=document(issued_by="MAC"), traveller=stranger, actor="a")
    assert refused(child, stranger) == "document_not_eligible"


@pytest.mark.parametrize("changes", [{"status": "revoked"}, {"expires_on": datetime.date(2027, 1, 14)}])
def test_a_guardian_with_a_dead_document_is_not_believed(
    mother: Traveller, child: TravelDocument, changes: dict[str, Any]
) -> None:
    """invalid solely because the guardian's document was revoked, or ended yesterday."""
    TravelDocument.objects.filter(traveller=mother).update(**changes)
    assert refused(child, mother) == "document_not_eligible"


def test_a_childs_document_that_was_revoked_is_not_taken_up(mother: Traveller, child: TravelDocument) -> None:
    """invalid solely because it was revoked between the form and the worker."""
    TravelDocument.objects.filter(pk=child.pk).update(status="revoked")
    assert refused(child, mother) == "document_not_eligible"
    assert not Traveller.objects.filter(account=None).exists()


def test_a_document_that_an_account_holds_is_not_taken_up(mother: Traveller, child: TravelDocument) -> None:
    """invalid solely because the child (who may be fifteen) has an account of its own."""
    documents.link(document=child, traveller=traveller("child"), actor="a")
    assert refused(child, mother) == "conflict"


@pytest.mark.parametrize(
    ("born", "is_child"),
    [(datetime.date(2009, 1, 15), False), (datetime.date(2009, 1, 16), True), (datetime.date(2008, 2, 29), False)],
)
def test_childhood_ends_on_the_eighteenth_birthday(mother: Traveller, born: datetime.date, is_child: bool) -> None:
    """Today is 15 January 2027."""
    card = named(document(**{**CHILD, "birth_date": born}))
    assert guardians.may_take_up(document=card, guardian=mother, now=NOW) is is_child


@pytest.mark.parametrize(
    ("day", "born", "of_age"),
    [
        ("2026-02-28", "2008-02-29", False),
        ("2026-03-01", "2008-02-29", True),
        ("2028-02-29", "2010-02-28", True),
        ("2028-02-29", "2010-03-01", False),
    ],
)
def test_leap_days(day: str, born: str, of_age: bool) -> None:
    limit = guardians.born_after(datetime.date.fromisoformat(day))
    assert (datetime.date.fromisoformat(born) <= limit) is of_age


def test_two_guardians_answer_for_one_child(mother: Traveller, child: TravelDocument) -> None:
    """The second must not make a second traveller of it, nor end what the first began."""
    father = traveller("father")
    documents.link(document=document(number="B7654321"), traveller=father, actor="a")
    named(child, "B7654321")
    taken(child, mother)
    taken(child, father)
    taken(child, father)  # a second comparison of the same face changes nothing
    assert Traveller.objects.filter(account=None).count() == 1 and Guardianship.objects.count() == 2


def test_two_documents_of_one_child_are_one_traveller_and_those_of_twins_two(
    mother: Traveller, child: TravelDocument
) -> None:
    """A gate must know the child by one subject, whichever document it shows."""
    passport = named(document(**{**CHILD, "type": "passport", "number": "K1234567"}))
    twin = named(document(**{**CHILD, "number": "RE12399", "name_latin": "CHAN SIU YAN"}))
    wards = [taken(card, mother).traveller for card in (child, passport, twin)]
    assert wards[0] == wards[1] != wards[2]
    assert Guardianship.objects.count() == 2


def test_it_ends_once_and_the_child_may_then_link_the_document_itself(mother: Traveller, child: TravelDocument) -> None:
    """A document that stayed with the ward would be nobody's for ever."""
    taken(child, mother)
    own = traveller("child")
    with pytest.raises(UnableToLink, match="linked already"):
        documents.link(document=child, traveller=own, actor="a")
    row = Guardianship.objects.get()
    assert guardians.end(guardianship=row, actor="account:7", now=NOW + 5)
    assert not guardians.end(guardianship=row, actor="account:8", now=NOW + 6)
    row.refresh_from_db()
    assert (row.ended_at, row.ended_by) == (NOW + 5, "account:7")
    assert guardians.answered_for(traveller=mother, now=NOW) == [mother]
    assert AuditEvent.objects.filter(kind="accounts.guardianship_ended").count() == 1
    assert documents.link(document=child, traveller=own, actor="a").traveller == own


def test_it_can_begin_again_with_the_same_traveller(mother: Traveller, child: TravelDocument) -> None:
    """The subject that the peers know must not change because a guardianship was interrupted."""
    ward = taken(child, mother).traveller
    guardians.end(guardianship=Guardianship.objects.get(), actor="account:7", now=NOW)
    assert taken(child, mother, NOW + 9).traveller == ward
    assert Guardianship.objects.filter(ended_at=None).count() == 1


def test_it_ends_when_the_child_comes_of_age(
    mother: Traveller, child: TravelDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken(child, mother)
    birthday = int(datetime.datetime(2037, 5, 31, 16, tzinfo=datetime.UTC).timestamp())  # 24:00 in Hong Kong
    for at, left in ((birthday - 1, 1), (birthday, 0)):
        monkeypatch.setattr("idp.clock.now", lambda at=at: at)
        assert guardians.children(guardian=mother, now=at).count() == left  # at once, before any task has run
        assert tasks.end_guardianships() == 1 - left
    assert Guardianship.objects.get().ended_by == "age"


def test_under_fourteen_nobody_links_alone(child: TravelDocument) -> None:
    """invalid solely because the holder is thirteen: a face so young needs a guardian's consent."""
    with pytest.raises(UnableToLink):
        guardians.find_own(now=NOW, **FACTS)
    young = document(**{**CHILD, "number": "RE777", "birth_date": datetime.date(2013, 1, 15)})
    facts = {**FACTS, "number": "RE777", "birth_date": young.birth_date}
    assert guardians.find_own(now=NOW, **facts) == young
    with pytest.raises(UnableToLink):
        guardians.find_own(now=NOW, **{**facts, "birth_date": datetime.date(2013, 1, 16)})


def test_the_account_page_shows_the_child_and_lets_its_own_guardian_alone_end_it(child: TravelDocument) -> None:
    owner = TravelDocument.objects.get(number="A1234563").traveller
    assert owner is not None
    ward = taken(child, owner).traveller
    assert ward is not None
    traveller("stranger")
    browser, path = Browser(), f"/account/children/{ward.pk}/leave"
    browser.login_by_password("stranger", PASSWORD)
    assert browser.client.post(path).status_code == 404
    browser = Browser()
    browser.login_by_password("mother", PASSWORD)
    page = browser.client.get("/account/").content.decode()
    assert "CHAN SIU MAN" in page and path in page and "RE12345" not in page
    assert browser.client.post(path).status_code == 302
    assert Guardianship.objects.get().ended_by == f"traveller:{owner.pk}"
    assert path not in browser.client.get("/account/").content.decode()
