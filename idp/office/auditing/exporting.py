"""Events of a search handed out: one ZIP file with each event and its proof, and the same as a table; streamed."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.db import transaction

from idp import conf
from idp.audit import events, reading, tree
from idp.audit.models import LookWords
from idp.federation.models import SignedHead
from idp.office.auditing import proving, searching
from idp.office.auditing.searching import Wanted
from idp.protocol import audit_proof

LINES, TABLE, README = "events.jsonl", "events.csv", "README.txt"
_README = """Events of the audit record of {authority}, proven against its signed tree head over {size} events.

events.jsonl  one JSON object a line: the head, each event with its place and the path to the root (RFC 9162), the end
events.csv    the same events as a table

To check: python manage.py audit check-export FILE.zip --keys KEYS.json --issuer {authority}
KEYS.json is the JWK Set "audit_jwks" in the entity configuration of the authority, signed by its federation keys:
{authority}/.well-known/openid-federation
No database and no network are asked.
"""


class UnableToExport(Exception):
    """There is no signed head yet. The message is for officers."""


@transaction.atomic
def begin(
    *, wanted: Wanted, officer: str, reason: str, case: str = "", words: str = "", now: int
) -> Callable[[], Iterator[bytes]]:
    """Record that ``officer`` exports, and why; what comes back makes the file, piece by piece.

    What is covered ends with the newest signed head. Raises `UnableToExport`, and ValueError for a reason with a fault.
    """
    head = proving.head_at(None)
    if head is None:
        raise UnableToExport("no head is signed yet")
    if fault := reading.fault(reason=reason, case=case, words=words):
        raise ValueError(fault)
    search = _search(wanted)
    data = {"search": search, "events": head.size, "reason": reason, **({"case": case} if case else {})}
    event = events.record(kind="audit.exported", actor=officer, subject=f"head:{head.size}", data=data)
    if words:
        LookWords.objects.create(event_id=event.pk, words=words)
    return lambda: _zip(wanted, head, search, now)


def _search(wanted: Wanted) -> dict[str, Any]:
    return {name: value for name, value in vars(wanted).items() if value not in ("", None)}


def _zip(wanted: Wanted, head: SignedHead, search: dict[str, Any], now: int) -> Iterator[bytes]:
    parts: list[tuple[str, Iterable[bytes]]] = [
        (README, [_README.format(authority=conf.authority().entity_id, size=head.size).encode()]),
        (LINES, _lines(wanted, head, search, now)),
        (TABLE, _table(wanted, head)),
    ]
    written = _Written()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[arg-type]  # it only writes
        for name, pieces in parts:
            with archive.open(name, "w", force_zip64=True) as file:
                for piece in pieces:
                    file.write(piece)
                    yield written.taken()
    yield written.taken()


def _lines(wanted: Wanted, head: SignedHead, search: dict[str, Any], now: int) -> Iterator[bytes]:
    first = {"authority": conf.authority().entity_id, "head": head.text, "search": search, "made_at": now}
    yield _line(first)
    prove, count = tree.prover(head.size), 0
    for event in searching.every(wanted, below=head.size):
        yield _line(proving.inclusion(event, head.size, prove))
        count += 1
    yield _line({"events": count})


def _table(wanted: Wanted, head: SignedHead) -> Iterator[bytes]:
    yield _cells(audit_proof.COLUMNS)
    for event in searching.every(wanted, below=head.size):
        fields = audit_proof.fields_of(proving.text_of(event))
        yield _cells(audit_proof.row(fields, event.sealed.index))


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def _cells(cells: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


class _Written:
    """A file that cannot be gone back in: what was written since it was last taken."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing waits."""

    def taken(self) -> bytes:
        found = b"".join(self._pieces)
        self._pieces.clear()
        return found
