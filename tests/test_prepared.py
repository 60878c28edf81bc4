"""A statement without a cursor does what one with a cursor does, also where the connection is not what it was."""

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from psycopg import IsolationLevel

from idp import prepared

ECHO = "SELECT $1::text, $2::int + 1, NULL::text"

INSERT = "INSERT INTO oidc_usedonce (kind, key_hash, expires_at) VALUES ($1, $2, $3) RETURNING key_hash"


@pytest.fixture(autouse=True)
def on_postgresql(request: pytest.FixtureRequest) -> None:
    """Each test asks for its kind of database; SQLite has nothing of this."""
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL only")


def test_rows_are_text_and_null_is_none(transactional_db: None) -> None:
    """A value that is taken for part of the statement, or a NULL for an empty text."""
    for _ in range(2):
        assert prepared.run(ECHO, ["'; DROP TABLE x; --", 1]) == [("'; DROP TABLE x; --", "2", None)]
    assert prepared.run("SELECT 1 WHERE false", []) == []


def test_each_statement_is_prepared_once(transactional_db: None) -> None:
    """Planning costs more than running it."""
    for _ in range(3):
        prepared.run(ECHO, ["a", 1])
        prepared.run("SELECT 7", [])
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement = ANY(%s)", [[ECHO, "SELECT 7"]])
        assert cursor.fetchone() == (2,)


def test_it_belongs_to_a_transaction_that_is_open(transactional_db: None) -> None:
    """What is rolled back was not written."""
    with transaction.atomic():
        assert prepared.run(INSERT, ["dpop", "a", 1]) == [("a",)]
        transaction.set_rollback(True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM oidc_usedonce")
        assert cursor.fetchone() == (0,)


def test_errors_are_djangos(transactional_db: None) -> None:
    """Whoever catches `DatabaseError` must catch these, and the connection is good afterwards."""
    with pytest.raises(IntegrityError):
        prepared.run(INSERT.replace("$2", "NULL").replace("$3", "1"), ["dpop"])
    with pytest.raises(DatabaseError):
        prepared.run("SELECT nothing", [])
    assert prepared.run(ECHO, ["a", 1])[0][0] == "a"


@pytest.mark.parametrize(
    "meanwhile",
    ["DEALLOCATE ALL", "ALTER TABLE prepared_trial ADD COLUMN more int"],
    ids=["forgotten by a pooler", "planned for another table"],
)
def test_a_statement_that_is_no_good_any_more_is_prepared_again(transactional_db: None, meanwhile: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE prepared_trial (a int)")
        try:
            prepared.run(ECHO, ["a", 1])
            prepared.run("SELECT * FROM prepared_trial", [])
            cursor.execute(meanwhile)
            assert prepared.run("SELECT * FROM prepared_trial", []) == []
            assert prepared.run(ECHO, ["a", 1])[0][1] == "2"
        finally:
            cursor.execute("DROP TABLE prepared_trial")


def test_a_dead_connection_is_replaced_once(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL was started again between two requests: nobody should notice."""
    prepared.run(ECHO, ["a", 1])
    connection.connection.close()
    monkeypatch.setattr(connection, "health_check_done", False)
    assert prepared.on_trial(lambda: prepared.run(ECHO, ["a", 1]))[0][0] == "a"
    connection.connection.close()
    with pytest.raises(OperationalError):  # in the middle of a request
        prepared.on_trial(lambda: prepared.run(ECHO, ["a", 1]))
    connection.close()


def test_transaction_of_another_isolation_stays_so(transactional_db: None) -> None:
    """An operator's setting, which the driver puts into the statement that begins a transaction."""
    connection.ensure_connection()
    connection.connection.isolation_level = IsolationLevel.SERIALIZABLE
    try:
        with transaction.atomic():
            assert prepared.run("SELECT current_setting('transaction_isolation')", []) == [("serializable",)]
    finally:
        connection.connection.isolation_level = None
