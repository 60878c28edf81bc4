"""Nothing refers to a journal entry by a foreign key any more: what others must know of it, they hold themselves."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

DIRECTIONS = [("entry", "entry"), ("exit", "exit")]
DECISIONS = ["admit", "refer", "refuse", "release", "decline"]

HEADS = """
UPDATE border_lane SET
  journal_seq = (SELECT MAX(seq) FROM border_journalentry e WHERE e.lane_id = border_lane.id),
  journal_hash = (SELECT hash FROM border_journalentry e WHERE e.lane_id = border_lane.id ORDER BY seq DESC LIMIT 1)
WHERE id IN (SELECT lane_id FROM border_journalentry)
"""
CHECKPOINTS = """
UPDATE border_journalentry SET checkpoint_id =
  (SELECT checkpoint_id FROM border_lane l WHERE l.id = border_journalentry.lane_id)
"""
TOKENS = """
INSERT INTO border_admittedtoken (issuer, jti, lane_id, seq, direction, at, received_at)
SELECT issuer, jti, lane_id, seq, direction, at, received_at FROM border_journalentry
WHERE id IN (SELECT MIN(id) FROM border_journalentry WHERE decision = 'admit' GROUP BY issuer, jti)
"""
ALERTS = [
    f"""
UPDATE border_duplicatealert SET {", ".join(
    f"{new} = (SELECT {old} FROM border_journalentry e WHERE e.id = border_duplicatealert.{which}_id)"
    for which in ("first", "second")
    for new, old in [
        *((f"{which}_lane_id", "lane_id"), (f"{which}_seq", "seq")),
        *((f"{which}_direction", "direction"), (f"{which}_at", "at")),
        *((("issuer", "issuer"), ("jti", "jti")) if which == "first" else ()),
    ]
)}"""
]
RECEIPTS = f"""
UPDATE border_outgoingreceipt SET {", ".join(
    f"{new} = (SELECT e.{old} FROM border_journalentry e WHERE e.id = border_outgoingreceipt.entry_id)"
    for new, old in (("token_jti", "jti"), ("seq", "seq"), ("direction", "direction"), ("at", "at"))
)}, lane = (
  SELECT l.name FROM border_journalentry e JOIN border_lane l ON l.id = e.lane_id
  WHERE e.id = border_outgoingreceipt.entry_id
), checkpoint = (
  SELECT h.entity_id FROM border_journalentry e
  JOIN border_lane l ON l.id = e.lane_id
  JOIN border_checkpoint c ON c.id = l.checkpoint_id
  JOIN federation_hostedentity h ON h.id = c.hosted_id
  WHERE e.id = border_outgoingreceipt.entry_id
)
"""


def checked_now(apps, schema_editor):
    """PostgreSQL alters no table whose foreign keys are still to be checked."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        schema_editor.execute("SET CONSTRAINTS ALL DEFERRED")


def added(model, name, field):
    return migrations.AddField(model, name, field, preserve_default=False)


def a_lane(**options):
    return models.ForeignKey("border.lane", models.deletion.PROTECT, related_name="+", **options)


class Migration(migrations.Migration):
    dependencies = [("border", "0003_lane_face_models"), ("federation", "0001_initial")]

    operations = [
        migrations.AddField(
            "lane",
            "journal_seq",
            models.PositiveBigIntegerField(default=0, help_text="The last entry that is recorded"),
        ),
        migrations.AddField(
            "lane",
            "journal_hash",
            models.CharField(blank=True, help_text="Its hash; empty before the first", max_length=43),
        ),
        migrations.RunSQL(HEADS, migrations.RunSQL.noop),
        migrations.AddField("journalentry", "about", models.PositiveBigIntegerField(default=0)),
        migrations.AddField("journalentry", "officers", models.CharField(blank=True, max_length=128)),
        migrations.AddField(
            "journalentry",
            "checkpoint",
            models.ForeignKey(
                "border.checkpoint", models.deletion.PROTECT, related_name="+", db_constraint=False, null=True
            ),
        ),
        migrations.RunSQL(CHECKPOINTS, migrations.RunSQL.noop),
        migrations.RunPython(checked_now, migrations.RunPython.noop),
        migrations.AlterField(
            "journalentry",
            "checkpoint",
            models.ForeignKey("border.checkpoint", models.deletion.PROTECT, related_name="+", db_constraint=False),
        ),
        migrations.AlterField(
            "journalentry",
            "lane",
            models.ForeignKey("border.lane", models.deletion.PROTECT, related_name="entries", db_constraint=False),
        ),
        migrations.RemoveConstraint("journalentry", "border_journal_decision"),
        migrations.AlterField("journalentry", "decision", models.CharField(max_length=7)),
        migrations.AddConstraint(
            "journalentry",
            models.CheckConstraint(condition=Q(decision__in=DECISIONS), name="border_journal_decision"),
        ),
        migrations.CreateModel(
            name="AdmittedToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("issuer", models.CharField(max_length=512)),
                ("jti", models.CharField(max_length=128)),
                ("lane", a_lane(db_constraint=False)),
                ("seq", models.PositiveBigIntegerField()),
                ("direction", models.CharField(choices=DIRECTIONS, max_length=5)),
                ("at", models.BigIntegerField()),
                ("received_at", models.BigIntegerField(db_index=True)),
            ],
        ),
        migrations.RunSQL(TOKENS, migrations.RunSQL.noop),
        migrations.AddConstraint(
            "admittedtoken",
            models.UniqueConstraint(fields=("issuer", "jti"), name="border_token_admitted_once"),
        ),
        added("duplicatealert", "issuer", models.CharField(max_length=512, default="")),
        added("duplicatealert", "jti", models.CharField(max_length=128, default="")),
        *(
            operation
            for which in ("first", "second")
            for operation in (
                added("duplicatealert", f"{which}_lane", a_lane(null=True)),
                added("duplicatealert", f"{which}_seq", models.PositiveBigIntegerField(default=0)),
                added(
                    "duplicatealert",
                    f"{which}_direction",
                    models.CharField(choices=DIRECTIONS, max_length=5, default=""),
                ),
                added("duplicatealert", f"{which}_at", models.BigIntegerField(default=0)),
            )
        ),
        migrations.RunSQL(ALERTS, migrations.RunSQL.noop),
        migrations.RunPython(checked_now, migrations.RunPython.noop),
        migrations.RemoveConstraint("duplicatealert", "border_alert_two_entries"),
        migrations.RemoveField("duplicatealert", "first"),
        migrations.RemoveField("duplicatealert", "second"),
        migrations.AlterField("duplicatealert", "first_lane", a_lane()),
        migrations.AlterField("duplicatealert", "second_lane", a_lane()),
        migrations.AddConstraint(
            "duplicatealert",
            models.UniqueConstraint(fields=("second_lane", "second_seq"), name="border_alert_once"),
        ),
        migrations.AddConstraint(
            "duplicatealert",
            models.CheckConstraint(
                condition=~Q(first_lane=F("second_lane"), first_seq=F("second_seq")), name="border_alert_two_entries"
            ),
        ),
        added("outgoingreceipt", "token_jti", models.CharField(max_length=128, default="")),
        added("outgoingreceipt", "checkpoint", models.CharField(max_length=512, default="")),
        added("outgoingreceipt", "lane", models.CharField(max_length=64, default="")),
        added(
            "outgoingreceipt",
            "seq",
            models.PositiveBigIntegerField(default=0, help_text="Of the entry in the lane's journal"),
        ),
        added("outgoingreceipt", "direction", models.CharField(choices=DIRECTIONS, max_length=5, default="")),
        added("outgoingreceipt", "at", models.BigIntegerField(default=0)),
        migrations.RunSQL(RECEIPTS, migrations.RunSQL.noop),
        migrations.RemoveField("outgoingreceipt", "entry"),
        migrations.AddConstraint(
            "outgoingreceipt",
            models.UniqueConstraint(fields=("checkpoint", "lane", "seq"), name="border_receipt_owed_once"),
        ),
    ]
