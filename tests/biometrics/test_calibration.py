"""``manage.py faces evaluate``: from pictures to thresholds that decide."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from idp import conf
from idp.accounts import granting
from idp.accounts.models import Account
from idp.accounts.roles import Role
from idp.audit.models import AuditEvent
from idp.biometrics import calibrating, calibration, engines, thresholds
from idp.biometrics.engine import EMBEDDED_MODEL
from idp.biometrics.models import Calibration
from idp.proposals import proposing
from idp.proposals.models import Proposal
from idp.proposals.proposing import UnableToDecide, UnableToPropose
from tests.biometrics import world
from tests.biometrics.engine.evaluation.synthetic import SyntheticEngine, people
from tests.proposals.officers import FIRST, SECOND, appoint

NAMED = ("--dataset", "lane cameras, May", "--officer", "first", "--why", "new cameras")
FOUND = {"threshold": 0.5, "genuine": 1, "impostor": 3000, "fmr_high": 1e-3, "fnmr": None}
ONE = {"target": "1e-3", **FOUND}


@pytest.fixture
def first(db: None) -> str:
    account = Account.objects.create_user("first", kind=Account.Kind.OFFICER, is_staff=True)
    granting.grant(account=account, role=Role.BIOMETRIC, actor="console", now=1)
    return f"account:{account.pk}"


def proposed(*found: dict[str, Any], model: str = "m", dataset: str = "lanes") -> Proposal:
    appoint()
    facts = {"found": found or (ONE,), "model": model, "dataset": dataset}
    return calibrating.propose(**facts, why="new cameras", officer=FIRST, now=5)


def approved(proposal: Proposal, officer: str = SECOND) -> None:
    appoint()
    proposing.approve(proposal=proposal, officer=officer, now=6)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> SyntheticEngine:
    """In place of the node's engine: real faces in such numbers are nobody's to keep."""
    one = SyntheticEngine()
    monkeypatch.setattr(engines, "preferred", lambda: one)
    monkeypatch.setattr(engines, "models", lambda: [one.model])
    return one


def evaluated(*arguments: object) -> dict[str, Any]:
    out = io.StringIO()
    call_command("faces", "evaluate", *(str(one) for one in arguments), "--json", stdout=out)
    return json.loads(out.getvalue())


def test_an_officer_calibrates_alone(engine: SyntheticEngine, tmp_path: Path, first: str) -> None:
    found = evaluated(people(tmp_path, 260, 1), "--calibrate", *NAMED)
    assert not Calibration.objects.exists(), "one officer measures and proposes"
    proposal = Proposal.objects.get(kind=calibrating.KIND)
    assert (proposal.proposed_by, proposal.subject, proposal.why) == (first, "synthetic", "new cameras")
    with pytest.raises(UnableToDecide, match="another officer"):
        approved(proposal, first)
    approved(proposal)
    rows = {row.target: row for row in Calibration.objects.all()}
    assert set(rows) == {"1e-2", "1e-3", "1e-4"}
    assert rows["1e-4"].threshold == found["profiles"]["FMR 1e-4"]["threshold"]
    assert (rows["1e-4"].impostor, rows["1e-4"].genuine, rows["1e-4"].fnmr) == (260 * 259 // 2, 0, None)
    assert rows["1e-4"].fmr_high <= 1e-4
    decides = thresholds.for_enrolment(engine)
    assert (decides.admit, decides.refer) == (rows["1e-4"].threshold, rows["1e-3"].threshold)
    again = evaluated(tmp_path)
    assert again["thresholds"]["admit"] == decides.admit and again["fmr"]["admit"] <= 1e-4


def test_the_record_of_a_calibration_names_one_officer(db: None) -> None:
    proposal = proposed()
    approved(proposal)
    event = AuditEvent.objects.get(kind="face_model.calibrated")
    assert (event.actor, event.subject) == (SECOND, "m")
    assert event.data["dataset"] == "lanes" and event.data["thresholds"] == {"1e-3": "0.500000"}
    assert event.data["officers"] == [FIRST, SECOND] and event.data["proposal"] == proposal.pk
    row = Calibration.objects.get()
    assert (row.officer, row.approved_by) == (FIRST, SECOND)


def test_too_few_comparisons_are_proposed(engine: SyntheticEngine, tmp_path: Path, first: str) -> None:
    """A threshold from six people decided at a border."""
    with pytest.raises(CommandError, match="no profile"):
        evaluated(people(tmp_path, 40, 1), "--calibrate", *NAMED)  # enough for 1e-2, which is no profile
    assert not Proposal.objects.exists() and not AuditEvent.objects.filter(kind__startswith="proposal").exists()


def test_evaluation_alone_changes_nothing(db: None, engine: SyntheticEngine, tmp_path: Path) -> None:
    evaluated(people(tmp_path, 80, 1))
    assert not Calibration.objects.exists() and not Proposal.objects.exists()


@pytest.mark.parametrize("missing", ["--dataset", "--officer", "--why"])
def test_calibration_without_a_name_is_refused_before_anything_is_measured(
    engine: SyntheticEngine, tmp_path: Path, first: str, missing: str
) -> None:
    place = NAMED.index(missing)
    with pytest.raises(CommandError, match="--dataset NAME, --officer NAME and --why TEXT"):
        evaluated(people(tmp_path, 2), "--calibrate", *NAMED[:place], *NAMED[place + 2 :])
    assert engine.asked == 0


def test_who_may_not_calibrate_proposes_by_the_command(db: None, engine: SyntheticEngine, tmp_path: Path) -> None:
    account = Account.objects.create_user("first", kind=Account.Kind.OFFICER, is_staff=True)
    granting.grant(account=account, role=Role.AUDITOR, actor="console", now=1)
    with pytest.raises(CommandError, match="no active officer"):
        evaluated(people(tmp_path, 2), "--calibrate", *NAMED)
    assert engine.asked == 0


def test_row_is_never_without_its_event(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(**event: object) -> None:
        raise OSError("disk full")

    proposal = proposed()
    monkeypatch.setattr(calibration.events, "record", fails)
    with pytest.raises(OSError, match="disk"):
        approved(proposal)
    assert not Calibration.objects.exists()


HUNDREDTH = {**ONE, "target": "1e-2", "threshold": 0.4, "fmr_high": 1e-2}


@pytest.mark.parametrize(
    "found",
    [
        pytest.param([], id="nothing"),
        pytest.param([HUNDREDTH], id="no-profile"),
        pytest.param([{**ONE, "target": "1e-7"}], id="no-such-rate"),
        pytest.param([{**ONE, "impostor": 2999}], id="too-few"),
        pytest.param([{**ONE, "fmr_high": 1.1e-3}], id="rate-not-borne"),
        pytest.param([{**ONE, "threshold": 1.1}], id="no-score"),
        pytest.param([{**ONE, "threshold": True}], id="no-number"),
        pytest.param([{**ONE, "genuine": -1}], id="negative"),
        pytest.param([{**ONE, "fnmr": "0"}], id="text"),
        pytest.param([ONE, ONE], id="twice"),
        pytest.param([ONE, HUNDREDTH], id="not-in-order"),
        pytest.param([{**HUNDREDTH, "threshold": 0.6}, ONE], id="lower-rate-at-lower-score"),
        pytest.param([{name: ONE[name] for name in ONE if name != "fnmr"}], id="member-missing"),
    ],
)
def test_what_no_evaluation_says_is_proposed(db: None, found: list[dict[str, Any]]) -> None:
    """invalid solely because of one fact: a threshold that somebody made up decided at a border."""
    assert proposed(HUNDREDTH, ONE).pk
    with pytest.raises(UnableToPropose):
        calibrating.propose(found=found, model="m", dataset="d", why="w", officer=FIRST, now=5)


def test_calibration_of_no_pictures_is_proposed(db: None) -> None:
    with pytest.raises(UnableToPropose, match="its pictures"):
        proposed(dataset=" ")


def test_an_approval_undoes_the_calibration_that_came_between(db: None) -> None:
    early, late = proposed(), proposed({**ONE, "threshold": 0.6})
    approved(late)
    with pytest.raises(UnableToDecide, match="calibrated since"):
        approved(early)
    assert [row.threshold for row in Calibration.objects.all()] == [0.6]


@pytest.mark.parametrize("arguments", [["missing"], [".", "--engine", "missing"]])
def test_what_cannot_be_evaluated_is_said(db: None, tmp_path: Path, arguments: list[str]) -> None:
    with pytest.raises(CommandError, match=r"missing|neither"):
        evaluated(*(tmp_path / one if not one.startswith("--") else one for one in arguments))


def test_officer_reads_calibrations_and_changes_none(db: None, settings: Any) -> None:
    """A threshold that somebody typed in has no measurement behind it."""
    settings.STATIC_ROOT = conf.authority().data_dir
    approved(proposed())
    officer = world.officer("o", "view_calibration", "change_calibration", "add_calibration")
    listed = reverse("admin:biometrics_calibration_changelist")
    assert "lanes" in officer.get(listed).content.decode()
    row = Calibration.objects.get()
    page = reverse("admin:biometrics_calibration_change", args=[row.pk])
    assert officer.get(page).status_code == 200
    assert officer.post(page, {"threshold": "0.1"}).status_code == 403
    assert officer.get(reverse("admin:biometrics_calibration_add")).status_code == 403


def test_server_and_worker_do_not_load_matplotlib() -> None:
    """Half a second and 60 MB in each process, and none of them draws."""
    code = (
        "import sys, django; django.setup(); import idp.urls, idp.celery, idp.biometrics.tasks, idp.border.bundling; "
        "print('matplotlib' in sys.modules)"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "False"


def test_embedded_engine_is_evaluated_by_its_name(db: None, tmp_path: Path) -> None:
    from idp.demo.photographs import people as portraits

    for picture in portraits()[:2]:
        (tmp_path / str(picture.person)).mkdir()
        (tmp_path / str(picture.person) / "0.jpg").write_bytes(picture.jpeg)
    found = evaluated(tmp_path, "--engine", "embedded")
    assert (found["model"], found["impostor"], found["fmr"]["admit"]) == (EMBEDDED_MODEL, 1, 0.0)
