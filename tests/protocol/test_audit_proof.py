"""Proofs and exports of the audit: whatever was altered, moved, cut or signed by another does not pass."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import audit_proof, merkle, tree_head
from idp.protocol.keys import KeySet, generate
from idp.protocol.refusals import Refusal
from idp.protocol.strict_json import b64encode, dumps

NOW, ISSUER = 1_800_000_000, "https://hk.example"
KEY = generate()
BY: dict[str, Any] = {"keys": KeySet([KEY.public]), "issuer": ISSUER, "now": NOW}
EVENTS = [[n + 1, "a.b", "account:7", f"=document:{n}", {"reason": "x", "n": n}, NOW - 9 + n] for n in range(9)]
LEAVES = [merkle.leaf_hash(dumps(event)) for event in EVENTS]
HEAD = tree_head.sign_tree_head(issuer=ISSUER, size=9, root=merkle.root(LEAVES), now=NOW, signer=KEY)


def proof(index: int = 4) -> dict[str, Any]:
    path = merkle.inclusion_proof(index, 9, merkle.of(LEAVES))
    value = {"event": dumps(EVENTS[index]).decode(), "index": index, "proof": [b64encode(item) for item in path]}
    return {**value, "head": HEAD}


def export(indices: tuple[int, ...] = (0, 4, 8)) -> tuple[list[dict[str, Any]], list[list[str]]]:
    lines = [{"head": HEAD, "authority": ISSUER, "search": {}, "made_at": NOW}]
    lines += [{name: value for name, value in proof(n).items() if name != "head"} for n in indices]
    rows = [list(audit_proof.COLUMNS), *(audit_proof.row(EVENTS[n], n) for n in indices)]
    return [*lines, {"events": len(indices)}], rows


def check(lines: list[dict[str, Any]], rows: list[list[str]]) -> audit_proof.Checked:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    texts = [json.dumps(line).encode() + b"\n" for line in lines]
    return audit_proof.check_export(texts, io.StringIO(text.getvalue(), newline=""), **BY)


@given(st.integers(0, 8))
def test_a_leaf_that_is_there_is_proven(index: int) -> None:
    proven = audit_proof.verify(proof(index), **BY)
    assert (proven.fields, proven.index, proven.head.size) == (EVENTS[index], index, 9)


@given(st.integers(0, 8), st.data())
def test_one_character_of_an_event_changes_everything(index: int, data: st.DataObject) -> None:
    text = proof(index)["event"]
    at = data.draw(st.integers(0, len(text) - 1))
    other = text[:at] + ("x" if text[at] != "x" else "y") + text[at + 1 :]
    with pytest.raises(Refusal):
        audit_proof.verify({**proof(index), "event": other}, **BY)


@pytest.mark.parametrize(
    "changes",
    [
        {"index": 5},
        {"index": "4"},
        {"proof": []},
        {"proof": None},
        {"head": HEAD[:-4] + "AAAA"},
        {"head": ""},
        {"event": ""},
    ],
    ids=["moved", "text", "no-path", "none", "signature", "no-head", "no-event"],
)
def test_what_was_altered_is_not_proven(changes: dict[str, Any]) -> None:
    """invalid solely because of one member."""
    with pytest.raises(Refusal):
        audit_proof.verify({**proof(), **changes}, **BY)


def test_anothers_head_or_keys_prove_nothing() -> None:
    with pytest.raises(Refusal):
        audit_proof.verify(proof(), **{**BY, "issuer": "https://mo.example"})
    with pytest.raises(Refusal):
        audit_proof.verify(proof(), **{**BY, "keys": KeySet([generate().public])})


def test_an_export_is_proven_whole() -> None:
    assert check(*export()).events == 3
    assert check(*export(())).events == 0


@pytest.mark.parametrize("gone", [0, 1, 2, 3, 4])
def test_a_line_that_is_missing_is_noticed(gone: int) -> None:
    """Also the last one: a file that was cut is not the whole search."""
    lines, rows = export()
    with pytest.raises(Refusal):
        check(lines[:gone] + lines[gone + 1 :], rows)


def test_lines_out_of_order_or_behind_the_end_are_noticed() -> None:
    lines, rows = export()
    for other in ([lines[0], lines[2], lines[1], *lines[3:]], [*lines, lines[1]], [*lines, lines[-1]]):
        with pytest.raises(Refusal):
            check(other, rows)


@pytest.mark.parametrize("indices", [(4, 0), (4, 4)])
def test_an_event_that_stands_twice_or_too_early_is_noticed_though_the_table_agrees(indices: tuple[int, int]) -> None:
    with pytest.raises(Refusal, match="twice"):
        check(*export(indices))


@pytest.mark.parametrize("place", [(0, 0), (1, 2), (2, 5), (3, 6)])
def test_a_table_that_says_something_else_is_noticed(place: tuple[int, int]) -> None:
    lines, rows = export()
    rows[place[0]][place[1]] += "0"
    with pytest.raises(Refusal):
        check(lines, rows)
    for other in (export()[1][:-1], [*export()[1], export()[1][-1]]):
        with pytest.raises(Refusal):
            check(lines, other)


@pytest.mark.parametrize("start", list("=+-@"))
def test_a_spreadsheet_computes_no_cell(start: str) -> None:
    cells = audit_proof.row([1, "a", "b", f"{start}1+1", {}, 1], 0)
    assert cells[4] == f"'{start}1+1"


@pytest.mark.parametrize(
    "text", ["[]", "{}", '["1","a","b","c",{},1]', "[1,2,3,4,5,6]", '[1,"a","b","c",{},true]', "x"]
)
def test_what_is_no_event_is_refused(text: str) -> None:
    with pytest.raises(Refusal):
        audit_proof.fields_of(text)
