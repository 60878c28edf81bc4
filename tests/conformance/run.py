"""``python -m tests.conformance.run NAME``: every module, the report ``var/conformance/NAME.json``, and one last line.

The report is a list of ``{"client", "module", "outcome"}``. A module that was not judged has failed; so has a run in
which none was.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance_oidc import plans

REPORTS = Path("var/conformance")
HERE = Path(__file__).resolve().parent
TESTS = {"federation": HERE, "oidc": HERE.parent / "conformance_oidc"}
UNJUDGED = {"oidc": plans.unjudged()}  # modules that are no part of the report, each with its reason


class Outcomes:
    """A plugin of pytest: the outcome of each test that is marked as a module."""

    def __init__(self) -> None:
        self._passed: dict[tuple[str, str], bool] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[None]:
        report: Any = yield
        mark = item.get_closest_marker("conformance")
        if mark is not None:
            key = (mark.kwargs["client"], mark.kwargs["module"])
            if report.when == "call" or not report.passed:  # a failure before or after the call is the module's too
                self._passed[key] = report.passed and self._passed.get(key, True)
        return report

    def rows(self) -> list[dict[str, str]]:
        """The report's content, in the order of judgement."""
        return [
            {"client": client, "module": module, "outcome": "passed" if passed else "failed"}
            for (client, module), passed in self._passed.items()
        ]


def main(name: str) -> int:
    """Run everything of ``name``; 0 when every module passed."""
    outcomes = Outcomes()
    code = pytest.main([str(TESTS[name]), "-q", "-m", "conformance", "--no-header"], plugins=[outcomes])
    rows = outcomes.rows()
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / f"{name}.json").write_text(json.dumps(rows, indent=2) + "\n", "utf-8")
    failed = [row for row in rows if row["outcome"] == "failed"]
    sys.stdout.write("".join(f"not judged: {line}\n" for line in UNJUDGED.get(name, ())))
    sys.stdout.write("".join(f"failed: {row['client']}: {row['module']}\n" for row in failed))
    sys.stdout.write(f"{len(rows) - len(failed)} passed, {len(failed)} failed\n")
    return int(bool(failed) or not rows or code != pytest.ExitCode.OK)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
