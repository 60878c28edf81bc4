"""The register's portraits: taken in by an officer, each sealed for its document."""

from django.db import transaction

from idp.accounts.models import TravelDocument
from idp.audit import events
from idp.biometrics import vault
from idp.biometrics.enrolment import engine
from idp.biometrics.models import Portrait

KIND = "portrait"


def import_portrait(*, document: TravelDocument, picture: bytes, officer: str, now: int) -> None:
    """Take a portrait into the register; it must enrol (one face, good enough). Raises `Refusal`."""
    engine().enrol(picture)
    with transaction.atomic():
        Portrait.objects.update_or_create(
            document=document,
            defaults={"sealed": vault.seal(picture, kind=KIND, owner=document.pk), "imported_at": now},
        )
        events.record(kind="portrait.imported", actor=officer, subject=str(document.pk))
