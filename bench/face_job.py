"""A face job from end to end on a node of its own: begun, pictures handed in, a worker process takes it, done.

The register's portrait is a photograph enlarged to 12 megapixels; the traveller's pictures are those of a whole
challenge as the page sends them (720p), and once three of 12 megapixels without a challenge. The node has what it has
at first: SQLite and the filesystem broker, a worker with one process.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from signal import SIGKILL
from typing import Any

from bench import pinned
from bench.timing import summary

PATIENCE = 60  # seconds until the worker answers


def run(directory: Path) -> dict[str, Any]:
    """``face_job_…`` and ``face_sealed_…`` in milliseconds, and the most memory that the worker had."""
    with tempfile.TemporaryDirectory(prefix="causeway-bench-") as place:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "idp.settings",
            "DEBUG": "0",
            "CAUSEWAY_DATA_DIR": place,
            "CAUSEWAY_MODEL_DIR": str(directory.resolve()),
            "CAUSEWAY_ENTITY_ID": "https://hk.example",
        }
        _node(environment, "prepare")
        with _worker(environment, Path(place) / "worker.log") as worker:
            _node(environment, "first")
            figures = {**_jobs(environment, worker, "whole"), **_jobs(environment, worker, "live")}
            figures["face_worker_peak_mb"] = round(_most_memory(worker))
        figures |= {f"face_{name}": summary(taken) for name, taken in _node(environment, "sealed").items()}
    return {"figures": figures, "ratios": {}}


def _jobs(environment: dict[str, str], worker: int, kind: str) -> dict[str, Any]:
    """How long jobs of a kind took, and the worker's processor time for one, which a busy machine changes little."""
    group = pinned.Server(worker, port=0)
    before = group.cpu()
    ((name, taken),) = _node(environment, kind).items()
    each = 1000 * (group.cpu() - before) / len(taken)
    return {f"face_{name}": summary(taken), f"face_{name}_worker_cpu_ms": round(each)}


def _node(environment: dict[str, str], what: str) -> dict[str, list[float]]:
    command = [sys.executable, "-m", "bench.face_node", what]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    found: dict[str, list[float]] = json.loads(done.stdout)
    return found


@contextmanager
def _worker(environment: dict[str, str], log: Path) -> Iterator[int]:
    """A worker process, as docs/operations.md starts it; its process group."""
    command = [sys.executable, "-m", "celery", "-A", "idp.celery", "worker", "--concurrency", "1", "--loglevel", "INFO"]
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, start_new_session=True, stdout=out, stderr=out)
    try:
        until = time.monotonic() + PATIENCE
        while b"ready." not in log.read_bytes():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"no worker: {log.read_text()[-2000:]}")
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, SIGKILL)


def _most_memory(group: int) -> float:
    """Of the group's largest process so far, in MB (proc(5), VmHWM): the one that does the work."""
    peaks = [0.0]
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ProcessLookupError, IndexError):
            if os.getpgid(int(process.name)) == group:
                line = next(line for line in (process / "status").read_text().splitlines() if "VmHWM" in line)
                peaks.append(int(line.split()[1]) / 1024)
    return max(peaks)
