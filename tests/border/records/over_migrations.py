"""``python -m tests.border.records.over_migrations NOW``: a database is filled as it was before, migrated, and read.

A program of its own, because the test's own database is migrated already. Prints what was found, as JSON.
"""

import json
import os
import sys
from typing import Any

import django

BEFORE, AFTER = "0003_lane_face_models", "0021_issuance_and_delays"


def main(now: int) -> None:
    """With `DATABASE_URL` an empty database."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    def models(migration: str) -> Any:
        call_command("migrate", "border", migration, verbosity=0)
        return MigrationExecutor(connection).loader.project_state([("border", migration)]).apps.get_model

    fill(models(BEFORE), now)
    print(json.dumps(read(models(AFTER), now)))  # noqa: T201


def fill(model: Any, now: int) -> None:
    """One token admitted at two lanes, a receipt that is owed for it, an entry by a clock from 1970."""
    entity_id = "https://hk.example/checkpoints/a"
    hosted = model("federation", "HostedEntity").objects.create(entity_id=entity_id, path="a", metadata={})
    place = model("border", "Checkpoint").objects.create(code="a", name={}, hosted=hosted, neighbour="CHN")
    one, two = (
        model("border", "Lane").objects.create(checkpoint=place, name=name, direction="entry") for name in ("1", "2")
    )

    def entry(lane: Any, seq: int, at: int, jti: str, decision: str = "admit") -> Any:
        facts = {"issuer": "https://cn.example", "subject": "s", "direction": "entry", "bundle_serial": 1}
        chain = {"prev": f"p{seq}", "hash": f"h{seq}", "received_at": at + 5}
        return model("border", "JournalEntry").objects.create(
            lane=lane, seq=seq, at=at, jti=jti, decision=decision, **facts, **chain
        )

    first = entry(one, 1, now, "twice")
    entry(one, 2, 7, "old", "refuse")
    second = entry(two, 1, now + 60, "twice")
    model("border", "DuplicateAlert").objects.create(first=first, second=second, raised_at=now + 70)
    model("border", "OutgoingReceipt").objects.create(entry=first, recipient="https://cn.example", next_attempt_at=1)


def read(model: Any, now: int) -> dict[str, Any]:
    """What has come of it, and that the journal goes on."""
    from idp.border.records import partitions

    partitions.prepare_ahead(now=now)
    entries = model("border", "JournalEntry").objects
    last = entries.order_by("id").last()
    last.pk, last.seq = None, 2
    last.save(force_insert=True)
    alert = model("border", "DuplicateAlert").objects.get()
    receipt = model("border", "OutgoingReceipt").objects.get()
    token = model("border", "AdmittedToken").objects.get()
    lanes = model("border", "Lane").objects.order_by("name")
    return {
        "entries": [[row.checkpoint.code, row.lane.name, row.seq, row.at, row.jti] for row in entries.order_by("id")],
        "heads": [[lane.journal_seq, lane.journal_hash] for lane in lanes],
        "token": [token.issuer, token.jti, token.lane.name, token.seq],
        "alert": [alert.jti, alert.first_lane.name, alert.first_seq, alert.second_lane.name, alert.second_at],
        "receipt": [receipt.token_jti, receipt.checkpoint, receipt.lane, receipt.seq, receipt.direction, receipt.at],
        "months": list(map(str, partitions.months())),
    }


if __name__ == "__main__":
    main(int(sys.argv[1]))
