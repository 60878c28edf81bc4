"""``python -m idp.biometrics.engine.evaluate DIRECTORY --json``: how often the engine errs on an operator's pictures.

No database, and nothing is kept: the pictures are read, and one JSON object is printed (`evaluation.report`).
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from idp.biometrics.engine import load_engine
from idp.biometrics.engine.evaluation import measuring, report, trials


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 2 for a directory that cannot be evaluated."""
    parser = argparse.ArgumentParser(prog="python -m idp.biometrics.engine.evaluate", description=__doc__)
    parser.add_argument("directory", type=Path, help="folders by person, or pairs.csv: reference,probe,same")
    parser.add_argument("--json", action="store_true", help="one line of JSON, for programs; else indented")
    parser.add_argument("--engine", default="embedded")
    options = parser.parse_args(arguments)
    try:
        wanted = trials.read(options.directory)
    except trials.UnableToRead as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    engine = load_engine(options.engine)
    measured = measuring.measure(engine, options.directory, wanted, progress=_shown)
    names = {"admit": engine.thresholds.admit, "refer": engine.thresholds.refer}
    found = report.report(measured, names)
    print(json.dumps(found, indent=None if options.json else 2))  # noqa: T201
    return 0


def _shown(pictures: Sequence[str]) -> Iterable[str]:
    """With a bar on a terminal's standard error."""
    from tqdm import tqdm

    shown: Iterable[str] = tqdm(pictures, unit="picture", file=sys.stderr, disable=not sys.stderr.isatty())
    return shown


if __name__ == "__main__":
    sys.exit(main())
