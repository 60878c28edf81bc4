"""Another wrapping key takes over: each row's data key is wrapped anew, in small transactions, until none is left.

Nothing has to be remembered of how far it is: a row says itself which key wrapped it. It may be stopped at any place
and started again, and two may run at once.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction
from django.db.models.functions import Substr

from idp.audit import events
from idp.biometrics import vault
from idp.biometrics.models import Capture, FaceReference, Portrait

BATCH = 200  # rows of a transaction: a second or so with a token


@dataclass(frozen=True)
class _Room:
    """A table of sealed rows. ``bound`` is what `vault` binds a row to."""

    rows: models.QuerySet[Any]
    bound: Callable[[Any], dict[str, Any]]


ROOMS = (
    _Room(Portrait.objects.all(), lambda row: {"kind": "portrait", "owner": row.document_id}),
    _Room(
        FaceReference.objects.filter(keeper=FaceReference.Keeper.NODE),
        lambda row: {"kind": "template", "owner": row.document_id, "model": row.model},
    ),
    _Room(Capture.objects.all(), lambda row: {"kind": "capture", "owner": row.job_id}),
)


@dataclass(frozen=True)
class Progress:
    """Of a batch: rows that the current key has taken over, and rows that no key of this node opens."""

    done: int
    lost: int


@dataclass(frozen=True)
class Counted:
    """Of one table: the rows of each key that was asked about, in their order, and those of any other."""

    model: type[models.Model]
    rows: tuple[int, ...]
    other: int


def run(*, actor: str) -> Iterator[Progress]:
    """Wrap every row's data key by the current key, batch by batch. Raises `Unavailable`; what is done stays done."""
    for room in ROOMS:
        after = 0
        while batch := list(_others(room).filter(pk__gt=after).order_by("pk")[:BATCH]):
            yield _batch(room, batch, actor=actor)
            after = batch[-1].pk


def left() -> int:
    """Rows of which another than the current key is the wrapping key. Raises `Unavailable`."""
    return sum(_others(room).count() for room in ROOMS)


def by_key(key_ids: Iterable[bytes]) -> list[Counted]:
    """How many rows of each table each of these keys wrapped, and how many none of them did. Reads every row's head."""
    heads = {f"n{number}": vault.head(key_id) for number, key_id in enumerate(key_ids)}
    return [_counted(room, heads) for room in ROOMS]


def _counted(room: _Room, heads: dict[str, bytes]) -> Counted:
    which = {name: models.Count("pk", filter=models.Q(head=head)) for name, head in heads.items()}
    found = _headed(room).aggregate(total=models.Count("pk"), **which)
    rows = tuple(found[name] for name in heads)
    return Counted(room.rows.model, rows, found["total"] - sum(rows))


@transaction.atomic
def _batch(room: _Room, batch: list[Any], *, actor: str) -> Progress:
    done = lost = 0
    for row in batch:
        old = bytes(row.sealed)
        try:
            new = vault.rewrap(old, **room.bound(row))
        except vault.DoesNotOpen:
            lost += 1
            continue
        # only where it is still the same: it may have been replaced, handed over or deleted meanwhile
        done += type(row)._default_manager.filter(pk=row.pk, sealed=old).update(sealed=new)
    if done:
        table = room.rows.model._meta.model_name
        key = vault.current_head().hex()
        events.record(kind="faces.rewrapped", actor=actor, subject=str(table), data={"rows": done, "key": key})
    return Progress(done, lost)


def _others(room: _Room) -> models.QuerySet[Any]:
    return _headed(room).exclude(head=vault.current_head())


def _headed(room: _Room) -> models.QuerySet[Any]:
    start: Any = Substr("sealed", 1, vault.KEY_AT, output_field=models.BinaryField())
    return room.rows.alias(head=start)
