"""Which travel rules a run has tried: each for a document lets somebody through, some of its holders it does not."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from tests.simulation.books import Books
from tests.simulation.histories import FIRST_DAY

RULES = Path("idp/border/rules.json")


# A token does not tell whose right of residence is which: at the gate the first of the two rules for a visit permit
# decides, and the second is asked at issuance only.
NOT_AT_A_GATE = frozenset({"mvp-permanent"})


def in_force() -> Mapping[str, str]:
    """The shipped rules for documents that hold in the simulated year: the document's type by the rule's id."""
    rules = [rule for rule in json.loads(RULES.read_text("utf-8")) if rule["kind"] == "document"]
    return {
        rule["id"]: rule["document"]
        for rule in rules
        if rule["id"] not in NOT_AT_A_GATE and date.fromisoformat(rule["until"] or "9999-12-31") >= FIRST_DAY
    }


def missing(books: Books) -> list[str]:
    """Rules that let nobody through, and types of document with which nobody was turned away."""
    rules = in_force()
    idle = [rule for rule in rules if not books.through[rule]]
    return idle + [f"a holder of {document}" for document in sorted({*rules.values()} - {*books.turned_away})]


def words(books: Books) -> str:
    """In a line."""
    rules, lacking = in_force(), missing(books)
    through, types = sum(bool(books.through[rule]) for rule in rules), {*rules.values()}
    text = f"{through} of {len(rules)} document rules let somebody through, "
    text += f"holders of {len(types & {*books.turned_away})} of {len(types)} documents were turned away"
    return f"{text} (missing: {', '.join(lacking)})" if lacking else text
