"""Gates that do nothing but fetch their bundle, and look in it for what happened to a few tokens."""

import asyncio
import base64
import contextlib
import json
import random
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench import client, load
from idp.checkpoint.sync import API, INTERVAL, JITTER
from idp.protocol import keys
from idp.protocol.lane_assertion import SCHEME, assert_lane
from idp.protocol.status_list import decode

TIMEOUT = 20.0  # seconds; a lane tries again at its next turn


@dataclass
class Watched:
    """A token whose bit is looked for; `revoked_at` is set when it was."""

    issuer: str
    uri: str
    idx: int
    revoked_at: float = 0.0


@dataclass
class Gate:
    """One lane at ``node``, which listens on ``port``; ``heard`` has for each token, by its place, when it was so."""

    node: str
    port: int
    lane_id: str
    key: keys.PrivateKey
    watched: Sequence[Watched]
    heard: dict[int, float] = field(default_factory=dict)
    answers: list[float] = field(default_factory=list)  # seconds that the node took
    asked: int = 0
    etag: str = ""

    async def poll(self) -> None:
        """Ask for the bundle for ever, each time after the lane's interval; the first time at any moment of it."""
        await asyncio.sleep(random.uniform(0, INTERVAL))
        while True:
            with contextlib.suppress(TimeoutError, OSError):
                await asyncio.wait_for(self._ask(), TIMEOUT)
            await asyncio.sleep(INTERVAL * (1 + random.uniform(-JITTER, JITTER)))

    async def _ask(self) -> None:
        begun = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(self._request())
            await writer.drain()
            answer = await reader.read()
        finally:
            writer.close()
        self.answers.append(time.perf_counter() - begun)
        self.asked += 1
        if answer.startswith(b"HTTP/1.1 304"):
            return
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"answered {answer[:300]!r}")
        self.etag = load.header(answer, "etag")[0]
        self._look(json.loads(load.body(answer))["bundle"])

    def _request(self) -> bytes:
        code = self.lane_id.partition("#")[0].rpartition("/")[2]
        assertion = assert_lane(
            lane_id=self.lane_id,
            audience=self.node,
            now=int(time.time()),
            jti=secrets.token_urlsafe(16),
            lane_key=self.key,
        )
        headers = {"Authorization": f"{SCHEME} {assertion}", "Connection": "close"}
        if self.etag:
            headers["If-None-Match"] = self.etag
        return client.message("GET", self.node, f"{API}/checkpoints/{code}/bundle", headers)

    def _look(self, bundle: str) -> None:
        """The bit of each token that is waited for, in the list of its address; nothing is verified here."""
        now, lists = time.time(), {}
        for issuer in _payload(bundle)["issuers"]:
            for text in issuer["status_lists"]:
                found = _payload(text)
                lists[found["sub"]] = found["status_list"]
        for uri in {token.uri for token in self.watched} & lists.keys():
            statuses = decode(lists[uri])
            for place, token in enumerate(self.watched):
                if token.uri == uri and place not in self.heard and statuses.get(token.idx):
                    self.heard[place] = now


def _payload(text: str) -> dict[str, Any]:
    middle = text.split(".", 2)[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return found
