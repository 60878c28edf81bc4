"""Another key takes over from the one that wrapped the rows: all of them, once, whatever comes between."""

from typing import Any

import pytest

from idp import conf
from idp.accounts import documents
from idp.accounts.models import TravelDocument, Traveller
from idp.audit.models import AuditEvent
from idp.biometrics import references, rewrapping, vault
from idp.biometrics.engine import Template
from idp.biometrics.models import Capture, FaceReference, Job, Portrait
from tests.biometrics.test_vault import from_before
from tests.biometrics.world import document
from tests.conftest import NOW

OFFICER = "account:7"
TEMPLATE = Template("m-1", "q8", bytes(range(128)))


@pytest.fixture
def kept(holder: Traveller) -> TravelDocument:
    """A portrait, a reference and a capture, wrapped by the key that is about to retire."""
    named = document(person=None)
    documents.link(document=named, traveller=holder, actor=OFFICER)
    named.refresh_from_db()
    portrait = vault.seal(b"portrait", kind="portrait", owner=named.pk)
    Portrait.objects.create(document=named, sealed=portrait, imported_at=NOW)
    job = Job.objects.create(traveller=holder, document=named, created_at=NOW)
    Capture.objects.create(job=job, number=0, sealed=vault.seal(b"frame", kind="capture", owner=job.pk))
    references.keep(traveller=holder, document=named, template=TEMPLATE, now=NOW)
    return named


@pytest.fixture
def rotated(kept: TravelDocument, settings: Any) -> TravelDocument:
    settings.IDP_FACE_KEY, settings.IDP_FACE_KEYS_RETIRED = "file:second.key", ["file:biometrics.key"]
    return kept


def rows() -> list[Any]:
    return [*Portrait.objects.all(), *FaceReference.objects.all(), *Capture.objects.all()]


def done() -> int:
    return sum(progress.done for progress in rewrapping.run(actor=OFFICER))


def test_every_row_changes_its_key_and_no_ciphertext(
    transactional_db: None, rotated: TravelDocument, settings: Any
) -> None:
    before = [bytes(row.sealed)[vault.HEAD_BYTES :] for row in rows()]
    assert rewrapping.left() == 3
    assert done() == 3
    assert [bytes(row.sealed)[vault.HEAD_BYTES :] for row in rows()] == before
    settings.IDP_FACE_KEYS_RETIRED = []  # and now the retired key may be destroyed
    assert rewrapping.left() == 0
    assert references.template_for(rotated, ["m-1"]) == TEMPLATE
    assert sum(event.data["rows"] for event in AuditEvent.objects.filter(kind="faces.rewrapped")) == 3
    assert vault.current_head().hex() == AuditEvent.objects.filter(kind="faces.rewrapped")[0].data["key"]


def test_what_is_done_is_not_done_again(rotated: TravelDocument) -> None:
    done()
    before = [bytes(row.sealed) for row in rows()]
    assert done() == 0 and [bytes(row.sealed) for row in rows()] == before
    assert AuditEvent.objects.filter(kind="faces.rewrapped").count() == 3


def test_it_goes_on_where_it_was_stopped(rotated: TravelDocument) -> None:
    run = rewrapping.run(actor=OFFICER)
    next(run)
    run.close()
    assert rewrapping.left() == 2
    assert done() == 2


def test_a_batch_ends_and_the_next_begins(rotated: TravelDocument, holder: Traveller, monkeypatch: Any) -> None:
    """One that always began at the first row would never end where that does not open."""
    monkeypatch.setattr(rewrapping, "BATCH", 2)
    for number in range(4):
        references.keep(traveller=holder, document=rotated, template=Template(f"n-{number}", "q8", b"x"), now=NOW)
    FaceReference.objects.update(sealed=b"\1" * 100)
    progress = list(rewrapping.run(actor=OFFICER))
    assert (sum(item.done for item in progress), sum(item.lost for item in progress)) == (2, 5)
    assert rewrapping.left() == 5


def test_rows_from_before_there_were_wrapped_keys_get_one(kept: TravelDocument) -> None:
    key = conf.secret("biometrics.key")
    FaceReference.objects.update(sealed=from_before(TEMPLATE.data, key, kind="template", owner=kept.pk))
    assert references.template_for(kept, ["m-1"]) == TEMPLATE
    assert done() == 1
    assert bytes(FaceReference.objects.get().sealed).startswith(vault.current_head())
    assert references.template_for(kept, ["m-1"]) == TEMPLATE


def test_a_row_that_was_replaced_meanwhile_stays_as_it_is(rotated: TravelDocument, monkeypatch: Any) -> None:
    """Else a rotation would bring a face back that a new enrolment has replaced."""
    real = vault.rewrap

    def slow(sealed: bytes, **bound: Any) -> bytes:
        if bound["kind"] == "template":
            FaceReference.objects.update(sealed=b"replaced")
        return real(sealed, **bound)

    monkeypatch.setattr(vault, "rewrap", slow)
    done()
    assert bytes(FaceReference.objects.get().sealed) == b"replaced"
