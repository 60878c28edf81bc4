"""Names that stand for numbers of tokens and travellers when these may be kept no longer.

A pseudonym is HMAC-SHA256 under a key of the month in which it was made, so that within such a month equal numbers have
equal pseudonyms, and over months nobody can tell. While the key is there, somebody who knows a number can look for it
(a court order names one); when it is destroyed, nobody can. The keys are files, one a month, in the key directory.
"""

import hmac
import os
from collections.abc import Sequence
from pathlib import Path

from django.db import connection

from idp.border.models import JournalEntry
from idp.border.records.months import Month
from idp.conf import authority, made_secret
from idp.protocol import strict_json

_FOLDER = "pseudonyms"
_BLOCK = 64  # bytes that SHA-256 takes at once (RFC 2104 §2)
_SQL = (
    "CASE WHEN {0} = '' THEN '' ELSE translate(rtrim(encode(sha256(%(outer)s || sha256(%(inner)s || "
    "convert_to('{0} ' || {0}, 'UTF8'))), 'base64'), '='), '+/', '-_') END"
)
_UPDATE = (
    f"UPDATE {JournalEntry._meta.db_table} SET jti = {_SQL.format('jti')}, subject = {_SQL.format('subject')} "  # noqa: S608
    "WHERE lane_id = %(lane)s AND seq BETWEEN %(first)s AND %(last)s AND at BETWEEN %(begin)s AND %(end)s"
)


def of(what: str, number: str, *, key: bytes) -> str:
    """The pseudonym of a number, 43 characters; ``what`` is ``jti`` or ``subject``. Nothing stays nothing."""
    return strict_json.b64encode(hmac.digest(key, f"{what} {number}".encode(), "sha256")) if number else ""


def key(month: Month) -> bytes:
    """The key of ``month``, made on first use. Never remembered: what is destroyed must be gone."""
    return made_secret(f"{_FOLDER}/{month}.key")


def months() -> list[Month]:
    """The months whose keys are still there."""
    names = [path.stem.split("-") for path in _folder().glob("????-??.key")]
    return sorted(Month(int(year), int(number)) for year, number in names)


def all_of(what: str, number: str) -> list[str]:
    """Every pseudonym that a number may have by now, to look for it."""
    return [of(what, number, key=key(month)) for month in months()]


def destroy(month: Month) -> None:
    """Nobody can connect a number with a pseudonym of ``month`` any more."""
    path = _folder() / f"{month}.key"
    try:
        with path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
            os.fsync(file.fileno())
        path.unlink()
    except FileNotFoundError:  # another run was first
        return


def put(*, lane: int, places: Sequence[tuple[int, int]], key: bytes) -> None:
    """Put pseudonyms in place of the numbers of consecutive entries of a lane; ``places`` are their seq and at."""
    first, last = places[0][0], places[-1][0]
    if connection.vendor != "postgresql":
        rows = list(JournalEntry.objects.filter(lane_id=lane, seq__range=(first, last)))
        for row in rows:
            row.jti, row.subject = of("jti", row.jti, key=key), of("subject", row.subject, key=key)
        JournalEntry.objects.bulk_update(rows, ["jti", "subject"], batch_size=500)
        return
    times = [at for _, at in places]  # named, so that only their months are looked at
    padded = key.ljust(_BLOCK, b"\0")
    values = {"lane": lane, "first": first, "last": last, "begin": min(times), "end": max(times)}
    pads = {"inner": bytes(byte ^ 0x36 for byte in padded), "outer": bytes(byte ^ 0x5C for byte in padded)}
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, {**values, **pads})


def _folder() -> Path:
    return authority().key_dir / _FOLDER
