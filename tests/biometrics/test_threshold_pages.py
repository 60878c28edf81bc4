"""The page of the face thresholds: what decides and where it is from, and who may propose another."""

from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from idp.accounts import granting
from idp.accounts.models import Account
from idp.accounts.roles import Role
from idp.biometrics import calibrating, engines, threshold_words, thresholds
from idp.biometrics.engine import EMBEDDED_MODEL, Thresholds
from idp.biometrics.models import Calibration
from idp.proposals import proposing
from idp.proposals.models import Proposal
from tests.biometrics import world
from tests.proposals.officers import FIRST, SECOND, appoint

PAGE = "/admin/faces/thresholds/"


def calibrated(at: int, dataset: str, **found: float) -> None:
    """As two officers would: ``e4=0.8`` for 1e-4."""
    rows = [
        {"target": f"1e-{name[1:]}", "threshold": score, "genuine": 9, "impostor": 10**7, "fmr_high": 0.0, "fnmr": 0.02}
        for name, score in sorted(found.items())
    ]
    facts = {"found": rows, "model": EMBEDDED_MODEL, "dataset": dataset, "why": "w"}
    appoint()
    made = calibrating.propose(**facts, officer=FIRST, now=at)
    proposing.approve(proposal=made, officer=SECOND, now=at)


@pytest.fixture
def officer(db: None) -> Client:
    client = world.officer("first")
    granting.grant(account=Account.objects.get(username="first"), role=Role.BIOMETRIC, actor="console", now=1)
    return client


def text(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_engines_own_thresholds_pass_for_calibrated_ones(officer: Client) -> None:
    shown = text(officer.get(PAGE))
    assert shown.count("what the engine proposes: nothing is calibrated") == 2 and "Nothing has been measured" in shown


def test_the_page_shows_another_threshold_than_the_one_that_decides(officer: Client, settings: Any) -> None:
    settings.IDP_GATE_FACE_PROFILE = "1e-5"
    calibrated(5, "May", e2=0.4, e3=0.5, e4=0.61)
    gates, enrolment = threshold_words.standing()[1], threshold_words.standing()[0]
    assert enrolment.at == Thresholds(0.61, 0.5) and enrolment.row is not None and enrolment.row.dataset == "May"
    assert gates.refuses and thresholds.for_gates()[EMBEDDED_MODEL] == gates.at
    shown = text(officer.get(PAGE))
    assert "0.61" in shown and "not calibrated: an officer sees everybody" in shown and "● May" in shown


def test_an_earlier_calibration_cannot_be_had_back(officer: Client) -> None:
    calibrated(5, "May", e3=0.5, e4=0.6)
    calibrated(6, "June", e3=0.55, e4=0.7)
    row = Calibration.objects.filter(dataset="May").first()
    assert row is not None
    page = f"{PAGE}{row.pk}/again/"
    shown = text(officer.get(page))
    assert "admits from 0.7, an officer looks from 0.55 → admits from 0.6, an officer looks from 0.5" in shown
    assert "more strangers may pass" in shown
    assert "errorlist" in text(officer.post(page, {"why": ""})) and not Proposal.objects.filter(state="proposed")
    assert officer.post(page, {"why": "June was taken with a broken camera"}).status_code == 302
    assert thresholds.for_gates()[EMBEDDED_MODEL].admit == 0.7, "nothing changes before another officer decides"
    made = Proposal.objects.get(state="proposed")
    assert made.why in text(officer.get(PAGE))
    proposing.approve(proposal=made, officer=SECOND, now=7)
    assert thresholds.for_gates()[EMBEDDED_MODEL] == Thresholds(0.6, 0.5)


def test_who_may_only_look_proposes(db: None) -> None:
    calibrated(5, "May", e4=0.6)
    auditor = world.officer("auditor")
    granting.grant(account=Account.objects.get(username="auditor"), role=Role.AUDITOR, actor="console", now=1)
    row = Calibration.objects.get()
    assert "/again/" not in text(auditor.get(PAGE))
    assert auditor.get(f"{PAGE}{row.pk}/again/").status_code == 403
    assert auditor.post(f"{PAGE}{row.pk}/again/", {"why": "x"}).status_code == 403
    assert world.officer("nobody").get(PAGE).status_code == 403


def test_a_calibration_for_no_engine_of_this_node_says_that_it_decides(db: None) -> None:
    found = [{"target": "1e-3", "threshold": 0.5, "genuine": 0, "impostor": 3000, "fmr_high": 1e-3, "fnmr": None}]
    payload = {"model": "other", "dataset": "d", "thresholds": found, "after": 0}
    assert "No engine of this node has the model other" in threshold_words.lines(payload)[-1]


@given(st.dictionaries(st.sampled_from(["1e-2", *thresholds.LAXER]), st.floats(0, 1), min_size=1), st.booleans())
def test_a_calibration_admits_below_where_an_officer_looks(scores: dict[str, float], named: bool) -> None:
    rows = [Calibration(model="m", target=name, threshold=at, created_at=1) for name, at in scores.items()]
    found = thresholds.of(rows, {"m": Thresholds(0.9, 0.2)}, "1e-4" if named else "")["m"]
    assert found.refer <= found.admit
    if "1e-4" in scores:
        assert found.admit == scores["1e-4"]
    else:
        assert found.admit == (thresholds.NEVER if named else 0.9)


def test_the_page_lists_every_model_of_the_node(officer: Client) -> None:
    shown = text(officer.get(PAGE))
    assert all(f"<code>{model}</code>" in shown for model in engines.models())
