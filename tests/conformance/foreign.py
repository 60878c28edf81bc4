"""The foreign resolvers: where each lives, and what it says of a world."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance.install import HOME, node_directory

JUDGES = Path(__file__).resolve().parent / "judges"
CORE, SPID_CIE = "@openid-federation/core@0.2.1", "spid-cie-oidc@1.6.3"
SECONDS = 120


@dataclass(frozen=True)
class Verdict:
    """``detail`` is what the judge resolved, or why it failed."""

    passed: bool
    detail: Any


class Verdicts:
    """What one judge said, by module. A judge that fell over has said nothing, and ``complaint`` is its last word."""

    def __init__(self, output: str, complaint: str) -> None:
        lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
        self._by_module = {line["module"]: Verdict(line["outcome"] == "passed", line["detail"]) for line in lines}
        self._complaint = complaint

    @property
    def modules(self) -> set[str]:
        """What was judged, well or ill."""
        return set(self._by_module)

    def of(self, module: str) -> Verdict:
        return self._by_module.get(module, Verdict(False, f"no verdict: {self._complaint}"))


def core(world: Mapping[str, Any]) -> Verdicts:
    """The library from npm, under Node 22 or later."""
    directory = node_directory()
    if directory is None:
        return Verdicts("", "`make conformance-federation` installs Node and the judges")
    command = [str(directory / "node"), str(JUDGES / "openid_federation.mjs"), json.dumps(world)]
    return _run(command, {"JUDGE_MODULES": str(HOME)})


def spid_cie(world: Mapping[str, Any]) -> Verdicts:
    """The library from PyPI, in an environment of its own."""
    return _run([str(HOME / "bin" / "python"), str(JUDGES / "spid_cie.py"), json.dumps(world)], {})


def _run(command: list[str], environment: Mapping[str, str]) -> Verdicts:
    ours = ("DJANGO_SETTINGS_MODULE", "PYTHONPATH")
    inherited = {name: value for name, value in os.environ.items() if name not in ours}
    try:
        run = subprocess.run(
            command,
            env={**inherited, **environment},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Verdicts("", str(error))
    return Verdicts(run.stdout, run.stderr[-2000:])
