"""docs/api.md as it stands: every example is sent, and its answer compared with the one shown."""

import re
from typing import Any

import pytest
from django.urls import URLPattern

from idp.border import urls as border
from idp.border.officers import urls as officers
from idp.openapi import border as described
from tests.docs import examples
from tests.docs.examples import Example, differs
from tests.docs.world import Node

TEXT = examples.PAGE.read_text(encoding="utf-8")
EXAMPLES = examples.read(TEXT)


def _name(example: Example) -> str:
    return f"{EXAMPLES.index(example)} {example.request.first.split(' HTTP')[0]} {example.status}"


@pytest.mark.parametrize("example", EXAMPLES, ids=_name)
def test_the_answer_is_as_shown(node: Node, example: Example) -> None:
    answer = node.run(example)
    assert answer.status_code == example.status, answer.content
    assert answer.reason_phrase == example.answer.first.split(" ", 2)[2]
    for name, shown in example.answer.headers.items():
        assert name in answer, name
        assert examples.MORE in shown or answer[name] == shown, name
    if not example.answer.body:
        assert not answer.content
        return
    assert not differs(examples.parsed(example.answer.body), answer.json())


def test_every_header_that_callers_rely_on_is_shown() -> None:
    """An example that would go on passing if tags or the ban on keeping were lost."""
    for example in EXAMPLES:
        assert "Cache-Control" in example.answer.headers
        assert example.method != "GET" or example.status not in (200, 304) or "ETag" in example.answer.headers


def test_every_placeholder_is_explained_and_every_explained_one_used() -> None:
    used = set[str]().union(*(example.request.placeholders for example in EXAMPLES))
    assert used == examples.declared(TEXT)


def _paths(patterns: list[Any], before: str) -> set[str]:
    own = [each for each in patterns if isinstance(each, URLPattern)]
    return {before + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(each.pattern)) for each in own}


def _shown(template: str) -> bool:
    pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)) + r"\Z")
    return any(pattern.match(example.target.partition("?")[0]) for example in EXAMPLES)


def test_every_operation_of_a_wallet_and_a_gate_has_its_example() -> None:
    """An endpoint that was added and not shown."""
    known = _paths(border.v1, "/border/v1/") - PEERS
    assert {path for path in known if not _shown(path)} == LEFT_OUT
    assert known <= set(described.paths())


# Not by an example: a list's single items, what is as its neighbour, and what only some nodes have.
PEERS = {"/border/v1/receipts", "/border/v1/statements"}
LEFT_OUT = {"/border/v1/face-references"}
AS_THEIR_LIST = {"alerts/{number}", "discrepancies/{number}", "discrepancies/{number}/resolve", "tokens/{jti}"}
AS_THEIR_NEIGHBOUR = {"checkpoints", "receipts/received"}


def test_every_officers_path_is_in_the_table_with_its_permissions() -> None:
    """A table that says less than is asked for, or more."""
    rows = re.findall(r"^\| `([^`]+)` \| (.*) \| (yes|no) \|$", TEXT, re.MULTILINE)
    told = {path: (set(re.findall(r"`([\w.]+)`", needed)), personal) for path, needed, personal in rows}
    real = {}
    for each in officers.v1:
        view = each.callback.view_class
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(each.pattern))
        needed = {name for names in view.permissions.values() for name in names}
        questions = [*view.asks.values(), *view.takes.values()]
        personal = any("purpose" in kind().fields for kind in questions)
        real[path] = (needed, "yes" if personal else "no")
    assert told == real
    missing = {path for path in real if not _shown(f"/border/v1/officers/{path}")}
    assert missing == AS_THEIR_LIST | AS_THEIR_NEIGHBOUR


@pytest.mark.parametrize(
    ("shown", "real"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"a": 1}),
        ({"a": 1}, {"a": "1"}),
        ({"a": True}, {"a": 1}),
        ([1], []),
        ([1], [1, 2]),
        ([{"a": 1}], [{"b": 1}]),
        ({"code": "not_found"}, {"code": "forbidden"}),
        (["…"], {"a": 1}),
        ({"a": None}, {"a": {}}),
    ],
)
def test_an_answer_of_another_form_is_noticed(shown: Any, real: Any) -> None:
    """A comparison that lets everything pass."""
    assert differs(shown, real)
    assert not differs(shown, shown) and not differs(real, real)


def test_a_request_without_its_answer_is_noticed() -> None:
    """Half of an example is run by nobody."""
    block = "```http\nGET /x HTTP/1.1\nHost: h\n```\n"
    for text in (block * 2, block, "```http\nHTTP/1.1 200 OK\n```\n" + block):
        with pytest.raises(ValueError):
            examples.read(text)
