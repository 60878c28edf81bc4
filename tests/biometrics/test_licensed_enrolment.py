"""A document linked by a licensed pack: who decides before it was calibrated, and what its add-on's alarm comes to."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from insightface import addons

from idp.accounts.models import TravelDocument, Traveller
from idp.biometrics import engines, portraits, references
from idp.biometrics.models import Calibration, Capture, Job
from idp.biometrics.tasks import compare
from tests.biometrics import world
from tests.biometrics.engine import packs
from tests.biometrics.engine.frames import jpeg
from tests.conftest import NOW

PLACES = [(10, (0.0, 0.0)), (9, (1.0, 0.5)), (10, (-1.5, 1.0)), (11, (0.5, -1.0))]  # a head that moves


def frames(person: int, *, yellow: bool = False) -> tuple[bytes, ...]:
    made = []
    for column, shift in PLACES:
        scene = packs.scene(person, column=column, shift=shift)
        marked = (scene == packs.MAGENTA).all(axis=2, keepdims=True)
        tinted = scene // np.array([8, 1, 1], dtype=np.uint8)
        made.append(jpeg(np.where(marked, scene, tinted) if yellow else scene, 95))
    return tuple(made)


@pytest.fixture(autouse=True)
def model(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The preferred engine is a pack, with an add-on for liveness."""
    path = tmp_path / "models" / "addons" / "liveness.onnx"
    path.parent.mkdir(parents=True)
    path.write_bytes(packs.liveness())
    entry = dataclasses.replace(addons.ADDON_CATALOG["liveness"], sha256=packs.digest(packs.liveness()))
    monkeypatch.setattr("insightface.addons.catalog.ADDON_CATALOG", {"liveness": entry})
    settings.IDP_FACE_ENGINES, settings.IDP_MODEL_DIR = [str(packs.write(tmp_path / "tiny"))], tmp_path / "models"
    yield engines.models()[0]
    engines.pack.cache_clear()
    engines._loaded.cache_clear()


@pytest.fixture
def named(holder: Traveller, model: str) -> TravelDocument:
    made = world.document(person=None)
    portraits.import_portrait(document=made, picture=jpeg(packs.scene(0), 95), officer="account:7", now=1)
    return made


def calibrate(model: str, threshold: float) -> None:
    facts = {"genuine": 9, "impostor": 9, "fmr_high": 1e-4, "dataset": "made up", "officer": "account:7"}
    Calibration.objects.create(model=model, target="1e-4", threshold=threshold, created_at=1, **facts)


def run(holder: Traveller, named: TravelDocument, pictures: tuple[bytes, ...]) -> Job:
    job = world.submitted(holder, named, pictures, NOW)
    compare(str(job.pk))
    job.refresh_from_db()
    return job


def test_a_pack_that_nobody_measured_links_nothing_by_itself(holder: Traveller, named: TravelDocument) -> None:
    job = run(holder, named, frames(0))
    assert (job.state, job.reason) == (Job.State.REVIEW, "face_uncertain")
    assert Capture.objects.exists()


def test_a_calibrated_pack_that_links_nothing_or_anybody(holder: Traveller, named: TravelDocument, model: str) -> None:
    calibrate(model, 0.95)
    assert run(holder, named, frames(4)).state == Job.State.FAILED
    job = run(holder, named, frames(0))
    assert (job.state, job.reason) == (Job.State.DONE, "")
    template = references.template_for(TravelDocument.objects.get(pk=named.pk), [model])
    assert template is not None
    assert (template.model, template.profile, len(template.data)) == (model, "q4", 256)


def test_the_addons_alarm_taken_for_a_bad_picture(holder: Traveller, named: TravelDocument, model: str) -> None:
    """invalid solely because of what the network says: the face matches, and an officer has to look."""
    calibrate(model, 0.8)
    job = run(holder, named, frames(0, yellow=True))
    assert (job.state, job.reason, job.hint) == (Job.State.REVIEW, "face_not_live", "presentation_attack")
    assert job.score is not None and job.score > 0.8
    assert job.liveness is not None and 0.0 < job.liveness < 0.8
