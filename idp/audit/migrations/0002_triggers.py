"""The database itself refuses to change the record.

SQLite has no TRUNCATE, so a test database is emptied by DELETE; there, an event may go until it is sealed, and leaves
and heads never.
"""

from django.db import migrations

EVENT, LEAF, HEAD = "audit_auditevent", "audit_sealedevent", "audit_treehead"
SEALED = f" WHEN EXISTS (SELECT 1 FROM {LEAF} WHERE event_id = OLD.id)"

SQLITE = [
    statement
    for table in (EVENT, LEAF, HEAD)
    for statement in (
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}"
        " BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}{SEALED if table == EVENT else ''}"
        " BEGIN SELECT RAISE(ABORT, 'audit rows are never deleted'); END",
    )
]
POSTGRESQL = [
    "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'audit rows are never changed' USING ERRCODE = 'integrity_constraint_violation'; END $$",
    *(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION audit_refuse()"
        for table in (EVENT, LEAF, HEAD)
    ),
]
DROP_SQLITE = [
    f"DROP TRIGGER {table}_{what}" for table in (EVENT, LEAF, HEAD) for what in ("no_update", "no_delete")
]
DROP_POSTGRESQL = [f"DROP TRIGGER {table}_append_only ON {table}" for table in (EVENT, LEAF, HEAD)]
DROP_POSTGRESQL.append("DROP FUNCTION audit_refuse()")


def _run(schema_editor, by_vendor):
    for statement in by_vendor.get(schema_editor.connection.vendor, []):
        schema_editor.execute(statement)


def create(apps, schema_editor):
    _run(schema_editor, {"sqlite": SQLITE, "postgresql": POSTGRESQL})


def drop(apps, schema_editor):
    _run(schema_editor, {"sqlite": DROP_SQLITE, "postgresql": DROP_POSTGRESQL})


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
