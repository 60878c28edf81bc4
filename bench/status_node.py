"""A node with large status lists and many tokens as `bench.status` measures it: ``python -m bench.status_node``.

A program of its own, because Django is set up once in a process. Environment: that of a node, and `SIZES`, JSON. Prints
milliseconds, as JSON.
"""

import json
import os
import random
import statistics
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import django

SHARE = 100  # one of so many is set
ENDED = 100  # phones
ROUNDS, LOOKUPS = 5, 10_000


def main() -> int:
    """Make everything, measure, and print."""
    django.setup()
    from django.core.management import call_command

    asked = json.loads(os.environ["SIZES"])
    call_command("migrate", verbosity=0)
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        call_command("federation", "init", stdout=nowhere)
    lists = [_list(size, full=asked["full"]) for size in asked["lists"]]
    print(json.dumps({"lists": lists, "looks": _looks(asked["tokens"])}))
    return 0


def _medians(**calls: Callable[[int], object]) -> dict[str, float]:
    """Milliseconds of each of ``calls``, which take turns."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(ROUNDS):
        for name, call in calls.items():
            begun = time.perf_counter()
            call(number)
            times[name].append(1000 * (time.perf_counter() - begun))
    return {f"{name}_ms": round(statistics.median(taken), 4) for name, taken in times.items()}


def _list(size: int, *, full: bool) -> dict[str, float]:
    from idp.federation import signing, status_lists
    from idp.federation.models import StatusList
    from idp.protocol import strict_json
    from idp.protocol.jws import LocalSigner
    from idp.protocol.status_list import verify_status_list

    now = int(time.time())
    row = StatusList.objects.create(
        name=f"list-{size}", hour=now - now % 3600 - 3600 * size, part=0, size=size, last_expiry=now + 86_400
    )
    _entries(row.pk, size, full=full)
    uri, key = status_lists.uri_of(row), signing.private_key("status")
    text, own = status_lists.published(uri, now), signing.published("status")
    verified = verify_status_list(text, keys=own, uri=uri, now=now)
    array, signer = verified.statuses.tobytes(), LocalSigner(key)
    if sum(byte.bit_count() for byte in array) != size // SHARE:
        raise RuntimeError("not what was put into the database")
    places = [random.randrange(size) for _ in range(LOOKUPS)]
    found = _medians(
        publish=lambda number: status_lists.published(uri, now + status_lists.TTL * (number + 1)),
        bare=lambda _: signer.sign(strict_json.b64encode(zlib.compress(array, level=9)).encode()),
        verify=lambda _: verify_status_list(text, keys=own, uri=uri, now=now),
        lookup=lambda _: [verified.get(idx) for idx in places],
    )
    return {**found, "lookup_ms": round(found["lookup_ms"] / LOOKUPS, 6), "bytes": len(text)}


def _entries(pk: int, size: int, *, full: bool) -> None:
    """One of `SHARE` set, each at a random place of its hundred; the others too where all are wanted."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO federation_statusentry (status_list_id, idx, value) "
            "SELECT %s, n * %s + floor(random() * %s)::int, 1 FROM generate_series(0, %s) n",
            [pk, SHARE, SHARE, size // SHARE - 1],
        )
        if full:
            cursor.execute(
                "INSERT INTO federation_statusentry (status_list_id, idx, value) "
                "SELECT %s, n, 0 FROM generate_series(0, %s) n ON CONFLICT DO NOTHING",
                [pk, size - 1],
            )
        cursor.execute("VACUUM ANALYZE federation_statusentry")


def _looks(counts: Sequence[int]) -> list[float]:
    """Milliseconds of a look for orphans at each number of living tokens."""
    from django.db import connection

    from idp.border import orphans

    now = int(time.time())
    template = _token(now)
    found, have = [], 1
    for count in counts:
        _multiply(template, have, count)
        have = count
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE border_issuedtoken")
        found.append(_medians(look=lambda _: orphans.follow(now=now))["look_ms"])
    return found


def _token(now: int) -> Any:
    """One token of a traveller, and phones of another that were revoked today."""
    import datetime

    from bench.journal_node import _document
    from idp.accounts.models import Account, Device, Traveller
    from idp.border.models import IssuedToken

    people = [Traveller.objects.create(account=Account.objects.create_user(name)) for name in ("one", "two")]
    document = _document(1, people[0])
    document.save()
    today = datetime.datetime.fromtimestamp(now - 600, tz=datetime.UTC)
    Device.objects.bulk_create(
        Device(traveller=people[1], jkt=f"{number:043d}", name="phone", revoked_at=today) for number in range(ENDED)
    )
    return IssuedToken.objects.create(
        jti="template",
        traveller=people[0],
        document=document,
        grant_id="g",
        device_jkt="d",
        holder_jkt="h",
        checkpoint="c",
        authority="a",
        direction="entry",
        territory="HKG",
        form="cwt",
        face_model="m",
        issued_at=now - 60,
        expires_at=now + 1800,
        status_uri="u",
        status_idx=0,
    )


def _multiply(template: Any, have: int, wanted: int) -> None:
    """Rows like ``template`` until there are ``wanted``, each on a phone of its own."""
    from django.db import connection

    own = {"jti": "'t' || n", "device_jkt": "'d' || n", "grant_id": "'g' || n", "status_idx": "n"}
    columns = [field.column for field in template._meta.concrete_fields if field.column != "id"]
    values = ", ".join(own.get(column, f"t.{column}") for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO border_issuedtoken ({', '.join(columns)}) "  # noqa: S608  constants
            f"SELECT {values} FROM border_issuedtoken t, generate_series(%s, %s) n WHERE t.id = %s",
            [have, wanted - 1, template.pk],
        )


if __name__ == "__main__":
    sys.exit(main())
