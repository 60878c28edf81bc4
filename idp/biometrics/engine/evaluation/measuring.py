"""From pictures to counted scores: each picture is enrolled once, and compared with others as `Trials` has it."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from idp.biometrics.engine.contract import FaceEngine
from idp.biometrics.engine.evaluation.gallery import Gallery
from idp.biometrics.engine.evaluation.groups import NONE, Groups
from idp.biometrics.engine.evaluation.tally import Scores, Tally
from idp.biometrics.engine.evaluation.trials import Block, Places, Trials, UnableToRead
from idp.biometrics.engine.evaluation.work import Seen, Work
from idp.protocol.refusals import Refusal

Step = TypeVar("Step")


class Progress(Protocol):
    """Hands on what it is given, of which there is a number of this unit, and may show how far it is."""

    def __call__(self, steps: Iterable[Step], unit: str, number: int) -> Iterable[Step]: ...


@dataclass(frozen=True)
class Counted:
    """Scores of comparisons of one person (genuine) and of two (impostor)."""

    genuine: Tally
    impostor: Tally

    @classmethod
    def at(cls, thresholds: Sequence[float]) -> "Counted":
        """Nothing counted so far; exact at ``thresholds`` besides those of the grid."""
        return cls(Tally(thresholds), Tally(thresholds))

    def add(self, scores: Scores, block: Block, only: Any = ...) -> None:
        """Count the scores (r, p) of a block that are asked for, within ``only`` (an index of both) if it is given."""
        scores, same, counted = scores[only], block.same[only], block.counted[only]
        self.genuine.add(scores[same & counted])
        self.impostor.add(scores[~same & counted])


@dataclass(frozen=True)
class Measured:
    """``failures``: how many pictures gave no template, by what was said of them: reason, and advice if any.

    ``subjects``: people (``by_person``), or with pairs references, of whom ``unenrolled`` had no picture that gave a
    template. ``groups``: comparisons within each group, ``acquiring`` its pictures and those without a template.
    ``repeated``: pictures that are another one once more, byte for
    byte; ``misfiled``: those that two people have.
    """

    model: str
    all: Counted
    groups: Mapping[str, Counted]
    acquiring: Mapping[str, tuple[int, int]]
    pictures: int
    failures: Mapping[str, int]
    by_person: bool
    subjects: int
    unenrolled: int
    repeated: int
    misfiled: int

    @property
    def failed(self) -> int:
        """Pictures without a template."""
        return sum(self.failures.values())


def unseen(steps: Iterable[Step], unit: str, number: int) -> Iterable[Step]:
    """A `Progress` that nobody watches."""
    return steps


def measure(
    engine: FaceEngine,
    directory: Path,
    trials: Trials,
    *,
    groups: Groups,
    work: Work,
    thresholds: Sequence[float],
    progress: Progress = unseen,
) -> Measured:
    """Enrol every picture of ``trials`` below ``directory`` and compare them; exact at ``thresholds``, too.

    A picture that is refused takes no part in comparisons, as failures to acquire do not count as errors of comparison
    (ISO/IEC 19795-1): they are a rate of their own, and so are people who have no other picture. Raises `UnableToRead`
    for a file that is there no more.
    """
    digests: list[str] = []
    found: list[Seen] = []
    for name in progress(trials.pictures, "picture", len(trials.pictures)):
        picture = _read(directory / name)
        digest = hashlib.sha256(picture).hexdigest()
        digests.append(digest)
        found.append(_looked_at(engine, picture, digest, work))
    gallery = Gallery([seen.template for seen in found], model=engine.model, profile=engine.profile)
    every, by_group = _compared(gallery, trials, groups, thresholds, progress)
    subjects = trials.subjects()
    return Measured(
        model=engine.model,
        all=every,
        groups=by_group,
        acquiring=_acquiring(gallery, groups),
        pictures=len(trials.pictures),
        failures=dict(Counter(seen.failure for seen in found if seen.template is None)),
        by_person=trials.people is not None,
        subjects=len(subjects),
        unenrolled=sum(not gallery.acquired[places].any() for places in subjects),
        repeated=len(digests) - len(set(digests)),
        misfiled=_misfiled(digests, trials.people),
    )


def _acquiring(gallery: Gallery, groups: Groups) -> dict[str, tuple[int, int]]:
    inside = [(name, groups.of == place) for place, name in enumerate(groups.names)]
    return {name: (int(here.sum()), int((here & ~gallery.acquired).sum())) for name, here in inside}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:  # not what an engine failed at
        raise UnableToRead(f"{path} cannot be read: {error.strerror}") from error


def _misfiled(digests: Sequence[str], people: Sequence[int] | None) -> int:
    whose = set(zip(digests, people, strict=True)) if people is not None else set()
    return sum(number > 1 for number in Counter(digest for digest, _ in whose).values())


def _looked_at(engine: FaceEngine, picture: bytes, digest: str, work: Work) -> Seen:
    known = work.known(digest)
    if known is not None:
        return known
    try:
        seen = Seen(engine.enrol(picture).template)
    except Refusal as refusal:
        seen = Seen(None, f"{refusal.reason.value} {refusal.detail}".strip())
    work.keep(digest, seen)
    return seen


def _compared(
    gallery: Gallery, trials: Trials, groups: Groups, thresholds: Sequence[float], progress: Progress
) -> tuple[Counted, dict[str, Counted]]:
    every = Counted.at(thresholds)
    by_group = {name: Counted.at(thresholds) for name in groups.names}
    number = trials.number_of_blocks(gallery.acquired)
    for block in progress(trials.blocks(gallery.acquired), "block", number):
        scores = gallery.scores(block.references, block.probes)
        every.add(scores, block)
        for place, within in _within(groups, block.references, block.probes):
            by_group[groups.names[place]].add(scores, block, within)
    return every, by_group


def _within(groups: Groups, references: Places, probes: Places) -> Iterator[tuple[int, Any]]:
    """Groups that have pictures among both, with the index of what lies within each."""
    if not groups.names:
        return
    one, other = groups.of[references], groups.of[probes]
    for place in np.intersect1d(one, other):
        if place != NONE:
            yield int(place), np.ix_(one == place, other == place)
