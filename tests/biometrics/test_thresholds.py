"""Which thresholds decide, at enrolment and at the lanes."""

from typing import Any

import pytest
from django.core.checks import run_checks

from idp.biometrics import enrolment, thresholds
from idp.biometrics.engine import EMBEDDED_MODEL, EMBEDDED_THRESHOLDS, Thresholds
from idp.biometrics.models import Calibration, Job
from idp.border.policy import policy_for
from tests.biometrics.world import burst, document, submitted, traveller

NOW = 1_000


class Engine:
    model, thresholds = EMBEDDED_MODEL, EMBEDDED_THRESHOLDS


def calibrate(at: int = 1, model: str = EMBEDDED_MODEL, **found: float) -> None:
    """Rows of one evaluation: ``e4=0.8`` for 1e-4."""
    for name, threshold in found.items():
        Calibration.objects.create(
            model=model,
            target=f"1e-{name[1:]}",
            threshold=threshold,
            genuine=1,
            impostor=1,
            fmr_high=0.1,
            dataset=f"set {at}",
            officer="o",
            created_at=at,
        )


def in_force() -> Thresholds:
    return thresholds.for_enrolment(Engine())  # type: ignore[arg-type]


def messages() -> set[str]:
    return {message.id or "" for message in run_checks(include_deployment_checks=True)}


def test_engine_proposes_until_something_is_calibrated_and_the_operator_is_told(db: None) -> None:
    """An authority that calibrated nothing goes live with thresholds from two small sets of photographs."""
    assert in_force() == EMBEDDED_THRESHOLDS
    assert "idp.W115" in messages()
    calibrate(e2=0.4, e3=0.5, e4=0.6)
    assert in_force() == Thresholds(admit=0.6, refer=0.5)
    assert not {"idp.W115", "idp.E115"} & messages()


def test_profile_that_is_named_and_not_calibrated_admits_nobody(db: None, settings: Any) -> None:
    """Less than what was asked for must not be given: 1e-4 in place of 1e-6, or the engine's own."""
    settings.IDP_FACE_PROFILE = settings.IDP_GATE_FACE_PROFILE = "1e-6"
    calibrate(e2=0.4, e3=0.5, e4=0.6)
    assert in_force() == Thresholds(admit=1.0, refer=EMBEDDED_THRESHOLDS.refer)
    assert policy_for({})["face"][EMBEDDED_MODEL]["admit"] == 1.0
    assert "idp.E115" in messages()
    assert "idp.E115" not in {message.id for message in run_checks()}  # or no command could calibrate


@pytest.mark.parametrize("profile, admit, refer", [("1e-3", 0.5, 0.4), ("1e-4", 0.6, 0.5), ("1e-5", 0.7, 0.6)])
def test_officer_looks_from_the_next_laxer_rate_on(
    db: None, settings: Any, profile: str, admit: float, refer: float
) -> None:
    settings.IDP_FACE_PROFILE = profile
    calibrate(e2=0.4, e3=0.5, e4=0.6, e5=0.7)
    assert in_force() == Thresholds(admit=admit, refer=refer)


def test_lanes_may_have_another_profile(db: None, settings: Any) -> None:
    settings.IDP_GATE_FACE_PROFILE = "1e-5"
    calibrate(e2=0.4, e3=0.5, e4=0.6, e5=0.7)
    assert in_force().admit == 0.6
    assert policy_for({})["face"] == {EMBEDDED_MODEL: {"admit": 0.7, "refer": 0.6}}


def test_newest_evaluation_counts_as_a_whole(db: None) -> None:
    """The admit of one set of pictures with the refer of another: a band that nobody measured, or turned over."""
    calibrate(1, e3=0.5, e4=0.6)
    calibrate(2, e3=0.8, e4=0.9)
    calibrate(3, e2=0.6, e3=0.95)  # too few for 1e-4
    assert in_force() == Thresholds(admit=0.9, refer=0.8)


def test_calibration_of_another_model_does_not_count(db: None) -> None:
    """Nor are lanes told of it: none of this node's engines could compare it."""
    calibrate(model="other", e3=0.1, e4=0.2)
    assert in_force() == EMBEDDED_THRESHOLDS
    assert set(thresholds.for_gates()) == {EMBEDDED_MODEL}


def test_lanes_are_given_every_model_of_the_node_and_a_checkpoint_may_be_stricter(db: None) -> None:
    assert policy_for({})["face"] == {
        EMBEDDED_MODEL: {"admit": EMBEDDED_THRESHOLDS.admit, "refer": EMBEDDED_THRESHOLDS.refer}
    }
    own = {EMBEDDED_MODEL: {"admit": 0.99, "refer": 0.98}}
    assert policy_for({"face": own})["face"] == own


def test_lanes_are_checked_for_themselves_where_their_profile_is_another(db: None, settings: Any) -> None:
    """And nobody is told the same thing twice."""
    settings.IDP_FACE_PROFILE = settings.IDP_GATE_FACE_PROFILE = "1e-4"
    found = [message.msg for message in run_checks(include_deployment_checks=True) if message.id == "idp.E115"]
    assert len(found) == 1 and found[0].startswith("CAUSEWAY_FACE_PROFILE")
    calibrate(e3=0.5, e4=0.6)
    settings.IDP_GATE_FACE_PROFILE = "1e-6"
    found = [message.msg for message in run_checks(include_deployment_checks=True) if message.id == "idp.E115"]
    assert len(found) == 1 and found[0].startswith("CAUSEWAY_GATE_FACE_PROFILE")


def test_profile_that_there_is_not_is_an_error(settings: Any) -> None:
    settings.IDP_FACE_PROFILE = "1e-7"
    assert "idp.E114" in {message.id for message in run_checks()}


def test_worker_decides_by_what_is_calibrated(db: None) -> None:
    """It went on by the engine's own thresholds."""
    calibrate(e3=0.5, e4=0.9999)
    named = document()
    job = submitted(traveller("mei"), named, burst(0), NOW)
    claimed = enrolment.jobs.claim(job_id=str(job.pk), now=NOW)
    assert claimed is not None
    enrolment.run(job=claimed, now=NOW)
    claimed.refresh_from_db()
    assert claimed.state == Job.State.REVIEW and 0.725 < (claimed.score or 0) < 0.9999
