"""How pictures become an enrolment or a result, in the same order for every engine; networks are left to subclasses."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Final

from idp.biometrics.engine import liveness, quality, templates
from idp.biometrics.engine.contract import Enrolment, FaceResult, PresentationAttack, Sight
from idp.biometrics.engine.face import Face, dominant_face, only_face
from idp.biometrics.engine.pictures import RGB, decode
from idp.biometrics.engine.templates import Embedding, Template, Thresholds
from idp.protocol.refusals import Reason, Refusal

MAX_FRAMES: Final = 10  # a second of a slow camera
MINIMUM_PASSIVE: Final = 0.8  # insightface's own threshold for its add-on; a policy value


class OneToOne(ABC):
    """`FaceEngine` without its networks; ``minimums`` of quality and liveness are policy values."""

    model: str
    profile: str
    thresholds: Thresholds
    same_score: float  # two frames of one sitting below it show two people

    def __init__(
        self,
        *,
        minimums: Mapping[str, float] = quality.DEFAULT_MINIMUMS,
        minimum_liveness: float = liveness.MINIMUM,
    ) -> None:
        self._minimums = minimums
        self._minimum_liveness = minimum_liveness

    @abstractmethod
    def _faces(self, picture: RGB, *, enrolling: bool) -> list[Face]:
        """All faces, largest first; ``enrolling`` looks more closely, for people in the background too."""

    @abstractmethod
    def _chip(self, picture: RGB, face: Face) -> RGB:
        """The face upright, (150, 150, 3), as `quality` measures it."""

    @abstractmethod
    def embed(self, sight: Sight) -> Embedding:
        """See `FaceEngine.embed`."""

    def passive(self, sight: Sight) -> float | None:
        """See `FaceEngine.passive`: there is no such network."""
        return None

    def enrol(self, picture: bytes) -> Enrolment:
        """See `FaceEngine.enrol`: strictly one face."""
        pixels = decode(picture)
        sight = self._sight(pixels, only_face(self._faces(pixels, enrolling=True)), [])
        sight.quality.require(self._minimums)
        template = templates.quantise(self.embed(sight), model=self.model, profile=self.profile)
        return Enrolment(template=template, quality=sight.quality, box=sight.face.box)

    def look(self, picture: bytes) -> Sight:
        """See `FaceEngine.look`."""
        pixels = decode(picture)
        faces = self._faces(pixels, enrolling=False)
        face = dominant_face(faces)
        return self._sight(pixels, face, [other for other in faces if other is not face])

    def same_person(self, one: Sight, other: Sight) -> bool:
        """See `FaceEngine.same_person`."""
        return self._alike(self.embed(one), self.embed(other))

    def compare(self, reference: Template, frames: Sequence[bytes], *, require_liveness: bool) -> FaceResult:
        """See `FaceEngine.compare`."""
        templates.restore(reference, model=self.model, profile=self.profile)
        if not 1 <= len(frames) <= MAX_FRAMES:
            raise Refusal(Reason.MALFORMED, f"{len(frames)} frames, expected 1 to {MAX_FRAMES}")
        seen = self._seen(frames)
        best = max(seen, key=lambda place: _rank(seen[place].quality, self._minimums))
        seen[best].quality.require(self._minimums)
        probe = self.embed(seen[best])
        alive = self._alive(seen, best, probe) if require_liveness else None
        compared = templates.compare(reference, probe, model=self.model, profile=self.profile)
        return FaceResult(compared.score, compared.distance, alive, seen[best].quality, best)

    def _sight(self, pixels: RGB, face: Face, others: list[Face]) -> Sight:
        cut = self._chip(pixels, face)
        return Sight(pixels, face, cut, quality.measure(face, cut, others, pixels))

    def _seen(self, frames: Sequence[bytes]) -> dict[int, Sight]:
        """The frames with a face by their place; some may have none (a blink of the detector), not all."""
        seen: dict[int, Sight] = {}
        for place, frame in enumerate(frames):
            try:
                seen[place] = self.look(frame)
            except Refusal as refusal:
                if refusal.reason is not Reason.FACE_NO_FACE:
                    raise
        if not seen:
            raise Refusal(Reason.FACE_NO_FACE, "look_at_the_camera")
        return seen

    def _alive(self, seen: dict[int, Sight], best: int, probe: Embedding) -> float:
        """The lower of the burst's score and the passive one of the frame compared, where there is one.

        Raises `Refusal` face_not_live when either is low, or when a frame shows another person than ``probe``: else a
        picture put among live frames would be the one compared; face_low_quality as `passive`.
        """
        passive = self.passive(seen[best])
        if passive is not None and passive < MINIMUM_PASSIVE:
            raise PresentationAttack(passive)
        score = liveness.burst_score([liveness.Sight(one.picture, one.face) for one in seen.values()])
        if score < self._minimum_liveness:
            raise Refusal(Reason.FACE_NOT_LIVE, "look_at_the_camera")
        if not all(self._alike(self.embed(one), probe) for place, one in seen.items() if place != best):
            raise Refusal(Reason.FACE_NOT_LIVE, "one_person_only")
        return score if passive is None else min(score, passive)

    def _alike(self, one: Embedding, other: Embedding) -> bool:
        return templates.compare_raw(one, other, profile=self.profile).score >= self.same_score


def _rank(measured: quality.Quality, minimums: Mapping[str, float]) -> tuple[bool, float]:
    """Good enough goes before better."""
    return measured.lacking(minimums) is None, measured.score
