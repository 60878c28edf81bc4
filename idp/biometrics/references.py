"""Face references: kept sealed, handed out as templates to whoever issues border tokens."""

from collections.abc import Sequence

from idp.accounts.models import TravelDocument, Traveller
from idp.biometrics import vault
from idp.biometrics.engine import Template
from idp.biometrics.models import FaceReference

KIND = "template"


def enrolled(traveller: Traveller) -> bool:
    """Whether there is any reference."""
    return FaceReference.objects.filter(traveller=traveller).exists()


def template_for(traveller: Traveller, models: Sequence[str]) -> Template | None:
    """The traveller's template under the first of ``models`` that there is one for."""
    kept = {row.model: row for row in FaceReference.objects.filter(traveller=traveller, model__in=models)}
    row = next((kept[model] for model in models if model in kept), None)
    if row is None:
        return None
    return Template(row.model, row.profile, vault.unseal(row.sealed, kind=KIND, owner=traveller.id))


def keep(*, traveller: Traveller, document: TravelDocument, template: Template, now: int) -> FaceReference:
    """Store ``template`` as the traveller's reference for its model, in place of an older one."""
    row, _ = FaceReference.objects.update_or_create(
        traveller=traveller,
        model=template.model,
        defaults={
            "document": document,
            "profile": template.profile,
            "sealed": vault.seal(template.data, kind=KIND, owner=traveller.id),
            "enrolled_at": now,
        },
    )
    return row
