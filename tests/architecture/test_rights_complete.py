"""Nothing of the admin site is left out of the table of rights, tests/office/rights.py, or stands there for nothing."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from django.contrib import admin
from django.urls import reverse

from idp import admin as site
from idp.proposals import executors
from tests.office import rights_page
from tests.office.rights import ACTS, DJANGO, ENTRANCES, KINDS, MODELS, PAGES
from tests.office.rights_table import CONSOLE, EVERY, letters_of

ROOT = Path(__file__).resolve().parents[2]
HOW = "add what is missing to tests/office/rights.py, then run: python -m tests.office.rights_page"


def model_urls() -> dict[str, str]:
    """The name of the model for each URL that Django makes of one."""
    verbs = ("changelist", "add", "history", "delete", "change")
    return {f"{label.replace('.', '_')}_{verb}": label for label in registered() for verb in verbs}


def registered() -> dict[str, admin.ModelAdmin]:
    return {model._meta.label_lower: found for model, found in admin.site._registry.items()}


def test_a_page_is_in_no_row_of_the_table() -> None:
    reverse("admin:index")  # by now every room has registered its pages
    suggested = {item.name: _row(item) for item in site.pages()}
    urls = {name for item in admin.site.get_urls() if (name := getattr(item, "name", None))}
    urls |= {url.name for found in registered().values() for url in found.get_urls() if url.name}
    there = urls - set(model_urls())
    missing = [suggested.get(name, name) for name in there - {*PAGES, *DJANGO, *ENTRANCES}]
    assert missing == [], "\n".join([HOW, *missing])
    assert {*PAGES, *DJANGO, *ENTRANCES} - there == set(), "these rows have no page any more"


def _row(item: site.Page) -> str:
    """As the table would have it; an argument of the address takes a sample: "first(Model)", or a value."""
    letters = letters_of(item.permission)
    cell = "EVERY" if letters == EVERY else f'"{letters}"'
    samples = "".join(f", {name}=…" for name in re.findall(r"<(?:\w+:)?(\w+)>", item.path))
    return f'"{item.name}": page({cell}{samples}),'


def test_a_model_is_in_no_row_of_the_table() -> None:
    missing = [f'"{label}": rows("…"),' for label in registered().keys() - MODELS.keys()]
    assert missing == [], "\n".join([HOW, *missing])
    assert MODELS.keys() - registered().keys() == set(), "these rows have no model any more"
    for label, row in MODELS.items():
        offered = {name for _action, name, _description in registered()[label]._get_base_actions()}
        assert row.actions.keys() <= offered, f"{label}: {row.actions.keys() - offered} are offered no more"


def test_a_kind_of_proposal_is_in_no_row_of_the_table() -> None:
    known = executors.known()
    missing = [f'"{kind}": "{letters_of(known[kind].permission)}",' for kind in known.keys() - KINDS.keys()]
    assert missing == [], "\n".join([HOW, *missing])
    assert KINDS.keys() - known.keys() == set(), "these rows have no executor any more"


def test_an_act_in_an_emergency_is_in_no_row_of_the_table() -> None:
    found = set(_acts())
    assert found - ACTS.keys() == set(), HOW
    assert ACTS.keys() - found == set(), "these rows have no act any more"
    for where in ACTS.values():
        model, _space, action = where.partition(" ")
        assert where == CONSOLE or where in PAGES or action in MODELS[model].actions, where


def _acts() -> Iterator[str]:
    """The kinds that the code records for review, by reading it."""
    for path in sorted((ROOT / "idp").rglob("*.py")):
        text = path.read_text("utf-8")
        if "reviews.record(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "reviews.record":
                kind = next(item.value for item in node.keywords if item.arg == "kind")
                module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                yield kind.value if isinstance(kind, ast.Constant) else getattr(import_module(module), kind.id)  # type: ignore[misc, attr-defined]


def test_the_page_says_something_else_than_the_table() -> None:
    reverse("admin:index")
    assert rights_page.PAGE.read_text("utf-8") == rights_page.text(), "run: python -m tests.office.rights_page"
