"""How far four bits a component move the score of templates of profile "q4", and eight bits those of "q8".

Run: python -m bench.quantisation. Random pairs at given cosines; then the six photographs through the embedded engine
and through a pack whose weights are random (``tests/biometrics/engine/packs.py``). Nothing is timed.
"""

import tempfile
from collections.abc import Iterable
from itertools import combinations, product
from pathlib import Path

import numpy as np

from idp.biometrics.engine import FaceEngine, load_engine
from idp.biometrics.engine.templates import Embedding, compare, compare_raw, quantise
from idp.demo.photographs import live_capture
from tests.biometrics.engine import packs
from tests.biometrics.engine.frames import jpeg

PAIRS = 5000
COSINES = (0.0, 0.2, 0.4, 0.6, 0.8, 0.95)
Pair = tuple[Embedding, Embedding]


def main() -> None:
    """One line for each kind of pairs: the change of the score, with the reference quantised, and with both."""
    random = np.random.default_rng(20270115)
    for cosine in COSINES:
        print(f"q4 random {cosine:4}  ", _moved([_pair(random, cosine) for _ in range(PAIRS)], "q4"))
    with tempfile.TemporaryDirectory() as folder:
        pack = packs.write(Path(folder) / "pack")
        frames = [[jpeg(packs.scene(one, shift=(1.5 * i, -i)), 95) for i in range(6)] for one in range(6)]
        _engine("q4 random weights", load_engine(pack, model_dir=Path(folder)), frames)
        frames = [[frame for seed in (1, 2) for frame in live_capture(one, seed)] for one in range(6)]
        _engine("q8 dlib", load_engine(model_dir=Path(folder)), frames)


def _engine(name: str, engine: FaceEngine, frames: list[list[bytes]]) -> None:
    known = [[engine.embed(engine.look(frame)) for frame in person] for person in frames]
    same = [pair for person in known for pair in combinations(person, 2)]
    others = [pair for one, other in combinations(known, 2) for pair in product(one, other)]
    print(f"{name} one person   ", _moved(same, engine.profile))
    print(f"{name} two people   ", _moved(others, engine.profile))


def _pair(random: np.random.Generator, cosine: float) -> Pair:
    one, other = random.standard_normal((2, 512))
    one /= np.linalg.norm(one)
    other -= (other @ one) * one
    other = cosine * one + np.sqrt(1 - cosine**2) * other / np.linalg.norm(other)
    return one.astype(np.float32), other.astype(np.float32)


def _moved(pairs: Iterable[Pair], profile: str) -> str:
    changes = []
    for one, other in pairs:
        raw = compare_raw(one, other, profile=profile).score
        kept, probe = (quantise(each, model="m", profile=profile) for each in (one, other))
        scores = (compare(kept, each, model="m").score for each in (other, probe))
        changes.append([score - raw for score in scores])
    reference, both = np.array(changes).T
    return "   ".join(
        f"{name}: mean {found.mean():+.4f}, deviation {found.std():.4f}, most {np.abs(found).max():.4f}"
        for name, found in (("reference", reference), ("both", both))
    )


if __name__ == "__main__":
    main()
