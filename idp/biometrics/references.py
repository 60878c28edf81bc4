"""Face references: kept sealed, handed out as templates to whoever issues border tokens."""

from collections.abc import Sequence

from django.db.models import QuerySet

from idp.accounts.models import TravelDocument, Traveller
from idp.biometrics import vault
from idp.biometrics.engine import Template
from idp.biometrics.models import FaceReference

KIND = "template"


def enrolled(document: TravelDocument) -> bool:
    """Whether there is any reference of the document's holder."""
    return _of(document).exists()


def template_for(document: TravelDocument, models: Sequence[str]) -> Template | None:
    """The template of the document's holder under the first of ``models`` that there is one for."""
    kept = {row.model: row for row in _of(document).filter(model__in=models)}
    row = next((kept[model] for model in models if model in kept), None)
    if row is None:
        return None
    return Template(row.model, row.profile, vault.unseal(row.sealed, kind=KIND, owner=document.pk, model=row.model))


def keep(*, traveller: Traveller, document: TravelDocument, template: Template, now: int) -> FaceReference:
    """Store ``template`` as the reference of the document's holder for its model, in place of an older one."""
    row, _ = FaceReference.objects.update_or_create(
        document=document,
        model=template.model,
        defaults={
            "traveller": traveller,
            "profile": template.profile,
            "sealed": vault.seal(template.data, kind=KIND, owner=document.pk, model=template.model),
            "enrolled_at": now,
        },
    )
    return row


def _of(document: TravelDocument) -> QuerySet[FaceReference]:
    """Those made for the traveller who holds the document now."""
    return FaceReference.objects.filter(document=document, traveller=document.traveller_id)
