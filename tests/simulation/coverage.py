"""Which travel rules a run has tried: each rule in force should let somebody through, or hold somebody up."""

import json
from datetime import date

from idp.protocol.travel_language import parse_rules
from tests.simulation.books import Books
from tests.simulation.histories import FIRST_DAY

RULES = "idp/border/rules.json"


def in_force() -> list[str]:
    """Ids of the shipped rules for documents that hold in the simulated year."""
    with open(RULES, encoding="utf-8") as file:  # noqa: PTH123
        value = json.load(file)
    parse_rules(value)
    return [
        rule["id"]
        for rule in value
        if rule["kind"] == "document" and date.fromisoformat(rule["until"] or "9999-12-31") >= FIRST_DAY
    ]


def missing(books: Books) -> list[str]:
    """Document rules that let nobody through."""
    return [rule for rule in in_force() if not books.through[rule]]


def words(books: Books) -> str:
    """In a line."""
    rules = in_force()
    through = sum(bool(books.through[rule]) for rule in rules)
    text = f"{through} of {len(rules)} document rules let somebody through"
    return text + (f", not {', '.join(missing(books))}" if through < len(rules) else "")
