"""Faces, 1:1: a small contract, and the engine that comes embedded. Free of Django; for server and gate."""

from pathlib import Path

from idp.biometrics.engine.contract import Enrolment, FaceEngine, FaceResult
from idp.biometrics.engine.detection import Box
from idp.biometrics.engine.quality import Quality
from idp.biometrics.engine.templates import EMBEDDED_MODEL, EMBEDDED_THRESHOLDS, Comparison, Template, Thresholds

__all__ = [
    "EMBEDDED_MODEL",
    "EMBEDDED_THRESHOLDS",
    "Box",
    "Comparison",
    "Enrolment",
    "FaceEngine",
    "FaceResult",
    "Quality",
    "Template",
    "Thresholds",
    "load_engine",
]


def load_engine(name: str = "embedded", *, model_dir: Path | None = None) -> FaceEngine:
    """Load an engine: about two seconds, and on first use half a second more to convert the model into ``model_dir``.

    ``model_dir`` defaults to ``$CAUSEWAY_MODEL_DIR`` or ``var/models``. Raises RuntimeError (`UnableToReadWeights`,
    `UnableToLoadModel`) for an unknown name or a model that cannot be had.
    """
    if name != "embedded":
        raise RuntimeError(f"no face engine is called {name!r}; there is 'embedded'")
    from idp.biometrics.engine.embedded import EmbeddedEngine  # heavy: ONNX, insightface

    return EmbeddedEngine(model_dir=model_dir)
