"""Millions of crossings in a node's tables, as its lanes would have reported them over a year.

Each month is filled as a table by itself and gets its indexes when it becomes a partition: a fraction of the time that
inserts would take. Django has to be set up.
"""

from collections.abc import Iterator, Sequence
from typing import Any

MONTHS, LANES = 12, 700
SHARES = (25, 15, 12, 10, 8, 6, 5, 4, 3, 3, 2, 2, 2, 1, 1, 1)  # of a hundred lanes, by checkpoint
TRIPS = 20  # crossings of one traveller in the year
AUTHORITY = "https://node.example"

# Of a thousand 30 are referred for the face, 10 refused, one of them for a rare reason, and five let through by hand.
_FILL = """
INSERT INTO {table} (id, checkpoint_id, lane_id, seq, prev, hash, at, jti, issuer, subject, direction, decision, reason,
  score_band, bundle_serial, about, officers, received_at)
SELECT n, (%(places)s::int[])[1 + n %% %(lanes)s], (%(numbers)s::int[])[1 + n %% %(lanes)s], 1 + n / %(lanes)s,
  substr(md5('p' || n) || md5('q' || n), 1, 43), substr(md5('h' || n) || md5('i' || n), 1, 43), at,
  substr(md5('t' || n), 1, 22), 'https://idp.cn.example', substr(md5('s' || n %% %(travellers)s) || md5('u'), 1, 43),
  CASE WHEN n %% %(lanes)s %% 2 = 0 THEN 'entry' ELSE 'exit' END,
  CASE WHEN luck < 10 THEN 'refuse' WHEN luck < 40 THEN 'refer' WHEN luck < 45 THEN 'release' ELSE 'admit' END,
  CASE WHEN luck = 0 THEN 'guardian_absent' WHEN luck < 10 THEN 'expired' WHEN luck < 40 THEN 'face_uncertain'
    WHEN luck < 45 THEN 'face_checked' ELSE '' END,
  'high', 7, 0, '', at + 30
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n,
  LATERAL (SELECT %(begin)s + (n - %(first)s) * (%(end)s - %(begin)s) / (%(last)s - %(first)s + 1),
    (n * 2654435761) %% 4294967296 / 4294968) AS spread(at, luck)
"""


def fill(size: int, *, now: int) -> Iterator[str]:
    """Put ``size`` crossings into an empty journal, evenly over a year up to ``now``; each month when it is done."""
    from django.db import connection

    from idp.border.records import partitions
    from idp.border.records.months import Month

    lanes = _lanes()
    values: dict[str, Any] = {
        "places": [lane.checkpoint_id for lane in lanes],
        "numbers": [lane.pk for lane in lanes],
        "lanes": len(lanes),
        "travellers": size // TRIPS,
    }
    months = [Month.of(now).shifted(-back) for back in reversed(range(MONTHS))]
    seconds = [min(month.end, now) - month.begin for month in months]
    first = 0
    with connection.cursor() as cursor:
        for month, share in zip(months, seconds, strict=True):
            count, table = size * share // sum(seconds), partitions.table(month)
            cursor.execute(f"CREATE TABLE {table} (LIKE {partitions.TABLE} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
            range_of_time = {"begin": month.begin, "end": month.begin + share}
            cursor.execute(
                _FILL.format(table=table), {**values, **range_of_time, "first": first, "last": first + count - 1}
            )
            bounds = f"FROM ({month.begin}) TO ({month.end})"
            cursor.execute(f"ALTER TABLE {partitions.TABLE} ATTACH PARTITION {table} FOR VALUES {bounds}")
            first += count
            yield str(month)
        cursor.execute(f"VACUUM ANALYZE {partitions.TABLE}")


def _lanes() -> Sequence[Any]:
    """Lanes at checkpoints of different sizes; none has a key, as nobody hands anything in."""
    from idp.border.models import Checkpoint, Lane
    from idp.federation.models import HostedEntity

    places = [place for place, share in enumerate(SHARES) for _ in range(share * LANES // sum(SHARES))]
    hosted = [
        HostedEntity.objects.create(path=f"c{place}", entity_id=f"{AUTHORITY}/checkpoints/c{place}", metadata={})
        for place in range(len(SHARES))
    ]
    made = [
        Checkpoint.objects.create(code=f"c{place}", name={"en": f"C{place}"}, hosted=row, neighbour="CHN")
        for place, row in enumerate(hosted)
    ]
    lanes = [
        Lane(checkpoint=made[place], name=f"lane-{number}", direction="exit" if number % 2 else "entry")
        for number, place in enumerate(places)
    ]
    return Lane.objects.bulk_create(lanes)
