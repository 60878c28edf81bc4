"""What an officer may see and decide: who, once, with a note, and what becomes of the pictures."""

import base64
import io
from typing import Any

import pytest
from django.test import Client
from PIL import Image

from idp.accounts.models import TravelDocument, Traveller
from idp.audit.models import AuditEvent
from idp.biometrics import attempts, jobs, moves, references, reviews
from idp.biometrics.engine import EMBEDDED_MODEL
from idp.biometrics.models import Attempts, Capture, FaceReference, Job
from idp.biometrics.tasks import compare
from idp.protocol.refusals import Reason
from tests.biometrics.world import burst, document, officer, portrait, submitted, traveller
from tests.conftest import NOW
from tests.looks import look
from tests.oidc.test_races import race

NOTE = "same scar at the chin"


@pytest.fixture
def review(holder: Traveller, named: TravelDocument) -> Job:
    return referred(holder, named)


def referred(holder: Traveller, named: TravelDocument, frames: tuple[bytes, ...] = ()) -> Job:
    """A job whose score lay between the thresholds."""
    job = submitted(holder, named, frames or burst(0), NOW)
    claimed = jobs.claim(job_id=str(job.pk), now=NOW)
    assert claimed is not None
    jobs.finish(job=claimed, move=moves.REFER, now=NOW, reason=Reason.FACE_UNCERTAIN, score=0.4321, liveness=0.9)
    return Job.objects.get(pk=job.pk)


def page_of(job: Job) -> str:
    return f"/admin/biometrics/job/{job.pk}/review/"


@pytest.fixture
def kim(db: None, now: int, settings: Any) -> Client:
    return officer("kim", "view_job", "review_job")


def test_an_officer_sees_both_faces_drawn_anew_and_the_look_is_recorded(review: Job, kim: Client) -> None:
    assert "data:image" not in kim.get(page_of(review)).content.decode(), "before a reason was given"
    answer = look(kim, page_of(review))
    text = answer.content.decode()
    assert answer.status_code == 200 and "no-store" in answer["Cache-Control"]
    shown = [base64.b64decode(part.split('"')[0]) for part in text.split("data:image/jpeg;base64,")[1:]]
    assert text.count("Look straight at the camera</figcaption>") == 3
    assert len(shown) == 4 and "0.432" in text and "face_uncertain" in text
    assert {Image.open(io.BytesIO(one)).format for one in shown} == {"JPEG"}
    assert not {*shown} & {portrait(0), *burst(0)}, "a file of the traveller's went to the officer as it was"
    seen = AuditEvent.objects.get(kind="face_review.seen")
    assert (seen.subject, seen.data) == (str(review.pk), {"pictures": 3}) and seen.actor.startswith("account:")
    kim.get(page_of(review))
    assert AuditEvent.objects.filter(kind="face_review.seen").count() == 2


@pytest.mark.parametrize("permissions", [(), ("view_job",), ("view_job", "change_job")])
def test_nobody_else_sees_a_face_or_decides(review: Job, permissions: tuple[str, ...]) -> None:
    """invalid solely because the officer has not the permission of its own."""
    other = officer("lee", *permissions)
    for answer in (other.get(page_of(review)), other.post(page_of(review), {"decision": "confirm", "note": NOTE})):
        assert answer.status_code == 403
    assert not AuditEvent.objects.filter(kind="face_review.seen").exists()
    assert Job.objects.get().state == "review"
    if permissions:
        assert "review/" not in other.get("/admin/biometrics/job/").content.decode()


def test_an_officer_without_the_second_factor_is_sent_to_the_login(review: Job, kim: Client) -> None:
    """invalid solely because the session has no one-time password."""
    session = kim.session
    del session["otp_device_id"]
    session.save()
    assert kim.get(page_of(review)).status_code == 302
    assert kim.post(page_of(review), {"decision": "confirm", "note": NOTE}).status_code == 302
    assert Job.objects.get().state == "review" and not AuditEvent.objects.filter(kind="face_review.seen").exists()


def test_a_confirmed_face_links_and_a_worker_makes_the_reference(
    review: Job, kim: Client, named: TravelDocument, holder: Traveller
) -> None:
    Attempts.objects.create(document=named, failures=4)
    assert kim.post(page_of(review), {"decision": "confirm", "note": NOTE}).status_code == 302
    review.refresh_from_db()
    named.refresh_from_db()
    assert (review.state, review.note, review.finished_at) == ("done", NOTE, NOW)
    assert named.traveller == holder and not Capture.objects.exists()
    assert Attempts.objects.get().failures == 0
    done = AuditEvent.objects.get(kind="face_job.done")
    assert done.actor == review.decided_by and NOTE not in str(done.data) and len(done.data["note_sha256"]) == 64
    renewal = Job.objects.get(kind="renew")
    assert (renewal.state, renewal.traveller) == ("queued", holder)
    compare(str(renewal.pk))
    assert references.template_for(named, [EMBEDDED_MODEL]) is not None


def test_a_denied_face_links_nothing_and_counts(review: Job, kim: Client, named: TravelDocument) -> None:
    kim.post(page_of(review), {"decision": "deny", "note": NOTE})
    review.refresh_from_db()
    named.refresh_from_db()
    assert (review.state, review.reason, named.traveller) == ("failed", "face_uncertain", None)
    assert not Capture.objects.exists() and not FaceReference.objects.exists()
    assert set(Attempts.objects.values_list("failures", flat=True)) == {1} and Attempts.objects.count() == 2


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"decision": "confirm"},
        {"decision": "confirm", "note": "  x "},
        {"note": NOTE},
        {"decision": "deny", "note": "x" * 501},
    ],
)
def test_a_decision_without_a_note_is_none(review: Job, kim: Client, form: dict[str, str]) -> None:
    """invalid solely because note or decision is missing, too short or too long."""
    answer = kim.post(page_of(review), form, follow=True)
    assert "A decision needs a note" in answer.content.decode()
    assert Job.objects.get().state == "review" and Capture.objects.count() == 3


def test_what_is_decided_is_seen_and_decided_no_more(review: Job, kim: Client) -> None:
    """invalid solely because another officer was faster."""
    reviews.deny(job=review, officer="account:9", note=NOTE, now=NOW)
    for answer in (
        kim.get(page_of(review), follow=True),
        kim.post(page_of(review), {"decision": "confirm", "note": NOTE}, follow=True),
    ):
        assert "somebody was faster" in answer.content.decode()
    assert not AuditEvent.objects.filter(kind="face_review.seen").exists()


def test_a_document_that_was_revoked_meanwhile_is_not_linked(review: Job, kim: Client, named: TravelDocument) -> None:
    """invalid solely because of the register; the review stands, to be denied."""
    TravelDocument.objects.update(status="revoked")
    answer = kim.post(page_of(review), {"decision": "confirm", "note": NOTE}, follow=True)
    assert "revoked meanwhile" in answer.content.decode()
    assert Job.objects.get().state == "review" and Capture.objects.count() == 3


def test_linking_deciding_and_deleting_stand_or_fall_together(
    review: Job, named: TravelDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> None:
        raise RuntimeError("disk")

    monkeypatch.setattr("idp.biometrics.renewal.begin", broken)
    with pytest.raises(RuntimeError):
        reviews.confirm(job=review, officer="account:7", note=NOTE, now=NOW)
    named.refresh_from_db()
    assert Job.objects.get().state == "review" and named.traveller is None and Capture.objects.count() == 3


def test_three_days_without_a_decision_end_the_review(review: Job) -> None:
    jobs.sweep(now=NOW + jobs.RETENTION)
    assert Capture.objects.count() == 3
    jobs.sweep(now=NOW + jobs.RETENTION + 1)
    review.refresh_from_db()
    assert (review.state, review.hint) == ("failed", "expired") and not Capture.objects.exists()
    assert not Attempts.objects.exists(), "nobody has found that the face is another's"


def test_a_picture_that_cannot_be_shown_hides_no_other(holder: Traveller, named: TravelDocument) -> None:
    job = referred(holder, named, (b"no picture", *burst(0)[:2]))
    faces = reviews.look(job=job, officer="account:7")
    assert faces.portrait and [picture is None for _, picture in faces.live] == [True, False, False]


def test_faces_are_on_no_other_page(review: Job, kim: Client) -> None:
    for path in ("", f"{review.pk}/change/"):
        assert "data:image" not in kim.get(f"/admin/biometrics/job/{path}").content.decode()


@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=True)
def test_of_two_officers_who_decide_at_once_one_counts(now: int) -> None:
    """One confirms while three deny: linked and failed at once must not be."""
    job = referred(traveller("mei"), document())

    def decide(how: Any) -> int:
        try:
            how(job=job, officer="account:7", note=NOTE, now=NOW)
        except jobs.UnableToEnrol:
            return 1
        return 0

    ways = [reviews.confirm, reviews.deny, reviews.confirm, reviews.deny]
    assert race(*[lambda how=how: decide(how) for how in ways]) == [0, 1, 1, 1]
    linked = TravelDocument.objects.get().traveller is not None
    assert linked == (Job.objects.get(kind="link").state == "done") == (Attempts.objects.count() == 0)
    assert AuditEvent.objects.filter(kind__in=["face_job.done", "face_job.failed"]).count() == 1


def test_a_dead_job_is_retried_by_an_officer_who_is_asked_first(holder: Traveller, named: TravelDocument) -> None:
    job, at = submitted(holder, named, burst(0), NOW), NOW
    for _ in range(jobs.MAX_ATTEMPTS):
        jobs.claim(job_id=str(job.pk), now=at)
        at += jobs.LEASE + 1
    jobs.sweep(now=at)
    form = {"action": "retry", "_selected_action": str(job.pk)}
    place = "/admin/biometrics/job/?state__exact=dead"
    looker, kim = officer("lee", "view_job"), officer("kim", "view_job", "change_job")
    listed = look(looker, place).content.decode()
    look(kim, place)
    assert str(job.pk) in listed and "internal" in listed
    looker.post(place, {**form, "confirmed": "yes"})
    assert "Retry" in kim.post(place, form).content.decode() and Job.objects.get().state == "dead"
    kim.post(place, {**form, "confirmed": "yes"})
    assert (Job.objects.get().state, Job.objects.get().attempts) == ("queued", 0)
    assert AuditEvent.objects.get(kind="face_job.retried").actor.startswith("account:")
    compare(str(job.pk))
    assert Job.objects.get().state == "done"


def test_a_job_whose_pictures_are_gone_is_not_retried(holder: Traveller, named: TravelDocument) -> None:
    """invalid solely because of three days: a worker would find nothing to compare."""
    job = submitted(holder, named, burst(0), NOW)
    Job.objects.update(state="dead", finished_at=NOW)
    with pytest.raises(jobs.UnableToEnrol):
        jobs.retry(job=job, officer="account:7", now=NOW + jobs.RETENTION + 1)


def test_no_dead_job_is_retried_beside_a_new_one(holder: Traveller, named: TravelDocument) -> None:
    """invalid solely because the traveller has begun another."""
    job = submitted(holder, named, burst(0), NOW)
    Job.objects.update(state="dead", finished_at=NOW)
    jobs.begin(traveller=holder, document=named, now=NOW)
    with pytest.raises(jobs.UnableToEnrol):
        jobs.retry(job=job, officer="account:7", now=NOW)


def test_a_count_is_reset_by_an_officer_at_a_counter(holder: Traveller, named: TravelDocument) -> None:
    row = Attempts.objects.create(document=named, failures=attempts.ALTOGETHER)
    form = {"action": "reset", "_selected_action": str(row.pk), "confirmed": "yes"}
    place = "/admin/biometrics/attempts/"
    officer("lee", "view_attempts").post(place, form)
    assert Attempts.objects.get().failures == attempts.ALTOGETHER
    officer("kim", "view_attempts", "change_attempts").post(place, form)
    assert Attempts.objects.get().failures == 0
    assert AuditEvent.objects.get(kind="face_attempts.reset").data == {"failures": attempts.ALTOGETHER}
