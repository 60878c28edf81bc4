"""Faces, 1:1: a small contract, the engine that comes embedded, and licensed packs. Free of Django; server and gate."""

from collections.abc import Sequence
from pathlib import Path

from idp.biometrics.engine.contract import (
    Enrolment,
    FaceEngine,
    FaceResult,
    PresentationAttack,
    Sight,
    UnableToLoadModel,
)
from idp.biometrics.engine.face import Box, Face
from idp.biometrics.engine.quality import Quality
from idp.biometrics.engine.templates import EMBEDDED_MODEL, EMBEDDED_THRESHOLDS, Comparison, Template, Thresholds

__all__ = [
    "EMBEDDED",
    "EMBEDDED_MODEL",
    "EMBEDDED_THRESHOLDS",
    "Box",
    "Comparison",
    "Enrolment",
    "Face",
    "FaceEngine",
    "FaceResult",
    "PresentationAttack",
    "Quality",
    "Sight",
    "Template",
    "Thresholds",
    "UnableToLoadModel",
    "load_engine",
    "model_of",
]

EMBEDDED = "embedded"


def load_engine(
    name: str | Path = EMBEDDED, *, model_dir: Path | None = None, providers: Sequence[str] = ("cpu",)
) -> FaceEngine:
    """Load "embedded", or the pack in the directory ``name``: about two seconds; nothing is ever downloaded.

    On first use the embedded model is converted into ``model_dir``, which defaults to ``$CAUSEWAY_MODEL_DIR`` or
    ``var/models``; an add-on for liveness is looked for there. ``providers`` run a pack: "cpu", "cuda", "coreml".
    Raises RuntimeError (`UnableToReadWeights`, `UnableToLoadModel`) for a model that cannot be had.
    """
    if name == EMBEDDED:
        from idp.biometrics.engine.embedded import EmbeddedEngine  # heavy: ONNX, insightface

        return EmbeddedEngine(model_dir=model_dir)
    if not Path(name).is_dir():
        raise UnableToLoadModel(f"no face engine is called {str(name)!r}; there is 'embedded', or a pack's directory")
    from idp.biometrics.engine.licensed import LicensedEngine

    return LicensedEngine(Path(name), model_dir=model_dir, providers=providers)


def model_of(name: str | Path) -> str:
    """The model of the engine ``name`` without loading its networks. Raises `UnableToLoadModel`."""
    from idp.biometrics.engine.pack import check

    return EMBEDDED_MODEL if name == EMBEDDED else check(Path(name)).model
