"""A short simulation comes out clean; and where the product is broken on purpose, the oracle says so."""

import multiprocessing
import secrets
from pathlib import Path

import pytest

from tests.simulation.books import Counters, compare
from tests.simulation.year import EVERY, Outcome, Plan, Year, running

SMALL = {"travellers": 80, "crossings": 240, "days": 8 * EVERY}


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with tables, made by the first run."""
    return tmp_path_factory.mktemp("simulation") / "tables.sqlite3"


def live(plan: Plan) -> Outcome:
    with running(plan) as processes:
        return Year(plan, processes).live()


@pytest.mark.parametrize("drawn", [False, True], ids=["the house's seed", "a seed of chance"])
def test_a_short_history_with_every_fault_ends_with_books_that_agree(tables: Path, drawn: bool) -> None:
    seed = secrets.token_hex(4) if drawn else "house"  # it stands in every message below
    plan = Plan(seed, **SMALL, loss=0.05, kills=0.02, outages=0.2, mischief=0.2, template=tables)
    outcome = live(plan)
    counters, lines = compare(outcome.books, outcome.accounts)
    assert counters == Counters(), (seed, lines)
    assert outcome.books.crossings > plan.crossings / 2, seed
    assert outcome.faults["worker killed"] and outcome.faults["request lost"] and outcome.offline_hours, seed


@pytest.mark.parametrize(
    ("defect", "counter"),
    [
        ("consume twice", "consumed_twice"),
        ("drop receipts", "lost"),
        ("forget journal", "lost"),
        ("block residents", "residents_blocked"),
        ("lose alerts", "unnoticed_double"),
        ("skip ledger", "unnoticed_double"),
        ("forge receipts", "disagreements"),
    ],
)
def test_the_oracle_notices(tables: Path, defect: str, counter: str) -> None:
    plan = Plan("house", travellers=80, crossings=120, days=4 * EVERY, loss=0, kills=0, outages=0, mischief=0.5)
    outcome = live(Plan(**{**vars(plan), "defect": defect, "template": tables}))
    counters, lines = compare(outcome.books, outcome.accounts)
    assert getattr(counters, counter), (defect, counters, lines)


def test_no_process_is_left_behind(tables: Path) -> None:
    before = len(multiprocessing.active_children())
    with pytest.raises(RuntimeError, match="no such order"), running(Plan("house", template=tables)) as processes:
        processes.all("no such order")
    assert len(multiprocessing.active_children()) == before
