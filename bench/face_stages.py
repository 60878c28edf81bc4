"""The embedded engine on a 720p frame, from JPEG bytes to a score, stage by stage.

Ratios: dlib's own descriptor against the converted network on the same chip, and our embedding against the bare
session of ONNX Runtime that runs in it, in turn.
"""

import statistics
from pathlib import Path
from typing import Any

import dlib
import numpy as np
import onnxruntime

from bench.timing import Step, in_turn, summary, timed
from idp.biometrics.engine import detection, dlib_weights, embedded_pack, pictures, quality, templates
from idp.biometrics.engine.embedded import EmbeddedEngine
from idp.demo import photographs

ROUNDS, FRAMES = 60, 6


def run(directory: Path) -> dict[str, Any]:
    """Medians and 95th percentiles, and the two ratios."""
    frames = [photographs.live_capture(person, 1, 1)[0] for person in range(FRAMES)]
    engine = EmbeddedEngine(model_dir=directory)
    reference = engine.enrol(photographs.people()[0].jpeg).template
    whole = timed(lambda i: engine.compare(reference, [frames[i % FRAMES]], require_liveness=False), ROUNDS)
    burst = photographs.live_capture(0, 1)
    three = timed(lambda i: engine.compare(reference, burst, require_liveness=True), ROUNDS // 4)
    figures = {"face_720p": summary(whole), "face_burst_of_3": summary(three)}
    stages, chips = _stages(frames, reference)
    figures |= {f"face_{name}": summary(times) for name, times in stages.items()}
    turns = _turns(directory, chips)
    medians = {name: statistics.median(times) for name, times in turns.items()}
    figures |= {f"face_{name}": summary(times) for name, times in turns.items()}
    ratios = {
        "embedding_over_onnxruntime": round(medians["embed"] / medians["onnxruntime"], 3),
        "embedding_vs_dlib": round(medians["embed_dlib"] / medians["embed_beside_dlib"], 2),
    }
    return {"figures": figures, "ratios": ratios}


def _stages(frames: list[bytes], reference: templates.Template) -> tuple[dict[str, list[float]], list[pictures.RGB]]:
    detector = detection.Detector()
    pixels = [pictures.decode(frame) for frame in frames]
    faces = [detector.faces(picture, long_side=detection.GATE_SIDE)[0] for picture in pixels]
    chips = [detection.chip(picture, face) for picture, face in zip(pixels, faces, strict=True)]
    probe = templates.restore(reference, model=embedded_pack.MODEL)
    steps: dict[str, Step] = {
        "decode": lambda i: pictures.decode(frames[i]),
        "detect": lambda i: detector.faces(pixels[i], long_side=detection.GATE_SIDE),
        "chip": lambda i: detection.chip(pixels[i], faces[i]),
        "quality": lambda i: quality.measure(faces[i], chips[i], [], pixels[i]),
        "compare": lambda i: templates.compare(reference, probe, model=embedded_pack.MODEL),
    }
    times = {name: timed(lambda i, step=step: step(i % FRAMES), ROUNDS) for name, step in steps.items()}  # type: ignore[misc]
    return times, chips


def bare_session(path: Path) -> Any:
    """What runs a network when nothing else is around it, on one core."""
    untyped: Any = onnxruntime
    options = untyped.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return untyped.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])


def _turns(directory: Path, chips: list[pictures.RGB]) -> dict[str, list[float]]:
    path = embedded_pack.ensure_pack(directory)
    recogniser = embedded_pack.Recogniser(path)
    session = bare_session(path)
    name = session.get_inputs()[0].name
    inputs = [np.ascontiguousarray(chip.transpose(2, 0, 1)[None], dtype=np.float32) for chip in chips]
    assert np.allclose(session.run(None, {name: inputs[0]})[0][0], recogniser.embed(chips[0]), atol=1e-5)
    untyped: Any = dlib
    dlibs = untyped.face_recognition_model_v1(str(dlib_weights.packaged(dlib_weights.WEIGHTS)))
    steps: dict[str, Step] = {
        "embed": lambda i: recogniser.embed(chips[i % FRAMES]),
        "onnxruntime": lambda i: session.run(None, {name: inputs[i % FRAMES]}),
    }
    times = in_turn(steps, 4 * ROUNDS)
    slow = in_turn({**steps, "embed_dlib": lambda i: dlibs.compute_face_descriptor(chips[i % FRAMES])}, ROUNDS // 3)
    return {**times, "embed_beside_dlib": slow["embed"], "embed_dlib": slow["embed_dlib"]}
