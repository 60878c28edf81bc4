"""Somebody has the database and every file but those of the key directory (ISO/IEC 24745): no face opens, no two rows
of one person look alike, and what was revoked opens for nobody, not even for the authority."""

import itertools
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings as django_settings
from django.db import connection

from idp import conf
from idp.accounts import documents
from idp.accounts.models import TravelDocument, Traveller
from idp.biometrics import handover, references, rewrapping, vault
from idp.biometrics.engine import Template
from idp.biometrics.models import Capture, FaceReference, Job, Portrait
from tests.biometrics.world import burst, document, portrait, traveller
from tests.conftest import NOW

TEMPLATE = Template("m-1", "q8", bytes(range(128)))
RECOGNISABLE = 12  # bytes that nobody gets right by chance


@pytest.fixture
def people(holder: Traveller) -> list[TravelDocument]:
    """Two documents of one person, in two accounts, with everything that the node may have of a face."""
    made = []
    for person, number in ((holder, "A1234563"), (traveller("siu"), "B7654321")):
        paper = document(number, person=None)
        documents.link(document=paper, traveller=person, actor="worker")
        paper.refresh_from_db()
        sealed = vault.seal(portrait(0), kind="portrait", owner=paper.pk)
        Portrait.objects.create(document=paper, sealed=sealed, imported_at=NOW)
        references.keep(traveller=person, document=paper, template=TEMPLATE, now=NOW)
        job = Job.objects.create(traveller=person, document=paper, state="review", created_at=NOW)
        for place, frame in enumerate(burst(0)):
            sealed = vault.seal(frame, kind="capture", owner=job.pk)
            Capture.objects.create(job=job, number=place, sealed=sealed)
        made.append(paper)
    return made


def dump() -> Iterator[object]:
    """Every value of every row of every table."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608  its own names
            for row in cursor.fetchall():
                yield from row


def loot() -> list[bytes]:
    """The dump, and the files of the node that are not in its key directory."""
    node = conf.authority()
    files = [path for path in node.data_dir.rglob("*") if path.is_file() and node.key_dir not in path.parents]
    values = [value if isinstance(value, bytes) else str(value).encode() for value in map(_plain, dump())]
    return [*values, *(path.read_bytes() for path in files)]


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview | bytearray) else value


def rows() -> list[tuple[bytes, dict[str, Any]]]:
    """Every sealed row, and what it is bound to, which the thief can read beside it."""
    return [(bytes(row.sealed), room.bound(row)) for room in rewrapping.ROOMS for row in room.rows.all()]


def test_no_picture_and_no_template_lies_in_clear(people: list[TravelDocument]) -> None:
    everything = b"\0".join(loot())
    assert len(rows()) == 4 + 2 * len(burst(0))
    for face in (portrait(0), *burst(0), TEMPLATE.data):
        for start in range(0, len(face) - RECOGNISABLE, 257):
            piece = face[start : start + RECOGNISABLE]
            if len(set(piece)) > 4:  # not a run of equal bytes, as files have them everywhere
                assert piece not in everything
    assert b"JFIF" not in everything and b"\x89PNG" not in everything


def test_a_program_with_another_key_opens_none_of_it(
    people: list[TravelDocument], settings: Any, tmp_path: Path
) -> None:
    stolen = rows()
    settings.IDP_KEY_DIR = tmp_path / "keys"  # the thief's own, made on first use
    for sealed, bound in stolen:
        with pytest.raises(vault.DoesNotOpen):
            vault.unseal(sealed, **bound)


def test_nothing_that_was_stolen_is_a_key(people: list[TravelDocument]) -> None:
    """A key in a column, a setting or a file beside the database would open everything."""
    found = {value[start : start + 32] for value in loot() for start in (0, len(value) - 32) if len(value) >= 32}
    found |= {value[start : start + 32] for value in loot() if 32 <= len(value) <= 256 for start in range(len(value))}
    candidates = [key for key in found if len(key) == 32]
    assert len(candidates) > 100
    sealed, _ = rows()[0]
    wrapped, body = sealed[9 : vault.HEAD_BYTES], sealed[vault.HEAD_BYTES :]
    for key in candidates:
        with pytest.raises(keywrap.InvalidUnwrap):
            keywrap.aes_key_unwrap(key, wrapped)
        with pytest.raises(InvalidTag):
            AESGCM(key).decrypt(body[:12], body[12:], None)


def test_with_its_key_directory_the_same_loot_opens(
    people: list[TravelDocument], settings: Any, tmp_path: Path
) -> None:
    """Else the tests above would hold for anything that is no seal at all."""
    copy = shutil.copytree(conf.authority().key_dir, tmp_path / "keys")
    settings.IDP_KEY_DIR = copy
    opened = [vault.unseal(sealed, **bound) for sealed, bound in rows()]
    assert {*opened} == {portrait(0), *burst(0), TEMPLATE.data}


def likeness(one: bytes, other: bytes) -> float:
    """The part of bits that are equal."""
    different = (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()
    return 1 - different / (8 * len(one))


def test_rows_of_one_person_look_no_more_alike_than_any_others(holder: Traveller, settings: Any) -> None:
    """Unlinkability at rest (ISO/IEC 24745): nothing in a row but its table's columns tells whose face it is."""
    settings.IDP_FACE_STORAGE = "device"
    for number in range(24):
        paper = document(f"C76543{number:02}", person=None)
        documents.link(document=paper, traveller=holder, actor="worker")
        paper.refresh_from_db()
        face = TEMPLATE.data if number < 12 else bytes([number]) * 128
        references.keep(traveller=holder, document=paper, template=Template("m-1", "q8", face), now=NOW)
    kept = list(FaceReference.objects.order_by("document__number"))
    assert len({(len(row.sealed), bytes(row.sealed)[:9], row.profile) for row in kept}) == 1, "the rest is random"
    bodies = [bytes(row.sealed)[9:] for row in kept]
    same = [likeness(*pair) for pair in itertools.combinations(bodies[:12], 2)]
    others = [likeness(one, other) for one in bodies[:12] for other in bodies[12:]]
    for found in (same, others):
        assert abs(sum(found) / len(found) - 0.5) < 0.01  # of 80,000 bits and more: sixteen times the deviation
    handover.sweep(now=NOW + references.WAITING)
    assert len({row.digest for row in FaceReference.objects.all()}) == 24, "nor does the digest of what a phone keeps"


def test_what_was_revoked_opens_for_nobody(people: list[TravelDocument]) -> None:
    """One DELETE, and not even the authority with all its keys has the template; the other document's is untouched."""
    first, second = people
    sealed = bytes(FaceReference.objects.get(document=first).sealed)
    references.revoke(document=first, actor="account:7")
    everything = b"\0".join(loot())
    assert sealed[9 : vault.HEAD_BYTES] not in everything, "its data key is gone"
    opened = [vault.unseal(found, **bound) for found, bound in rows()]
    assert opened.count(TEMPLATE.data) == 1 and references.template_for(second, ["m-1"]) == TEMPLATE
    assert references.template_for(first, ["m-1"]) is None


def test_what_was_deleted_is_overwritten_in_the_file(tmp_path: Path) -> None:
    """SQLite leaves deleted rows in its file unless it is told not to: a revoked key could be read there."""
    options = django_settings.DATABASES["default"]["OPTIONS"]
    place, secret = tmp_path / "node.sqlite3", b"a wrapped data key that is no more"
    database = sqlite3.connect(place)
    database.execute("PRAGMA secure_delete=OFF")  # some systems build SQLite with it on
    database.executescript(options["init_command"])
    database.execute("CREATE TABLE face (sealed BLOB)")
    database.executemany("INSERT INTO face VALUES (?)", [(secret,), (b"another",)])
    database.commit()
    database.execute("DELETE FROM face WHERE sealed = ?", (secret,))
    database.commit()
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    assert secret not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
