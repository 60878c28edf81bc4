"""Templates that travellers' devices keep: handed out once, then the node lets go of its copy.

What a wallet gets is the row's sealed content as it is, which opens under the authority's key only, as that document's
and that model's. Handing it out changes nothing, so that an answer that was lost can be asked for again. The node lets
go when the wallet has used it, or when its time is over: then the row has the digest alone, and is the way to revoke.
"""

from django.db import transaction

from idp.accounts.models import TravelDocument
from idp.audit import events
from idp.biometrics import references, vault
from idp.biometrics.models import FaceReference
from idp.conf import authority

ADOPTION = 30 * 86_400  # seconds for wallets to fetch what the node kept before devices were to
BATCH = 500


@transaction.atomic
def hand_out(*, document: TravelDocument, actor: str) -> dict[str, bytes]:
    """By model, the sealed references of the document's holder that wait for a device."""
    waiting = {model: bytes(row.sealed) for model, row in references.of(document).items() if row.kept_until is not None}
    if waiting:
        data = {"models": sorted(waiting)}
        events.record(kind="face_reference.handed_out", actor=actor, subject=str(document.pk), data=data)
    return waiting


@transaction.atomic
def let_go(row: FaceReference, *, actor: str) -> bool:
    """The node's copy of ``row`` is destroyed, unless it was replaced meanwhile; whether it was."""
    unchanged = FaceReference.objects.filter(pk=row.pk, sealed=row.sealed, kept_until__isnull=False)
    gone = unchanged.update(
        keeper=FaceReference.Keeper.DEVICE, digest=vault.digest(row.sealed), sealed=b"", kept_until=None
    )
    if gone:
        data = {"model": row.model}
        events.record(kind="face_reference.let_go", actor=actor, subject=str(row.document_id), data=data)
    return bool(gone)


def sweep(*, now: int) -> int:
    """Let go of what was not fetched in time; how many. Follows the setting where that was changed."""
    _follow_setting(now=now)
    late = FaceReference.objects.filter(keeper=FaceReference.Keeper.NODE, kept_until__lte=now)
    return sum(let_go(row, actor="worker") for row in late.order_by("pk")[:BATCH])


@transaction.atomic
def _follow_setting(*, now: int) -> None:
    at_node = FaceReference.objects.filter(keeper=FaceReference.Keeper.NODE)
    if authority().face_storage == references.DEVICE:
        changed = at_node.filter(kept_until__isnull=True).update(kept_until=now + ADOPTION)
    else:
        changed = at_node.filter(kept_until__isnull=False).update(kept_until=None)
    if changed:
        data = {"references": changed, "keeper": authority().face_storage}
        events.record(kind="face_reference.keeper_changed", actor="worker", data=data)
