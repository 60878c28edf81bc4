"""Several engines behind one: each reference is compared by the engine of its own model, while a model is replaced."""

from collections.abc import Sequence

from idp.biometrics.engine.contract import Enrolment, FaceEngine, FaceResult, Sight
from idp.biometrics.engine.templates import Embedding, Template, Thresholds


def together(engines: Sequence[FaceEngine]) -> FaceEngine:
    """One engine of several; the first is preferred and does all but compare. Raises IndexError for none."""
    return engines[0] if len(engines) == 1 else ByModel(engines)


class ByModel:
    """`FaceEngine` of ``engines``, of two models at least."""

    def __init__(self, engines: Sequence[FaceEngine]) -> None:
        self._preferred = engines[0]
        self._by_model = {engine.model: engine for engine in reversed(engines)}

    @property
    def model(self) -> str:
        """Of the preferred engine."""
        return self._preferred.model

    @property
    def profile(self) -> str:
        """Of the preferred engine."""
        return self._preferred.profile

    @property
    def thresholds(self) -> Thresholds:
        """Of the preferred engine."""
        return self._preferred.thresholds

    @property
    def same_score(self) -> float:
        """Of the preferred engine."""
        return self._preferred.same_score

    def compare(self, reference: Template, frames: Sequence[bytes], *, require_liveness: bool) -> FaceResult:
        """See `FaceEngine.compare`; an unknown model is refused by the preferred engine."""
        engine = self._by_model.get(reference.model, self._preferred)
        return engine.compare(reference, frames, require_liveness=require_liveness)

    def enrol(self, picture: bytes) -> Enrolment:
        """See `FaceEngine.enrol`."""
        return self._preferred.enrol(picture)

    def look(self, picture: bytes) -> Sight:
        """See `FaceEngine.look`."""
        return self._preferred.look(picture)

    def embed(self, sight: Sight) -> Embedding:
        """See `FaceEngine.embed`."""
        return self._preferred.embed(sight)

    def same_person(self, one: Sight, other: Sight) -> bool:
        """See `FaceEngine.same_person`."""
        return self._preferred.same_person(one, other)

    def passive(self, sight: Sight) -> float | None:
        """See `FaceEngine.passive`."""
        return self._preferred.passive(sight)
