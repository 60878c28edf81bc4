"""Pictures made to hurt, each as a whole job before a live worker."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.faults.poisons import POISONS

pytestmark = pytest.mark.faults
MEMORY = 600_000_000  # bytes, of the process that does the work


@pytest.fixture(scope="module")
def outcome() -> Any:
    command = [sys.executable, "-m", "tests.faults.poison"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", POISONS)
def test_a_poison_that_kills_a_worker_or_ends_in_no_reason(outcome: Any, name: str) -> None:
    """Nor does one of them link the document."""
    state, reason, _ = outcome["found"][name]
    assert (state, reason) == ("failed", POISONS[name][0])


def test_a_poison_that_takes_all_the_memory(outcome: Any) -> None:
    assert 0 < outcome["engine"] < outcome["peak"] < MEMORY, outcome
    assert outcome["found"]["six of twelve megapixels"][0] == "failed", "a burst that does not move"
