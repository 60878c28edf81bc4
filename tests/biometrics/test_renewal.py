"""References under another model: made from the portrait beside the old ones, or the traveller is asked."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest

from idp.accounts import documents
from idp.accounts.models import TravelDocument, Traveller
from idp.audit.models import AuditEvent
from idp.biometrics import engines, enrolment, jobs, outdated, references, renewal, reviews, thresholds, vault, wanted
from idp.biometrics.engine import EMBEDDED_MODEL, Template, Thresholds
from idp.biometrics.models import Attempts, Capture, FaceReference, Job, Portrait
from idp.biometrics.tasks import compare, renew
from tests.biometrics.engine import packs
from tests.biometrics.world import browser, burst, document, portrait, takes, traveller
from tests.conftest import NOW

OLD = Template(EMBEDDED_MODEL, "q8", bytes(range(128)))
TWIN = "twin"


@pytest.fixture(autouse=True)
def unnamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What checkpoints name is the border's to say."""
    monkeypatch.setattr(wanted, "_sources", [])


@pytest.fixture
def tiny(settings: Any, tmp_path: Path) -> Iterator[str]:
    """The model of a pack that the operator has just put before the embedded engine."""
    settings.IDP_FACE_ENGINES = [str(packs.write(tmp_path / "tiny")), "embedded"]
    yield engines.models()[0]
    engines.pack.cache_clear()
    engines._loaded.cache_clear()


@pytest.fixture
def linked(holder: Traveller) -> TravelDocument:
    """Enrolled under the embedded model; the register has a picture in which both engines find the face."""
    made = document(person=None)
    documents.link(document=made, traveller=holder, actor="worker")
    made.refresh_from_db()
    references.keep(traveller=holder, document=made, template=OLD, now=NOW)
    give_portrait(made, cv2.imencode(".png", packs.scene(0))[1].tobytes())
    return made


def give_portrait(made: TravelDocument, picture: bytes, at: int = NOW) -> None:
    sealed = vault.seal(picture, kind="portrait", owner=made.pk)
    Portrait.objects.update_or_create(document=made, defaults={"sealed": sealed, "imported_at": at})


def work() -> list[Job]:
    """As a worker does, all that is queued."""
    for job in Job.objects.filter(state="queued"):
        compare(str(job.pk))
    return list(Job.objects.order_by("created_at"))


def models(made: TravelDocument) -> set[str]:
    return set(references.of(made))


def test_a_new_engine_enrols_everybody_anew_and_the_old_reference_stays(linked: TravelDocument, tiny: str) -> None:
    assert renew() == 1
    assert [(job.kind, job.model, job.state, job.reason) for job in work()] == [("renew", tiny, "done", "")]
    assert models(linked) == {EMBEDDED_MODEL, tiny}
    assert references.template_for(linked, [EMBEDDED_MODEL]) == OLD, "both are valid meanwhile"
    expected = engines.preferred().enrol(cv2.imencode(".png", packs.scene(0))[1].tobytes()).template
    assert references.template_for(linked, [EMBEDDED_MODEL, tiny]) == expected, "and the node prefers its first engine"
    assert renew() == 0 and outdated.left(now=NOW) == 0
    assert AuditEvent.objects.filter(kind="face_job.done").count() == 1


def test_a_model_that_a_checkpoint_names_is_wanted_if_an_engine_has_it(
    linked: TravelDocument, tiny: str, settings: Any
) -> None:
    settings.IDP_FACE_ENGINES = [settings.IDP_FACE_ENGINES[1], settings.IDP_FACE_ENGINES[0]]
    assert wanted.models(now=NOW) == [EMBEDDED_MODEL], "nobody has named the second engine's"
    wanted.contribute(lambda now: [("unknown", tiny), (EMBEDDED_MODEL,)])
    assert wanted.models(now=NOW) == [EMBEDDED_MODEL, tiny]
    assert renew() == 1


def test_renewals_come_in_small_batches(linked: TravelDocument, holder: Traveller, tiny: str) -> None:
    """A hundred thousand jobs at once would keep every traveller waiting who stands before a camera."""
    for number in range(5):
        other = document(f"B765432{number}", person=None, traveller=holder, linked_at=linked.linked_at)
        references.keep(traveller=holder, document=other, template=OLD, now=NOW)
        give_portrait(other, b"x")
    assert [outdated.begin_due(now=NOW, at_most=4) for _ in range(2)] == [4, 0]
    work()
    assert outdated.begin_due(now=NOW, at_most=4) == 2


def test_what_needs_no_renewal_gets_none(linked: TravelDocument, holder: Traveller, tiny: str) -> None:
    """invalid solely because nobody holds the document, it is revoked, or nobody was ever enrolled for it."""
    for number, changes in enumerate(({}, {"status": "revoked"})):
        held = {"traveller": holder, "linked_at": linked.linked_at} if changes else {}
        other = document(f"B765432{number}", person=None, **held, **changes)
        references.keep(traveller=holder, document=other, template=OLD, now=NOW)
        give_portrait(other, b"x")
    never = document("C7654321", person=None, traveller=holder, linked_at=linked.linked_at)
    give_portrait(never, b"x")
    renew()
    assert [job.document for job in Job.objects.all()] == [linked]


def test_a_portrait_that_will_not_enrol_is_not_tried_again(linked: TravelDocument, tiny: str) -> None:
    """But another portrait is; and failures of the register's picture are none of the traveller's."""
    give_portrait(linked, portrait(0))  # no face, for the small detector
    renew()
    assert [(job.state, job.reason) for job in work()] == [("failed", "face_no_face")]
    assert renew() == 0 and not Attempts.objects.exists()
    assert [item.model for item in outdated.to_ask(traveller=linked.traveller, now=NOW)] == [tiny]
    give_portrait(linked, cv2.imencode(".png", packs.scene(0))[1].tobytes(), at=NOW + 1)
    assert renew() == 1
    work()
    assert models(linked) == {EMBEDDED_MODEL, tiny}


def test_a_renewal_forgives_no_failures(linked: TravelDocument, tiny: str) -> None:
    """Else a robber who tries faces would have as many as there are renewals."""
    Attempts.objects.create(document=linked, failures=4)
    renew()
    work()
    assert Attempts.objects.get().failures == 4


def test_a_document_that_changed_hands_meanwhile_is_not_renewed(linked: TravelDocument, tiny: str) -> None:
    """invalid solely because another traveller holds it now."""
    renew()
    TravelDocument.objects.update(traveller=traveller("siu"))
    assert [(job.state, job.hint) for job in work()] == [("failed", "another_holder")]
    assert FaceReference.objects.count() == 1


def test_an_engine_that_was_taken_away_fails_the_job_and_does_not_kill_it(
    linked: TravelDocument, tiny: str, settings: Any
) -> None:
    """invalid solely because no engine has the model any more."""
    renew()
    settings.IDP_FACE_ENGINES = ["embedded"]
    assert [(job.state, job.reason) for job in work()] == [("failed", "face_model_unsupported")]


# --- the traveller is asked -------------------------------------------------------------------------------------------


class Twin:
    """The embedded engine under another name."""

    model, profile = TWIN, "q8"

    def enrol(self, picture: bytes) -> Any:
        from dataclasses import replace

        found = embedded().enrol(picture)
        return replace(found, template=replace(found.template, model=TWIN))


def embedded() -> Any:
    return engines.engine("embedded")


@pytest.fixture
def twin(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second engine that finds faces in the same pictures, and is preferred."""
    monkeypatch.setattr(engines, "models", lambda: [TWIN, EMBEDDED_MODEL])
    monkeypatch.setattr(engines, "by_model", lambda model: {TWIN: Twin(), EMBEDDED_MODEL: embedded()}.get(model))


@pytest.fixture
def without_portrait(holder: Traveller) -> TravelDocument:
    """Enrolled under the embedded model as person 0; the register has lost the portrait."""
    made = document(person=None)
    documents.link(document=made, traveller=holder, actor="worker")
    made.refresh_from_db()
    references.keep(traveller=holder, document=made, template=embedded().enrol(portrait(0)).template, now=NOW)
    return made


def shown(client: Any, made: TravelDocument, person: int) -> Job:
    """The traveller follows the notice and shows the face of ``person``."""
    answer = client.post(f"/account/documents/{made.pk}/face")
    assert answer.status_code == 302, answer.content
    job = Job.objects.get(kind="renew")
    assert answer["Location"] == f"/account/faces/{job.pk}" and job.challenge
    enrolment.submit(job=job, takes=takes(person, *job.challenge), now=NOW)
    compare(str(job.pk))
    job.refresh_from_db()
    return job


def in_review(job: Job, person: int) -> Job:
    """After an alarm: the movements come in another order, and it is none of left for right."""
    first, *others = job.challenge
    enrolment.submit(job=job, takes=takes(person, *others, first), now=NOW)
    compare(str(job.pk))
    job.refresh_from_db()
    assert job.state == "review"
    return job


def test_who_has_no_portrait_any_more_is_asked_and_shows_their_face(without_portrait: Any, twin: None) -> None:
    client = browser("mei")
    page = client.get("/account/").content.decode()
    assert "need a new picture of your face" in page and f"/account/documents/{without_portrait.pk}/face" in page
    assert "A123456" not in page
    job = shown(client, without_portrait, 0)
    assert (job.state, job.reason) == ("done", "")
    assert models(without_portrait) == {TWIN, EMBEDDED_MODEL} and not Capture.objects.exists()
    assert "need a new picture" not in client.get("/account/").content.decode()


def test_another_face_renews_nothing(without_portrait: Any, twin: None) -> None:
    """invalid solely because it is another person's; and it counts as a failure of the traveller's."""
    job = shown(browser("mei"), without_portrait, 3)
    assert (job.state, job.reason) == ("failed", "face_mismatch")
    assert models(without_portrait) == {EMBEDDED_MODEL} and not Capture.objects.exists()
    assert {row.failures for row in Attempts.objects.all()} == {1}


def test_a_still_picture_renews_nothing(without_portrait: Any, twin: None) -> None:
    """invalid solely because nobody moves."""
    job = renewal.ask(traveller=without_portrait.traveller, document=without_portrait, model=TWIN, now=NOW)
    still = [[burst(0)[0]] * len(take) for take in takes(0, *job.challenge)]
    enrolment.submit(job=job, takes=still, now=NOW)
    compare(str(job.pk))
    job.refresh_from_db()
    assert (job.state, job.reason, job.hint) == ("review", "face_not_live", "repeated_frames")
    assert models(without_portrait) == {EMBEDDED_MODEL} and Capture.objects.exists()


def test_a_recording_of_other_movements_renews_nothing(without_portrait: Any, twin: None) -> None:
    """invalid solely because the movements come in another order than was asked for."""
    job = renewal.ask(traveller=without_portrait.traveller, document=without_portrait, model=TWIN, now=NOW)
    alarmed = in_review(job, 0)
    assert (alarmed.reason, alarmed.hint) == ("face_not_live", "other_order") and alarmed.liveness is not None
    assert models(without_portrait) == {EMBEDDED_MODEL}


def test_an_officer_who_saw_no_attack_lets_a_worker_go_on(without_portrait: Any, twin: None) -> None:
    """The pictures are still needed then, and go with the reference."""
    job = in_review(
        renewal.ask(traveller=without_portrait.traveller, document=without_portrait, model=TWIN, now=NOW), 0
    )
    reviews.confirm(job=job, officer="account:7", note="she turned the other way first", now=NOW)
    assert Job.objects.get().state == "queued" and Capture.objects.exists()
    compare(str(job.pk))
    job.refresh_from_db()
    assert (job.state, job.decided_by) == ("done", "account:7")
    assert models(without_portrait) == {TWIN, EMBEDDED_MODEL} and not Capture.objects.exists()


def test_an_officer_cannot_renew_with_another_face(without_portrait: Any, twin: None) -> None:
    """invalid solely because it is another person's, where no portrait shows the officer whose it should be."""
    job = in_review(
        renewal.ask(traveller=without_portrait.traveller, document=without_portrait, model=TWIN, now=NOW), 3
    )
    reviews.confirm(job=job, officer="account:7", note="looks right", now=NOW)
    compare(str(job.pk))
    job.refresh_from_db()
    assert (job.state, job.reason) == ("failed", "face_mismatch") and not Capture.objects.exists()
    assert models(without_portrait) == {EMBEDDED_MODEL}


def test_what_an_officer_denies_is_not_renewed_and_counts(without_portrait: Any, twin: None) -> None:
    job = in_review(
        renewal.ask(traveller=without_portrait.traveller, document=without_portrait, model=TWIN, now=NOW), 0
    )
    reviews.deny(job=job, officer="account:7", note="a screen", now=NOW)
    compare(str(job.pk))
    assert Job.objects.get().state == "failed" and not Capture.objects.exists()
    assert {row.failures for row in Attempts.objects.all()} == {1}


@pytest.mark.parametrize(("has_portrait", "state"), [(True, "review"), (False, "failed")])
def test_an_uncertain_face_waits_for_an_officer_where_there_is_a_portrait_to_look_at(
    without_portrait: Any, twin: None, monkeypatch: pytest.MonkeyPatch, has_portrait: bool, state: str
) -> None:
    """Decided by a machine, or by an officer who has nothing to compare with."""
    monkeypatch.setattr(thresholds, "for_enrolment", lambda engine: Thresholds(admit=0.999, refer=0.1))
    if has_portrait:
        Portrait.objects.create(document=without_portrait, sealed=b"s", imported_at=NOW)
    job = renewal.ask(traveller=without_portrait.traveller, document=without_portrait, model=TWIN, now=NOW)
    enrolment.submit(job=job, takes=takes(0, *job.challenge), now=NOW)
    compare(str(job.pk))
    job.refresh_from_db()
    assert (job.state, job.reason) == (state, "face_uncertain")


def test_pictures_that_are_gone_fail_the_job_and_do_not_kill_it(without_portrait: Any, twin: None) -> None:
    """invalid solely because the pictures were kept too long."""
    job = renewal.ask(traveller=without_portrait.traveller, document=without_portrait, model=TWIN, now=NOW)
    enrolment.submit(job=job, takes=takes(0, *job.challenge), now=NOW)
    Capture.objects.all().delete()
    compare(str(job.pk))
    job.refresh_from_db()
    assert job.state == "failed"


def test_who_keeps_the_template_on_a_device_is_sent_to_a_counter(
    without_portrait: Any, twin: None, settings: Any
) -> None:
    """The node has nothing to compare a face with."""
    settings.IDP_FACE_STORAGE = "device"
    reference = references.opened(references.of(without_portrait)[EMBEDDED_MODEL])
    assert reference is not None
    references.keep(traveller=without_portrait.traveller, document=without_portrait, template=reference, now=NOW)
    client = browser("mei")
    page = client.get("/account/").content.decode()
    assert "to a counter" in page and "/face" not in page
    assert client.post(f"/account/documents/{without_portrait.pk}/face").status_code == 404


def test_nobody_begins_the_renewal_of_anothers_face(without_portrait: Any, twin: None) -> None:
    """invalid solely because of who asks, or because nothing is asked of the document."""
    traveller("siu")
    path = f"/account/documents/{without_portrait.pk}/face"
    assert browser("siu").post(path).status_code == 404
    assert browser(None).post(path)["Location"].startswith("/account/login")
    assert browser("mei").get(path).status_code == 405
    references.keep(
        traveller=without_portrait.traveller, document=without_portrait, template=Template(TWIN, "q8", b"x"), now=NOW
    )
    assert browser("mei").post(path).status_code == 404
    assert not Job.objects.exists()


def test_who_cancels_a_renewal_is_asked_for_the_same_movements(without_portrait: Any, twin: None) -> None:
    """Else one would begin until the order suits a recording."""
    asked = {"traveller": without_portrait.traveller, "document": without_portrait, "model": TWIN, "now": NOW}
    orders = set()
    for _ in range(6):
        job = renewal.ask(**asked)
        orders.add(tuple(job.challenge))
        jobs.cancel(job=job, now=NOW)
    assert len(orders) == 1


def test_the_same_renewal_is_begun_once(without_portrait: Any, twin: None) -> None:
    asked = {"traveller": without_portrait.traveller, "document": without_portrait, "model": TWIN, "now": NOW}
    assert renewal.ask(**asked) == renewal.ask(**asked)
    Attempts.objects.create(document=without_portrait, failures=9, not_before=NOW + 10)
    with pytest.raises(jobs.UnableToEnrol):
        renewal.ask(**asked)
