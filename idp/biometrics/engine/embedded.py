"""The embedded engine: dlib finds the face, its CC0 network converted to ONNX recognises it, insightface runs that.

It is for trying and says so: the network was trained mostly on adults of the West and is known to confuse East Asian
faces and children more. A border runs a licensed engine, calibrated on its own travellers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from idp.biometrics.engine import liveness, quality, templates
from idp.biometrics.engine.contract import Enrolment, FaceResult
from idp.biometrics.engine.detection import (
    ENROLMENT_SIDE,
    GATE_SIDE,
    Detector,
    Face,
    chip,
    dominant_face,
    only_face,
)
from idp.biometrics.engine.embedded_pack import MODEL, Recogniser, default_model_dir, ensure_pack
from idp.biometrics.engine.pictures import RGB, decode
from idp.biometrics.engine.templates import EMBEDDED_THRESHOLDS, PROFILE, Template, Thresholds
from idp.protocol.refusals import Reason, Refusal

MAX_FRAMES: Final = 10  # a second of a slow camera
SAME_FACE: Final = 0.6  # distance within a burst beyond which the person was changed


@dataclass(frozen=True)
class _Seen:
    """A frame in which one face counts, with its chip and quality."""

    index: int
    picture: RGB
    face: Face
    chip: RGB
    quality: quality.Quality


class EmbeddedEngine:
    """`FaceEngine` of the embedded model; ``minimums`` of quality and liveness are policy values."""

    model: str = MODEL
    profile: str = PROFILE
    thresholds: Thresholds = EMBEDDED_THRESHOLDS

    def __init__(
        self,
        *,
        model_dir: Path | None = None,
        minimums: Mapping[str, float] = quality.DEFAULT_MINIMUMS,
        minimum_liveness: float = liveness.MINIMUM,
    ) -> None:
        self._detector = Detector()
        self._recogniser = Recogniser(ensure_pack(model_dir or default_model_dir()))
        self._minimums = minimums
        self._minimum_liveness = minimum_liveness

    def enrol(self, picture: bytes) -> Enrolment:
        """See `FaceEngine.enrol`: strictly one face, sought at up to 1280 pixels."""
        pixels = decode(picture)
        face = only_face(self._detector.faces(pixels, long_side=ENROLMENT_SIDE))
        cut = chip(pixels, face)
        measured = quality.measure(face, cut, [])
        measured.require(self._minimums)
        template = templates.quantise(self._recogniser.embed(cut), model=self.model)
        return Enrolment(template=template, quality=measured, box=face.box)

    def compare(self, reference: Template, frames: Sequence[bytes], *, require_liveness: bool) -> FaceResult:
        """See `FaceEngine.compare`."""
        templates.restore(reference, model=self.model)
        if not 1 <= len(frames) <= MAX_FRAMES:
            raise Refusal(Reason.MALFORMED, f"{len(frames)} frames, expected 1 to {MAX_FRAMES}")
        seen = self._seen(frames)
        best = max(seen, key=lambda one: (one.quality.lacking(self._minimums) is None, one.quality.score))
        best.quality.require(self._minimums)
        probe = self._recogniser.embed(best.chip)
        alive = self._alive(seen, probe) if require_liveness else None
        compared = templates.compare(reference, probe, model=self.model)
        return FaceResult(compared.score, compared.distance, alive, best.quality, best.index)

    def _seen(self, frames: Sequence[bytes]) -> list[_Seen]:
        """The frames with a face; some may have none (a blink of the detector), not all."""
        seen: list[_Seen] = []
        for index, frame in enumerate(frames):
            pixels = decode(frame)
            faces = self._detector.faces(pixels, long_side=GATE_SIDE)
            if faces:
                face = dominant_face(faces)
                cut = chip(pixels, face)
                others = [other for other in faces if other is not face]
                seen.append(_Seen(index, pixels, face, cut, quality.measure(face, cut, others)))
        if not seen:
            raise Refusal(Reason.FACE_NO_FACE, "look_at_the_camera")
        return seen

    def _alive(self, seen: list[_Seen], probe: templates.Embedding) -> float:
        """The burst's score. Raises `Refusal` face_not_live when it is low, or when a frame shows another person than
        ``probe``: else a picture put among live frames would be the one compared."""
        score = liveness.burst_score([liveness.Sight(one.picture, one.face) for one in seen])
        if score < self._minimum_liveness:
            raise Refusal(Reason.FACE_NOT_LIVE, "look_at_the_camera")
        for one in seen:
            if float(np.linalg.norm(self._recogniser.embed(one.chip) - probe)) > SAME_FACE:
                raise Refusal(Reason.FACE_NOT_LIVE, "one_person_only")
        return score
