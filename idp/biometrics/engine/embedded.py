"""The embedded engine: dlib finds the face, its CC0 network converted to ONNX recognises it, insightface runs that.

It is for trying and says so: the network was trained mostly on adults of the West and is known to confuse East Asian
faces and children more. A border runs a licensed engine, calibrated on its own travellers.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from idp.biometrics.engine import liveness, quality
from idp.biometrics.engine.contract import Sight
from idp.biometrics.engine.detection import ENROLMENT_SIDE, GATE_SIDE, Detector, chip
from idp.biometrics.engine.embedded_pack import MODEL, Recogniser, default_model_dir, ensure_pack
from idp.biometrics.engine.face import Face
from idp.biometrics.engine.one_to_one import OneToOne
from idp.biometrics.engine.pictures import RGB
from idp.biometrics.engine.templates import EMBEDDED_THRESHOLDS, PROFILE, Embedding, Thresholds, score_of

SAME_FACE: Final = 0.6  # distance within a burst beyond which the person was changed


class EmbeddedEngine(OneToOne):
    """`FaceEngine` of the embedded model."""

    model: str = MODEL
    profile: str = PROFILE
    thresholds: Thresholds = EMBEDDED_THRESHOLDS
    same_score: float = score_of(SAME_FACE)

    def __init__(
        self,
        *,
        model_dir: Path | None = None,
        minimums: Mapping[str, float] = quality.DEFAULT_MINIMUMS,
        minimum_liveness: float = liveness.MINIMUM,
    ) -> None:
        super().__init__(minimums=minimums, minimum_liveness=minimum_liveness)
        self._detector = Detector()
        self._recogniser = Recogniser(ensure_pack(model_dir or default_model_dir()))

    def embed(self, sight: Sight) -> Embedding:
        """See `FaceEngine.embed`: 128 components, compared by Euclidean distance."""
        return self._recogniser.embed(sight.chip)

    def _faces(self, picture: RGB, *, enrolling: bool) -> list[Face]:
        return self._detector.faces(picture, long_side=ENROLMENT_SIDE if enrolling else GATE_SIDE)

    def _chip(self, picture: RGB, face: Face) -> RGB:
        return chip(picture, face)
