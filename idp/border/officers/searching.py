"""What officers find, as rows: of alerts, discrepancies, tokens, documents, receipts and checkpoints."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from idp.accounts.documents import canonical_number
from idp.accounts.models import TravelDocument
from idp.border import holdings
from idp.border.models import (
    Checkpoint,
    CrossingReceipt,
    Discrepancy,
    DuplicateAlert,
    IssuedToken,
    OutgoingReceipt,
)
from idp.federation.models import BundleSerial
from idp.problems import Problem

Row = TypeVar("Row", bound=Model)

# What a list is in the order of: integers, together unique (`idp.border.paging`).
ALERTS = ("raised_at", "id")
TOKENS = ("issued_at", "id")
RECEIPTS = ("at", "id")
CHECKPOINTS = ("id",)


def alerts(which: Mapping[str, Any]) -> QuerySet[DuplicateAlert]:
    rows = _within(_alerts(), "raised_at", which)
    return rows.filter(resolved_at__isnull=which["state"] == "open") if "state" in which else rows


def alert(pk: int, *, to_change: bool = False) -> DuplicateAlert:
    """One alert; locked ``to_change``, in the caller's transaction. Raises `Problem` (not_found)."""
    rows = _alerts().filter(pk=pk)
    return _one(rows.select_for_update(of=("self",)) if to_change else rows)


def discrepancies(which: Mapping[str, Any]) -> QuerySet[Discrepancy]:
    rows = _within(Discrepancy.objects.all(), "raised_at", which)
    rows = rows.filter(kind=which["kind"]) if "kind" in which else rows
    return rows.filter(resolved_at__isnull=which["state"] == "open") if "state" in which else rows


def discrepancy(pk: int, *, to_change: bool = False) -> Discrepancy:
    """As `alert`."""
    rows = Discrepancy.objects.filter(pk=pk)
    return _one(rows.select_for_update() if to_change else rows)


def tokens(which: Mapping[str, Any]) -> QuerySet[IssuedToken]:
    """Of one document or one traveller (`questions.Tokens`)."""
    return IssuedToken.objects.filter(**{name: which[name] for name in ("document", "traveller") if name in which})


def token(jti: str) -> IssuedToken:
    """Raises `Problem` (not_found)."""
    return _one(IssuedToken.objects.filter(jti=jti) if holdings.JTI.match(jti) else IssuedToken.objects.none())


def with_state(rows: Sequence[IssuedToken], *, now: int) -> Sequence[IssuedToken]:
    """``rows`` with what became of them, as `facts.Token` wants it."""
    used = holdings.used_at(row.jti for row in rows)
    for row in rows:
        row.state = holdings.state(row, used=used, now=now)  # type: ignore[attr-defined]
        row.used_at = used.get(row.jti)  # type: ignore[attr-defined]
    return rows


def document(*, issued_by: str, type: str, number: str) -> TravelDocument | None:
    """The document of the register with exactly this number, however it was typed."""
    return TravelDocument.objects.filter(issued_by=issued_by, type=type, number=canonical_number(number)).first()


def owed_receipts(which: Mapping[str, Any]) -> QuerySet[OutgoingReceipt]:
    rows = _within(_of_direction(OutgoingReceipt.objects.all(), which), "at", which)
    return rows.filter(delivered_at__isnull=which["state"] == "waiting") if "state" in which else rows


def receipts(which: Mapping[str, Any]) -> QuerySet[CrossingReceipt]:
    return _within(_of_direction(CrossingReceipt.objects.all(), which), "at", which)


def checkpoints() -> QuerySet[Checkpoint]:
    return Checkpoint.objects.select_related("hosted").prefetch_related("lanes")


def checkpoint(code: str) -> Checkpoint:
    """Raises `Problem` (not_found)."""
    return _one(checkpoints().filter(code=code))


def with_bundles(rows: Sequence[Checkpoint]) -> Sequence[Checkpoint]:
    """``rows`` with the last bundle made for each, as `facts.CheckpointState` wants it."""
    last = {row.checkpoint: row for row in BundleSerial.objects.filter(checkpoint__in=[row.entity_id for row in rows])}
    for row in rows:
        bundle = last.get(row.entity_id)
        row.bundle_serial = bundle.serial if bundle else 0  # type: ignore[attr-defined]
        row.bundle_built_at = bundle.built_at if bundle else None  # type: ignore[attr-defined]
    return rows


def _alerts() -> QuerySet[DuplicateAlert]:
    return DuplicateAlert.objects.select_related("first_lane__checkpoint", "second_lane__checkpoint")


def _within(rows: QuerySet[Row], name: str, which: Mapping[str, Any]) -> QuerySet[Row]:
    bounds = {"since": f"{name}__gte", "until": f"{name}__lt"}
    return rows.filter(**{bounds[bound]: which[bound] for bound in bounds if bound in which})


def _of_direction(rows: QuerySet[Row], which: Mapping[str, Any]) -> QuerySet[Row]:
    return rows.filter(direction=which["direction"]) if "direction" in which else rows


def _one(rows: QuerySet[Row]) -> Row:
    found = rows.first()
    if found is None:
        raise Problem("not_found", "no such row")
    return found
