"""``python -m idp.biometrics.engine.evaluate DIRECTORY --json``: how often the engine errs on an operator's pictures.

No database; one JSON object is printed (`evaluation.report`). Nothing is kept but where ``--work`` or ``--out`` says.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Sequence

from idp.biometrics.engine import EMBEDDED, UnableToLoadModel, load_engine
from idp.biometrics.engine.evaluation import running, trials, work

NAME = "python -m idp.biometrics.engine.evaluate"


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 2 for a directory that cannot be evaluated or an engine that cannot be had."""
    parser = argparse.ArgumentParser(prog=NAME, description=__doc__)
    running.add_arguments(parser)
    given = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(given)
    try:
        engine = load_engine(options.engine or EMBEDDED)
        proposed = {"admit": engine.thresholds.admit, "refer": engine.thresholds.refer}
        command = f"{NAME} {shlex.join(given)}"
        if options.pad:
            found = running.present(options, engine=engine, command=command)
        else:
            found = running.evaluate(options, engine=engine, thresholds=proposed, command=command).report
    except (trials.UnableToRead, work.UnableToKeep, UnableToLoadModel) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    print(json.dumps(found, indent=None if options.json else 2))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
