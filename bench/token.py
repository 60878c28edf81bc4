"""What a token costs, beside oidc-provider and django-oauth-toolkit.

Client credentials with private_key_jwt and a DPoP proof, answered with an ES256 access token (RFC 9068). Every request
was made ahead and is good once. Each server has the first core; PostgreSQL and the load have the second. Ours and
django-oauth-toolkit's commits are on the disk before they answer; oidc-provider keeps everything in memory, which is
all that its package brings. They take turns, and figures are medians; a ratio is the median of the turns' ratios.

django-oauth-toolkit knows neither assertions nor DPoP nor signed access tokens: it checks a client secret and stores a
random token. It knows no pushed requests either, so whole flows and userinfo are measured beside oidc-provider alone.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from operator import truediv
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from bench import contenders, flow, load, pinned
from bench.contenders import Contender

ROUNDS, REQUESTS, WARM_UP = 5, 1_500, 400
FLOWS, USERINFO = 250, 1_000  # a turn
SPLIT = 600
BARE = 1_000


def run() -> dict[str, Any]:
    """``{"figures", "ratios"}``: answers a second, microseconds, and ours over theirs."""
    pinned.pin_load()
    with ExitStack() as running, tempfile.TemporaryDirectory(prefix="bench-") as name:
        ours = running.enter_context(contenders.ours(Path(name)))
        node = running.enter_context(contenders.oidc_provider())
        toolkit = running.enter_context(contenders.django_oauth_toolkit())
        running.enter_context(pinned.database_aside(contenders.URL))
        figures, ratios = _tokens({"ours": ours, "oidc_provider": node, "django_oauth_toolkit": toolkit})
        figures |= _split(ours, Path(name))
        pair = {"ours": ours, "oidc_provider": node}
        for measured in (_flows(pair), _userinfo(pair)):
            figures |= measured[0]
            ratios |= measured[1]
        return {"figures": figures, "ratios": ratios}


def _tokens(servers: dict[str, Contender]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Rates, processor time for each token, and ours over that of the bare cryptography, taken between the turns."""
    cpu: dict[str, list[float]] = {name: [] for name in servers}
    bare: list[float] = []

    def spend(name: str, count: int) -> float:
        server = servers[name]
        requests = [server.request() for _ in range(count)]
        pinned.idle()
        before = server.server.cpu()
        outcome = load.spend(requests, port=server.server.port)
        cpu[name].append(1e6 * (server.server.cpu() - before) / count)
        if server.party is not None:
            server.party.learn(outcome.answers[-1])
        if name == "ours":
            bare.append(_bare())
        return outcome.seconds

    figures, ratios = _in_turns("token", servers, spend, count=REQUESTS, warm_up=WARM_UP)
    figures |= {f"token_cpu_us_{name}": round(statistics.median(times[1:])) for name, times in cpu.items()}
    figures["bare_cryptography_us"] = round(statistics.median(bare), 1)
    figures["token_cpu_over_bare"] = round(statistics.median(map(truediv, cpu["ours"][1:], bare[1:])), 2)
    return figures, ratios


def _flows(servers: dict[str, Contender]) -> tuple[dict[str, Any], dict[str, Any]]:
    return _in_turns("flow", servers, lambda name, count: flow.flows(servers[name], count)[0], count=FLOWS)


def _userinfo(servers: dict[str, Contender]) -> tuple[dict[str, Any], dict[str, Any]]:
    tokens = {name: flow.flows(server, 1, plain=True)[1][0] for name, server in servers.items()}

    def spend(name: str, count: int) -> float:
        return flow.userinfo(servers[name], tokens[name], count)

    return _in_turns("userinfo", servers, spend, count=USERINFO)


def _in_turns(
    what: str, servers: dict[str, Contender], spend: Callable[[str, int], float], *, count: int, warm_up: int = 100
) -> tuple[dict[str, Any], dict[str, Any]]:
    """``spend(name, count)`` in turns, each server first in half of them: rates, and the ratios of ours to theirs."""
    for name in servers:
        spend(name, warm_up)
    rates: dict[str, list[float]] = {name: [] for name in servers}
    for turn in range(ROUNDS):
        for name in list(servers)[:: 1 if turn % 2 else -1]:
            rates[name].append(count / spend(name, count))
    ratios = {
        f"{what}_vs_{name}": round(statistics.median(map(truediv, rates["ours"], found)), 2)
        for name, found in rates.items()
        if name != "ours"
    }
    return {f"{what}_per_second_{name}": round(statistics.median(found)) for name, found in rates.items()}, ratios


def _bare() -> float:
    """Microseconds of processor time for the cryptography of a token alone: two verifications and one signature."""
    key, algorithm, text = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(hashes.SHA256()), os.urandom(400)
    public, signature = key.public_key(), key.sign(text, algorithm)
    with pinned.on_server_core():
        begun = time.process_time()
        for _ in range(BARE):
            public.verify(signature, text, algorithm)
            public.verify(signature, text, algorithm)
            key.sign(text, algorithm)
        return 1e6 * (time.process_time() - begun) / BARE


def _split(ours: Contender, directory: Path) -> dict[str, float]:
    """Where the time of one token goes, one request at a time."""
    path = directory / "requests.json"
    path.write_text(json.dumps([ours.request().decode() for _ in range(SPLIT)]))
    found = subprocess.run(
        [sys.executable, "-m", "bench.split", str(path)],
        env={**os.environ, **ours.environment},
        check=True,
        stdout=subprocess.PIPE,
    )
    return {f"token_{name}_us": value for name, value in json.loads(found.stdout).items()}
