"""What the lane says of itself to its node: how it is, never whom it saw."""

import json

from idp.checkpoint import sealing_keys
from idp.checkpoint.lane import LaneAtWork
from idp.protocol.refusals import Unavailable

HEADER = "Lane-Report"
EVERY = 300  # seconds: as often even where nothing changed
VERSION = "0.1.0"  # pyproject.toml


class Reporter:
    """Says it when something changed, and now and then."""

    def __init__(self, lane: LaneAtWork) -> None:
        self._lane = lane
        self._said: tuple[object, ...] | None = None
        self._said_at = 0

    def headers(self) -> dict[str, str]:
        """For the next request for a bundle; empty where there is nothing new to say, or the disk is away."""
        try:
            return self._headers()
        except Unavailable:
            return {}

    def _headers(self) -> dict[str, str]:
        now, bundle = self._lane.clock(), self._lane.bundle()
        facts = {
            "bundle": 0 if bundle is None else bundle.serial,
            "camera": self._lane.camera,
            "pending": len(self._lane.store.pending()),
            "sealing": self._sealing(now),
            "version": VERSION,
        }
        said = tuple(facts.values())
        if said == self._said and self._said_at <= now < self._said_at + EVERY:
            return {}
        self._said, self._said_at = said, now
        return {HEADER: json.dumps({**facts, "clock": now})}

    def _sealing(self, now: int) -> int:
        try:
            return sealing_keys.read(self._lane.config.sealing_directory, now=now).rotated_at
        except (OSError, RuntimeError):  # the lane says so itself when it opens no token
            return 0
