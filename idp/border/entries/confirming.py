"""A crossing on a token of ours becomes known: an exit reserves an entry of its endorsement, an entry uses one up.

What is told comes in any order, twice, or days late. Each token counts once (`border_crossing_confirmed_once`), and
what belongs together is found from the facts alone (`pairing`), so that every order ends in the same books.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from idp import prepared
from idp.accounts.models import Traveller
from idp.audit import events
from idp.border.entries import discrepancies, pairing, using
from idp.border.models import ConfirmedCrossing, IssuedToken
from idp.border.models.entries import OVERDRAWN, RESERVED, SETTLED, USED

_CROSSINGS = ConfirmedCrossing._meta.db_table
_ENTERED = f"UPDATE {_CROSSINGS} SET exit_id = $1, waits = false WHERE id = $2 RETURNING id"  # noqa: S608  constants
_LEFT = f'UPDATE {_CROSSINGS} SET "use" = $1, waits = false WHERE id = $2 RETURNING id'  # noqa: S608  constants


@dataclass(frozen=True)
class Confirmation:
    """That ``token`` let its holder through, ``at`` seconds since 1970."""

    token: IssuedToken
    at: int


def confirm(*, confirmations: Sequence[Confirmation], actor: str, now: int) -> list[ConfirmedCrossing]:
    """Take crossings into the books, in the caller's transaction; those that were not known before.

    ``actor`` is who says so: a lane or a peer. One traveller's crossings are taken one at a time by the lock on the
    traveller's row, in an order that two batches share.
    """
    travellers = sorted({item.token.traveller_id for item in confirmations})
    # Weaker than a deletion's lock, which every insert that names the traveller would wait for.
    list(Traveller.objects.select_for_update(no_key=True).filter(pk__in=travellers).order_by("pk").values_list("pk"))
    known = ConfirmedCrossing.objects.filter(token__in=[item.token for item in confirmations])
    seen = set(known.values_list("token", flat=True))
    fresh = []
    for item in confirmations:
        if item.token.pk not in seen:
            seen.add(item.token.pk)
            fresh.append(_row(item, now=now))
    rows = ConfirmedCrossing.objects.bulk_create(fresh)
    if rows:
        _pair(rows, now=now)
        _tell(rows, actor=actor, now=now)
    return rows


def _row(item: Confirmation, *, now: int) -> ConfirmedCrossing:
    token = item.token
    # A token home carries the endorsement of the stay that ends: nothing is reserved or used up under it.
    counts = token.endorsement is not None and token.endorsement.destination == token.territory
    row = ConfirmedCrossing(
        token=token,
        traveller_id=token.traveller_id,
        endorsement_id=token.endorsement_id if counts else None,
        authority=token.authority,
        territory=token.territory,
        direction=token.direction,
        at=item.at,
        confirmed_at=now,
    )
    if counts:
        row.use = RESERVED if token.direction == "exit" else using.use_entry(token.endorsement)
    return row


def _pair(rows: Sequence[ConfirmedCrossing], *, now: int) -> None:
    """Find the other half of each new row, which may part two that were a pair as long as nothing lay between."""
    for around in _around(rows):
        halves = {item.pk: item for item in around}
        wanted = pairing.pair(pairing.Half(item.pk, item.direction, item.at) for item in around)
        for entry in around:
            exit_ = wanted.get(entry.pk)
            elsewhere = entry.exit_id is not None and entry.exit_id not in halves  # beyond what was looked at
            if entry.exit_id is not None and entry.exit_id != exit_ and (exit_ is not None or not elsewhere):
                _part(entry)
        for entry_key, exit_ in wanted.items():
            if halves[entry_key].exit_id != exit_:
                _join(halves[exit_], halves[entry_key], now=now)


def _part(entry: ConfirmedCrossing) -> None:
    apart = ConfirmedCrossing.objects.filter(pk__in=[entry.pk, entry.exit_id])
    apart.update(exit=None, waits=True)
    apart.filter(use=SETTLED).update(use=RESERVED)
    entry.exit_id = None


def _join(exit_: ConfirmedCrossing, entry: ConfirmedCrossing, *, now: int) -> None:
    prepared.rows(_ENTERED, [exit_.pk, entry.pk])
    # Whatever became of what it reserved: `exit_` was read under the lock that we hold, and may have been parted since.
    prepared.rows(_LEFT, [SETTLED if exit_.use else exit_.use, exit_.pk])
    discrepancies.settle(exit_, entry, now=now)


def _around(rows: Sequence[ConfirmedCrossing]) -> Iterable[list[ConfirmedCrossing]]:
    """For each traveller and territory of the new rows: the crossings near them, the new ones among them."""
    near = ConfirmedCrossing.objects.filter(
        traveller__in={row.traveller_id for row in rows},
        at__gte=min(row.at for row in rows) - pairing.REACH,
        at__lte=max(row.at for row in rows) + pairing.REACH,
    )
    around: dict[tuple[Any, str], list[ConfirmedCrossing]] = defaultdict(list)
    for item in near.select_related("token"):
        around[item.traveller_id, item.territory].append(item)
    return [around[key] for key in dict.fromkeys((row.traveller_id, row.territory) for row in rows)]


def _tell(rows: Sequence[ConfirmedCrossing], *, actor: str, now: int) -> None:
    reserved = [row.token.jti for row in rows if row.use == RESERVED]
    if reserved:
        events.record(kind="endorsement.entries_reserved", actor=actor[:255], data={"tokens": reserved})
    for row in rows:
        if row.use == USED:
            events.record(kind="endorsement.entry_consumed", actor=actor[:255], subject=row.token.jti)
        if row.use in (USED, OVERDRAWN):
            using.look_for_too_many(row, now=now)
