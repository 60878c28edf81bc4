"""What trust costs: finding chains in a large federation, finding them again, and serving our own statements.

The graph is `bench.graph`'s: 3 anchors, 300 intermediates, 30,000 leaves, with loops. Times leave out what the
simulated others take to sign. A cached resolution is `idp.federation.resolution.resolve` with its database. Serving is
measured over HTTP beside spid-cie-oidc, one worker with one thread of the same server each, in turns; it signs with
ES256 as we do, which for it is the faster of the algorithms that it offers.
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench import load
from bench.graph import ANCHORS, INTERMEDIATES, LEAVES, Graph

NOW = 1_800_000_000
COLD, CACHED, SECONDS, TURNS = 300, 2_000, 1.0, 5
OURS, THEIRS = 8631, 8632  # ports
SUBJECT = "https://below.example"
PEER_ENVIRONMENT = Path(".venv-conformance")  # made by `make bench`


def run() -> dict[str, Any]:
    """``{"figures", "ratios"}``: times in ms, memory in KB, rates in answers a second."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        _configure(directory / "node")
        graph = Graph(NOW)
        figures = {"entities": ANCHORS + INTERMEDIATES + LEAVES, **_cold(graph), **_cached(graph)}
        served, ratios = _serving(directory)
        return {"figures": {**figures, **served}, "ratios": ratios}


def _configure(directory: Path) -> None:
    """This process as a node of its own, before any model is imported."""
    directory.mkdir()
    os.environ.update(
        DEBUG="1",
        INSECURE_LOOPBACK_HTTP="1",
        CAUSEWAY_DATA_DIR=str(directory),
        CAUSEWAY_ENTITY_ID=f"http://hk.localhost:{OURS}",
        DJANGO_SETTINGS_MODULE="idp.settings",
    )
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    settings.DEBUG = False  # else Django keeps every statement that it sends to the database
    call_command("migrate", verbosity=0)
    call_command("federation", "init", stdout=open(os.devnull, "w"))  # noqa: PTH123, SIM115


def _cold(graph: Graph) -> dict[str, float]:
    """Leaves of all three anchors, found from the first anchor's point of view."""
    from idp.federation.discovery import discover

    chosen = random.Random(11).sample(range(LEAVES), COLD)
    for place in chosen:  # alive before they are measured
        graph.fetch(f"{graph.leaf(place)}/.well-known/openid-federation")
    times, fetches, lengths = [], [], []
    for place in chosen:
        graph.fetching = 0.0
        begun = time.perf_counter()
        found = discover(graph.leaf(place), anchors=graph.anchors(), fetch=graph.fetch, now=NOW)
        times.append(1000 * (time.perf_counter() - begun - graph.fetching))
        fetches.append(found.fetches)
        lengths.append(len(found.require().path))
    tracemalloc.start()
    discover(graph.leaf(chosen[0]), anchors=graph.anchors(), fetch=graph.fetch, now=NOW)
    peak = tracemalloc.get_traced_memory()[1] / 1024
    tracemalloc.stop()
    return {
        "cold_ms": round(statistics.median(times), 2),
        "cold_p99_ms": round(statistics.quantiles(times, n=100)[98], 2),
        "fetches_per_chain": round(statistics.mean(fetches), 1),
        "fetches_most": max(fetches),
        "entities_per_chain": round(statistics.mean(lengths), 1),
        "memory_of_a_search_kb": round(peak),
    }


def _cached(graph: Graph) -> dict[str, float]:
    """The same leaves again and again, through the node's own memory of chains; anchor and network are the graph's."""
    from idp.federation import fetching, resolution

    anchors, fetcher = resolution.anchors, fetching.fetcher
    resolution.anchors, fetching.fetcher = lambda now: graph.anchors(), lambda now: graph.fetch  # type: ignore[assignment]
    try:
        leaves = [graph.leaf(place) for place in random.Random(12).sample(range(LEAVES), 100)]
        for leaf in leaves:
            resolution.resolve(leaf, now=NOW)
        asked, times = len(graph.fetched), []
        for turn in range(CACHED):
            begun = time.perf_counter()
            resolution.resolve(leaves[turn % len(leaves)], now=NOW + 1)
            times.append(1000 * (time.perf_counter() - begun))
        if len(graph.fetched) != asked:
            raise RuntimeError("a cached resolution asked somebody")
    finally:
        resolution.anchors, fetching.fetcher = anchors, fetcher
    return {
        "cached_ms": round(statistics.median(times), 3),
        "cached_p99_ms": round(statistics.quantiles(times, n=100)[98], 3),
    }


def _serving(directory: Path) -> tuple[dict[str, float], dict[str, float]]:
    _subordinate()
    peer = directory / "peer"
    peer.mkdir()
    asked = {
        "entity_configuration": ("/.well-known/openid-federation", "/.well-known/openid-federation"),
        "fetch": (f"/federation/fetch?sub={SUBJECT}", f"/fetch?sub={SUBJECT}"),
    }
    figures, ratios = {}, {}
    with ExitStack() as running:
        running.enter_context(_server(Path(sys.executable), "idp.wsgi", OURS, {"DEBUG": "0"}))
        theirs = {"DIRECTORY": str(peer), "PORT": str(THEIRS), "SUBJECT": SUBJECT}
        python = (PEER_ENVIRONMENT / "bin" / "python").absolute()
        subprocess.run(
            [python, "-c", "import bench.peers.spid_cie"], env={**os.environ, **theirs, "PREPARE": "1"}, check=True
        )
        running.enter_context(_server(python, "bench.peers.spid_cie", THEIRS, theirs))
        for name, (ours, other) in asked.items():
            rates = [_turn(ours, other) for _ in range(TURNS)]
            figures[f"{name}_per_second"] = round(statistics.median(rate for rate, _ in rates))
            figures[f"{name}_per_second_spid_cie"] = round(statistics.median(rate for _, rate in rates))
            ratios[f"{name}_vs_spid_cie"] = round(statistics.median(rate / other for rate, other in rates), 1)
    return figures, ratios


def _turn(ours: str, other: str) -> tuple[float, float]:
    return (
        load.rate(port=OURS, target=ours, host=f"hk.localhost:{OURS}", seconds=SECONDS),
        load.rate(port=THEIRS, target=other, host=f"127.0.0.1:{THEIRS}", seconds=SECONDS),
    )


def _subordinate() -> None:
    from idp.federation import entities
    from idp.protocol import keys

    jwks = keys.KeySet([keys.generate().public]).jwks()
    entities.register_subordinate(
        entity_id=SUBJECT, jwks=jwks, entity_types=["openid_relying_party"], now=int(time.time())
    )


@contextmanager
def _server(python: Path, module: str, port: int, environment: dict[str, str]) -> Iterator[None]:
    command = [
        *(str(python), "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "1", "--blocking-threads", "1", "--no-ws", "--log-level", "critical", f"{module}:application"),
    ]
    process = subprocess.Popen(command, env={**os.environ, **environment})
    try:
        load.wait(port=port)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)
