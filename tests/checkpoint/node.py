"""A lane's authority over HTTP on loopback: it verifies what a lane sends as the protocol wants, and keeps it."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from idp.inbound import DeviceServer, Problem, Request, Response, json_body, json_response
from idp.outbound import Outbound
from idp.outbound import Response as Answer
from idp.protocol import journal, keys, strict_json
from idp.protocol.keys import PublicKey
from idp.protocol.lane_assertion import SCHEME, verify_lane_assertion
from idp.protocol.watch_list import WatchList
from tests.checkpoint.lanes import Clock, lane_key
from tests.simulators.gate import CHECKPOINT, HK, GateSimulator

CODE = "one-time-code"


class NodeSimulator:
    """One checkpoint's endpoints. What a test wants wrong it changes by attribute."""

    def __init__(self, gate: GateSimulator, clock: Clock) -> None:
        self.gate, self.clock = gate, clock
        self.lane_key: PublicKey | None = lane_key().public
        self.sealing: list[str] = []  # kid of each key announced, the current one first
        self.entries: list[journal.Entry] = []
        self.batches = 0
        self.lists_sent = 0
        self.models: list[list[str]] = []  # of each announcement
        self.spent: set[str] = set()
        self.code = CODE
        self.answers: dict[str, Response] = {}  # instead of the right one, by the last part of the path
        self.lost: set[str] = set()  # parts of which the answer is lost after the work is done
        self.wire: bytes = gate.wire()

    def renew(self, **changes: Any) -> None:
        """Sign a bundle now; ``changes`` are claims."""
        self.gate.now = self.clock.now
        self.wire = self.gate.wire(**changes)

    @property
    def tag(self) -> str:
        return f'"{hashlib.sha256(self.wire).hexdigest()[:16]}"'

    def routes(self) -> dict[tuple[str, str], Any]:
        place = "/border/v1/checkpoints/lo-wu"
        return {
            ("POST", "/border/v1/lanes/enrol"): self.enrol,
            ("GET", f"{place}/bundle"): self.bundle,
            ("PUT", f"{place}/sealing-keys"): self.sealing_keys,
            ("PUT", f"{place}/face-models"): self.face_models,
            ("POST", "/border/v1/journal"): self.journal,
        }

    @contextmanager
    def serving(self) -> Iterator["Rerouted"]:
        """The node is up; how a lane reaches it."""
        with DeviceServer(host="127.0.0.1", port=0, routes=self.routes(), max_body=1 << 21) as server:
            outbound = Rerouted(f"http://hk.localhost:{server.port}")
            yield outbound
            outbound.close()

    def enrol(self, request: Request) -> Response:
        body = json_body(request)
        if (body["checkpoint"], body["lane"], body["code"]) != ("lo-wu", "1", self.code):
            raise Problem(403)
        self.lane_key = keys.parse_public(body["jwk"])
        self._take(body["sealing_jwks"])
        return self._answer("enrol", Response(201, body=b"{}"))

    def bundle(self, request: Request) -> Response:
        self._require_lane(request)
        if request.headers.get("if-none-match") == self.tag:
            return Response(304)
        wire, known = strict_json.loads_object(self.wire), request.query.get("watchlist")
        content = strict_json.b64decode(wire.get("watchlist", ""))
        if known == WatchList(content).digest:
            del wire["watchlist"]
        self.lists_sent += "watchlist" in wire
        return self._answer("bundle", Response(200, body=strict_json.dumps(wire), headers={"ETag": self.tag}))

    def sealing_keys(self, request: Request) -> Response:
        self._require_lane(request)
        announced = self.sealing[-1:]
        offered = [key.kid for key in keys.parse_jwks(json_body(request)["sealing_jwks"]).keys]
        if not set(announced) <= set(offered):  # what was announced as next must be there
            raise Problem(409)
        self.sealing = offered
        return self._answer("sealing-keys", Response(204))

    def face_models(self, request: Request) -> Response:
        self._require_lane(request)
        self.models.append(json_body(request)["face_models"])
        return self._answer("face-models", Response(204))

    def journal(self, request: Request) -> Response:
        self._require_lane(request)
        assert self.lane_key is not None
        last = self.entries[-1] if self.entries else None
        try:
            self.entries += journal.verify_batch(
                request.body,
                checkpoint=CHECKPOINT,
                lane="1",
                lane_key=self.lane_key,
                expected_seq=last.seq + 1 if last else 1,
                expected_prev=journal.entry_hash(last) if last else journal.genesis(CHECKPOINT, "1"),
                recorded_hashes=lambda first, last: {
                    entry.seq: journal.entry_hash(entry) for entry in self.entries[first - 1 : last]
                },
            )
        except journal.ChainBroken as broken:
            raise Problem(409, broken.code) from broken
        self.batches += 1
        return self._answer("journal", json_response({"last": self.entries[-1].seq}))

    def _require_lane(self, request: Request) -> None:
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        if scheme != SCHEME or self.lane_key is None:
            raise Problem(403)
        assertion = verify_lane_assertion(
            text, lane_key=self.lane_key, lane_id=f"{CHECKPOINT}#1", audience=HK, now=self.clock.now
        )
        if assertion.jti in self.spent:
            raise Problem(403)
        self.spent.add(assertion.jti)

    def _take(self, jwks: object) -> None:
        self.sealing = [key.kid for key in keys.parse_jwks(jwks).keys]

    def _answer(self, part: str, right: Response) -> Response:
        if part in self.lost:
            return Response(502)
        return self.answers.get(part, right)


class Rerouted(Outbound):
    """The real client, which finds the authority's name on this machine, as a resolver would tell it."""

    def __init__(self, place: str) -> None:
        super().__init__(insecure_loopback_http=True, timeout=5.0, max_bytes=1 << 23)
        self._place = place

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,
    ) -> Answer:
        assert url.startswith(f"{HK}/")
        return super().request(method, self._place + url[len(HK) :], headers=headers, content=content, timeout=timeout)
