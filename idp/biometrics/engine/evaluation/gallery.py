"""The templates of an evaluation, compared by the million with the numbers that `templates.compare` gives for one."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from idp.biometrics.engine import templates
from idp.biometrics.engine.evaluation.tally import Scores
from idp.biometrics.engine.evaluation.trials import Mask, Places
from idp.biometrics.engine.profiles import PROFILES, Q4, Q8
from idp.biometrics.engine.templates import Template

NEAR: Final = 1e-3

Matrix = NDArray[np.float64]


def _euclidean(one: Matrix, other: Matrix) -> Matrix:
    squares = np.einsum("rd,rd->r", one, one)[:, None] + np.einsum("pd,pd->p", other, other)[None, :]
    squares -= 2 * (one @ other.T)
    row, column = np.nonzero(squares < NEAR)  # there the difference of great numbers is mostly rounding
    squares[row, column] = np.square(one[row] - other[column]).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)))


def _cosine(one: Matrix, other: Matrix) -> Matrix:
    return np.asarray(np.clip(1.0 - one @ other.T, 0.0, templates.FARTHEST))


DISTANCES: Final[Mapping[str, Callable[[Matrix, Matrix], Matrix]]] = MappingProxyType(
    {Q8.name: _euclidean, Q4.name: _cosine}
)
"""By profile: (r, d) and (p, d) to the distances (r, p), as the profile's own of one with many."""


class Gallery:
    """Templates by the places of their pictures; None where a picture gave none. 4 bytes a component."""

    def __init__(self, found: Sequence[Template | None], *, model: str, profile: str) -> None:
        """Raises `Refusal` for a template of another model or profile (`templates.restore`)."""
        self.acquired: Mask = np.array([template is not None for template in found], dtype=np.bool_)
        kept = [template for template in found if template is not None]
        self._vectors = np.empty((len(kept), PROFILES[profile].dimensions), dtype=np.float32)
        for place, template in enumerate(kept):
            self._vectors[place] = templates.restore(template, model=model, profile=profile)
        self._row = np.cumsum(self.acquired) - 1  # of a picture in `_vectors`
        self._distances = DISTANCES[profile]

    def scores(self, references: Places, probes: Places) -> Scores:
        """The score of each of ``references`` (r,) with each of ``probes`` (p,), float64 (r, p)."""
        one = self._vectors[self._row[references]].astype(np.float64)
        other = self._vectors[self._row[probes]].astype(np.float64)
        return np.maximum(0.0, 1.0 - self._distances(one, other) / templates.FARTHEST)
