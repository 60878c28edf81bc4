"""A face engine double: it reads its result out of the frame, so that a test chooses what the camera saw.

A frame is ``b"toy 0.9"`` (a live face with that score), ``b"toy 0.9 still"``, ``b"toy <face reason>"`` or
``b"toy crash"``.
"""

from collections.abc import Sequence

from idp.biometrics.engine import Enrolment, FaceResult, Quality, Template, Thresholds
from idp.protocol.refusals import Reason, Refusal
from tests.simulators.gate import MODEL

ALIKE, UNSURE, OTHER = b"toy 0.9", b"toy 0.5", b"toy 0.1"
STILL, NOBODY, CRASH = b"toy 0.9 still", b"toy face_no_face", b"toy crash"


class ToyFaceEngine:
    """`FaceEngine` over toy frames; `asked` is what it was last asked to compare with."""

    model, profile, thresholds = MODEL, "q8", Thresholds(0.6, 0.4)
    asked: Template | None = None

    def enrol(self, picture: bytes) -> Enrolment:
        raise Refusal(Reason.FACE_NO_FACE)

    def compare(self, reference: Template, frames: Sequence[bytes], *, require_liveness: bool) -> FaceResult:
        self.asked = reference
        mark, _, said = frames[0].partition(b" ")
        score, _, still = said.decode("latin-1").partition(" ")
        if mark != b"toy":
            raise Refusal(Reason.MALFORMED, "picture_unreadable")
        if score == "crash":
            raise ZeroDivisionError
        if score in Reason.__members__.values():
            raise Refusal(Reason(score))
        if require_liveness and (still or len(frames) < 3):
            raise Refusal(Reason.FACE_NOT_LIVE)
        found = float(score)
        return FaceResult(found, 2 - 2 * found, 0.9 if require_liveness else None, Quality({}, 120.0), 0)
