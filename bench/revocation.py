"""How long a revocation takes to every gate that is online: an issuing node, a receiving node, and this one's gates.

Both nodes run as docs/operations.md has it, server and worker with its beat, on the first core, each with a database of
its own; the gates and PostgreSQL have the second. A gate asks for its bundle as a lane does, with the lane's interval
and jitter, a signed assertion each time and ``If-None-Match``, on a new connection; of what comes it looks only at the
bit of each token. Tokens are revoked one after the other, of the receiving node and of its peer in turns, at no
particular moment of any beat. Taken is the time from the commit of the revocation until a gate has a bundle that says
so. ``--full`` has 700 gates at 50 checkpoints; without it there are a tenth.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench import contenders, pinned
from bench.gates import Gate, Watched
from idp.checkpoint.sync import INTERVAL, JITTER
from idp.protocol import keys

PORTS = {"hk": 8671, "cn": 8672}
JURISDICTIONS = {"hk": "HKG", "cn": "CHN"}
SETTLED = 45.0  # seconds until every gate has asked once
BETWEEN, TOKENS = 4.0, 20
ALLOWED = 90.0  # seconds after the last revocation, until whoever has not heard of it counts as never


def run() -> dict[str, Any]:
    """``{"figures", "ratios"}``: seconds, of 70 gates."""
    return _measured(checkpoints=5, lanes=14)


def run_full() -> dict[str, Any]:
    """`run` with 700 gates."""
    return _measured(checkpoints=50, lanes=14)


def _measured(*, checkpoints: int, lanes: int) -> dict[str, Any]:
    pinned.pin_load()
    key = keys.generate("ES256")
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name, ExitStack() as running:
        environments = {code: _environment(running, Path(name), code) for code in PORTS}
        running.enter_context(pinned.database_aside(contenders.URL))
        asked = {"checkpoints": checkpoints, "lanes": lanes, "jwk": key.public.jwk(), "tokens": TOKENS // 2}
        without = {**asked, "checkpoints": 0}  # of the peer only its tokens matter
        made = {code: _node("make", environments[code], asked if code == "hk" else without) for code in PORTS}
        for code, environment in environments.items():
            command = pinned.granian(Path(sys.executable), "idp.wsgi", port=PORTS[code])
            running.enter_context(pinned.server(command, port=PORTS[code], environment=environment))
        for code in PORTS:
            _node("recognise", environments[code], {"peers": [_url(other) for other in PORTS if other != code]})
        for code in PORTS:  # each has the other's mark by now
            _node("sync", environments[code], {})
        for code in PORTS:
            running.enter_context(_worker(environments[code], Path(name) / code))
        watched = [Watched(_url(code), token["uri"], token["idx"]) for code in PORTS for token in made[code]["tokens"]]
        gates = [Gate(_url("hk"), PORTS["hk"], lane, key, watched) for lane in made["hk"]["lanes"]]
        revokers = {code: running.enter_context(_revoker(environments[code])) for code in PORTS}
        return _told(asyncio.run(_watch(gates, watched, revokers)), len(gates))


async def _watch(
    gates: list[Gate], watched: list[Watched], revokers: Mapping[str, subprocess.Popen[str]]
) -> dict[str, list[float]]:
    """Seconds by whose token it was, each of every gate and token."""
    polling = [asyncio.create_task(gate.poll()) for gate in gates]
    await asyncio.sleep(SETTLED)
    order = [token for pair in zip(watched[: TOKENS // 2], watched[TOKENS // 2 :], strict=True) for token in pair]
    for token in order:
        code = next(code for code in PORTS if _url(code) == token.issuer)
        token.revoked_at = await asyncio.to_thread(_revoke, revokers[code])
        await asyncio.sleep(BETWEEN)
    end = time.time() + ALLOWED
    while time.time() < end and any(len(gate.heard) < len(watched) for gate in gates):
        await asyncio.sleep(0.5)
    for task in polling:
        task.cancel()
    found: dict[str, list[float]] = {"own": [], "peer": []}
    for gate in gates:
        for place, token in enumerate(watched):
            seconds = gate.heard.get(place, float("inf")) - token.revoked_at
            found["own" if token.issuer == _url("hk") else "peer"].append(seconds)
    found["asked"] = [float(sum(gate.asked for gate in gates))]
    found["answer"] = [seconds for gate in gates for seconds in gate.answers]
    return found


def _told(found: dict[str, list[float]], gates: int) -> dict[str, Any]:
    figures: dict[str, Any] = {"gates": gates, "interval_s": INTERVAL, "jitter": JITTER, "bundles": found["asked"][0]}
    for name in ("own", "peer"):
        times = sorted(found[name])
        figures[name] = {
            "p50_s": round(statistics.median(times), 1),
            "p99_s": round(times[int(0.99 * len(times))], 1),
            "max_s": round(times[-1], 1),
        }
    answers = sorted(found["answer"])
    figures["answer"] = {
        "p50_ms": round(1000 * statistics.median(answers), 1),
        "p99_ms": round(1000 * answers[int(0.99 * len(answers))], 1),
    }
    return {"figures": figures, "ratios": {}}


def _url(code: str) -> str:
    return f"http://{code}.localhost:{PORTS[code]}"


def _environment(running: ExitStack, directory: Path, code: str) -> dict[str, str]:
    return {
        "DEBUG": "1",
        "INSECURE_LOOPBACK_HTTP": "1",
        "CAUSEWAY_DATA_DIR": str(directory / code),
        "CAUSEWAY_ENTITY_ID": _url(code),
        "CAUSEWAY_JURISDICTION": JURISDICTIONS[code],
        "DJANGO_SETTINGS_MODULE": "idp.settings",
        "DATABASE_URL": running.enter_context(pinned.database(contenders.URL, f"bench_revocation_{code}")),
    }


def _node(what: str, environment: Mapping[str, str], asked: Mapping[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.revocation_node", what],
        env={**os.environ, **environment, "ASKED": json.dumps(asked)},
        check=True,
        stdout=subprocess.PIPE,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@contextmanager
def _worker(environment: Mapping[str, str], directory: Path) -> Iterator[None]:
    """The node's worker with its beat, on the servers' core."""
    command = [
        *("taskset", "-c", str(pinned.SERVER), sys.executable, "-m", "celery", "-A", "idp.celery", "worker"),
        *("--pool", "solo", "-B", "--schedule", str(directory / "beat"), "--loglevel", "ERROR"),
        *("--without-gossip", "--without-mingle", "-n", f"{directory.name}@localhost"),
    ]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env={**os.environ, **environment}, **silent)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def _revoker(environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """An officer's program that takes one token back for each line that it reads, and answers when it is done."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.revocation_node", "revoke"],
        env={**os.environ, **environment, "ASKED": "{}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=10)


def _revoke(revoker: subprocess.Popen[str]) -> float:
    """When the next token's revocation was committed."""
    if revoker.stdin is None or revoker.stdout is None:
        raise RuntimeError("not a revoker")
    revoker.stdin.write("next\n")
    revoker.stdin.flush()
    return float(revoker.stdout.readline())


if __name__ == "__main__":
    print(run())
