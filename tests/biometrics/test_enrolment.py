"""Linking a document with a face: the real engine, real photographs, and every way in which it must not succeed."""

import dataclasses
from typing import Any

import pytest

from idp.accounts.models import TravelDocument, Traveller
from idp.audit.models import AuditEvent
from idp.biometrics import enrolment, jobs, portraits, references, vault
from idp.biometrics.engine import EMBEDDED_MODEL, Thresholds
from idp.biometrics.models import Capture, FaceReference, Job, Portrait
from idp.biometrics.tasks import compare, sweep
from idp.celery import app
from idp.protocol.refusals import Reason, Refusal
from tests.biometrics.world import burst, document, portrait, submitted, traveller
from tests.conftest import NOW


def run(job: Job) -> Job:
    """As a worker does."""
    compare(str(job.pk))
    job.refresh_from_db()
    return job


def still(person: int) -> tuple[bytes, ...]:
    return (burst(person)[0],) * 3


def test_the_holders_face_links_the_document_and_the_pictures_are_gone(
    holder: Traveller, named: TravelDocument
) -> None:
    job = run(submitted(holder, named, burst(0), NOW))
    assert (job.state, job.reason, job.finished_at) == (Job.State.DONE, "", NOW)
    named.refresh_from_db()
    assert named.traveller == holder
    template = references.template_for(named, ["licensed-v3", EMBEDDED_MODEL])
    assert template is not None and template == enrolment.engine().enrol(portrait(0)).template
    assert not Capture.objects.exists()
    assert AuditEvent.objects.get(kind="face_job.done").data == {"reason": "", "document": str(named.pk)}


def test_linking_and_deleting_stand_or_fall_together(
    holder: Traveller, named: TravelDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reference cannot be kept: the document must not be linked, nor the pictures lost."""

    def broken(**_: Any) -> None:
        raise RuntimeError("disk")

    monkeypatch.setattr(references, "keep", broken)
    job = run(submitted(holder, named, burst(0), NOW))
    named.refresh_from_db()
    assert job.state == Job.State.RUNNING and named.traveller is None and Capture.objects.count() == 3


def test_another_face_links_nothing(holder: Traveller, named: TravelDocument) -> None:
    """invalid solely because it is another person."""
    job = run(submitted(holder, named, burst(3), NOW))
    assert (job.state, job.reason) == (Job.State.FAILED, "face_mismatch")
    named.refresh_from_db()
    assert named.traveller is None and not FaceReference.objects.exists()


def test_an_uncertain_face_waits_for_an_officer_with_its_pictures(
    holder: Traveller, named: TravelDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    """invalid solely because the score lies between the thresholds."""
    monkeypatch.setattr(enrolment.engine(), "thresholds", Thresholds(admit=0.9999, refer=0.1), raising=False)
    job = run(submitted(holder, named, burst(0), NOW))
    assert (job.state, job.reason, job.finished_at) == (Job.State.REVIEW, "face_uncertain", None)
    assert job.score is not None and job.liveness is not None and Capture.objects.count() == 3
    assert job.score_model == enrolment.engine().model
    named.refresh_from_db()
    assert named.traveller is None and not FaceReference.objects.exists()


def test_an_alarm_goes_to_an_officer_however_well_the_face_matches(
    holder: Traveller, named: TravelDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    """invalid solely because of a sign of an attack."""
    found = enrolment._compare
    monkeypatch.setattr(enrolment, "_compare", lambda job: dataclasses.replace(found(job), alarm="moire"))
    job = run(submitted(holder, named, burst(0), NOW))
    assert (job.state, job.reason, job.hint) == (Job.State.REVIEW, "face_not_live", "moire")


@pytest.mark.parametrize("changes", [{"score": 0.5}, {"alarm": "moire"}])
def test_no_officer_is_asked_about_a_document_that_is_linked(
    holder: Traveller, named: TravelDocument, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    """invalid solely because the document has its holder: no decision could link it."""
    assert run(submitted(traveller("siu"), named, burst(0), NOW)).state == Job.State.DONE
    found = enrolment._compare
    monkeypatch.setattr(enrolment, "_compare", lambda job: dataclasses.replace(found(job), **changes))
    monkeypatch.setattr(enrolment.engine(), "thresholds", Thresholds(admit=0.9999, refer=0.1), raising=False)
    job = run(submitted(holder, named, burst(0), NOW))
    assert (job.state, job.reason) == (Job.State.FAILED, "document_not_eligible")


@pytest.mark.parametrize("score", [float("nan"), -1.0])
def test_a_score_that_is_none_links_nothing(
    holder: Traveller, named: TravelDocument, monkeypatch: pytest.MonkeyPatch, score: float
) -> None:
    """invalid solely because of the score: what compares with nothing is no match."""
    found = enrolment._compare
    monkeypatch.setattr(enrolment, "_compare", lambda job: dataclasses.replace(found(job), score=score))
    job = submitted(holder, named, burst(0), NOW)
    compare(str(job.pk))
    named.refresh_from_db()
    assert named.traveller is None and not FaceReference.objects.exists()


def test_one_picture_shown_three_times_is_not_live(holder: Traveller, named: TravelDocument) -> None:
    """invalid solely because nothing moves."""
    job = run(submitted(holder, named, still(0), NOW))
    assert (job.state, job.reason, job.hint) == (Job.State.FAILED, "face_not_live", "look_at_the_camera")


def test_pictures_of_nothing_fail_and_do_not_die(holder: Traveller, named: TravelDocument) -> None:
    """invalid solely because the frames are no pictures; trying again would not help."""
    job = run(submitted(holder, named, (b"x", b"y", b"z"), NOW))
    assert (job.state, job.reason) == (Job.State.FAILED, "malformed")


def test_a_document_without_portrait_sends_to_the_counter(holder: Traveller) -> None:
    """invalid solely because the register holds no portrait: no other picture of the traveller would help."""
    job = run(submitted(holder, document(person=None), burst(0), NOW))
    assert (job.state, job.reason) == (Job.State.FAILED, Reason.DOCUMENT_NOT_ELIGIBLE.value)


def test_a_document_that_another_linked_meanwhile_fails_and_does_not_die(
    holder: Traveller, named: TravelDocument
) -> None:
    """invalid solely because the document is linked already."""
    other = traveller("siu")
    jobs = [submitted(person, named, burst(0), NOW) for person in (other, holder)]
    assert [run(job).state for job in jobs] == [Job.State.DONE, Job.State.FAILED]
    named.refresh_from_db()
    assert named.traveller == other
    assert references.template_for(named, [EMBEDDED_MODEL]) is not None


def test_each_document_keeps_its_own_face(holder: Traveller, named: TravelDocument) -> None:
    """A second person links their document in the first one's account: the first document's face must stay."""
    second = document("B7654321", person=3)
    for paper, person in ((named, 0), (second, 3)):
        assert run(submitted(holder, paper, burst(person), NOW)).state == Job.State.DONE
    first = references.template_for(TravelDocument.objects.get(pk=named.pk), [EMBEDDED_MODEL])
    assert first == enrolment.engine().enrol(portrait(0)).template


@pytest.mark.parametrize("frames", [(), (b"x",) * 2, (b"x",) * 7, (b"x", b"", b"z"), (b"x",) * 2 + (bytes(2**22 + 1),)])
def test_a_burst_of_another_size_is_refused(
    holder: Traveller, named: TravelDocument, frames: tuple[bytes, ...]
) -> None:
    """invalid solely because of how many pictures there are, or how large one is."""
    with pytest.raises(jobs.UnableToEnrol) as refused:
        submitted(holder, named, frames, NOW)
    assert refused.value.code == "invalid_request" and not Capture.objects.exists()


def test_pictures_are_handed_in_once(holder: Traveller, named: TravelDocument) -> None:
    """invalid solely because the job has its pictures."""
    job = submitted(holder, named, burst(0), NOW)
    with pytest.raises(jobs.UnableToEnrol) as refused:
        enrolment.submit(job=job, takes=[burst(3)], now=NOW)
    assert refused.value.code == "conflict" and Capture.objects.count() == 3


def test_a_broker_that_is_down_loses_no_job(
    holder: Traveller, named: TravelDocument, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    """The message is only a hint: the traveller hears nothing of it, and the sweep wakes a worker."""

    def down(*_: Any) -> None:
        raise OSError("broker")

    with monkeypatch.context() as patch, django_capture_on_commit_callbacks(execute=True):
        patch.setattr(app, "send_task", down)
        job = submitted(holder, named, burst(0), NOW)
    assert jobs.sweep(now=NOW) == [str(job.pk)]
    monkeypatch.setattr(app, "send_task", lambda name, arguments, **_: app.tasks[name](*arguments))
    sweep()
    job.refresh_from_db()
    assert job.state == Job.State.DONE


def test_pictures_of_a_failure_that_no_officer_sees_are_deleted_at_once(
    holder: Traveller, named: TravelDocument
) -> None:
    assert run(submitted(holder, named, burst(3), NOW)).state == Job.State.FAILED
    assert not Capture.objects.exists()


def test_a_job_without_pictures_is_forgotten_after_a_day(holder: Traveller, named: TravelDocument) -> None:
    """Else pictures handed in after three days would be deleted before a worker sees them."""
    old = jobs.begin(traveller=holder, document=named, now=NOW)
    assert jobs.begin(traveller=holder, document=named, now=NOW + jobs.ABANDONED) == old
    jobs.sweep(now=NOW + jobs.ABANDONED + 1)
    assert not Job.objects.exists()


def test_a_picture_that_does_not_enrol_is_no_portrait(named: TravelDocument) -> None:
    """invalid solely because the file is no picture."""
    before = bytes(Portrait.objects.get().sealed)
    with pytest.raises(Refusal):
        portraits.import_portrait(document=named, picture=b"x", officer="account:7", now=NOW)
    assert bytes(Portrait.objects.get().sealed) == before
    assert vault.unseal(before, kind="portrait", owner=named.pk) == portrait(0)
