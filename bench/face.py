"""Faces: the path of a frame, each engine's embeddings and comparisons, sealed templates, and a job from end to end.

Run: python -m bench face. Everything but the job's worker runs on one core.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2

from bench import face_engines, face_job, face_stages
from idp.biometrics.engine import embedded_pack

PARTS = (face_stages, face_engines)


def run(model_dir: Path | None = None) -> dict[str, Any]:
    """Figures in milliseconds where their name says nothing else, and ratios."""
    directory = model_dir or embedded_pack.default_model_dir()
    found: dict[str, Any] = {"figures": {}, "ratios": {}}
    with _one_core():
        outcomes = [part.run(directory) for part in PARTS]
    outcomes.append(face_job.run(directory))
    for outcome in outcomes:
        for kind, values in outcome.items():
            found[kind] |= values
    return found


@contextmanager
def _one_core() -> Iterator[None]:
    threads = cv2.getNumThreads()
    pinned = hasattr(os, "sched_setaffinity")  # Linux
    before = os.sched_getaffinity(0) if pinned else set()
    cv2.setNumThreads(1)
    if pinned:
        os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
        if pinned:
            os.sched_setaffinity(0, before)
