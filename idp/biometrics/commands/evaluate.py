"""Measure how often an engine errs on pictures of your own, and calibrate thresholds by it."""

import json
import shlex
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError, OutputWrapper

from idp import clock
from idp.biometrics import calibration, engines, thresholds
from idp.biometrics.engine import FaceEngine, UnableToLoadModel, load_engine
from idp.biometrics.engine.evaluation import report, running, trials, work
from idp.conf import authority


def add_arguments(parser: ArgumentParser) -> None:
    running.add_arguments(parser)
    parser.add_argument("--calibrate", action="store_true", help="let the thresholds of the claimed profiles decide")
    parser.add_argument("--officer", help="who answers for a calibration")


def handle(out: OutputWrapper, options: Mapping[str, Any]) -> None:
    """The report as JSON, on ``--out`` as a page. Raises CommandError for what cannot be evaluated or stored."""
    given = Namespace(**options)
    if given.calibrate and given.pad:
        raise CommandError("--pad calibrates nothing")
    if given.calibrate and not (given.dataset and given.officer):
        raise CommandError("--calibrate needs --dataset NAME and --officer NAME")
    try:
        engine = _engine(given)
        if given.pad:
            _write(out, running.present(given, engine=engine, command=_command()), given)
            return
        outcome = running.evaluate(given, engine=engine, thresholds=_at(engine), command=_command())
        _write(out, outcome.report, given)
        if given.calibrate:
            _calibrate(outcome, given)
    except (trials.UnableToRead, work.UnableToKeep, UnableToLoadModel, calibration.UnableToCalibrate) as error:
        raise CommandError(str(error)) from error


def _write(out: OutputWrapper, found: Mapping[str, Any], given: Namespace) -> None:
    out.write(json.dumps(found, indent=None if given.json else 2))


def _engine(given: Namespace) -> FaceEngine:
    """The one that is named, or the one that enrols here."""
    node = authority()
    if given.engine is None:
        return engines.preferred()
    return load_engine(given.engine, model_dir=node.model_dir, providers=node.face_providers)


def _at(engine: FaceEngine) -> dict[str, float]:
    """The thresholds in force, by what they are called in the report."""
    enrolment, gate = thresholds.for_enrolment(engine), thresholds.for_gates().get(engine.model)
    named = {"admit": enrolment.admit, "refer": enrolment.refer}
    if gate is not None and gate != enrolment:
        named |= {"admit, lanes": gate.admit, "refer, lanes": gate.refer}
    return named


def _calibrate(outcome: running.Outcome, given: Namespace) -> None:
    rows = calibration.store(
        found=report.calibrations(outcome.measured),
        model=outcome.measured.model,
        dataset=given.dataset,
        officer=given.officer,
        now=clock.now(),
    )
    for row in rows:
        sys.stderr.write(f"calibrated: FMR {row.target} from {row.threshold:.5f}\n")


def _command() -> str:
    return f"manage.py {shlex.join(sys.argv[1:])}"
