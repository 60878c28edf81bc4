"""Face templates and their comparison.

A template names its model and how it is laid out (`profiles`); templates that differ in either are never compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from idp.biometrics.engine.profiles import PROFILES, Q8, STEP, Embedding, Profile
from idp.protocol.refusals import Reason, Refusal

__all__ = ["STEP", "Embedding"]

EMBEDDED_MODEL: Final = "dlib-resnet-v1"
PROFILE: Final = Q8.name
FARTHEST: Final = 2.0  # distance at which the score has become 0


@dataclass(frozen=True)
class Template:
    """``data``: 128 bytes for profile "q8", 256 for "q4"."""

    model: str
    profile: str
    data: bytes


@dataclass(frozen=True)
class Comparison:
    """``distance``: as the profile measures it; ``score``: similarity in [0, 1], falling with the distance."""

    distance: float
    score: float


@dataclass(frozen=True)
class Thresholds:
    """Scores: admit from ``admit``; between ``refer`` and ``admit`` an officer looks; below ``refer`` no match."""

    admit: float
    refer: float


def score_of(distance: float) -> float:
    """``max(0, 1 - distance / 2)``; of a cosine distance it is ``(1 + cosine) / 2``."""
    return max(0.0, 1.0 - distance / FARTHEST)


EMBEDDED_THRESHOLDS: Final = Thresholds(admit=score_of(0.55), refer=score_of(0.60))
"""For trying only: on two small sets of photographs no impostor came under 0.61; to be calibrated by the operator."""

UNCALIBRATED: Final = Thresholds(admit=1.0, refer=score_of(1 - 0.2))
"""For a pack that nobody has measured here: it admits no one, an officer sees all whose cosine is 0.2 or more."""


def quantise(embedding: Embedding, *, model: str, profile: str = PROFILE) -> Template:
    """The template of a raw embedding, float32 (128,) for "q8", (512,) for "q4"; components out of range are clipped.

    Raises ValueError for what is no embedding, KeyError for a profile that there is not.
    """
    layout = PROFILES[profile]
    layout.check(embedding)
    return Template(model=model, profile=profile, data=layout.encode(embedding))


def restore(template: Template, *, model: str, profile: str | None = None) -> Embedding:
    """The embedding, float32: raw for "q8", of length 1 for "q4"; to half a step in each component.

    Raises `Refusal` face_model_unsupported for another model, or another profile than ``profile`` (None: any that there
    is), malformed for another length.
    """
    layout = PROFILES.get(template.profile)
    if layout is None or template.model != model or template.profile != (profile or template.profile):
        raise Refusal(Reason.FACE_MODEL_UNSUPPORTED, f"this engine compares {model} {profile or ''} only")
    if len(template.data) != layout.size:
        raise Refusal(Reason.MALFORMED, f"a {layout.name} template has {layout.size} bytes")
    return layout.decode(template.data)


def compare(reference: Template, probe: Template | Embedding, *, model: str, profile: str | None = None) -> Comparison:
    """Compare a reference with a template or a raw embedding of ``model``. Raises `Refusal` as `restore` does.

    Without ``profile`` it is the reference's. Raises ValueError for a raw embedding of another shape.
    """
    layout = _layout(reference, profile or (probe.profile if isinstance(probe, Template) else None))
    known = restore(reference, model=model, profile=layout.name)
    if isinstance(probe, Template):
        live = restore(probe, model=model, profile=layout.name)
    else:
        layout.check(probe)
        live = layout.canonical(probe)
    return _comparison(layout, known, live)


def compare_raw(one: Embedding, other: Embedding, *, profile: str) -> Comparison:
    """Compare two raw embeddings of one network. Raises ValueError for what is none."""
    layout = PROFILES[profile]
    layout.check(one)
    layout.check(other)
    return _comparison(layout, layout.canonical(one), layout.canonical(other))


def compare_many(
    reference: Template, probes: Sequence[Template], *, model: str, profile: str | None = None
) -> NDArray[np.float64]:
    """The scores of `compare` for each of ``probes``, float64 (n,), in their order. Raises like it."""
    layout = _layout(reference, profile)
    known = restore(reference, model=model, profile=layout.name)
    live = np.stack([restore(probe, model=model, profile=layout.name) for probe in probes])
    return np.maximum(0.0, 1.0 - layout.distances(known, live) / FARTHEST).astype(np.float64)


def _layout(reference: Template, profile: str | None) -> Profile:
    wanted = PROFILES.get(profile or reference.profile)
    if wanted is None:
        raise Refusal(Reason.FACE_MODEL_UNSUPPORTED, "no such profile of templates")
    return wanted


def _comparison(layout: Profile, known: Embedding, live: Embedding) -> Comparison:
    distance = float(layout.distances(known, live[None])[0])
    return Comparison(distance=distance, score=score_of(distance))
