"""Face references: kept sealed, handed out as templates to whoever issues border tokens.

One that is for the traveller's device waits here until it is fetched and used (`handover`); from then on the row has
the digest of what the device keeps, and no face.
"""

import hmac
import logging
from collections.abc import Iterable

from django.db import transaction

from idp import prepared
from idp.accounts.models import TravelDocument, Traveller
from idp.audit import events
from idp.biometrics import engines, vault
from idp.biometrics.engine import Template
from idp.biometrics.models import FaceReference
from idp.conf import authority
from idp.plain_rows import Columns

log = logging.getLogger(__name__)

_REFERENCES = Columns(FaceReference, "f")
_OF = (
    f"SELECT {_REFERENCES.sql} FROM {_REFERENCES.table} "  # noqa: S608  constants
    "WHERE f.document_id = $1 AND f.traveller_id = $2 ORDER BY f.id"
)

KIND = "template"
DEVICE = "device"
WAITING = 72 * 3600  # seconds for a wallet to fetch what it is to keep


def of(document: TravelDocument) -> dict[str, FaceReference]:
    """By model, those made for the traveller who holds the document now."""
    if document.traveller_id is None:
        return {}
    rows = prepared.rows(_OF, [document.pk.hex, document.traveller_id.hex])
    return {row.model: row for row in map(_REFERENCES.read, rows)}


def enrolled(document: TravelDocument) -> bool:
    """Whether there is any reference of the document's holder."""
    return bool(of(document))


def in_order(models: Iterable[str]) -> list[str]:
    """``models`` as this authority prefers them: those of its engines first, in their order."""
    preferred = engines.models()
    return sorted(models, key=lambda model: preferred.index(model) if model in preferred else len(preferred))


def for_device(row: FaceReference) -> bool:
    """Whether the traveller's device keeps it, or is about to."""
    return row.keeper == FaceReference.Keeper.DEVICE or row.kept_until is not None


def opened(row: FaceReference, handed_in: bytes | None = None) -> Template | None:
    """The template of ``row``: the node's own, or from what the wallet handed in.

    None where a device keeps it and nothing, or something else, was handed in. Raises `vault.DoesNotOpen` where the
    node's own does not open, `Unavailable` where the token with the authority's key does not answer.
    """
    if not for_device(row):
        return Template(row.model, row.profile, _unseal(row, bytes(row.sealed)))
    digest = row.digest or vault.digest(row.sealed)
    if handed_in is None or not hmac.compare_digest(vault.digest(handed_in), digest):
        return None
    try:
        return Template(row.model, row.profile, _unseal(row, handed_in))
    except vault.DoesNotOpen:  # its head was altered, or the key that wrapped it is not known any more
        log.info("a face reference that was handed in does not open")
        return None


def template_for(document: TravelDocument, models: Iterable[str]) -> Template | None:
    """The template that the node keeps of the document's holder under the one of ``models`` that it prefers."""
    kept = {model: row for model, row in of(document).items() if not for_device(row)}
    common = in_order(set(models) & kept.keys())
    return opened(kept[common[0]]) if common else None


def keep(*, traveller: Traveller, document: TravelDocument, template: Template, now: int) -> FaceReference:
    """Store ``template`` as the reference of the document's holder for its model, in place of an older one."""
    row, _ = FaceReference.objects.update_or_create(
        document=document,
        model=template.model,
        defaults={
            "traveller": traveller,
            "profile": template.profile,
            "keeper": FaceReference.Keeper.NODE,
            "sealed": vault.seal(template.data, kind=KIND, owner=document.pk, model=template.model),
            "digest": "",
            "kept_until": now + WAITING if authority().face_storage == DEVICE else None,
            "enrolled_at": now,
        },
    )
    return row


@transaction.atomic
def revoke(*, document: TravelDocument, actor: str) -> int:
    """Destroy every reference of the document: its key goes with the row, and a device's copy is good for nothing."""
    count, _ = FaceReference.objects.filter(document=document).delete()
    if count:
        events.record(kind="face_reference.revoked", actor=actor, subject=str(document.pk), data={"count": count})
    return count


def _unseal(row: FaceReference, sealed: bytes) -> bytes:
    return vault.unseal(sealed, kind=KIND, owner=row.document_id, model=row.model)
