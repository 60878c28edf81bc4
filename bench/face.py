"""The face path on one core: a 720p frame from JPEG bytes to a score, stage by stage. Run: python -m bench.face

The ratio is dlib's own descriptor against the converted network on the same chip.
"""

import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import dlib

from idp.biometrics.engine import detection, dlib_weights, embedded_pack, pictures, quality, templates
from idp.biometrics.engine.embedded import EmbeddedEngine
from idp.demo import photographs

ROUNDS, WARM_UP, FRAMES = 60, 5, 6


def run(model_dir: Path | None = None) -> dict[str, Any]:
    """Medians and 95th percentiles in milliseconds, and the ratio of dlib's embedding to ours."""
    directory = model_dir or embedded_pack.default_model_dir()
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return _measured(directory)
    finally:
        cv2.setNumThreads(threads)


def _measured(directory: Path) -> dict[str, Any]:
    frames = [photographs.live_capture(person, 1, 1)[0] for person in range(FRAMES)]
    engine = EmbeddedEngine(model_dir=directory)
    reference = engine.enrol(photographs.people()[0].jpeg).template
    whole = _timed(lambda i: engine.compare(reference, [frames[i % FRAMES]], require_liveness=False), ROUNDS)
    burst = photographs.live_capture(0, 1)
    three = _timed(lambda i: engine.compare(reference, burst, require_liveness=True), ROUNDS // 4)
    figures = {"face_720p": _summary(whole), "face_burst_of_3": _summary(three)}
    stages = _stages(directory, frames, reference)
    figures |= {f"face_{name}": _summary(times) for name, times in stages.items()}
    ratio = figures["face_embed_dlib"]["median_ms"] / figures["face_embed"]["median_ms"]
    return {"figures": figures, "ratios": {"embedding_vs_dlib": round(ratio, 2)}}


def _stages(directory: Path, frames: list[bytes], reference: templates.Template) -> dict[str, list[float]]:
    detector = detection.Detector()
    recogniser = embedded_pack.Recogniser(embedded_pack.ensure_pack(directory))
    untyped: Any = dlib
    dlibs = untyped.face_recognition_model_v1(str(dlib_weights.packaged(dlib_weights.WEIGHTS)))
    pixels = [pictures.decode(frame) for frame in frames]
    faces = [detector.faces(picture, long_side=detection.GATE_SIDE)[0] for picture in pixels]
    chips = [detection.chip(picture, face) for picture, face in zip(pixels, faces, strict=True)]
    found = [recogniser.embed(chip) for chip in chips]
    steps: dict[str, Callable[[int], object]] = {
        "decode": lambda i: pictures.decode(frames[i]),
        "detect": lambda i: detector.faces(pixels[i], long_side=detection.GATE_SIDE),
        "chip": lambda i: detection.chip(pixels[i], faces[i]),
        "quality": lambda i: quality.measure(faces[i], chips[i], [], pixels[i]),
        "embed": lambda i: recogniser.embed(chips[i]),
        "compare": lambda i: templates.compare(reference, found[i], model=embedded_pack.MODEL),
    }
    times = {name: _timed(lambda i, step=step: step(i % FRAMES), ROUNDS) for name, step in steps.items()}  # type: ignore[misc]
    times["embed_dlib"] = _timed(lambda i: dlibs.compute_face_descriptor(chips[i % FRAMES]), ROUNDS // 4)
    return times


def _timed(step: Callable[[int], object], rounds: int) -> list[float]:
    for i in range(WARM_UP):
        step(i)
    times = []
    for i in range(rounds):
        begun = time.perf_counter()
        step(i)
        times.append(1000 * (time.perf_counter() - begun))
    return times


def _summary(times: list[float]) -> dict[str, float]:
    ninety_fifth = statistics.quantiles(times, n=20)[-1]
    return {"median_ms": round(statistics.median(times), 2), "p95_ms": round(ninety_fifth, 2)}


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one core
    print(json.dumps(run(), indent=2))
