"""Events of an audit record with the proof that they are in it, as files that public keys alone can check.

A proof is a JSON object: ``event`` (the text that is the leaf's data: a JSON array of number, kind, actor, subject,
data and time), ``index``, ``proof`` (RFC 9162 §2.1.3.1, base64url) and ``head`` (a signed tree head).
An export is JSON Lines: first ``{"authority", "head", "search", "made_at"}``, then ``{"event", "index", "proof"}`` for
each event, last ``{"events": n}``, so that a file that was cut does not pass. Beside it are the same events as CSV.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idp.protocol import merkle, strict_json, tree_head
from idp.protocol.keys import KeySet
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.tree_head import TreeHead

COLUMNS = ("leaf", "event", "kind", "actor", "subject", "data", "at")
MAX_LINE = 65_536  # bytes of one event with its proof
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Proven:
    """An event that is in the record which ``head`` is over. ``fields``: number, kind, actor, subject, data, time."""

    fields: Sequence[Any]
    index: int
    head: TreeHead


@dataclass(frozen=True)
class Checked:
    """How many events of an export are proven, and by which head."""

    events: int
    head: TreeHead


def verify(value: Mapping[str, Any], *, keys: KeySet, issuer: str, now: int) -> Proven:
    """Verify one proof by the audit keys of ``issuer``. Raises `Refusal`."""
    head = tree_head.verify_tree_head(
        strict_json.string(value, "head", max_length=4096), keys=keys, issuer=issuer, now=now
    )
    return _proven(value, head)


def check_export(lines: Iterable[bytes], table: Iterable[str], *, keys: KeySet, issuer: str, now: int) -> Checked:
    """Verify a whole export: each event's proof, their order, that none is missing at the end, and the CSV beside it.

    Raises `Refusal`.
    """
    parsed = (strict_json.loads_object(line, max_bytes=MAX_LINE) for line in lines)
    first = next(parsed, None)
    if first is None:
        raise Refusal(Reason.MALFORMED, "an empty export")
    head = tree_head.verify_tree_head(
        strict_json.string(first, "head", max_length=4096), keys=keys, issuer=issuer, now=now
    )
    rows = csv.reader(table)
    if next(rows, None) != list(COLUMNS):
        raise Refusal(Reason.MALFORMED, "the table has other columns")
    count = _check_events(parsed, rows, head)
    if next(rows, None) is not None:
        raise Refusal(Reason.MALFORMED, "the table has more events")
    return Checked(count, head)


def row(fields: Sequence[Any], index: int) -> list[str]:
    """An event as a row of the table; no cell is one that a spreadsheet would compute."""
    number, kind, actor, subject, data, at = fields
    cells = [str(index), str(number), kind, actor, subject, strict_json.dumps(data).decode(), str(at)]
    return [f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells]


def fields_of(event: str) -> list[Any]:
    """What a leaf's text says; raises `Refusal` (malformed)."""
    found = strict_json.loads(event)
    kinds = (int, str, str, str, dict, int)
    if not isinstance(found, list) or [type(item) for item in found] != list(kinds):
        raise Refusal(Reason.MALFORMED, "an event is number, kind, actor, subject, data and time")
    return found


def _check_events(parsed: Iterator[Mapping[str, Any]], rows: Iterator[list[str]], head: TreeHead) -> int:
    count, last = 0, -1
    for value in parsed:
        if "events" in value:
            if strict_json.integer(value, "events") != count or next(parsed, None) is not None:
                raise Refusal(Reason.MALFORMED, "the export does not end where it says")
            return count
        proven = _proven(value, head)
        if proven.index <= last:
            raise Refusal(Reason.MALFORMED, "an event stands twice, or out of order")
        if next(rows, None) != row(proven.fields, proven.index):
            raise Refusal(Reason.MALFORMED, f"the table says something else of event {proven.fields[0]}")
        count, last = count + 1, proven.index
    raise Refusal(Reason.MALFORMED, "the export was cut")


def _head(value: Mapping[str, Any], *, keys: KeySet, issuer: str, now: int) -> TreeHead:
    text = strict_json.string(value, "head", max_length=4096)
    return tree_head.verify_tree_head(text, keys=keys, issuer=issuer, now=now)


def _proven(value: Mapping[str, Any], head: TreeHead) -> Proven:
    text, index = strict_json.string(value, "event", max_length=MAX_LINE), strict_json.integer(value, "index")
    merkle.verify_inclusion(
        leaf=merkle.leaf_hash(text.encode()),
        index=index,
        size=head.size,
        proof=tree_head.parse_proof(value.get("proof")),
        root=head.root,
    )
    return Proven(fields_of(text), index, head)
