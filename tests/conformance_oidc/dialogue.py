"""How a foreign client is judge and never browser: it says where the traveller must go, and hears what came of it.

A client is a process that prints JSON lines. ``{"visit", "decision"?}`` asks for a way through the real pages and is
answered by one line, ``{"url", "form"}``: the callback with its query, or with the form that was posted to it.
``{"heard"}``, a path, asks for the forms that the node itself posted there, and is answered by a list of them.
``{"module", "outcome", "detail"}`` is a verdict.
"""

import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.conformance.browsing import Arrival, codes
from tests.conformance.foreign import Verdicts
from tests.conformance.install import HOME, node_directory

JUDGES = Path(__file__).resolve().parent / "judges"
SECONDS = 180
OURS = ("DJANGO_SETTINGS_MODULE", "PYTHONPATH")

Visit = Callable[[str, str], Arrival]  # URL and decision
Heard = Callable[[str], list[dict[str, str]]]  # path at the relying party's site -> forms


def judge(name: str, environment: str, world: Mapping[str, Any], visit: Visit, heard: Heard) -> Verdicts:
    """What a client says of ``world``: under Node 22 or later (``npm``), or in the Python environment that is named."""
    if environment != "npm":
        command = [str(HOME / environment / "bin" / "python"), "-W", "ignore", str(JUDGES / f"{name}_judge.py")]
        return talk(command, {"REQUESTS_CA_BUNDLE": world["authority"]}, world, visit, heard)
    directory = node_directory()
    if directory is None:
        return Verdicts("", "`make conformance-oidc` installs Node and the clients")
    variables = {"JUDGE_MODULES": str(HOME), "NODE_EXTRA_CA_CERTS": world["authority"]}
    return talk([str(directory / "node"), str(JUDGES / f"{name}.mjs")], variables, world, visit, heard)


def talk(
    command: list[str],
    environment: Mapping[str, str],
    world: Mapping[str, Any],
    visit: Visit,
    heard: Heard = lambda path: [],
) -> Verdicts:
    """Run a client to its end, doing what it asks for."""
    inherited = {name: value for name, value in os.environ.items() if name not in OURS}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as complaints:
        try:
            process = subprocess.Popen(
                [*command, json.dumps(world)],
                env={**inherited, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                encoding="utf-8",
            )
        except OSError as error:
            return Verdicts("", str(error))
        timer = threading.Timer(SECONDS, process.kill)
        timer.start()
        try:
            with process:
                said = _listen(process, visit, heard)
        finally:
            timer.cancel()
        complaints.seek(0)
        return Verdicts("".join(said), complaints.read()[-2000:])


def _listen(process: subprocess.Popen[str], visit: Visit, heard: Heard) -> list[str]:
    assert process.stdin is not None and process.stdout is not None
    said = []
    for line in process.stdout:
        told = json.loads(line) if line.startswith("{") else {}
        if "module" in told:
            said.append(line)
        elif told:
            answer = heard(told["heard"]) if "heard" in told else _went(told, visit)
            process.stdin.write(json.dumps(answer) + "\n")
            process.stdin.flush()
    return said


def _went(told: Mapping[str, str], visit: Visit) -> dict[str, Any]:
    try:
        return _answer(visit(told["visit"], told.get("decision", "allow")))
    except AssertionError as error:  # the client fails at this step, and goes on
        return {"error": f"the way through the pages broke: {error}"}


def _answer(arrival: Arrival) -> dict[str, Any]:
    if arrival.callback is None:
        return {"error": f"stayed on a page: {arrival.status} {codes(arrival.page)}"}
    if arrival.by_form:
        return {"url": arrival.callback, "form": urlencode(arrival.parameters)}
    return {"url": f"{arrival.callback}?{urlencode(arrival.parameters)}", "form": None}
