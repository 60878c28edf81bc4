"""The pages say what the code does: reasons, problem codes, settings, links, and nothing of where they were written."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from idp.checkpoint import texts
from idp.oidc.errors import ERRORS
from idp.problems import PROBLEMS
from idp.protocol.gate_decisions import REFUSED
from idp.protocol.refusals import Reason

ROOT = Path(__file__).resolve().parents[2]
PROTOCOL = (ROOT / "docs/protocol.md").read_text("utf-8")
OPERATIONS = (ROOT / "docs/operations.md").read_text("utf-8")
PAGES = sorted(path for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")) if path.is_file())
DECISIONS = sorted((ROOT / "docs/decisions").glob("*.md"))
NEUTRAL = "Officer"  # stands in the table for the one neutral sentence
SETTINGS = ("idp/settings.py", "idp/checkpoint/config.py")
READERS = frozenset({"str", "bool", "int", "json", "list", "path", "db", "get"})

_ROW = re.compile(r"^\|(.+)\|$", re.M)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_URL = re.compile(r"https?://[^\s`'\")>|\]]+")
_ADDRESS = re.compile(r"(?<![\w.}/])/(?:home|root|work|Users|tmp|mnt)/")  # of somebody's machine


def section(page: str, heading: str) -> str:
    return page.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def table(page: str, heading: str) -> list[list[str]]:
    """The rows below the header of the first table of a section, cell by cell."""
    rows = [[cell.strip() for cell in row.split("|")] for row in _ROW.findall(section(page, heading))]
    return rows[2:]


def words(cell: str) -> str:
    return cell.strip("`")


def test_every_reason_has_a_row_with_its_decision() -> None:
    """A reason that the gate turns into another decision than the page says misleads whoever writes a peer."""
    rows = {words(row[0]): row[2] for row in table(PROTOCOL, "Refusal reasons")}
    assert rows == {reason.value: "refuse" if reason in REFUSED else "refer" for reason in Reason}


def test_the_page_says_what_the_traveller_reads() -> None:
    """A watch-list hit with a sentence of its own would tell what it must not."""
    spoken = texts.catalogue("en")["traveller"]
    for row in table(PROTOCOL, "Refusal reasons"):
        reason = Reason(words(row[0]))
        expected = spoken[reason.value] if reason in texts.HELPFUL else NEUTRAL
        assert row[4] == expected, reason


def test_steps_of_the_vectors_stand_in_the_table() -> None:
    """A reason that a vector finds at a step where the page does not know it."""
    steps = {words(row[0]): row[1].split(", ") for row in table(PROTOCOL, "Refusal reasons")}
    cases = json.loads((ROOT / "tests/vectors/gate.json").read_text("utf-8"))["cases"]
    found = [(case["expected"], str(case["step"])) for case in cases if case["step"] is not None]
    wrong = [(reason, step) for reason, step in _reasons(found) if not {step, "any"} & set(steps[reason])]
    assert found
    assert wrong == []


def test_the_steps_section_names_the_reasons_of_the_table() -> None:
    """Each reason stands in the text of a step that the table gives for it."""
    text = section(PROTOCOL, "The gate's steps")
    parts = {number: body for number, body in re.findall(r"^(\d+)\. (.*?)(?=^\d+\. |^In any step)", text, re.M | re.S)}
    assert sorted(map(int, parts)) == list(range(11))
    for row in table(PROTOCOL, "Refusal reasons"):
        for step in row[1].split(", "):
            if step not in ("any",) and words(row[0]) != "storage_unavailable":
                assert row[0] in parts[step], (row[0], step)


def test_every_problem_code_stands_with_its_status() -> None:
    rows = {words(row[0]): int(row[1]) for row in table(PROTOCOL, "Problem codes")}
    assert rows == {code: status for code, (status, _) in PROBLEMS.items()}


def test_every_oauth_error_stands_with_its_status() -> None:
    """Two codes of ours never reach the wire; they answer invalid_request."""
    rows = {words(row[0]): int(row[1]) for row in table(PROTOCOL, "OAuth errors")}
    inner = {"method_not_allowed", "too_large"}
    assert rows == {code: status for code, (status, _) in ERRORS.items() if code not in inner}


def test_every_setting_is_explained() -> None:
    """An environment variable that only the source knows."""
    documented = {words(row[0]) for row in _rows(section(OPERATIONS, "Settings"))}
    read = {name for path in SETTINGS for name in _environment(ROOT / path)}
    assert len(read) > 10
    assert read - documented == set()


def test_no_setting_is_explained_that_nothing_reads() -> None:
    documented = {words(row[0]) for row in _rows(section(OPERATIONS, "Settings")) if words(row[0]).isupper()}
    read = {name for path in SETTINGS for name in _environment(ROOT / path)}
    assert documented - read == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_resolve(page: Path) -> None:
    """A link to a page or heading that is not there."""
    for target in _LINK.findall(page.read_text("utf-8")):
        if urlsplit(target).scheme:
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in _anchors(file.read_text("utf-8")), target


def test_sections_that_the_code_names_are_there() -> None:
    """A docstring that sends its reader to a section which was renamed."""
    named = {
        (name, page)
        for path in (ROOT / "idp").rglob("*.py")
        for page, name in re.findall(
            r"(protocol|operations|privacy)\.md, ([A-Z][a-z]*(?: [a-z]+)*)", path.read_text("utf-8")
        )
    }
    headings = {
        page: re.findall(r"^#+ (.+)$", (ROOT / f"docs/{page}.md").read_text("utf-8"), re.M) for _, page in named
    }
    assert named
    missing = {(page, name) for name, page in named if not any(name.startswith(title) for title in headings[page])}
    assert missing == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_pages_name_no_machine_and_no_foreign_host(page: Path) -> None:
    """Addresses in the pages are examples or this machine's own name: they stay true wherever the project is read."""
    text = page.read_text("utf-8")
    assert _ADDRESS.findall(text) == []
    hosts = {urlsplit(url).hostname or "" for url in _URL.findall(text)}
    assert {host for host in hosts if not _is_example(host)} == set()


def test_decisions_are_numbered_and_whole() -> None:
    """A record without its consequences is an announcement."""
    assert [path.name[:4] for path in DECISIONS] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]
    for path in DECISIONS:
        text = path.read_text("utf-8")
        assert text.startswith(f"# {path.name[:4]} "), path.name
        assert [text.count(f"**{word}.**") for word in ("Context", "Decision", "Consequences")] == [1, 1, 1], path.name


def test_the_glossary_is_complete_in_every_language() -> None:
    rows = _rows((ROOT / "docs/glossary.md").read_text("utf-8"))[2:]
    assert len(rows) >= 45
    assert [row for row in rows if len(row) != 5 or not all(row)] == []


def _reasons(found: list[tuple[object, str]]) -> Iterator[tuple[str, str]]:
    for expected, step in found:
        reason = expected.get("reason") if isinstance(expected, dict) else expected
        if isinstance(reason, str) and reason:
            yield reason, step


def _rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in row.split("|")] for row in _ROW.findall(text)]


def _environment(path: Path) -> set[str]:
    """The names that a module reads from the environment: by ``env.str("NAME")`` or ``environment.get(NAME)``."""
    tree = ast.parse(path.read_text("utf-8"))
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    names = set()
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        owner = node.func.value
        if isinstance(owner, ast.Name) and owner.id in ("env", "environment") and node.func.attr in READERS:
            name = node.args[0]
            names.add(name.value if isinstance(name, ast.Constant) else constants[ast.unparse(name)])
    return names


def _anchors(text: str) -> set[str]:
    """The anchors of a page's headings: lower case, punctuation dropped, spaces as hyphens."""
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _is_example(host: str) -> bool:
    return host in ("localhost", "127.0.0.1") or host.endswith((".example", ".localhost"))
