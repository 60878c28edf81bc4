"""What a report has to say of where its numbers come from: engine, machine and versions."""

import os
import platform
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from idp.biometrics.engine.contract import FaceEngine
from idp.biometrics.engine.embedded_pack import CONVERTER

PACKAGES: Final = ("insightface", "onnxruntime", "dlib-bin", "opencv-python-headless", "pillow", "numpy")


def identity(engine: FaceEngine) -> str:
    """Which engine found a template: a change of it makes what was found before worthless."""
    versions = ",".join(f"{name}={version}" for name, version in _versions().items())
    return f"{engine.model} {engine.profile} {CONVERTER} {versions}"


def origin() -> dict[str, Any]:
    """``{"machine": {"processor", "cores", "system"}, "versions": {"python", package: version, …}}``."""
    return {
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "system": platform.platform(terse=True)},
        "versions": {"python": platform.python_version(), **_versions()},
    }


def _versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in PACKAGES}


def _processor() -> str:
    with suppress(OSError):  # Linux; elsewhere what Python knows
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
