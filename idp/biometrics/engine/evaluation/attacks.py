"""How often presentation attacks pass and live travellers do not, by species, on an operator's own captures.

By ISO/IEC 30107-3: APCER for each species (attack presentations that were taken for bona fide ones) and the worst of
them; BPCER (bona fide presentations that were taken for attacks); APNRR and BPNRR (presentations to which there was no
response: no face, several, too poor). No ACER: a mean over both says nothing, and the standard has withdrawn it.

The directory has a folder ``bona-fide`` and one for each species; in each, a folder for each presentation. That has
either the frames of a burst, or the takes of a challenge as folders: ``0-look_straight``, ``1-turn_left``, …
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from idp.biometrics.engine import challenge, liveness
from idp.biometrics.engine.contract import FaceEngine, Sight
from idp.biometrics.engine.evaluation.measuring import Progress, unseen
from idp.biometrics.engine.evaluation.rates import RULE_OF_THREE, Rate, rate
from idp.biometrics.engine.evaluation.trials import SUFFIXES, UnableToRead
from idp.biometrics.engine.one_to_one import MINIMUM_PASSIVE
from idp.protocol.refusals import Reason, Refusal

BONA_FIDE: Final = "bona-fide"
TARGETS: Final[Mapping[str, float]] = MappingProxyType({"BPCER10": 0.1, "BPCER20": 0.05, "BPCER100": 0.01})
LEAST_BONA_FIDE: Final = 30  # below that, not even a BPCER of 10 % is told from one of none (rule of three)
TAKE: Final = re.compile(r"(\d)-([a-z_]+)")
STEPS: Final = 20  # of the table over thresholds


@dataclass(frozen=True)
class Presentation:
    """One presentation: ``score`` in [0, 1] and whether the engine let it pass; both None without a response."""

    species: str
    score: float | None
    passed: bool | None
    why: str = ""


@dataclass(frozen=True)
class Attacks:
    """What was measured of an engine, bona fide presentations among it under their own name."""

    model: str
    presentations: Sequence[Presentation]

    @property
    def species(self) -> list[str]:
        """Of the attacks, in order."""
        return sorted({one.species for one in self.presentations} - {BONA_FIDE})

    def of(self, species: str) -> list[Presentation]:
        """The presentations of a species, or `BONA_FIDE`."""
        return [one for one in self.presentations if one.species == species]


def measure_attacks(engine: FaceEngine, directory: Path, progress: Progress = unseen) -> Attacks:
    """Present everything below ``directory`` to ``engine``. Raises `UnableToRead` before any picture is looked at."""
    wanted = _read(directory)
    shown = progress(wanted, "presentation", len(wanted))
    return Attacks(engine.model, [_presented(engine, species, takes) for species, takes in shown])


def report(attacks: Attacks) -> dict[str, Any]:
    """``{"model", "bona_fide": {"presentations", "bpcer", "bpnrr", …}, "species": {name: {"apcer", "apnrr", …}}, …}``.

    ``worst`` is the species with the highest APCER at the engine's minimums; ``table`` has for each threshold of the
    score the APCER of the worst species and the BPCER; ``operating_points`` the BPCER where that APCER is at most 10, 5
    and 1 %, or why none is claimed. Rates are None where nothing responded, ``interval`` is the 95 % one.
    """
    species = {name: _errors(attacks.of(name), "apcer", "apnrr") for name in attacks.species}
    known = [name for name in species if species[name]["apcer"] is not None]
    return {
        "model": attacks.model,
        "standard": "ISO/IEC 30107-3",
        "bona_fide": _errors(attacks.of(BONA_FIDE), "bpcer", "bpnrr"),
        "species": species,
        "worst": max(known, key=lambda name: species[name]["apcer"], default=None),
        "table": [_row(attacks, step / STEPS) for step in range(1, STEPS + 1)],
        "operating_points": {name: _operating_point(attacks, target) for name, target in TARGETS.items()},
    }


def _read(directory: Path) -> list[tuple[str, dict[str, list[Path]]]]:
    """Each presentation: its species, and its frames by take."""
    if not directory.is_dir():
        raise UnableToRead(f"{directory} is no directory")
    folders = _folders(directory)
    if [folder.name for folder in folders] in ([], [BONA_FIDE]) or not (directory / BONA_FIDE).is_dir():
        raise UnableToRead(f"{directory} needs a folder {BONA_FIDE} and one for each species of attack")
    found = [(folder.name, _takes(one)) for folder in folders for one in _folders(folder)]
    for folder in folders:
        if not any(species == folder.name for species, _ in found):
            raise UnableToRead(f"{folder} has no folder for each presentation")
    return found


def _takes(presentation: Path) -> dict[str, list[Path]]:
    folders = _folders(presentation)
    if not folders:
        return {"": _frames(presentation)}
    takes: dict[str, list[Path]] = {}
    for number, folder in enumerate(folders):
        name = TAKE.fullmatch(folder.name)
        if name is None or int(name[1]) != number or (name[2] in set(challenge.Instruction)) != (number > 0):
            raise UnableToRead(f"{folder} is none of 0-look_straight, 1-turn_left, … without a gap")
        takes[name[2]] = _frames(folder)
    return takes


def _folders(directory: Path) -> list[Path]:
    return sorted(one for one in directory.iterdir() if one.is_dir() and not one.name.startswith("."))


def _frames(directory: Path) -> list[Path]:
    found = sorted(path for path in directory.iterdir() if path.suffix.lower() in SUFFIXES)
    if not found:
        raise UnableToRead(f"{directory} has no pictures")
    return found


def _presented(engine: FaceEngine, species: str, takes: Mapping[str, Sequence[Path]]) -> Presentation:
    read = [[path.read_bytes() for path in take] for take in takes.values()]
    try:
        score, passed = _judged(engine, list(takes)[1:], read)
    except Refusal as refusal:
        return Presentation(species, None, None, f"{refusal.reason.value} {refusal.detail}".strip())
    return Presentation(species, score, passed)


def _judged(engine: FaceEngine, asked: Sequence[str], takes: Sequence[Sequence[bytes]]) -> tuple[float, bool]:
    """As enrolment judges a session and a gate a burst, but without a comparison. Raises `Refusal`: no response."""
    outcome = challenge.watch(engine, asked, takes) if asked else challenge.Outcome(1.0)
    sights = _seen(engine, [*takes[0], *(take[0] for take in takes[1:])])
    burst = liveness.burst_score([liveness.Sight(sight.picture, sight.face) for sight in sights])
    passive = engine.passive(max(sights, key=lambda sight: sight.quality.score))
    score = 0.0 if outcome.alarm else min(outcome.score, burst, 1.0 if passive is None else passive)
    passed = not outcome.alarm and not outcome.hint and burst >= liveness.MINIMUM
    return score, passed and (passive is None or passive >= MINIMUM_PASSIVE)


def _seen(engine: FaceEngine, frames: Sequence[bytes]) -> list[Sight]:
    sights = []
    for frame in frames:
        try:
            sights.append(engine.look(frame))
        except Refusal as refusal:
            if refusal.reason is not Reason.FACE_NO_FACE:
                raise
    if not sights:
        raise Refusal(Reason.FACE_NO_FACE, "look_at_the_camera")
    return sights


def _errors(presentations: Sequence[Presentation], error: str, silence: str) -> dict[str, Any]:
    """Errors among those that had a response: an attack that passed, a live traveller who did not."""
    responses = [one for one in presentations if one.passed is not None]
    wrong = sum(one.passed is (error == "apcer") for one in responses)
    found, silent = rate(wrong, len(responses)), rate(len(presentations) - len(responses), len(presentations))
    return {
        "presentations": len(presentations),
        error: found.value,
        "interval": [found.low, found.high],
        silence: silent.value,
        "no_response": _counted([one.why for one in presentations if one.passed is None]),
    }


def _counted(reasons: Sequence[str]) -> dict[str, int]:
    return {reason: reasons.count(reason) for reason in sorted(set(reasons))}


def _at(presentations: Sequence[Presentation], threshold: float, *, attack: bool) -> Rate:
    """Errors if a score from ``threshold`` on alone let a presentation pass."""
    scores = [one.score for one in presentations if one.score is not None]
    return rate(sum((score >= threshold) == attack for score in scores), len(scores))


def _worst(attacks: Attacks, threshold: float) -> float | None:
    """The APCER of the worst species; None where a species had no response."""
    rates = [_at(attacks.of(name), threshold, attack=True).value for name in attacks.species]
    known = [value for value in rates if value is not None]
    return max(known) if known and len(known) == len(rates) else None


def _row(attacks: Attacks, threshold: float) -> dict[str, Any]:
    bona_fide = _at(attacks.of(BONA_FIDE), threshold, attack=False)
    return {"threshold": threshold, "apcer": _worst(attacks, threshold), "bpcer": bona_fide.value}


def _operating_point(attacks: Attacks, target: float) -> dict[str, Any]:
    """BPCER at the lowest threshold where no species' APCER exceeds ``target``, or why it is not claimed."""
    needed = int(RULE_OF_THREE / target + 0.5)
    for name, least in [(BONA_FIDE, LEAST_BONA_FIDE), *((one, needed) for one in attacks.species)]:
        responses = sum(one.score is not None for one in attacks.of(name))
        if responses < least:
            return {
                "claimed": False,
                "why": f"{name}: {least} presentations with a response are needed, of {responses}",
            }
    scores = sorted({one.score for one in attacks.presentations if one.score is not None})
    for threshold in [*scores, 1.1]:
        worst = _worst(attacks, threshold)
        if worst is not None and worst <= target:
            found = _at(attacks.of(BONA_FIDE), threshold, attack=False)
            return {"claimed": True, "threshold": threshold, "bpcer": found.value, "interval": [found.low, found.high]}
    raise RuntimeError("a threshold above every score lets nothing pass")
