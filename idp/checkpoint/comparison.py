"""Step 10's face comparison: the burst from the camera against the reference out of the token."""

from collections.abc import Callable, Sequence

from idp.biometrics.engine import FaceEngine, Template, pictures
from idp.protocol.gate_decisions import FaceScore, Reference
from idp.protocol.refusals import Reason, Refusal, Unavailable


class Comparison:
    """A `FaceComparison` of one burst. ``live``: it must be found live; False is for a still picture in a demonstration
    only, or where the checkpoint does not ask. ``score`` is what was found, for the officers' log."""

    def __init__(self, engine: Callable[[], FaceEngine], frames: Sequence[bytes], *, live: bool) -> None:
        self._engine, self._frames, self._live = engine, frames, live
        self.score: float | None = None

    def __call__(self, reference: Reference) -> FaceScore:
        """Raises `Refusal` with a face reason, `Unavailable` where the camera gave no pictures."""
        template = Template(reference.model, reference.profile, reference.template)
        try:
            result = self._engine().compare(template, self._frames, require_liveness=self._live)
        except Refusal as refusal:
            if refusal.reason is Reason.MALFORMED and not all(map(_is_picture, self._frames)):
                raise Unavailable("the camera's pictures cannot be read") from refusal  # no fault of the token's
            raise
        self.score = result.score
        return FaceScore(result.score, live=not self._live or result.liveness is not None)


def _is_picture(frame: bytes) -> bool:
    try:
        pictures.decode(frame)
    except Refusal as refusal:
        return refusal.reason is not Reason.MALFORMED
    return True
