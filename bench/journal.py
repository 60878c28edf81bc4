"""What it costs to record the lanes' journals, beside the bare work of it.

Lanes hand in what they decided while they were cut off: batches of 500 entries, each lane's in order, over HTTP to our
server on the first core; PostgreSQL and the load have the second, and commits are on the disk before they are answered.
Half of the travellers come on this node's own tokens and half on a peer's; of a hundred entries eight refer or refuse,
and two let through by hand. Beside it, on the same cores: the hashes of the same entries, one verification and one bare
COPY for each batch, into a table without an index.
"""

import hashlib
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from operator import truediv
from pathlib import Path
from typing import Any

import psycopg

from bench import client, contenders, load, pinned
from idp.protocol import journal, jws, keys, lane_assertion, strict_json

PORT = 8651
LANES, ROUNDS = 32, 6  # the first round warms up
SIZES = (500, 50, 5)  # entries in a batch; a lane that is online has a few each half minute
OURS, PEER = f"http://hk.localhost:{PORT}", "https://idp.cn.example"
_NUMBERS = ("checkpoint", "lane", "seq", "at", "bundle_serial", "about", "received_at")
_TEXTS = ("prev", "hash", "jti", "issuer", "subject", "direction", "decision", "reason", "score_band", "officers")
BARE_TABLE = f"CREATE TABLE bare ({' bigint, '.join(_NUMBERS)} bigint, {' text, '.join(_TEXTS)} text)"


def run() -> dict[str, Any]:
    """``{"figures", "ratios"}``: entries a second, microseconds of processor time, and ours over the bare work."""
    pinned.pin_load()
    with ExitStack() as running, tempfile.TemporaryDirectory(prefix="bench-") as name:
        url = running.enter_context(pinned.database(contenders.URL, "bench_journal"))
        key = keys.generate("ES256")
        environment = {
            "DEBUG": "0",
            "INSECURE_LOOPBACK_HTTP": "1",
            "CAUSEWAY_DATA_DIR": name,
            "CAUSEWAY_ENTITY_ID": OURS,
            "DJANGO_SETTINGS_MODULE": "idp.settings",
            "DATABASE_URL": url,
        }
        lanes = _lanes(environment, key, tokens=sum(SIZES) * LANES * ROUNDS)
        command = pinned.granian(Path(sys.executable), "idp.wsgi", port=PORT)
        server = running.enter_context(pinned.server(command, port=PORT, environment=environment))
        running.enter_context(pinned.database_aside(contenders.URL))
        return _measured(lanes, server, url)


class Lane:
    """One lane and its journal so far."""

    def __init__(self, lane_id: str, key: keys.PrivateKey, tokens: Iterator[str]) -> None:
        self.lane_id, self._key, self._tokens = lane_id, key, tokens
        self._checkpoint, _, self._name = lane_id.partition("#")
        self._last: journal.Entry | None = None

    def batch(self, size: int) -> tuple[list[journal.Entry], str, bytes]:
        """The next ``size`` entries, their head, and the request that hands them in."""
        entries = [self._next() for _ in range(size)]
        signed = journal.sign_head(entries, self._key)
        assertion = lane_assertion.assert_lane(
            lane_id=self.lane_id,
            audience=OURS,
            now=int(time.time()),
            jti=secrets.token_urlsafe(16),
            lane_key=self._key,
        )
        headers = {"Content-Type": "application/json", "Authorization": f"Lane {assertion}"}
        body = strict_json.dumps(signed).decode()
        return entries, signed["head"], client.message("POST", OURS, "/border/v1/journal", headers, body)

    def _next(self) -> journal.Entry:
        number = self._last.seq + 1 if self._last else 1
        own = number % 2 == 0
        facts = {
            "checkpoint": self._checkpoint,
            "lane": self._name,
            "at": int(time.time()),
            "jti": next(self._tokens) if own else secrets.token_urlsafe(16),
            "iss": OURS if own else PEER,
            "sub": secrets.token_urlsafe(32),
            "direction": "entry",
            "score_band": "high",
            "bundle_serial": 7,
            **_outcome(number),
        }
        self._last = journal.append(self._last, facts)
        return self._last


def _outcome(number: int) -> dict[str, Any]:
    place = number % 100
    if place in (10, 60):
        return {"decision": "release", "reason": "face_checked", "about": number - 1, "officers": "account:7"}
    if place in (9, 59, 20, 40, 80, 90):
        return {"decision": "refer", "reason": "face_uncertain"}
    return {"decision": "refuse", "reason": "expired"} if place in (33, 77) else {"decision": "admit", "reason": ""}


def _lanes(environment: dict[str, str], key: keys.PrivateKey, *, tokens: int) -> list[Lane]:
    asked = json.dumps({"lanes": LANES, "jwk": key.public.jwk(), "tokens": tokens})
    made = subprocess.run(
        [sys.executable, "-m", "bench.journal_node"],
        env={**os.environ, **environment, "LANES": asked},
        check=True,
        stdout=subprocess.PIPE,
    )
    known = json.loads(made.stdout)
    unused = iter(known["tokens"])
    return [Lane(lane_id, key, unused) for lane_id in known["lanes"]]


def _measured(lanes: Sequence[Lane], server: pinned.Server, url: str) -> dict[str, Any]:
    figures: dict[str, float] = {}
    ratios: dict[str, float] = {}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(BARE_TABLE)
        for size in SIZES:
            ours: list[float] = []
            bare: list[float] = []
            cpu: list[float] = []
            for _ in range(ROUNDS):
                batches = [lane.batch(size) for lane in lanes]
                count = size * len(lanes)
                pinned.idle()
                before = server.cpu()
                ours.append(count / load.spend([request for _, _, request in batches], port=PORT).seconds)
                cpu.append(1e6 * (server.cpu() - before) / count)
                bare.append(count / _bare(batches, lanes[0], connection))
            figures[f"entries_per_second_in_{size}s"] = round(statistics.median(ours[1:]))
            figures[f"entry_cpu_us_in_{size}s"] = round(statistics.median(cpu[1:]), 1)
            figures[f"bare_entries_per_second_in_{size}s"] = round(statistics.median(bare[1:]))
            ratios[f"journal_vs_bare_in_{size}s"] = round(statistics.median(map(truediv, ours[1:], bare[1:])), 3)
    return {"figures": figures, "ratios": ratios}


def _bare(batches: Sequence[tuple[list[journal.Entry], str, bytes]], lane: Lane, connection: Any) -> float:
    """Seconds for the hashes, one verification and one COPY of each batch."""
    texts = [[json.dumps(entry.wire(), sort_keys=True).encode() for entry in entries] for entries, _, _ in batches]
    rows = [[_bare_row(entry) for entry in entries] for entries, _, _ in batches]
    key_set = keys.KeySet([lane._key.public])
    with pinned.on_server_core():
        begun = time.perf_counter()
        for (_, head, _), hashed, stored in zip(batches, texts, rows, strict=True):
            for text in hashed:
                hashlib.sha256(text).digest()
            jws.verify(head, journal.JOURNAL_BATCH, key_set, now=0)
            with connection.cursor() as cursor, cursor.copy("COPY bare FROM STDIN") as copy:
                for row in stored:
                    copy.write_row(row)
        return time.perf_counter() - begun


def _bare_row(entry: journal.Entry) -> tuple[Any, ...]:
    numbers = (1, 1, entry.seq, entry.at, entry.bundle_serial, entry.about, entry.at)
    outcome = (entry.direction, entry.decision, entry.reason, entry.score_band, entry.officers)
    return (*numbers, entry.prev, entry.prev, entry.jti, entry.iss, entry.sub, *outcome)
