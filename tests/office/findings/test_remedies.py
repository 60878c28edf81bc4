"""No finding without an id in the guide and a remedy."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from idp.federation.alarms import Kind
from idp.office.findings.configuration import REMEDIES
from idp.office.findings.trust import REMEDIES as ALARMS

ROOT = Path(__file__).resolve().parents[3]
GUIDE = (ROOT / "docs/operations.md").read_text("utf-8")


def _messages() -> Iterator[tuple[str, bool]]:
    """Every system check's message of ours: its id, and whether it has a hint."""
    for path in (ROOT / "idp").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                given = {item.arg: item.value for item in node.keywords}
                number = given.get("id")
                if isinstance(number, ast.Constant) and str(number.value).startswith("idp."):
                    yield str(number.value), "hint" in given


def test_a_system_check_says_what_is_wrong_and_not_what_to_do() -> None:
    found = list(_messages())
    assert len(found) > 20
    assert {number for number, hint in found if not hint} - set(REMEDIES) == set()


def test_an_alarm_has_no_remedy() -> None:
    assert set(ALARMS) == set(Kind)


def test_a_finding_is_not_in_the_guide() -> None:
    ours = {
        f"idp.{'E' if kind == 'error' else 'W'}{number}"
        for path in (ROOT / "idp/office/findings").glob("*.py")
        for kind, number in re.findall(r"\b(error|warning)\(\s*(\d{3}),", path.read_text("utf-8"))
    }
    assert len(ours) > 15
    ours |= {"idp.E205", "idp.E211", "idp.W211"}
    table = set(re.findall(r"^\| `(idp\.[EW]2\d\d)`", GUIDE, re.M))
    assert table == ours
