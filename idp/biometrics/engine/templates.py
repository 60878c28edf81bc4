"""Face templates: 128 floats in 128 bytes, and their comparison.

A template names its model; templates of two models are never compared. The quantisation step is fixed, not fitted to
each face, so that a template needs no header and distances of quantised and raw embeddings mean the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from idp.protocol.refusals import Reason, Refusal

EMBEDDED_MODEL: Final = "dlib-resnet-v1"
PROFILE: Final = "q8"
STEP: Final = 1.0 / 224  # int8 reaches 0.567; the largest component seen on 46 faces was below 0.45
LIMIT: Final = 127
DIMENSIONS: Final = 128
FARTHEST: Final = 2.0  # distance at which the score has become 0

Embedding = NDArray[np.float32]


@dataclass(frozen=True)
class Template:
    """``data``: for profile "q8" 128 signed bytes, each times `STEP` a component of the raw embedding."""

    model: str
    profile: str
    data: bytes


@dataclass(frozen=True)
class Comparison:
    """``distance``: Euclidean, of raw embeddings; ``score``: similarity in [0, 1], falling with the distance."""

    distance: float
    score: float


@dataclass(frozen=True)
class Thresholds:
    """Scores: admit from ``admit``; between ``refer`` and ``admit`` an officer looks; below ``refer`` no match."""

    admit: float
    refer: float


def score_of(distance: float) -> float:
    """``max(0, 1 - distance / 2)``."""
    return max(0.0, 1.0 - distance / FARTHEST)


EMBEDDED_THRESHOLDS: Final = Thresholds(admit=score_of(0.55), refer=score_of(0.60))
"""For trying only: on two small sets of photographs no impostor came under 0.61; to be calibrated by the operator."""


def quantise(embedding: Embedding, *, model: str) -> Template:
    """The template of a raw embedding, float32 (128,); components beyond the int8 range are clipped."""
    if embedding.shape != (DIMENSIONS,) or not np.isfinite(embedding).all():
        raise ValueError(f"an embedding is {DIMENSIONS} finite floats")
    steps = np.clip(np.rint(embedding / STEP), -LIMIT, LIMIT)
    return Template(model=model, profile=PROFILE, data=steps.astype(np.int8).tobytes())


def restore(template: Template, *, model: str) -> Embedding:
    """The embedding, float32 (128,), to half a step in each component.

    Raises `Refusal` face_model_unsupported for another model or profile, malformed for another length.
    """
    if (template.model, template.profile) != (model, PROFILE):
        raise Refusal(Reason.FACE_MODEL_UNSUPPORTED, f"this engine compares {model} {PROFILE} only")
    if len(template.data) != DIMENSIONS:
        raise Refusal(Reason.MALFORMED, f"a {PROFILE} template has {DIMENSIONS} bytes")
    return np.frombuffer(template.data, dtype=np.int8).astype(np.float32) * np.float32(STEP)


def compare(reference: Template, probe: Template | Embedding, *, model: str) -> Comparison:
    """Compare a reference with a template or a raw embedding of ``model``. Raises `Refusal` as `restore` does."""
    known = restore(reference, model=model)
    live = restore(probe, model=model) if isinstance(probe, Template) else probe
    distance = float(np.linalg.norm(known.astype(np.float64) - live.astype(np.float64)))
    return Comparison(distance=distance, score=score_of(distance))


def compare_many(reference: Template, probes: Sequence[Template], *, model: str) -> NDArray[np.float64]:
    """The scores of `compare` for each of ``probes``, float64 (n,), in their order. Raises like it."""
    known = restore(reference, model=model).astype(np.float64)
    live = np.stack([restore(probe, model=model) for probe in probes]).astype(np.float64)
    distances: NDArray[np.float64] = np.linalg.norm(live - known, axis=1)
    return np.maximum(0.0, 1.0 - distances / FARTHEST).astype(np.float64)
