"""Border tokens through the real endpoint: how many a second one core issues, how long each takes, how that grows.

Each request has a DPoP-bound access token, a DPoP proof and a proof of the holder's key, made ahead and good once. The
server has the first core; PostgreSQL and the load have the second; every commit is on the disk before the answer. The
latency is taken at 70 % of the rate reached, by requests that come when they are due, whether or not others are
answered: a request that waits for a free connection has waited. Beside it what the cryptography alone takes: three
verifications, a signature, and a key agreement with a fresh key.
"""

import base64
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import psycopg
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from bench import client, load, pinned, plots
from bench.contenders import URL
from bench.issuance_setup import ROWS
from idp.protocol import border_token, dpop, holder_key, keys

PORT = 8644
PATH = "/border/v1/tokens"
ROUNDS, REQUESTS, WARM_UP = 3, 1_000, 300
LOAD = 0.7  # of the rate reached, at which the latency is taken
TRAVELLERS, GRANTS = 256, 4  # of each: 32,768 tokens, of which all turns take 25,800
SIZES = (1, 100_000, 1_000_000)  # rows before
BARE = 500


@dataclass
class Phones:
    """Travellers' phones, each with its key for this node and its key for the receiving authority."""

    issuer: str
    known: dict[str, Any]
    devices: list[keys.PrivateKey]
    holders: list[keys.PrivateKey]
    nonce: str | None = None
    _turns: Iterator[tuple[int, str]] = field(init=False)

    def __post_init__(self) -> None:
        turns = zip(*self.known["tokens"], strict=True)
        self._turns = cycle([(place, token) for turn in turns for place, token in enumerate(turn)])

    def request(self, form: str) -> bytes:
        """The next traveller's request for a token in ``form``: nobody asks twice in a row."""
        place, access_token = next(self._turns)
        now, url = int(time.time()), self.issuer + PATH
        proof = dpop.prove(
            method="POST",
            url=url,
            now=now,
            jti=secrets.token_urlsafe(16),
            key=self.devices[place],
            access_token=access_token,
            nonce=self.nonce,
        )
        possession = holder_key.prove_holder_key(
            holder=self.holders[place],
            audience=self.issuer,
            access_token=access_token,
            now=now,
            jti=secrets.token_urlsafe(16),
        )
        body = {
            "checkpoint": self.known["checkpoint"],
            "direction": "exit",
            "document": self.known["documents"][place],
            "format": form,
            "proof": possession,
        }
        headers = {"Authorization": f"DPoP {access_token}", "DPoP": proof, "Content-Type": "application/json"}
        return client.message("POST", self.issuer, PATH, headers, json.dumps(body))

    def learn(self, answer: bytes) -> None:
        """Take the nonce for the next proofs."""
        self.nonce = next(iter(load.header(answer, "dpop-nonce")), self.nonce)


def run() -> dict[str, Any]:
    """``{"figures", "ratios"}``: tokens a second, milliseconds, microseconds of processor time, and bare over ours."""
    pinned.pin_load()
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as name, ExitStack() as running:
        server, phones, url, sealing = running.enter_context(_node(Path(name)))
        running.enter_context(pinned.database_aside(URL))
        _check(server, phones, sealing)
        grown: dict[str, list[float]] = {"cwt": [], "jwt": []}
        for rows in SIZES:
            _fill(url, rows)
            for form in grown:
                found = _measured(server, phones, form)
                grown[form].append(found["per_second"])
                figures |= {f"{form}_{rows}_{what}": value for what, value in found.items()}
        plots.growth("issuance", SIZES, grown, title="Border tokens", x="tokens issued before", y="tokens a second")
        figures["bare_cryptography_us"] = round(_bare())
    ratios = {
        f"bare_over_{form}": round(figures["bare_cryptography_us"] / figures[f"{form}_{SIZES[0]}_cpu_us"], 3)
        for form in grown
    }
    return {"figures": figures, "ratios": ratios}


def _measured(server: pinned.Server, phones: Phones, form: str) -> dict[str, float]:
    """The rate, the processor time of one, and how long one takes at `LOAD` of that rate."""
    rates, cpu = [], []
    for turn in range(ROUNDS + 1):
        requests = [phones.request(form) for _ in range(REQUESTS if turn else WARM_UP)]
        pinned.idle()
        before = server.cpu()
        outcome = load.spend(requests, port=server.port, status=201)
        cpu.append(1e6 * (server.cpu() - before) / len(requests))
        rates.append(len(requests) / outcome.seconds)
        phones.learn(outcome.answers[-1])
    rate = statistics.median(rates[1:])
    requests = [phones.request(form) for _ in range(REQUESTS)]
    pinned.idle()
    paced = load.paced(requests, port=server.port, rate=LOAD * rate, status=201)
    phones.learn(paced.answers[-1])
    taken = sorted(1e3 * seconds for seconds in paced.latencies)
    return {
        "per_second": round(rate, 1),
        "cpu_us": round(statistics.median(cpu[1:])),
        "p50_ms": round(statistics.median(taken), 2),
        "p99_ms": round(taken[int(0.99 * len(taken))], 2),
    }


@contextmanager
def _node(directory: Path) -> Iterator[tuple[pinned.Server, Phones, str, keys.PrivateKey]]:
    issuer, sealing = f"http://hk.localhost:{PORT}", keys.generate()
    devices, holders = ([keys.generate() for _ in range(TRAVELLERS)] for _ in range(2))
    with pinned.database(URL, "bench_issuance") as url:
        environment = {
            "DEBUG": "0",
            "INSECURE_LOOPBACK_HTTP": "1",
            "CAUSEWAY_DATA_DIR": str(directory),
            "CAUSEWAY_ENTITY_ID": issuer,
            "CAUSEWAY_JURISDICTION": "HKG",
            "DJANGO_SETTINGS_MODULE": "idp.settings",
            "DATABASE_URL": url,
        }
        told = {
            "JKTS": json.dumps([device.public.thumbprint for device in devices]),
            "GRANTS": str(GRANTS),
            "SEALING": json.dumps(sealing.public.jwk()),
        }
        made = subprocess.run(
            [sys.executable, "-m", "bench.issuance_setup"],
            env={**os.environ, **environment, **told},
            check=True,
            stdout=subprocess.PIPE,
        )
        phones = Phones(issuer, json.loads(made.stdout), devices, holders)
        command = pinned.granian(Path(sys.executable), "idp.wsgi", port=PORT)
        with pinned.server(command, port=PORT, environment=environment) as server:
            yield server, phones, url, sealing


def _check(server: pinned.Server, phones: Phones, sealing: keys.PrivateKey) -> None:
    """What is measured is what was meant; raises `RuntimeError` or `Refusal`. Learns the first nonce."""
    phones.learn(load.spend([phones.request("cwt")], port=server.port, status=None).answers[0])
    answer = json.loads(load.body(load.spend([phones.request("cwt")], port=server.port, status=201).answers[0]))
    unverified = border_token.parse_unverified(base64.b64decode(answer["token"]))
    if unverified.aud != phones.known["checkpoint"]:
        raise RuntimeError("a token for somewhere else")


def _fill(url: str, rows: int) -> None:
    """As many rows of earlier tokens as there are to be."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT count(*), min(traveller_id::text), min(document_id::text), min(checkpoint), min(authority) "
            "FROM border_issuedtoken"
        ).fetchone()
        if found is None or found[0] >= rows:
            return
        # One traveller's and document's: what is looked for is a grant's.
        facts = dict(zip(("traveller", "document", "checkpoint", "authority"), found[1:], strict=True))
        statement = ROWS.format(**facts, now=int(time.time()), first=found[0], last=rows)
        connection.execute(statement)
        connection.execute("VACUUM ANALYZE border_issuedtoken")


def _bare() -> float:
    """Microseconds of processor time for the cryptography of a token alone."""
    key, algorithm, text = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(hashes.SHA256()), os.urandom(400)
    public, signature = key.public_key(), key.sign(text, algorithm)
    with pinned.on_server_core():
        begun = time.process_time()
        for _ in range(BARE):
            for _proof in range(3):
                public.verify(signature, text, algorithm)
            key.sign(text, algorithm)
            ec.generate_private_key(ec.SECP256R1()).exchange(ec.ECDH(), public)
        return 1e6 * (time.process_time() - begun) / BARE
