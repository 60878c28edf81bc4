"""From pictures to scores: each is enrolled once, and compared with the others as they stand in `Trials`."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from idp.biometrics.engine.contract import FaceEngine
from idp.biometrics.engine.evaluation.rates import Scores
from idp.biometrics.engine.evaluation.trials import Trials
from idp.biometrics.engine.templates import Template, compare_many
from idp.protocol.refusals import Refusal

Progress = Callable[[Sequence[str]], Iterable[str]]  # hands the pictures on, one by one, and may show how far it is


@dataclass(frozen=True)
class Measured:
    """``failures``: how many pictures gave no template, by what was said of them: reason, and advice if any."""

    model: str
    genuine: Scores
    impostor: Scores
    pictures: int
    failures: Mapping[str, int]

    @property
    def failed(self) -> int:
        """Pictures without a template."""
        return sum(self.failures.values())


def measure(engine: FaceEngine, directory: Path, trials: Trials, *, progress: Progress = iter) -> Measured:
    """Enrol every picture of ``trials`` below ``directory`` and compare them.

    A picture that is refused takes no part in comparisons, as failures to acquire do not count as errors of comparison
    (ISO/IEC 19795-1): they are a rate of their own.
    """
    templates: list[Template | None] = []
    failures: Counter[str] = Counter()
    for name in progress(trials.pictures):
        try:
            templates.append(engine.enrol((directory / name).read_bytes()).template)
        except Refusal as refusal:
            templates.append(None)
            failures[f"{refusal.reason.value} {refusal.detail}".strip()] += 1
    genuine, impostor = _scores(engine.model, templates, trials)
    return Measured(engine.model, genuine, impostor, len(trials.pictures), dict(failures))


def _scores(model: str, templates: Sequence[Template | None], trials: Trials) -> tuple[Scores, Scores]:
    acquired: NDArray[np.bool_] = np.array([template is not None for template in templates], dtype=np.bool_)
    genuine, impostor = [np.empty(0)], [np.empty(0)]
    for block in trials.blocks(acquired):
        reference = templates[block.reference]
        probes = [found for place in block.probes if (found := templates[place]) is not None]
        if reference is None:
            raise RuntimeError("a picture without a template is compared")
        scores = compare_many(reference, probes, model=model)
        genuine.append(scores[block.same])
        impostor.append(scores[~block.same])
    return np.concatenate(genuine), np.concatenate(impostor)
