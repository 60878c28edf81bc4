"""Each engine: pictures looked at, embeddings and comparisons in a second, on one core.

"arcface" is a pack of ArcFace's shape (`bench.arcface`), run as any licensed pack is. One comparison at a time is what
a gate does; many at once what an evaluation does.
"""

import statistics
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench import arcface
from bench.face_stages import bare_session
from bench.timing import in_turn, timed
from idp.biometrics.engine import FaceEngine, load_engine
from idp.biometrics.engine.evaluation.gallery import Gallery
from idp.biometrics.engine.evaluation.tally import Tally
from idp.biometrics.engine.profiles import PROFILES
from idp.biometrics.engine.templates import compare, quantise
from idp.demo import photographs
from tests.biometrics.engine import packs

ROUNDS = 40
ROWS, PROBES = 256, 4096  # of a block, as `evaluation.trials` cuts them


def run(directory: Path) -> dict[str, Any]:
    """``face_ENGINE_…_per_s``, and the ratio of the pack's embedding to a bare session's."""
    frame = photographs.live_capture(0, 1, 1)[0]
    figures = _figures("embedded", load_engine(model_dir=directory), frame)
    with tempfile.TemporaryDirectory(prefix="causeway-bench-") as place:
        pack = arcface.write(Path(place) / "pack")
        engine = load_engine(pack, model_dir=directory)
        scene = cv2.imencode(".jpg", packs.scene(0), [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
        figures |= _figures("arcface", engine, scene)
        ratio = _over_bare(engine, scene, pack / "recognition.onnx")
    return {"figures": figures, "ratios": {"arcface_embedding_over_onnxruntime": ratio}}


def _figures(name: str, engine: FaceEngine, frame: bytes) -> dict[str, float]:
    sight, random = engine.look(frame), np.random.default_rng(1)
    spread = random.normal(0, 0.07, (PROBES, PROFILES[engine.profile].dimensions)).astype(np.float32)
    kept = [quantise(one, model=engine.model, profile=engine.profile) for one in spread]
    gallery, places = Gallery(kept, model=engine.model, profile=engine.profile), np.arange(PROBES)
    tally = Tally([0.5])
    times = {
        "looks": timed(lambda i: engine.look(frame), ROUNDS),
        "embeddings": timed(lambda i: engine.embed(sight), ROUNDS),
        "comparisons": timed(lambda i: compare(kept[i], kept[i + 1], model=engine.model), 20 * ROUNDS),
        "evaluated_comparisons": timed(lambda i: tally.add(gallery.scores(places[:ROWS], places)), ROUNDS // 4),
    }
    each = {name: 1 for name in times} | {"evaluated_comparisons": ROWS * PROBES}
    return {
        f"face_{name}_{what}_per_s": round(1000 * each[what] / statistics.median(taken))
        for what, taken in times.items()
    }


def _over_bare(engine: FaceEngine, frame: bytes, path: Path) -> float:
    sight, session = engine.look(frame), bare_session(path)
    name = session.get_inputs()[0].name
    whole = np.zeros((1, 3, arcface.SIDE, arcface.SIDE), dtype=np.float32)
    times = in_turn({"ours": lambda i: engine.embed(sight), "bare": lambda i: session.run(None, {name: whole})}, ROUNDS)
    return round(statistics.median(times["ours"]) / statistics.median(times["bare"]), 3)
