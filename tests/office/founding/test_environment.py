"""The environment file is read by shells, by systemd and by us, and all read the same."""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.office.founding import environment
from idp.office.founding.answers import UnableToFound

ROOT = Path(__file__).resolve().parents[3]


def options(**given: Any) -> argparse.Namespace:
    return argparse.Namespace(**{"file": None, "environment": None, "insecure_loopback_http": False, **given})


def nobody(text: str) -> str:
    raise AssertionError(f"nobody was to be asked: {text}")


def toml(folder: Path, **members: str) -> Path:
    facts = {
        "entity_id": "https://idp.hk.example",
        "jurisdiction": "HKG",
        "contact": "duty@idp.hk.example",
        "data_dir": str(folder / "data"),
        **members,
    }
    path = folder / "answers.toml"
    lines = "".join(f'{name} = "{value}"\n' for name, value in facts.items())
    path.write_text(lines + '[name]\nen = "Hong Kong\'s"\n')
    return path


def prepared(folder: Path, environ: dict[str, str] | None = None, **members: str) -> dict[str, str]:
    known = {} if environ is None else environ
    wanted = options(file=toml(folder, **members), environment=folder / "node.env")
    environment.prepare(wanted, known, ask=nobody, say=nobody)
    return known


def test_the_file_is_for_its_owner_alone_and_a_shell_reads_what_we_read(tmp_path: Path) -> None:
    known = prepared(tmp_path)
    file = tmp_path / "node.env"
    assert file.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "data/keys").stat().st_mode & 0o777 == 0o700
    shell = subprocess.run(
        [
            "sh",
            "-c",
            f"set -a; . {file}; exec {sys.executable} -c 'import os, json; print(json.dumps(dict(os.environ)))'",
        ],
        env={},
        capture_output=True,
        check=True,
    )
    import json

    seen = json.loads(shell.stdout)
    assert known == environment.read(file)
    assert {name: seen[name] for name in known} == known
    assert json.loads(seen["CAUSEWAY_NAME"]) == {"en": "Hong Kong's"}


def test_a_password_stands_in_a_file_beside_the_keys_and_not_in_the_environment(tmp_path: Path) -> None:
    known = prepared(tmp_path, database="postgres://node:s3cret@db.example/node", broker="redis://broker.example/0")
    assert "DATABASE_URL" not in known
    kept = Path(known["DATABASE_URL_FILE"])
    assert kept.parent == tmp_path / "data/keys"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.read_text().strip() == "postgres://node:s3cret@db.example/node"
    assert known["CELERY_BROKER_URL"] == "redis://broker.example/0"
    assert "s3cret" not in (tmp_path / "node.env").read_text()
    prepared(tmp_path, database="postgres://node:s3cret@db.example/node", broker="redis://broker.example/0")


def test_a_second_run_reads_the_file_and_writes_nothing(tmp_path: Path) -> None:
    prepared(tmp_path)
    file = tmp_path / "node.env"
    file.write_text(file.read_text() + "LOG_LEVEL=INFO\n")
    before = file.read_bytes()
    assert prepared(tmp_path)["LOG_LEVEL"] == "INFO"
    assert file.read_bytes() == before


def test_a_founded_node_does_not_become_another_by_an_answer(tmp_path: Path) -> None:
    prepared(tmp_path)
    known: dict[str, str] = {}
    with pytest.raises(UnableToFound, match="CAUSEWAY_ENTITY_ID is another"):
        prepared(tmp_path, known, entity_id="https://idp.mo.example")
    assert known == {}
    with pytest.raises(UnableToFound, match="in the environment"):
        environment.prepare(
            options(file=toml(tmp_path)), {"CAUSEWAY_ENTITY_ID": "https://idp.cn.example"}, ask=nobody, say=nobody
        )


def test_a_refused_answer_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(UnableToFound):
        prepared(tmp_path, jurisdiction="XXX")
    assert [path.name for path in tmp_path.iterdir()] == ["answers.toml"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnableToFound, match="file"):
        prepared(tmp_path, data_dir=str(tmp_path / "file/data"))


@pytest.mark.parametrize("line", ["export A='b'", "A=$HOME", "A=`id`", "A='b' c", "a='b'", "A='b\\'c'", 'A="b"'])
def test_what_a_shell_would_read_otherwise_is_refused(tmp_path: Path, line: str) -> None:
    file = tmp_path / "node.env"
    file.write_text(f"# remark\n\n{line}\n")
    with pytest.raises(UnableToFound, match="line 3"):
        environment.read(file)


@given(st.text(st.characters(exclude_characters="'", exclude_categories=["Cc", "Cs", "Zl", "Zp"])).map(str.strip))
def test_whatever_is_written_is_read_again(value: str) -> None:
    match = environment._LINE.fullmatch(f"A='{value}'")
    assert match is not None
    assert match["quoted"] == value


def test_the_command_says_what_it_lacks_before_django_makes_anything(tmp_path: Path) -> None:
    """Django's settings make a secret key where they are read, in the folder of a node that nobody named."""
    bare = {"PATH": os.environ["PATH"], "CAUSEWAY_DATA_DIR": str(tmp_path / "data")}
    ended = subprocess.run(
        [sys.executable, "manage.py", "authority", "init"], cwd=ROOT, env=bare, capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert "--environment FILE" in ended.stderr
    assert not (tmp_path / "data").exists()
