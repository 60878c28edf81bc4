"""A node that has recorded crossings comes over the migrations with all of them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parents[3]
NAME = "border_over_migrations"


@contextmanager
def empty_database(folder: Path) -> Iterator[str]:
    """The URL of a new database of the kind that the tests run on."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{folder}/node.sqlite3"
        return
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {NAME}")
        try:
            yield urlunsplit(urlsplit(url)._replace(path=f"/{NAME}"))
        finally:
            server.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


@pytest.mark.usefixtures("shared_database")
def test_everything_recorded_is_there_afterwards(tmp_path: Path, now: int) -> None:
    """Entries lose their checkpoint or their month, receipts and alerts what they pointed at, lanes their place."""
    with empty_database(tmp_path) as url:
        command = [sys.executable, "-m", "tests.border.records.over_migrations", str(now)]
        environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    rows = [["a", "1", 1, now, "twice"], ["a", "1", 2, 7, "old"], ["a", "2", 1, now + 60, "twice"]]
    assert found["entries"] == [*rows, ["a", "2", 2, now + 60, "twice"]]
    assert found["heads"] == [[2, "h2"], [1, "h1"]]
    assert found["token"] == ["https://cn.example", "twice", "1", 1]
    assert found["alert"] == ["twice", "1", 1, "2", now + 60]
    assert found["receipt"] == ["twice", "https://hk.example/checkpoints/a", "1", 1, "entry", now]
    assert found["months"] == ([] if connection.vendor == "sqlite" else ["2027-01", "2027-02", "2027-03"])
