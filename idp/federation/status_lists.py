"""Status lists (Token Status List, draft-ietf-oauth-status-list-20): ours, given out and published.

One list serves the tokens issued in one hour and is retired when the last of them is dead. It has 2^17 one-bit entries
and each token takes a random free one, so that an index tells neither order nor number. 2^17 because it is published
whole: 16 KiB of which zlib leaves some dozens of bytes while little is revoked, large enough for the busiest hour of a
large port (100,000 tokens) with a second part, and constant, so that its size says nothing about traffic.
"""

import secrets

from django.db import transaction
from django.db.models import F, Max, QuerySet

from idp import conf, prepared
from idp.audit.events import record
from idp.federation import signing
from idp.federation.models import STATUS_BITS, StatusEntry, StatusList
from idp.federation.status_mirror import mirror
from idp.protocol.keys import PrivateKey
from idp.protocol.status_list import StatusList as Statuses
from idp.protocol.status_list import sign_status_list

__all__ = ["UnableToSetStatus", "allocate", "live", "mirror", "published", "published_live", "retire", "set_status"]

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
_DRAWN = ", ".join(f"({place}, CAST(${place + 2} AS bigint))" for place in range(DRAWS))
# A remainder without the percent sign, which some drivers take for a place.
_INDEX = "number - number / size * size"
_TAKE = (
    f"WITH newest AS (SELECT id, size FROM {_LISTS} WHERE hour = CAST($1 AS bigint) ORDER BY part DESC LIMIT 1), "  # noqa: S608  constants
    f"drawn (place, number) AS (VALUES {_DRAWN}) "
    f"INSERT INTO {_ENTRIES} (status_list_id, idx, value) "
    f"SELECT newest.id, {_INDEX}, 0 FROM newest CROSS JOIN drawn "
    f"WHERE NOT EXISTS (SELECT 1 FROM {_ENTRIES} WHERE status_list_id = newest.id AND idx = {_INDEX}) "
    "ORDER BY place LIMIT 1 ON CONFLICT (status_list_id, idx) DO NOTHING "
    f"RETURNING idx, (SELECT name FROM {_LISTS} WHERE id = status_list_id), "
    f"(SELECT last_expiry FROM {_LISTS} WHERE id = status_list_id)"
)


class UnableToSetStatus(Exception):
    """There is no such list or index."""

    code = "not_found"


def allocate(*, expires_at: int, now: int) -> tuple[str, int]:
    """Take an index for a token that dies at ``expires_at``: the list's URI and the index. One statement, as a rule.

    Within the caller's transaction, so that an index is taken if and only if the token's row is stored. Two callers
    never get the same index: a unique constraint stands behind it.
    """
    hour = now - now % HOUR
    dead = -(-expires_at // HOUR) * HOUR  # rounded up, so that the list's row is written once an hour and not each time
    missed = NO_PART
    while (taken := _take(hour)) is None:
        newest = StatusList.objects.filter(hour=hour).aggregate(part=Max("part", default=NO_PART))["part"]
        if newest == missed:  # not one that another worker has opened meanwhile
            _open(hour, newest + 1, dead)
        missed = newest
    name, idx, last_expiry = taken
    if last_expiry < dead:
        StatusList.objects.filter(name=name, last_expiry__lt=dead).update(last_expiry=dead)
    return conf.authority().url(f"/status/{name}"), idx


def set_status(uri: str, idx: int, value: int, *, actor: str = signing.ACTOR) -> None:
    """Set the status of an index that was given out: 0 valid, 1 invalid. Raises `UnableToSetStatus`."""
    if not 0 <= value < 1 << STATUS_BITS:
        raise RuntimeError("a status that does not fit")
    with transaction.atomic():
        status_list = _find(uri)
        changed = StatusEntry.objects.filter(status_list=status_list, idx=idx).update(value=value)
        if not changed:
            raise UnableToSetStatus("an index that was never given out")
        StatusList.objects.filter(pk=status_list.pk).update(version=F("version") + 1)
        record(kind="federation.status.set", actor=actor, subject=f"{uri}#{idx}"[:255], data={"value": value})


def published(uri: str, now: int) -> str:
    """The signed list: anew when a status changed or `TTL` seconds have passed. Raises `UnableToSetStatus`."""
    return _text(_find(uri), signing.private_key("status"), now)


def published_live(now: int) -> list[str]:
    """Every signed list in which a token may still live, the oldest first."""
    key = signing.private_key("status")
    return [_text(status_list, key, now) for status_list in _live(now)]


def _text(status_list: StatusList, key: PrivateKey, now: int) -> str:
    current = status_list.signed_version == status_list.version and status_list.kid == key.kid
    if current and 0 <= now - status_list.signed_at < TTL:
        return status_list.text
    statuses = Statuses.blank(size=status_list.size, bits=STATUS_BITS)
    for idx, value in status_list.entries.filter(value__gt=0).values_list("idx", "value"):
        statuses.set(idx, value)
    aggregation = conf.authority().url("/status/aggregation")
    text = sign_status_list(
        statuses, uri=uri_of(status_list), signer=key, now=now, lifetime=LIFETIME, ttl=TTL, aggregation_uri=aggregation
    )
    # Of the version that was read above: a change that came meanwhile leaves the copy outdated, and it is made again.
    StatusList.objects.filter(pk=status_list.pk, version__gte=status_list.version).update(
        text=text, signed_at=now, signed_version=status_list.version, kid=key.kid
    )
    return text


def live(now: int) -> list[str]:
    """The URIs of every list in which a token may still live, the oldest first."""
    return [uri_of(row) for row in _live(now)]


def retire(now: int) -> int:
    """Delete the lists whose last token is dead; returns how many rows went."""
    return StatusList.objects.filter(last_expiry__lte=now - GRACE).delete()[0]


def uri_of(status_list: StatusList) -> str:
    """Where the list is published."""
    return conf.authority().url(f"/status/{status_list.name}")


def _live(now: int) -> QuerySet[StatusList]:
    return StatusList.objects.filter(last_expiry__gt=now - GRACE).order_by("hour", "part")


def _find(uri: str) -> StatusList:
    prefix = conf.authority().url("/status/")
    status_list = StatusList.objects.filter(name=uri.removeprefix(prefix)).first() if uri.startswith(prefix) else None
    if status_list is None:
        raise UnableToSetStatus("no such status list")
    return status_list


def _open(hour: int, part: int, dead: int) -> None:
    StatusList.objects.get_or_create(
        hour=hour, part=part, defaults={"name": secrets.token_hex(8), "size": SIZE, "last_expiry": dead}
    )


def _take(hour: int) -> tuple[str, int, int] | None:
    """Name of the hour's newest list, an index of it that is now taken, its last expiry; None where it had none."""
    drawn = [secrets.randbits(62) for _ in range(DRAWS)]  # so many bits that the remainder favours no index
    for idx, name, last_expiry in prepared.rows(_TAKE, [hour, *drawn]):
        return name, int(idx), int(last_expiry)
    return None
