"""The lane's talk with its own node, and with nobody else: enrolment, bundles down, the journal up.

The gate never waits for any of it. When the node is down, the lane decides on with what it has.
"""

import json
import logging
import random
import secrets
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from idp.checkpoint import config as configuration
from idp.checkpoint import sealing_keys
from idp.checkpoint.config import LaneConfig, write_private
from idp.checkpoint.lane import LaneAtWork
from idp.checkpoint.reporting import Reporter
from idp.checkpoint.store import Store
from idp.outbound import Outbound, Response
from idp.protocol import journal, keys, strict_json, trust_bundle
from idp.protocol.keys import PrivateKey
from idp.protocol.lane_assertion import SCHEME, assert_lane
from idp.protocol.refusals import Reason, Refusal, Unavailable

log = logging.getLogger(__name__)

INTERVAL = 30.0  # seconds between bundles; revocation reaches an online gate within 60 s
JITTER = 0.2  # of the interval, so that a thousand lanes do not ask at once
MAX_BUNDLE = trust_bundle.MAX_WIRE  # bytes
JSON = "application/json"
API = "/border/v1"  # at the node: the version of its interface that this lane speaks


def enrol(
    invitation: Mapping[str, Any],
    directory: Path,
    *,
    face_models: list[str],
    outbound: Outbound,
    now: int,
    sealing_directory: Path | None = None,
) -> LaneConfig:
    """Make the lane's keys, hand the public ones to the node with the officer's code, and keep the enrolment.

    Raises `Refusal` where the node does not accept, `Unavailable` where it does not answer; nothing is kept then but
    the keys, and the same call may be tried again. RuntimeError for a directory in which another lane works: its
    journal is not this one's.
    """
    config = configuration.parse(invitation, directory, sealing_directory)
    if (directory / configuration.LANE_FILE).exists():
        found = configuration.load(directory, sealing_directory)
        if (found.node, found.lane_id) != (config.node, config.lane_id):
            raise RuntimeError(f"{found.lane_id} is enrolled in {directory}")
    key_path = directory / configuration.LANE_KEY
    if not key_path.exists():
        write_private(key_path, json.dumps(keys.generate("ES256").jwk()))
    lane_key = configuration.read_key(key_path)
    sealing = sealing_keys.ensure(config.sealing_directory, now=now)
    body = {
        "checkpoint": config.checkpoint_code,
        "lane": config.lane,
        "code": strict_json.string(invitation, "code", max_length=64),
        "jwk": lane_key.public.jwk(),
        "sealing_jwks": sealing.public_jwks(),
        "face_models": face_models,
    }
    url = f"{config.node}{API}/lanes/enrol"
    answer = outbound.request("POST", url, headers={"Content-Type": JSON}, content=strict_json.dumps(body))
    _expect(answer, 201)
    sealing_keys.confirm(config.sealing_directory, current=sealing.current.kid, now=now)
    kept = {name: value for name, value in invitation.items() if name != "code"}
    write_private(directory / configuration.LANE_FILE, json.dumps(kept, ensure_ascii=False, indent=1))
    Store(directory / configuration.DATABASE, lambda: now).close()
    return config


class Sync:
    """One lane's exchange with its node."""

    def __init__(self, lane: LaneAtWork, outbound: Outbound, models: Callable[[], list[str]] = list) -> None:
        """``models``: what the lane's engines can compare; none are announced where there are none."""
        self._models = models
        self._lane, self._outbound = lane, outbound
        self._config: LaneConfig = lane.config
        self._store: Store = lane.store
        self._key: PrivateKey = lane.lane_key
        self._reporter = Reporter(lane)

    def once(self) -> dict[str, str]:
        """Bundle, journal, keys, each on its own: one that fails holds up none of the others. What came of each."""
        return {name: self._attempt(name, part)[1] for name, part in self._parts()}

    def once_or_fail(self) -> dict[str, str]:
        """`once` for a person or a script that waits for it; raises RuntimeError when a part failed."""
        outcome = {name: self._attempt(name, part) for name, part in self._parts()}
        said = {name: text for name, (_, text) in outcome.items()}
        if not all(done for done, _ in outcome.values()):
            raise RuntimeError(json.dumps(said))
        return said

    def run(self, stop: threading.Event, interval: float = INTERVAL) -> None:
        """`once`, again and again, until ``stop``."""
        while not stop.is_set():
            self.once()
            stop.wait(interval * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311  spreads load, guards nothing

    def fetch_bundle(self) -> str:
        """Take the node's bundle if it is a new one and verifies; raises `Refusal` or `Unavailable`."""
        headers = {**self._headers(), **self._reporter.headers()}
        tag = self._store.kept("tag")
        if tag and self._lane.bundle() is not None:
            headers["If-None-Match"] = tag
        url = f"{self._config.node}{API}/checkpoints/{self._config.checkpoint_code}/bundle"
        if known := self._lane.trust.watch_digest():
            url += f"?watchlist={known}"
        answer = self._outbound.request("GET", url, headers=headers)
        if answer.status == 304:
            return "unchanged"
        _expect(answer, 200)
        text = answer.body.decode("utf-8", "replace")
        bundle = self._lane.trust.take(text, answer.headers.get("etag", ""))
        for part in bundle.left_out:
            log.warning("bundle %d: %s left out: %s %s", bundle.serial, part.part, part.reason, part.detail)
        return f"serial {bundle.serial}"

    def upload(self) -> str:
        """Send what the node has not confirmed, batch by batch; raises `Refusal` or `Unavailable`."""
        sent = 0
        while entries := self._store.pending():
            batch = strict_json.dumps(journal.sign_head(entries, self._key))
            headers = {**self._headers(), "Content-Type": JSON}
            answer = self._outbound.request("POST", f"{self._config.node}{API}/journal", headers=headers, content=batch)
            _expect(answer, 200)
            last = strict_json.integer(strict_json.loads_object(answer.body), "last")
            if last < entries[-1].seq:
                raise Refusal(Reason.MALFORMED, "the node confirmed less than it was sent")
            self._store.uploaded(entries[-1].seq)  # never more than was sent, whatever is confirmed
            sent += len(entries)
        return f"{sent} entries"

    def rotate_keys(self) -> str:
        """Daily: new sealing keys, in use here at once and announced until the node has confirmed them."""
        directory = self._config.sealing_directory
        found = sealing_keys.rotate_if_due(directory, now=self._lane.clock())
        if found.announced:
            return "unchanged"
        url = f"{self._config.node}{API}/checkpoints/{self._config.checkpoint_code}/sealing-keys"
        content = strict_json.dumps({"sealing_jwks": found.public_jwks()})
        headers = {**self._headers(), "Content-Type": JSON}
        _expect(self._outbound.request("PUT", url, headers=headers, content=content), 204)
        sealing_keys.confirm(directory, current=found.current.kid, now=self._lane.clock())
        return "announced"

    def announce_models(self) -> str:
        """Tell the node which face models this lane runs, when they are others than it has confirmed."""
        confirmed, models = self._store.kept("models"), self._models()
        if not models or confirmed == json.dumps(models):
            return "unchanged"
        url = f"{self._config.node}{API}/checkpoints/{self._config.checkpoint_code}/face-models"
        content = strict_json.dumps({"face_models": models})
        headers = {**self._headers(), "Content-Type": JSON}
        _expect(self._outbound.request("PUT", url, headers=headers, content=content), 204)
        self._store.keep("models", json.dumps(models))
        return "announced"

    def tidy(self) -> str:
        """Forget what no decision needs any more."""
        self._store.purge()
        return "done"

    def _parts(self) -> tuple[tuple[str, Callable[[], str]], ...]:
        return (
            ("bundle", self.fetch_bundle),
            ("journal", self.upload),
            ("keys", self.rotate_keys),
            ("models", self.announce_models),
            ("store", self.tidy),
        )

    def _attempt(self, name: str, part: Callable[[], str]) -> tuple[bool, str]:
        """Whether it was done, and what came of it. Never raises: the next round comes in half a minute."""
        try:
            return True, part()
        except (Refusal, Unavailable) as error:
            log.warning("%s: %s", name, error)
            return False, str(error)
        except Exception as error:  # a disk, a key that cannot be read: the other parts go on
            log.exception("%s failed", name)
            return False, type(error).__name__

    def _headers(self) -> dict[str, str]:
        assertion = assert_lane(
            lane_id=self._config.lane_id,
            audience=self._config.node,
            now=self._lane.clock(),
            jti=secrets.token_urlsafe(16),
            lane_key=self._key,
        )
        return {"Authorization": f"{SCHEME} {assertion}"}


def _expect(answer: Response, status: int) -> None:
    if answer.status >= 500 or answer.status == 429:
        raise Unavailable(f"the node answered {answer.status}")
    if answer.status != status:
        raise Refusal(Reason.MALFORMED, f"the node answered {answer.status}: {answer.body[:200]!r}")
