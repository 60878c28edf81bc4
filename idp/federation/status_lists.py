"""Status lists (Token Status List, draft-ietf-oauth-status-list-20): ours, given out and published.

One list serves the tokens issued in one hour and is retired when the last of them is dead. It has 2^17 entries, of as
many bits as the setting said when it was opened, and each token takes a random free one, so that an index tells neither
order nor number. 2^17 because it is published whole: 16 KiB (of one bit), of which zlib leaves some dozens of bytes
while little is revoked, large enough for the busiest hour of a large port (100,000 tokens) with a second part, and
constant, so that its size says nothing about traffic. What was changed in a list is kept for longer, so that it can be
given out as it was (§8.4).
"""

import secrets
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.core import checks
from django.db import transaction
from django.db.models import F, Max, Min, QuerySet

from idp import conf, prepared
from idp.audit.events import record
from idp.federation import signing
from idp.federation.models import StatusChange, StatusEntry, StatusList
from idp.federation.status_mirror import mirror
from idp.protocol.keys import PrivateKey
from idp.protocol.status_list import BITS, Contents, pack, sign_jwt
from idp.protocol.status_list import StatusList as Statuses
from idp.protocol.status_list_cwt import sign_cwt

__all__ = [
    "NoHistory",
    "UnableToSetStatus",
    "allocate",
    "check",
    "live",
    "mirror",
    "published",
    "published_at",
    "published_live",
    "retire",
    "set_statuses",
]

HOUR = 3600
SIZE = 1 << 17
# Indexes drawn for one statement, of which the first free one is taken: so all that are free are equally likely. When
# two statements have missed, the list counts as crowded: at half full once in 65,000 times, at 90 % once in six.
DRAWS = 8
NO_PART = -1
TTL = 30  # seconds after which a list is signed anew, and for which others may keep it
LIFETIME = 86_400
GRACE = 3600  # seconds that a list outlives its last token: clocks differ and journals come late


_LISTS, _ENTRIES = StatusList._meta.db_table, StatusEntry._meta.db_table
INSERT = f"INSERT INTO {_ENTRIES} (status_list_id, idx, value)"  # of what `free` found
# A remainder without the percent sign, which some drivers take for a place.
_INDEX = "number - number / size * size"


def free(hour: str, numbers: Sequence[str]) -> str:
    """``free (id, name, last_expiry, idx)`` for a WITH: a free index of the hour's newest list, or no row.

    The places stand for the hour's beginning and `DRAWS` of `draw`, all of them bigint, in this order.
    """
    drawn = ", ".join(f"({place}, CAST({number} AS bigint))" for place, number in enumerate(numbers))
    return (
        f"newest AS (SELECT id, name, size, last_expiry FROM {_LISTS} WHERE hour = CAST({hour} AS bigint) "  # noqa: S608  constants
        f"ORDER BY part DESC LIMIT 1), drawn (place, number) AS (VALUES {drawn}), "
        f"free AS (SELECT newest.id, newest.name, newest.last_expiry, {_INDEX} AS idx "
        f"FROM newest CROSS JOIN drawn WHERE NOT EXISTS (SELECT 1 FROM {_ENTRIES} "
        f"WHERE status_list_id = newest.id AND idx = {_INDEX}) ORDER BY place LIMIT 1)"
    )


def longer(dead: str) -> str:
    """The list of `free` lives until ``dead``, a place, if what follows finds that it is `shorter`."""
    return f"UPDATE {_LISTS} SET last_expiry = CAST({dead} AS bigint)"  # noqa: S608  constants


def shorter(dead: str) -> str:
    return f"{_LISTS}.id = free.id AND {_LISTS}.last_expiry < CAST({dead} AS bigint)"


_TAKE = (
    f"WITH {free('$1', [f'${place + 2}' for place in range(DRAWS)])} "  # noqa: S608  constants
    f"{INSERT} SELECT free.id, free.idx, 0 FROM free WHERE true "  # or SQLite takes ON for the beginning of a join's
    f"ON CONFLICT (status_list_id, idx) DO NOTHING RETURNING idx, (SELECT name FROM {_LISTS} WHERE id = "
    f"status_list_id), (SELECT last_expiry FROM {_LISTS} WHERE id = status_list_id)"
)


class UnableToSetStatus(Exception):
    """There is no such list or index, or the status does not fit its bits."""

    code = "not_found"


class NoHistory(Exception):
    """This node keeps no lists of the past."""


def allocate(*, expires_at: int, now: int) -> tuple[str, int]:
    """Take an index for a token that dies at ``expires_at``: the list's URI and the index. One statement, as a rule.

    Within the caller's transaction, so that an index is taken if and only if the token's row is stored. Two callers
    never get the same index: a unique constraint stands behind it.
    """
    hour, dead = hours(expires_at=expires_at, now=now)
    missed = NO_PART
    while (taken := _take(hour)) is None:
        missed = make_room(hour, dead, missed)
    name, idx, last_expiry = taken
    if last_expiry < dead:
        StatusList.objects.filter(name=name, last_expiry__lt=dead).update(last_expiry=dead)
    return address(name), idx


def hours(*, expires_at: int, now: int) -> tuple[int, int]:
    """The hour whose list a token of now is in, and how long that has to live for it.

    Rounded up, so that the list's row is written once an hour and not each time.
    """
    return now - now % HOUR, -(-expires_at // HOUR) * HOUR


def draw() -> list[int]:
    """What an index is chosen by; of so many bits that the remainder favours none."""
    return [secrets.randbits(62) for _ in range(DRAWS)]


def make_room(hour: int, dead: int, missed: int) -> int:
    """After a statement that found no index in the hour's newest list; what ``missed`` is next time.

    ``missed`` is `NO_PART` at first. Only who misses twice in one list opens another: the first time may be chance.
    """
    newest: int = StatusList.objects.filter(hour=hour).aggregate(part=Max("part", default=NO_PART))["part"]
    if newest == missed:  # not one that another worker has opened meanwhile
        _open(hour, newest + 1, dead)
    return newest


def address(name: str) -> str:
    """Where the list of that name is published."""
    return conf.authority().url(f"/status/{name}")


def set_statuses(uri: str, idxs: Collection[int], value: int, *, now: int, actor: str = signing.ACTOR) -> None:
    """Set the status of indexes that were given out: 0 valid, 1 invalid, 2 suspended where the list has two bits.

    All of them or none; setting what is set already changes nothing. Raises `UnableToSetStatus`.
    """
    with transaction.atomic():
        status_list = _find(uri)
        if not 0 <= value < 1 << status_list.bits:
            raise UnableToSetStatus("a status that does not fit the bits of its list")
        entries = StatusEntry.objects.filter(status_list=status_list, idx__in=idxs).select_for_update()
        found = dict(entries.order_by("idx").values_list("idx", "value"))
        if found.keys() != set(idxs):
            raise UnableToSetStatus("an index that was never given out")
        changed = [idx for idx, current in found.items() if current != value]
        if not changed:
            return
        StatusEntry.objects.filter(status_list=status_list, idx__in=changed).update(value=value)
        StatusChange.objects.bulk_create(
            StatusChange(status_list=status_list, idx=idx, value=value, at=now) for idx in changed
        )
        StatusList.objects.filter(pk=status_list.pk).update(version=F("version") + 1)
        record(kind="federation.status.set", actor=actor, subject=uri[:255], data={"value": value, "indexes": changed})


def published(uri: str, now: int) -> str:
    """The signed list: anew when a status changed or `TTL` seconds have passed. Raises `UnableToSetStatus`."""
    return _current(_living(uri, now), signing.private_key("status"), now).text


def published_cwt(uri: str, now: int) -> bytes:
    """`published` as CWT."""
    return bytes(_current(_living(uri, now), signing.private_key("status"), now).cwt)


def published_live(now: int) -> list[str]:
    """Every signed list in which a token may still live, the oldest first.

    Where one is due they are all signed anew, so that they stay together: each that changes makes a new bundle.
    """
    key, rows = signing.private_key("status"), list(_live(now))
    if any(now - row.signed_at >= TTL for row in rows):
        rows = [_signed(row, key, now) for row in rows]
    return [_current(row, key, now).text for row in rows]


def versions(now: int) -> tuple[Any, ...] | None:
    """What `published_live` would give, told by a few numbers: the same while those are the same. None: one is due."""
    columns = ("pk", "version", "signed_version", "signed_at", "kid")
    rows, kid = tuple(_live(now).values_list(*columns)), signing.private_key("status").kid
    due = any(row[1] != row[2] or not 0 <= now - row[3] < TTL or row[4] != kid for row in rows)
    return None if due else rows


def published_at(uri: str, at: int, *, now: int) -> Contents:
    """The list as it was at ``at`` (§8.4), to be signed: good from then until it changed, at most `TTL` seconds.

    So none is good now, but one of just now that says what is still so. Raises `NoHistory` where none is kept, and
    `UnableToSetStatus` for a time before the list, to come, when it had ended, or longer ago than is kept.
    """
    kept = conf.authority().status_history
    if not kept:
        raise NoHistory
    status_list = _find(uri)
    begun, ended = status_list.hour, status_list.last_expiry + GRACE
    if not max(begun, now - kept) <= at <= min(ended, now):
        raise UnableToSetStatus("nothing is known of that time")
    changes = status_list.changes.filter(at__lte=at).order_by("at", "pk")
    following = status_list.changes.filter(at__gt=at).aggregate(at=Min("at", default=at + TTL))["at"]
    lifetime = min(TTL, following - at)
    return _contents(status_list, changes.values_list("idx", "value").iterator(), now=at, lifetime=lifetime)


def live(now: int) -> list[str]:
    """The URIs of every list in which a token may still live, the oldest first."""
    return [uri_of(row) for row in _live(now)]


def retire(now: int) -> int:
    """Delete the indexes of lists whose last token is dead, and later the lists; returns how many rows went."""
    kept = conf.authority().status_history
    entries = StatusEntry.objects.filter(status_list__last_expiry__lte=now - GRACE).delete()[0]
    return entries + StatusList.objects.filter(last_expiry__lte=now - GRACE - kept).delete()[0]


def uri_of(status_list: StatusList) -> str:
    """Where the list is published."""
    return address(status_list.name)


def check(app_configs: Sequence[Any] | None = None, **options: Any) -> list[checks.CheckMessage]:
    """idp.E116: settings that cannot be."""
    found: list[checks.CheckMessage] = []
    if conf.authority().status_bits not in BITS:
        found.append(checks.Error("CAUSEWAY_STATUS_BITS is 1, 2, 4 or 8.", id="idp.E116"))
    if conf.authority().status_history < 0:
        found.append(checks.Error("CAUSEWAY_STATUS_HISTORY is a number of seconds.", id="idp.E116"))
    return found


def _current(status_list: StatusList, key: PrivateKey, now: int) -> StatusList:
    """The row with what is signed of it, anew where that is outdated."""
    current = status_list.signed_version == status_list.version and status_list.kid == key.kid
    return status_list if current and 0 <= now - status_list.signed_at < TTL else _signed(status_list, key, now)


def _signed(status_list: StatusList, key: PrivateKey, now: int) -> StatusList:
    """The row with what is signed of it now; both forms are made at once."""
    set_ = status_list.entries.filter(value__gt=0).values_list("idx", "value").iterator()
    contents = _contents(status_list, set_, now=now, lifetime=LIFETIME)
    status_list.text, status_list.cwt = sign_jwt(contents, key), sign_cwt(contents, key)
    status_list.signed_at, status_list.signed_version, status_list.kid = now, status_list.version, key.kid
    # Of the version that was read above: a change that came meanwhile leaves the copy outdated, and it is made again.
    StatusList.objects.filter(pk=status_list.pk, version__gte=status_list.version).update(
        text=status_list.text, cwt=status_list.cwt, signed_at=now, signed_version=status_list.version, kid=key.kid
    )
    return status_list


def _contents(status_list: StatusList, values: Iterable[tuple[int, int]], *, now: int, lifetime: int) -> Contents:
    statuses = Statuses.blank(size=status_list.size, bits=status_list.bits)
    for idx, value in values:
        statuses.set(idx, value)
    aggregation = conf.authority().url("/status/aggregation")
    return pack(statuses, uri=uri_of(status_list), now=now, lifetime=lifetime, ttl=TTL, aggregation_uri=aggregation)


def _live(now: int) -> QuerySet[StatusList]:
    return StatusList.objects.filter(last_expiry__gt=now - GRACE).order_by("hour", "part")


def _living(uri: str, now: int) -> StatusList:
    status_list = _find(uri)
    if status_list.last_expiry <= now - GRACE:
        raise UnableToSetStatus("the status list has ended")
    return status_list


def _find(uri: str) -> StatusList:
    prefix = conf.authority().url("/status/")
    status_list = StatusList.objects.filter(name=uri.removeprefix(prefix)).first() if uri.startswith(prefix) else None
    if status_list is None:
        raise UnableToSetStatus("no such status list")
    return status_list


def _open(hour: int, part: int, dead: int) -> None:
    bits = conf.authority().status_bits
    StatusList.objects.get_or_create(
        hour=hour, part=part, defaults={"name": secrets.token_hex(8), "size": SIZE, "bits": bits, "last_expiry": dead}
    )


def _take(hour: int) -> tuple[str, int, int] | None:
    """Name of the hour's newest list, an index of it that is now taken, its last expiry; None where it had none."""
    for idx, name, last_expiry in prepared.rows(_TAKE, [hour, *draw()]):
        return name, int(idx), int(last_expiry)
    return None
