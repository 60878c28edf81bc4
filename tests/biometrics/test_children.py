"""A child's document is linked by its guardian, with the child's own face and the guardian's consent."""

import datetime

import pytest
from django.test import Client

from idp.accounts.models import Guardianship, RegisteredGuardian, TravelDocument, Traveller
from idp.biometrics import enrolment, references, reviews
from idp.biometrics.engine import EMBEDDED_MODEL, Thresholds
from idp.biometrics.models import Attempts, FaceReference, Job
from idp.biometrics.tasks import compare
from tests.biometrics.test_views import handed_in
from tests.biometrics.world import browser, burst, document, officer, takes, traveller, unchallenged
from tests.conftest import NOW
from tests.looks import look

PAGE = "/account/children/link"
FACTS = {"type": "reentry", "number": "RE 12345", "birth_date": "2019-06-01", "expires_on": "", "consent": "on"}


@pytest.fixture
def child(holder: Traveller) -> TravelDocument:
    """A child whose guardian is the holder of A1234563; in the portrait stands person 0."""
    document("A1234563", person=None, traveller=holder, linked_at=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    card = document("RE12345", type="reentry", birth_date=datetime.date(2019, 6, 1), name_latin="CHAN, SIU MAN")
    RegisteredGuardian.objects.create(document=card, type="hkid", number="A1234563")
    return card


@pytest.fixture
def guardian(child: TravelDocument) -> Client:
    return browser("mei")


def shown(client: Client, person: int) -> Job:
    """The form, and the face of ``person`` before the camera; the job as a worker left it."""
    answer = client.post(PAGE, FACTS)
    assert answer.status_code == 302, answer.content.decode()
    job = unchallenged(Job.objects.get(kind=Job.Kind.CHILD))
    assert client.post(f"{answer['Location']}/frames", handed_in([burst(person)])).status_code == 202
    compare(str(job.pk))
    job.refresh_from_db()
    return job


def test_the_childs_face_links_its_document_to_a_traveller_of_its_own(
    guardian: Client, child: TravelDocument, holder: Traveller
) -> None:
    assert "CHAN" not in guardian.get(PAGE).content.decode()
    job = shown(guardian, 0)
    assert job.state == Job.State.DONE
    child.refresh_from_db()
    row = Guardianship.objects.get()
    assert (row.guardian, row.ward, row.consented_at) == (holder, child.traveller, job.created_at)
    assert FaceReference.objects.get().traveller == child.traveller != holder
    assert references.template_for(child, [EMBEDDED_MODEL]) is not None


def test_the_whole_challenge_is_asked_of_the_child_too(guardian: Client, child: TravelDocument) -> None:
    page = guardian.post(PAGE, FACTS)["Location"]
    job = Job.objects.get()
    assert guardian.post(f"{page}/frames", handed_in(takes(0, *job.challenge))).status_code == 202
    compare(str(job.pk))
    job.refresh_from_db()
    assert job.state == Job.State.DONE and PAGE in guardian.get(page).content.decode()


def test_the_guardians_own_face_links_nothing(guardian: Client, child: TravelDocument) -> None:
    """invalid solely because another person than the child stands before the camera; it counts as a failure."""
    assert shown(guardian, 3).reason == "face_mismatch"
    child.refresh_from_db()
    assert child.traveller is None and not Guardianship.objects.exists() and not FaceReference.objects.exists()
    assert Attempts.objects.filter(failures=1).count() == 2


@pytest.mark.parametrize("changes", [{"consent": ""}, {"number": "RE12346"}])
def test_without_consent_or_for_no_child_of_theirs_nothing_begins(
    guardian: Client, child: TravelDocument, changes: dict[str, str]
) -> None:
    """invalid solely because the box was not ticked, or the register has no such child."""
    answer = guardian.post(PAGE, {**FACTS, **changes})
    assert answer.status_code == 422 and not Job.objects.exists()


def test_a_stranger_gets_the_answer_of_a_child_who_is_not_there(guardian: Client, child: TravelDocument) -> None:
    """Word for word: else whoever guesses learns which children are registered."""
    traveller("stranger")
    strange, missing = browser("stranger").post(PAGE, FACTS), guardian.post(PAGE, {**FACTS, "number": "RE12346"})
    told = [[str(line) for line in answer.context["form"].non_field_errors()] for answer in (strange, missing)]
    assert told[0] == told[1] != []
    assert browser(None).get(PAGE)["Location"].startswith("/account/login")


def test_an_uncertain_face_of_a_child_waits_for_an_officer_who_links_it(
    guardian: Client, child: TravelDocument, holder: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enrolment.engine(), "thresholds", Thresholds(admit=0.9999, refer=0.1), raising=False)
    job = shown(guardian, 0)
    assert job.state == Job.State.REVIEW
    reviews.confirm(job=job, officer="account:7", note="seen at the counter", now=NOW)
    child.refresh_from_db()
    assert Guardianship.objects.get().ward == child.traveller
    assert Job.objects.get(kind=Job.Kind.RENEW).traveller == child.traveller


def test_no_officer_is_asked_about_a_child_whom_the_register_names_no_more(
    guardian: Client, child: TravelDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    """invalid solely because the register changed while the worker compared."""
    monkeypatch.setattr(enrolment.engine(), "thresholds", Thresholds(admit=0.9999, refer=0.1), raising=False)
    page = guardian.post(PAGE, FACTS)["Location"]
    job = unchallenged(Job.objects.get())
    guardian.post(f"{page}/frames", handed_in([burst(0)]))
    RegisteredGuardian.objects.all().delete()
    compare(str(job.pk))
    job.refresh_from_db()
    assert (job.state, job.reason) == (Job.State.FAILED, "document_not_eligible")


def test_an_officer_ends_it_in_the_admin_site_after_a_question(guardian: Client, child: TravelDocument) -> None:
    shown(guardian, 0)
    row, path = Guardianship.objects.get(), "/admin/accounts/guardianship/"
    chosen = {"action": "end", "_selected_action": [row.pk]}
    reader = officer("reader", "view_guardianship")
    assert "_selected_action" not in look(reader, path).content.decode()
    client = officer("chan", "view_guardianship", "change_guardianship")
    look(client, path)
    assert client.post(path, chosen).status_code == 200
    assert Guardianship.objects.get().ended_at is None
    client.post(path, {**chosen, "confirmed": "yes"})
    assert Guardianship.objects.get().ended_by.startswith("account:")


def test_a_guardian_follows_the_renewal_of_a_childs_reference_and_a_stranger_does_not(
    guardian: Client, child: TravelDocument
) -> None:
    shown(guardian, 0)
    child.refresh_from_db()
    job = Job.objects.create(
        kind=Job.Kind.RENEW, traveller=child.traveller, document=child, created_at=NOW, state=Job.State.AWAITING
    )
    traveller("stranger")
    assert guardian.get(f"/account/faces/{job.pk}/state").status_code == 200
    assert browser("stranger").get(f"/account/faces/{job.pk}/state").status_code == 404
