"""Measure how often an engine errs on pictures of your own, and propose thresholds by it."""

import json
import shlex
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError, OutputWrapper

from idp import clock
from idp.accounts.models import Account
from idp.biometrics import calibrating, engines, thresholds
from idp.biometrics.engine import FaceEngine, UnableToLoadModel, load_engine
from idp.biometrics.engine.evaluation import report, running, trials, work
from idp.conf import authority
from idp.proposals.proposing import UnableToPropose


def add_arguments(parser: ArgumentParser) -> None:
    running.add_arguments(parser)
    parser.add_argument("--calibrate", action="store_true", help="propose the thresholds of the claimed profiles")
    parser.add_argument("--officer", help="your user name: another officer lets them decide, at the admin site")
    parser.add_argument("--why", help="what the other officer is told of a calibration")


def handle(out: OutputWrapper, options: Mapping[str, Any]) -> None:
    """The report as JSON, on ``--out`` as a page. Raises CommandError for what cannot be evaluated or stored."""
    given = Namespace(**options)
    if given.calibrate and given.pad:
        raise CommandError("--pad calibrates nothing")
    if given.calibrate and not (given.dataset and given.officer and given.why):
        raise CommandError("--calibrate needs --dataset NAME, --officer NAME and --why TEXT")
    officer = _officer(given.officer) if given.calibrate else ""
    try:
        engine = _engine(given)
        if given.pad:
            _write(out, running.present(given, engine=engine, command=_command()), given)
            return
        outcome = running.evaluate(given, engine=engine, thresholds=_at(engine), command=_command())
        _write(out, outcome.report, given)
        if given.calibrate:
            _calibrate(outcome, given, officer)
    except (trials.UnableToRead, work.UnableToKeep, UnableToLoadModel, UnableToPropose) as error:
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


def _calibrate(outcome: running.Outcome, given: Namespace, officer: str) -> None:
    made = calibrating.propose(
        found=report.calibrations(outcome.measured),
        model=outcome.measured.model,
        dataset=given.dataset,
        why=given.why,
        officer=officer,
        now=clock.now(),
    )
    for line in calibrating.ThresholdsChange().changes(made, now=clock.now()):
        sys.stderr.write(f"{line}\n")
    sys.stderr.write(f"proposal {made.pk} waits for another officer\n")


def _officer(username: str) -> str:
    """The officer as proposals name them, found before anything is measured."""
    account = Account.objects.filter(
        username=Account.normalize_username(username), kind=Account.Kind.OFFICER, is_active=True
    ).first()
    if account is None or not account.has_perm(calibrating.PERMISSION):
        raise CommandError("no active officer of this name may do this")
    return f"account:{account.pk}"


def _command() -> str:
    return f"manage.py {shlex.join(sys.argv[1:])}"
