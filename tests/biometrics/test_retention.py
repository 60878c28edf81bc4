"""How long anything of a face is kept, and that none of it is anywhere else: logs, audit, admin pages, exceptions."""

import base64

import pytest

from idp.accounts.models import TravelDocument, Traveller
from idp.audit.models import AuditEvent
from idp.biometrics import jobs, references, vault
from idp.biometrics.engine import EMBEDDED_MODEL
from idp.biometrics.models import Capture, Job, Portrait
from idp.biometrics.tasks import compare, sweep
from tests.biometrics.traces import Everything, of_a_face
from tests.biometrics.world import burst, officer, portrait, submitted, traveller
from tests.conftest import NOW

DAY = 86_400


def at(monkeypatch: pytest.MonkeyPatch, now: int) -> None:
    monkeypatch.setattr("idp.clock.now", lambda: now)


def run(job: Job) -> Job:
    compare(str(job.pk))
    job.refresh_from_db()
    return job


def referred(holder: Traveller, named: TravelDocument) -> Job:
    """A job that an officer must look at."""
    job = submitted(holder, named, burst(0), NOW)
    Job.objects.filter(pk=job.pk).update(state="review", reason="face_uncertain")
    return Job.objects.get(pk=job.pk)


@pytest.mark.parametrize("person", [0, 3])
def test_no_picture_outlives_its_job(holder: Traveller, named: TravelDocument, person: int) -> None:
    """0 seconds, in the transaction that ends the job: a match, or another face that no officer need see."""
    job = run(submitted(holder, named, burst(person), NOW))
    assert job.state == ("done" if person == 0 else "failed") and not Capture.objects.exists()


def test_a_success_that_is_undone_loses_no_picture(
    holder: Traveller, named: TravelDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pictures go with the commit and not before: a worker that dies in between has them for the next attempt."""
    with monkeypatch.context() as patch:
        patch.setattr(references, "keep", lambda **_: (_ for _ in ()).throw(OSError("disk")))
        assert run(submitted(holder, named, burst(0), NOW)).state == "running"
    assert Capture.objects.count() == 3


def test_pictures_for_an_officer_are_kept_for_72_hours_and_not_a_second_longer(
    holder: Traveller, named: TravelDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    referred(holder, named)
    at(monkeypatch, NOW + 3 * DAY)
    sweep()
    assert Capture.objects.count() == 3
    at(monkeypatch, NOW + 3 * DAY + 1)
    sweep()
    assert not Capture.objects.exists()
    assert Job.objects.get().state == "failed", "nobody can decide it any more"


def test_a_sweep_that_crashes_is_made_up_for_by_the_next(
    holder: Traveller, named: TravelDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies in the middle: what was deleted stays deleted, and the rest is deleted by the next run."""
    referred(holder, named)
    at(monkeypatch, NOW + 3 * DAY + 1)
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "record", lambda *_, **__: (_ for _ in ()).throw(OSError("disk")))
        with pytest.raises(OSError, match="disk"):
            sweep()
    assert Job.objects.get().state == "review", "the move and its event stand or fall together"
    at(monkeypatch, NOW + 3 * DAY + 16)
    sweep()
    assert not Capture.objects.exists() and Job.objects.get().state == "failed"


@pytest.mark.parametrize("state", ["queued", "review", "dead", "failed", "running"])
def test_no_state_keeps_pictures_longer(
    holder: Traveller, named: TravelDocument, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    """invalid solely because the job is in a state in which somebody may have forgotten it."""
    job = submitted(holder, named, burst(0), NOW)
    over = {"finished_at": NOW} if state in ("dead", "failed") else {"finished_at": None}
    Job.objects.filter(pk=job.pk).update(state=state, lease_until=NOW + 60, attempts=1, **over)
    at(monkeypatch, NOW + 3 * DAY + 1)
    monkeypatch.setattr("idp.biometrics.waking.send", lambda job_id: None)
    sweep()
    assert not Capture.objects.exists()


# --- nowhere else -----------------------------------------------------------------------------------------------------


def test_the_needles_find_what_they_are_for() -> None:
    """A search that finds nothing anywhere proves nothing."""
    face = bytes((7 * place * place + place) % 251 for place in range(600))
    found = of_a_face(face)
    for text in (face.decode("latin-1"), repr(face), face.hex(), base64.b64encode(face).decode(), str(list(face))):
        assert any(needle in text for needle in found)
    assert not any(needle in repr(portrait(3)) for needle in found)


def test_nothing_of_a_face_is_in_logs_audit_or_admin_pages(
    holder: Traveller, named: TravelDocument, everything: Everything, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over an enrolment that succeeds, one that fails, one that dies, a sealed row that is broken, and their pages."""
    run(submitted(traveller("siu"), named, burst(3), NOW))
    with monkeypatch.context() as patch:
        patch.setattr(references, "keep", lambda **facts: (_ for _ in ()).throw(RuntimeError(f"row of {len(facts)}")))
        dying = run(submitted(traveller("kit"), named, burst(0), NOW))
    run(submitted(holder, named, burst(0), NOW))
    named.refresh_from_db()
    template = references.template_for(named, [EMBEDDED_MODEL])
    assert template is not None and dying.state == "running"
    sealed = bytes(Portrait.objects.get().sealed)
    Portrait.objects.update(sealed=sealed[:-1] + bytes([sealed[-1] ^ 1]))
    broken = submitted(traveller("wai"), named, burst(0), NOW)
    assert run(broken).state in ("running", "failed")
    with pytest.raises(vault.DoesNotOpen) as error:
        vault.unseal(sealed[:-1], kind="portrait", owner=named.pk)
    pages = []
    kim = officer("kim", "view_job", "view_facereference", "view_attempts", "view_auditevent")
    reference = references.of(named)[EMBEDDED_MODEL]
    for path in ("job/", f"job/{dying.pk}/change/", "facereference/", f"facereference/{reference.pk}/change/"):
        answer = kim.get(f"/admin/biometrics/{path}")
        assert answer.status_code == 200, path
        pages.append(answer.content.decode())
    events = [f"{event.kind} {event.actor} {event.subject} {event.data}" for event in AuditEvent.objects.all()]
    assert len(everything.lines) > 5 and len(events) > 2
    texts = "\n".join([*everything.lines, *events, *pages, str(error.value)])
    for needle in of_a_face(template.data, portrait(0), *burst(0), *burst(3), sealed):
        assert needle not in texts
