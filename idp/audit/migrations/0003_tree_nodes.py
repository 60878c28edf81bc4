"""What waits for its seal, and the roots of full subtrees: both are derived from rows that are there already."""

import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
from django.db import migrations, models

from idp.protocol import merkle

EVENT, WAITING, NODE = "audit_auditevent", "audit_unsealedevent", "audit_treenode"
SQLITE = [
    f"CREATE TRIGGER {EVENT}_waits AFTER INSERT ON {EVENT}"
    f" BEGIN INSERT INTO {WAITING} (event_id) VALUES (NEW.id); END",
    f"CREATE TRIGGER {NODE}_no_update BEFORE UPDATE ON {NODE}"
    " BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END",
    f"CREATE TRIGGER {NODE}_no_delete BEFORE DELETE ON {NODE}"
    " BEGIN SELECT RAISE(ABORT, 'audit rows are never deleted'); END",
]
POSTGRESQL = [
    "CREATE FUNCTION audit_wait() RETURNS trigger LANGUAGE plpgsql AS"
    f" $$ BEGIN INSERT INTO {WAITING} (event_id) VALUES (NEW.id); RETURN NULL; END $$",
    f"CREATE TRIGGER {EVENT}_waits AFTER INSERT ON {EVENT} FOR EACH ROW EXECUTE FUNCTION audit_wait()",
    f"CREATE TRIGGER {NODE}_append_only BEFORE UPDATE OR DELETE ON {NODE}"
    " FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
]
DROP_SQLITE = [f"DROP TRIGGER {EVENT}_waits", f"DROP TRIGGER {NODE}_no_update", f"DROP TRIGGER {NODE}_no_delete"]
DROP_POSTGRESQL = [
    f"DROP TRIGGER {EVENT}_waits ON {EVENT}",
    "DROP FUNCTION audit_wait()",
    f"DROP TRIGGER {NODE}_append_only ON {NODE}",
]
BATCH = 1000


def _run(schema_editor, by_vendor):
    for statement in by_vendor.get(schema_editor.connection.vendor, []):
        schema_editor.execute(statement)


def fill(apps, schema_editor):
    leaves, nodes = apps.get_model("audit", "SealedEvent"), apps.get_model("audit", "TreeNode")
    waiting = apps.get_model("audit", "UnsealedEvent")
    unsealed = apps.get_model("audit", "AuditEvent").objects.filter(sealed=None).values_list("pk", flat=True)
    waiting.objects.bulk_create((waiting(event_id=pk) for pk in unsealed.iterator()), batch_size=BATCH)
    frontier, rows = merkle.Frontier(), []
    for index, leaf in leaves.objects.order_by("index").values_list("index", "leaf_hash").iterator(chunk_size=BATCH):
        full = frontier.append(bytes(leaf))
        rows += [nodes(level=level, index=index >> level, hash=full[level]) for level in range(8, len(full), 8)]
    nodes.objects.bulk_create(rows, batch_size=BATCH)


def create(apps, schema_editor):
    _run(schema_editor, {"sqlite": SQLITE, "postgresql": POSTGRESQL})


def drop(apps, schema_editor):
    _run(schema_editor, {"sqlite": DROP_SQLITE, "postgresql": DROP_POSTGRESQL})


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0002_triggers'),
    ]

    operations = [
        migrations.CreateModel(
            name='UnsealedEvent',
            fields=[
                ('event', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='unsealed', serialize=False, to='audit.auditevent')),
            ],
        ),
        migrations.CreateModel(
            name='TreeNode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('level', models.PositiveSmallIntegerField()),
                ('index', models.PositiveBigIntegerField()),
                ('hash', models.BinaryField(max_length=32)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('level', 'index'), name='audit_node_once'), models.CheckConstraint(condition=models.Q(('level__in', [8, 16, 24, 32, 40, 48, 56])), name='audit_node_level'), models.CheckConstraint(condition=django.db.models.lookups.Exact(django.db.models.functions.text.Length('hash'), 32), name='audit_node_hash_length')],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunPython(create, drop),
    ]
