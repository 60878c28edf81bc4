"""What goes wrong within a process: workers that are killed where it hurts, and the product broken on purpose.

A kill is a `Killed` out of the audit's ``record`` (before the commit: nothing may be left) or on the way to the border
key (after it: a token is stored that nobody will ever have). A *defect* breaks the product so that the oracle can be
seen to notice.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from idp.audit import events
from idp.border import eligibility
from idp.border.entries import reserving, using
from idp.border.records import passing, storing
from idp.checkpoint.store import Store
from idp.federation import signing
from idp.protocol import travel_rules
from tests.simulation.mesh import Killed, Mesh
from tests.simulation.node import Settings

COMMITS = frozenset({"border_token.issued", "journal.recorded", "crossing.confirmed"})


def install(settings: Settings, mesh: Mesh) -> None:
    """Into this process, for as long as it lives."""
    chance = random.Random(f"{settings.seed}/{settings.territory}/kills")
    record, private_key = events.record, signing.private_key

    def dies() -> bool:
        return not mesh.calm and chance.random() < settings.kills

    def recorded(*, kind: str, **facts: Any) -> Any:
        if kind in COMMITS and dies():
            raise Killed(kind)
        return record(kind=kind, **facts)

    def key(use: str, *arguments: Any, **options: Any) -> Any:
        if use == "border" and dies():
            raise Killed("between store and sign")
        return private_key(use, *arguments, **options)

    events.record, signing.private_key = recorded, key
    if settings.defect:
        DEFECTS[settings.defect]()


def _consume_twice() -> None:
    """An entry is taken off twice."""
    use = using.use_entry

    def twice(endorsement: Any) -> str:
        use(endorsement)
        return use(endorsement)

    using.use_entry = twice


def _drop_receipts() -> None:
    """What is owed to peers is forgotten."""
    reserving._owe = lambda admitted, *, now: None


def _forge_receipts() -> None:
    """A peer is told of another time than the lane wrote down."""
    owe = reserving._owe
    reserving._owe = lambda admitted, *, now: owe([replace(each, at=each.at + 1) for each in admitted], now=now)


def _skip_ledger() -> None:
    """A lane lets a token through as often as it is shown."""
    admit = Store.admit

    def forgetful(self: Store, fields: Any, *more: Any, **options: Any) -> Any:
        with self._transaction() as connection:
            connection.execute("DELETE FROM admitted WHERE jti = ?", (fields["jti"],))
        return admit(self, fields, *more, **options)

    Store.admit = forgetful  # type: ignore[method-assign]
    Store.admitted = lambda self, iss, jti: False  # type: ignore[method-assign]


def _lose_alerts() -> None:
    """Nobody hears of a token that was let through twice."""
    passing._raise_alert = lambda *_, **__: None  # type: ignore[assignment]


def _block_residents() -> None:
    """No rule says any more who goes home."""
    evaluate = travel_rules.evaluate

    def homeless(facts: Any, **options: Any) -> Any:
        rules = [rule for rule in options.pop("rules") if not getattr(rule, "home", False)]
        return evaluate(facts, rules=rules, **options)

    travel_rules.evaluate = eligibility.evaluate = homeless


def _forget_journal() -> None:
    """A batch is said to be recorded, and its last entry is not."""
    insert = storing.insert
    storing.insert = lambda lane, entries, *, now: insert(lane, entries[:-1], now=now)


DEFECTS: dict[str, Callable[[], None]] = {
    "consume twice": _consume_twice,
    "drop receipts": _drop_receipts,
    "forge receipts": _forge_receipts,
    "skip ledger": _skip_ledger,
    "lose alerts": _lose_alerts,
    "block residents": _block_residents,
    "forget journal": _forget_journal,
}
