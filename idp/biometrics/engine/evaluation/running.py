"""One evaluation from its arguments to its report, for whichever command runs it."""

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from idp.biometrics.engine import FaceEngine
from idp.biometrics.engine.evaluation import attacks, groups, measuring, origin, report, trials
from idp.biometrics.engine.evaluation.measuring import Measured
from idp.biometrics.engine.evaluation.work import UnableToKeep, Work

Step = TypeVar("Step")


@dataclass(frozen=True)
class Outcome:
    """What was measured, and the report on it with where it comes from."""

    measured: Measured
    report: dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that every command takes which evaluates."""
    parser.add_argument("directory", type=Path, help="folders by person, or pairs.csv: reference,probe,same")
    parser.add_argument("--pad", action="store_true", help="folders are bona-fide/ and SPECIES/, of presentations")
    parser.add_argument("--json", action="store_true", help="one line of JSON, for programs; else indented")
    parser.add_argument("--engine", help="embedded, or the directory of a pack")
    parser.add_argument("--groups", action="store_true", help="folders are GROUP/PERSON; else see groups.csv, if any")
    parser.add_argument(
        "--dataset", metavar="NAME", help="what the report calls the pictures; else the directory's name"
    )
    parser.add_argument("--out", type=Path, metavar="DIRECTORY", help="write report.html and report.json there")
    parser.add_argument(
        "--work", type=Path, metavar="DIRECTORY", help="keep templates there until the end, to go on from"
    )
    parser.add_argument("--keep", action="store_true", help="keep them after the end, too")


def evaluate(
    options: argparse.Namespace, *, engine: FaceEngine, thresholds: report.Thresholds, command: str
) -> Outcome:
    """Measure what ``options.directory`` asks for, at ``thresholds`` by name, and write what ``options.out`` asks for.

    Raises `trials.UnableToRead` and `work.UnableToKeep`; what can be known before any picture is looked at, then.
    """
    if options.out is not None:
        _ready(options.out)
    wanted = trials.read(options.directory, by_group=options.groups)
    grouped = groups.read(options.directory, wanted, by_group=options.groups)
    with Work(options.work, engine=origin.identity(engine), keep=options.keep) as work:
        measured = measuring.measure(
            engine,
            options.directory,
            wanted,
            groups=grouped,
            work=work,
            thresholds=list(thresholds.values()),
            progress=shown,
        )
        found = {
            "dataset": options.dataset or options.directory.resolve().name,
            "command": command,
            **report.report(measured, thresholds),
            **origin.origin(),
        }
        if options.out is not None:
            _write(options.out, measured, found)
    return Outcome(measured, found)


def present(options: argparse.Namespace, *, engine: FaceEngine, command: str) -> dict[str, Any]:
    """Present the attacks in ``options.directory``, and write what ``options.out`` asks for. Raises `UnableToRead`."""
    found = {
        "dataset": options.dataset or options.directory.resolve().name,
        "command": command,
        **attacks.report(attacks.measure_attacks(engine, options.directory, shown)),
        **origin.origin(),
    }
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "attacks.json").write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    return found


def shown(steps: Iterable[Step], unit: str, number: int) -> Iterable[Step]:
    """A `measuring.Progress` with a bar on a terminal's standard error."""
    from tqdm import tqdm

    bar: Iterable[Step] = tqdm(steps, unit=unit, total=number, file=sys.stderr, disable=not sys.stderr.isatty())
    return bar


def _ready(directory: Path) -> None:
    """What is missing must not be found out after hours."""
    try:
        import matplotlib  # noqa: F401  no gate has it

        directory.mkdir(parents=True, exist_ok=True)
    except (ImportError, OSError) as error:
        raise UnableToKeep(f"no report can be written to {directory}: {error}") from error


def _write(directory: Path, measured: Measured, found: dict[str, Any]) -> None:
    from idp.biometrics.engine.evaluation import page  # matplotlib

    (directory / "report.json").write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    (directory / "report.html").write_text(page.page(measured, found), "utf-8")
