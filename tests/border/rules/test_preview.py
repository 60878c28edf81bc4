"""What officers read before they propose or approve: what a change would change, and for whom."""

from collections.abc import Callable
from typing import Any

import pytest

from idp.border.models import RuleVersion
from idp.border.rules import book, changing, preview
from idp.proposals import executors
from idp.proposals.models import Proposal
from idp.protocol.travel_rules import wire
from tests.border.rules.conftest import RULE, proposed
from tests.border.world import World
from tests.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]


def lines(change: str, **members: Any) -> str:
    payload = {"change": change, **members} if change == "end" else {"change": change, "rule": members}
    return "\n".join(preview.lines(payload, now=NOW))


def body(name: str) -> dict[str, Any]:
    return next(wire(rule) for rule in book.rules(NOW) if rule.id == name)


def test_travellers_who_would_be_judged_otherwise_are_named() -> None:
    """By kind, leg and direction, with the verdict before and after; the others are not."""
    said = lines("replace", **{**body("s-stay-14"), "from": "2027-02-01", "stay_days": 21})
    entry = "S for HKG (1, 90 days), entry CHN→HKG: until 2027-02-15 → until 2027-02-22"
    assert f"2027-02-01: eep C1, of CHN, born 1987, {entry}" in said
    assert "G for HKG" not in said and "T for HKG" not in said
    assert '"stay_days' not in said and "stay_days=21" in said and "stay_days=14" in said


def test_an_end_is_tried_on_the_day_after() -> None:
    said = lines("end", id="eep-to-hk", until="2027-02-09")
    assert "2027-02-10: " in said and "passes → document_not_eligible" not in said.split("2027-02-10")[0]
    assert "until 2027-02-17 → document_not_eligible" in said


def test_a_checkpoint_that_the_rule_names_is_tried() -> None:
    """A rule for one place changes nothing elsewhere, and the preview must go there to see it."""
    rule = {**body("mvp-permanent"), "id": "mvp-ferry-only", "from": "2027-01-15", "checkpoints": ["ferry"]}
    said = lines("add", **{**rule, "document": "passport"})
    assert "at http://hk.localhost:8002/checkpoints/ferry: document_not_eligible → until 2027-07-14" in said


def test_nothing_changes_where_a_note_is_for_nobody() -> None:
    note = {"id": "n", "kind": "note", "source": "t", "from": "2027-01-15", "documents": ["dragon"]}
    assert "would be judged otherwise" in lines("add", **note)


def test_documents_of_the_register_are_counted_and_not_named(world: World) -> None:
    """An officer who decides on a rule has no business with whom it meets."""
    permit = world.give(world.traveller, "C12345678", type="eep", issued_by="CHN")
    world.endorse(permit, destination="HKG", kind="S", stay_days=14)
    world.give(world.traveller, "C87654321", type="eep", issued_by="CHN")
    said = lines("add", **{**RULE, "documents": ["eep"]})
    assert "documents of the register: 2 looked at, 1 judged otherwise" in said
    assert "12345678" not in said.replace("C12345678"[:2], "") and "CHAN" not in said


def test_what_cannot_be_made_any_more_says_why(adopt: Callable[..., Proposal]) -> None:
    """The page of a proposal that another overtook."""
    waiting = proposed("add", **RULE)
    adopt("add", **{**RULE, "stay_days": 6})
    assert executors.of(changing.KIND).changes(waiting, now=NOW) == ["there is a rule of this id: replace it"]


def test_looking_changes_nothing() -> None:
    book.edition()
    before = RuleVersion.objects.count()
    lines("add", **RULE)
    assert RuleVersion.objects.count() == before
