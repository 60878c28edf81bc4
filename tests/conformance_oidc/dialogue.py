"""How a foreign client is judge and never browser: it says where the traveller must go, and hears what came of it.

A client is a process that prints JSON lines. ``{"visit", "decision"?}`` asks for a way through the real pages and is
answered by one line, ``{"url", "form"}``: the callback with its query, or with the form that was posted to it.
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


def npm(judge: str, world: Mapping[str, Any], visit: Visit) -> Verdicts:
    """What a client from npm says of ``world``; it runs under Node 22 or later."""
    directory = node_directory()
    if directory is None:
        return Verdicts("", "`make conformance-oidc` installs Node and the clients")
    environment = {"JUDGE_MODULES": str(HOME), "NODE_EXTRA_CA_CERTS": world["authority"]}
    return talk([str(directory / "node"), str(JUDGES / f"{judge}.mjs")], environment, world, visit)


def talk(command: list[str], environment: Mapping[str, str], world: Mapping[str, Any], visit: Visit) -> Verdicts:
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
                said = _listen(process, visit)
        finally:
            timer.cancel()
        complaints.seek(0)
        return Verdicts("".join(said), complaints.read()[-2000:])


def _listen(process: subprocess.Popen[str], visit: Visit) -> list[str]:
    assert process.stdin is not None and process.stdout is not None
    said = []
    for line in process.stdout:
        told = json.loads(line) if line.startswith("{") else {}
        if "visit" in told:
            arrival = visit(told["visit"], told.get("decision", "allow"))
            process.stdin.write(json.dumps(_answer(arrival)) + "\n")
            process.stdin.flush()
        elif told:
            said.append(line)
    return said


def _answer(arrival: Arrival) -> dict[str, Any]:
    if arrival.callback is None:
        return {"error": f"stayed on a page: {arrival.status} {codes(arrival.page)}"}
    if arrival.by_form:
        return {"url": arrival.callback, "form": urlencode(arrival.parameters)}
    return {"url": f"{arrival.callback}?{urlencode(arrival.parameters)}", "form": None}
