"""Each search of the audit has an index that gives its events in the order in which they are shown.

The indexes of single columns go by name, because SQLite alters a column by making the table anew, without its triggers.
"""

from django.db import migrations, models

BEFORE = ("kind", "subject", "at")


def drop(apps, schema_editor):
    table = apps.get_model("audit", "AuditEvent")._meta.db_table
    with schema_editor.connection.cursor() as cursor:
        found = schema_editor.connection.introspection.get_constraints(cursor, table)
    for name, facts in found.items():
        single = facts["index"] and len(facts["columns"]) == 1 and facts["columns"][0] in BEFORE
        if single and not facts["unique"] and not facts["primary_key"]:
            schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(name)}")


def create(apps, schema_editor):
    model = apps.get_model("audit", "AuditEvent")
    for name in BEFORE:
        schema_editor.execute(schema_editor._create_index_sql(model, fields=[model._meta.get_field(name)]))


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_looks")]
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField("auditevent", "at", models.BigIntegerField()),
                migrations.AlterField("auditevent", "kind", models.CharField(max_length=64)),
                migrations.AlterField("auditevent", "subject", models.CharField(blank=True, max_length=255)),
            ],
            database_operations=[migrations.RunPython(drop, create)],
        ),
        *(
            migrations.AddIndex("auditevent", models.Index(fields=fields, name=f"audit_event_{name}"))
            for name, fields in [
                ("latest", ["at", "id"]),
                ("kind", ["kind", "at", "id"]),
                ("actor", ["actor", "at", "id"]),
                ("subject", ["subject", "at", "id"]),
            ]
        ),
    ]
