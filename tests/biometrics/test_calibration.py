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
from idp.audit.models import AuditEvent
from idp.biometrics import calibration, engines, thresholds
from idp.biometrics.engine import EMBEDDED_MODEL
from idp.biometrics.models import Calibration
from tests.biometrics import world
from tests.biometrics.engine.evaluation.synthetic import SyntheticEngine, people

NAMED = ("--dataset", "lane cameras, May", "--officer", "account:7")
FOUND = {"threshold": 0.5, "genuine": 1, "impostor": 300, "fmr_high": 0.01, "fnmr": None}


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


def test_thresholds_of_the_claimed_profiles_are_stored_and_decide(
    db: None, engine: SyntheticEngine, tmp_path: Path
) -> None:
    found = evaluated(people(tmp_path, 260, 1), "--calibrate", *NAMED)
    rows = {row.target: row for row in Calibration.objects.all()}
    assert set(rows) == {"1e-2", "1e-3", "1e-4"}
    assert rows["1e-4"].threshold == found["profiles"]["FMR 1e-4"]["threshold"]
    assert (rows["1e-4"].impostor, rows["1e-4"].genuine, rows["1e-4"].fnmr) == (260 * 259 // 2, 0, None)
    assert rows["1e-4"].fmr_high <= 1e-4
    decides = thresholds.for_enrolment(engine)
    assert (decides.admit, decides.refer) == (rows["1e-4"].threshold, rows["1e-3"].threshold)
    again = evaluated(tmp_path)
    assert again["thresholds"]["admit"] == decides.admit and again["fmr"]["admit"] <= 1e-4


def test_calibration_is_audited(db: None, engine: SyntheticEngine, tmp_path: Path) -> None:
    evaluated(people(tmp_path, 80, 1), "--calibrate", *NAMED)
    event = AuditEvent.objects.get(kind="face_model.calibrated")
    assert (event.actor, event.subject) == ("account:7", "synthetic")
    assert event.data["dataset"] == "lane cameras, May" and set(event.data["thresholds"]) == {"1e-2", "1e-3"}


def test_too_few_comparisons_store_nothing(db: None, engine: SyntheticEngine, tmp_path: Path) -> None:
    """A threshold from six people decided at a border."""
    with pytest.raises(CommandError, match="no profile"):
        evaluated(people(tmp_path, 40, 1), "--calibrate", *NAMED)  # enough for 1e-2, which is no profile
    assert not Calibration.objects.exists() and not AuditEvent.objects.exists()


def test_evaluation_alone_changes_nothing(db: None, engine: SyntheticEngine, tmp_path: Path) -> None:
    evaluated(people(tmp_path, 80, 1))
    assert not Calibration.objects.exists()


@pytest.mark.parametrize("missing", ["--dataset", "--officer"])
def test_calibration_without_a_name_is_refused_before_anything_is_measured(
    db: None, engine: SyntheticEngine, tmp_path: Path, missing: str
) -> None:
    place = NAMED.index(missing)
    with pytest.raises(CommandError, match="--dataset NAME and --officer NAME"):
        evaluated(people(tmp_path, 2), "--calibrate", *NAMED[:place], *NAMED[place + 2 :])
    assert engine.asked == 0


def test_row_is_never_without_its_event(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(**event: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(calibration.events, "record", fails)
    with pytest.raises(OSError, match="disk"):
        calibration.store(found=[{"target": "1e-3", **FOUND}], model="m", dataset="d", officer="o", now=1)
    assert not Calibration.objects.exists()


@pytest.mark.parametrize("names", [{"dataset": " "}, {"officer": ""}])
def test_calibration_that_nobody_answers_for_is_not_stored(db: None, names: dict[str, str]) -> None:
    wanted = {"dataset": "d", "officer": "o", **names}
    with pytest.raises(calibration.UnableToCalibrate):
        calibration.store(found=[{"target": "1e-3", **FOUND}], model="m", now=1, **wanted)


@pytest.mark.parametrize("arguments", [["missing"], [".", "--engine", "missing"]])
def test_what_cannot_be_evaluated_is_said(db: None, tmp_path: Path, arguments: list[str]) -> None:
    with pytest.raises(CommandError, match=r"missing|neither"):
        evaluated(*(tmp_path / one if not one.startswith("--") else one for one in arguments))


def test_officer_reads_calibrations_and_changes_none(db: None, settings: Any) -> None:
    """A threshold that somebody typed in has no measurement behind it."""
    settings.STATIC_ROOT = conf.authority().data_dir
    calibration.store(found=[{"target": "1e-3", **FOUND}], model="m", dataset="lanes", officer="o", now=1)
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
