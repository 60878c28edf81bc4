"""One engine for all tests here; its model is converted into a temporary directory."""

from pathlib import Path

import pytest

from idp.biometrics.engine import Enrolment
from idp.biometrics.engine.detection import Detector
from idp.biometrics.engine.embedded import EmbeddedEngine
from idp.demo.photographs import people


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def engine(model_dir: Path) -> EmbeddedEngine:
    return EmbeddedEngine(model_dir=model_dir)


@pytest.fixture(scope="session")
def registry(engine: EmbeddedEngine) -> list[Enrolment]:
    """The six people's enrolments, from their portraits."""
    return [engine.enrol(picture.jpeg) for picture in people()]


@pytest.fixture(scope="session")
def detector() -> Detector:
    return Detector()
