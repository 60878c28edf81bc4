"""A model is given up when nobody needs it, and not before."""

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from idp.accounts import documents
from idp.accounts.models import TravelDocument, Traveller
from idp.audit.models import AuditEvent
from idp.biometrics import references, retiring, rewrapping, vault, wanted
from idp.biometrics.engine import EMBEDDED_MODEL, Template
from idp.biometrics.models import FaceReference, Portrait
from tests.biometrics.world import document
from tests.conftest import NOW

OLD = "pack-of-2026"


@pytest.fixture(autouse=True)
def named(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What checkpoints name is the border's to say; a test says it here."""
    checkpoints: list[Any] = [(OLD, EMBEDDED_MODEL), (EMBEDDED_MODEL,)]
    monkeypatch.setattr(wanted, "_sources", [lambda now: checkpoints])
    return checkpoints


@pytest.fixture
def enrolled(holder: Traveller) -> TravelDocument:
    """Under both models."""
    made = document(person=None)
    documents.link(document=made, traveller=holder, actor="worker")
    made.refresh_from_db()
    for model in (OLD, EMBEDDED_MODEL):
        references.keep(traveller=holder, document=made, template=Template(model, "q8", b"x"), now=NOW)
    return made


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("faces", *arguments, stdout=out)
    return out.getvalue()


def test_a_model_that_nobody_needs_is_destroyed_and_recorded(enrolled: TravelDocument) -> None:
    assert "1 references destroyed" in said("retire", OLD)
    assert set(references.of(enrolled)) == {EMBEDDED_MODEL}
    event = AuditEvent.objects.get(kind="face_model.retired")
    assert (event.subject, event.data) == (OLD, {"references": 1, "forced": False})


def test_a_model_that_a_checkpoint_has_alone_in_common_stays(enrolled: TravelDocument, named: list[Any]) -> None:
    """invalid solely because of one gate that has not been given another engine yet."""
    named.append((OLD, "unknown"))
    with pytest.raises(CommandError, match="1 checkpoints have no other model"):
        said("retire", OLD)
    assert FaceReference.objects.filter(model=OLD).exists()
    assert not AuditEvent.objects.filter(kind="face_model.retired").exists()
    assert "1 references" in said("retire", OLD, "--force")
    assert AuditEvent.objects.get(kind="face_model.retired").data["forced"] is True


def test_a_model_that_is_all_that_a_traveller_has_stays(enrolled: TravelDocument) -> None:
    """invalid solely because of one traveller whose renewal is not done."""
    FaceReference.objects.filter(model=EMBEDDED_MODEL).delete()
    with pytest.raises(retiring.UnableToRetire, match="1 documents have no reference"):
        retiring.retire(model=OLD, officer="account:7", now=NOW)
    assert FaceReference.objects.filter(model=OLD).exists()


def test_a_model_that_would_be_made_again_stays(enrolled: TravelDocument) -> None:
    """invalid solely because an engine is configured for it: the next renewals would bring it back."""
    with pytest.raises(retiring.UnableToRetire, match=r"still configured.* 2 checkpoints have no other"):
        retiring.retire(model=EMBEDDED_MODEL, officer="account:7", now=NOW)


def test_one_documents_references_are_revoked_by_its_identifier(enrolled: TravelDocument) -> None:
    assert "2 references" in said("revoke", str(enrolled.pk))
    assert not FaceReference.objects.exists()
    with pytest.raises(CommandError):
        said("revoke", "00000000-0000-0000-0000-000000000000")


def test_the_operator_is_told_what_is_wanted_and_missing(enrolled: TravelDocument) -> None:
    FaceReference.objects.filter(model=EMBEDDED_MODEL).delete()
    sealed = vault.seal(b"portrait", kind="portrait", owner=enrolled.pk)
    Portrait.objects.create(document=enrolled, sealed=sealed, imported_at=NOW)
    assert said("renew", "--at-most", "5").splitlines() == [
        f"wanted: {EMBEDDED_MODEL}",
        "1 references are missing, 1 renewals begun",
    ]


def test_the_operator_is_told_which_rows_open_under_no_key(enrolled: TravelDocument, settings: Any) -> None:
    settings.IDP_FACE_KEY, settings.IDP_FACE_KEYS_RETIRED = "file:second.key", ["file:biometrics.key"]
    FaceReference.objects.filter(model=OLD).update(sealed=b"\1" * 200)
    FaceReference.objects.create(
        traveller=enrolled.traveller,
        document=enrolled,
        model="m",
        profile="q8",
        keeper="device",
        digest="d",
        enrolled_at=1,
    )
    with pytest.raises(CommandError, match="1 rows open under no key"):
        said("rewrap")
    FaceReference.objects.filter(model=OLD).delete()
    assert "1 references are on travellers' devices" in said("rewrap")
    assert rewrapping.left() == 0


def test_the_operator_is_told_that_the_key_is_away(enrolled: TravelDocument, settings: Any) -> None:
    """invalid solely because a retired key's file is missing: what it wrapped may not be called lost."""
    settings.IDP_FACE_KEY, settings.IDP_FACE_KEYS_RETIRED = "file:second.key", ["file:gone.key"]
    with pytest.raises(CommandError, match="stopped after 0 rows"):
        said("rewrap")
