"""What a face engine does, whichever network it runs: enrol one picture, compare one traveller with one reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from idp.biometrics.engine.face import Box, Face
from idp.biometrics.engine.pictures import RGB
from idp.biometrics.engine.quality import Quality
from idp.biometrics.engine.templates import Embedding, Template, Thresholds
from idp.protocol.refusals import Reason, Refusal


class UnableToLoadModel(RuntimeError):
    """A model could not be converted, checked or loaded: the operator's to mend."""


class PresentationAttack(Refusal):
    """face_not_live, as a network made for it says: an alarm, for an officer. ``score`` in [0, 1] is for the log."""

    def __init__(self, score: float) -> None:
        super().__init__(Reason.FACE_NOT_LIVE, "look_at_the_camera")
        self.score = score


@dataclass(frozen=True)
class Enrolment:
    """``box`` in pixels of the upright picture."""

    template: Template
    quality: Quality
    box: Box


@dataclass(frozen=True)
class Sight:
    """One picture in which one face counts: RGB uint8 (rows, columns, 3), the face, its chip (150, 150, 3).

    Nothing has been decided: the quality may be too low for anything.
    """

    picture: RGB
    face: Face
    chip: RGB
    quality: Quality


@dataclass(frozen=True)
class FaceResult:
    """No decision: the caller holds ``score`` against its policy's thresholds.

    ``score`` in [0, 1]; ``distance`` as the template's profile measures it; ``liveness`` in [0, 1], None when it was
    not asked for; ``quality`` of the frame that was compared, ``frame`` its place in the burst.
    """

    score: float
    distance: float
    liveness: float | None
    quality: Quality
    frame: int


class FaceEngine(Protocol):
    """1:1 only. Safe to call from several threads; one for each process."""

    @property
    def model(self) -> str:
        """The name that templates carry and that authorities list under ``face_models_supported``."""

    @property
    def profile(self) -> str:
        """How templates of this engine are laid out."""

    @property
    def thresholds(self) -> Thresholds:
        """Scores proposed for a policy that names none."""

    @property
    def same_score(self) -> float:
        """Two frames of one sitting that score below it show two people."""

    def enrol(self, picture: bytes) -> Enrolment:
        """The template of the one face in a JPEG, PNG or WebP.

        Raises `Refusal`: malformed, face_no_face, face_many_faces, face_low_quality. ``detail`` is a key that helps the
        traveller, one of `quality.ADVICE`, save for malformed.
        """

    def compare(self, reference: Template, frames: Sequence[bytes], *, require_liveness: bool) -> FaceResult:
        """Compare the best of 1 to 10 frames (3 at least with ``require_liveness``) with ``reference``.

        In order, each raising `Refusal`: model (face_model_unsupported, malformed), frames (malformed, face_no_face,
        face_many_faces), quality (face_low_quality), liveness (face_not_live; `PresentationAttack` is one).
        At a gate the nearest face counts when its area is at least three times the next one's.
        """

    def look(self, picture: bytes) -> Sight:
        """The face that counts at a gate in one frame, and how good the frame is; no minimum is asked for.

        Raises `Refusal`: malformed, face_no_face, face_many_faces.
        """

    def embed(self, sight: Sight) -> Embedding:
        """The raw embedding of what `look` saw, float32; `templates.compare` takes it as a probe."""

    def same_person(self, one: Sight, other: Sight) -> bool:
        """Whether two frames of one sitting show one person: against a change of persons, no decision on identity.

        It costs two embeddings. A turned head is known less well: compare frames that look at the camera.
        """

    def passive(self, sight: Sight) -> float | None:
        """How live one frame looks to a network made for it, in [0, 1]; None where the engine has none.

        Raises `Refusal` face_low_quality where the frame shows too little around the face: no sign of an attack.
        """
