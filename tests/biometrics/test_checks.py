"""What `check` and `check --deploy` say of the face engines."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks

from idp.biometrics import engines
from tests.biometrics.engine import packs

OURS = {"idp.W102", "idp.E109", "idp.E110", "idp.E111"}


@pytest.fixture(autouse=True)
def forgotten(db: None) -> Any:
    """A pack that a process has checked is not checked again: each test is a process of its own."""
    engines.pack.cache_clear()
    engines._loaded.cache_clear()
    yield
    engines.pack.cache_clear()
    engines._loaded.cache_clear()


def said(*, deploy: bool = True) -> list[str]:
    found = [str(message.id) for message in run_checks(include_deployment_checks=deploy)]
    return sorted(OURS.intersection(found))


def test_the_embedded_engine_does_not_go_live_unnoticed() -> None:
    """An authority that calibrated nothing would decide by two small sets of photographs."""
    assert said() == ["idp.W102"]
    assert said(deploy=False) == []


def test_a_warning_of_an_engine_that_is_not_active(settings: Any, tmp_path: Path) -> None:
    settings.IDP_FACE_ENGINES = [str(packs.write(tmp_path / "tiny"))]
    assert said() == []
    settings.IDP_FACE_ENGINES = [str(tmp_path / "tiny"), "embedded"]
    assert said() == ["idp.W102"]


def test_a_pack_that_was_exchanged_goes_live(settings: Any, tmp_path: Path) -> None:
    made = packs.write(tmp_path / "tiny")
    (made / "recognition.onnx").write_bytes(packs.recogniser(3))
    settings.IDP_FACE_ENGINES = [str(made)]
    assert said() == said(deploy=False) == ["idp.E110"]


def test_a_pack_that_does_not_load_goes_live(settings: Any, tmp_path: Path) -> None:
    made = packs.write(tmp_path / "tiny")
    narrow = packs.recogniser(dimensions=64)
    (made / "recognition.onnx").write_bytes(narrow)
    tasks = {"detection": packs.detector(), "recognition": narrow}
    files = {task: {"file": f"{task}.onnx", "sha256": packs.digest(one)} for task, one in tasks.items()}
    packs.describe(made, tasks=files)
    settings.IDP_FACE_ENGINES = [str(made)]
    assert said() == ["idp.E111"]
    assert said(deploy=False) == []


def test_a_provider_that_this_machine_lacks(settings: Any, tmp_path: Path) -> None:
    settings.IDP_FACE_ENGINES = [str(packs.write(tmp_path / "tiny"))]
    settings.IDP_FACE_PROVIDERS = ["cuda"]
    assert said() == ["idp.E111"]


@pytest.mark.parametrize(
    ("named", "providers"),
    [([], ["cpu"]), (["embedded", "embedded"], ["cpu"]), (["embedded"], []), (["embedded"], ["tpu"])],
)
def test_settings_that_cannot_be(settings: Any, named: list[str], providers: list[str]) -> None:
    settings.IDP_FACE_ENGINES, settings.IDP_FACE_PROVIDERS = named, providers
    assert "idp.E109" in said(deploy=False)


def test_a_web_server_that_carries_the_networks_about() -> None:
    program = (
        "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'; django.setup();"
        "from idp.border.metadata import engines; assert engines.models();"
        "sys.exit('onnxruntime' in sys.modules or 'insightface' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
