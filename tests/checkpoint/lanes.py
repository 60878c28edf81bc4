"""A whole lane in a directory of its own, with everything that its authority would have sent it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from idp.biometrics.engine import FaceEngine
from idp.checkpoint import config as configuration
from idp.checkpoint import sealing_keys
from idp.checkpoint.config import DATABASE, LaneConfig
from idp.checkpoint.deciding import Verdict
from idp.checkpoint.lane import LaneAtWork
from idp.checkpoint.store import Store
from idp.protocol import journal, strict_json
from idp.protocol.keys import KeySet, PrivateKey
from tests.checkpoint.toy_engine import ALIKE, ToyFaceEngine
from tests.simulators.gate import CHECKPOINT, HK, NOW, WATCH_KEY, GateSimulator, federation_key, key

Frames = Sequence[bytes]


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def lane_key() -> PrivateKey:
    return key("lane")


def invitation(**changes: Any) -> dict[str, Any]:
    """The officer's file of Lo Wu's first lane."""
    return {
        "node": HK,
        "checkpoint": CHECKPOINT,
        "checkpoint_code": "lo-wu",
        "checkpoint_name": {"en": "Lo Wu", "zh-Hans": "罗湖", "zh-Hant": "羅湖", "pt": "Lo Wu"},
        "lane": "1",
        "direction": "entry",
        "code": "one-time-code",
        "anchor_jwks": KeySet([federation_key(HK).public]).jwks(),
        "watch_key": strict_json.b64encode(WATCH_KEY),
        **changes,
    }


@dataclass
class LaneSimulator:
    """The lane under test, its authority (`gate`) and its clock. ``bundled`` False leaves it without a bundle."""

    directory: Path
    gate: GateSimulator = field(default_factory=GateSimulator)
    engine: Callable[[], FaceEngine] = ToyFaceEngine
    clock: Clock = field(default_factory=Clock)
    bundled: bool = True
    still_pictures: bool = False
    invited: dict[str, Any] = field(default_factory=dict)  # what differs from Lo Wu's first lane
    joint: bool = False
    key: PrivateKey = field(default_factory=lane_key)

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.store = Store(self.directory / DATABASE, self.clock, rollback=self.joint)
        self.config: LaneConfig = configuration.parse(invitation(**self.invited), self.directory)
        sealing_keys.ensure(self.config.sealing_directory, now=self.clock.now)
        self.lane = self.restarted()
        if self.bundled:
            self.take_bundle()

    def restarted(self) -> LaneAtWork:
        """The same lane in a new process's memory."""
        self.lane = LaneAtWork(
            self.config,
            store=self.store,
            lane_key=self.key,
            engine=self.engine,
            clock=self.clock,
            still_pictures=self.still_pictures,
        )
        return self.lane

    def take_bundle(self, **changes: Any) -> None:
        """The authority's bundle of this moment."""
        self.lane.trust.take(self.gate.wire(**changes).decode(), '"tag"')

    @property
    def sealing(self) -> sealing_keys.SealingKeys:
        return sealing_keys.read(self.config.sealing_directory, now=self.clock.now)

    def token(self, number: int = 0, **changes: Any) -> bytes | str:
        """A token sealed to the lane's current key; another ``number`` is another token, of another traveller."""
        sealed = {"sub": f"pairwise-subject{number:04}" if number else "pairwise-subject", **changes.pop("sealed", {})}
        changes = {"recipient": self.sealing.current, "jti": number.to_bytes(16, "big"), **changes}
        return self.gate.token(sealed=sealed, **changes)

    def code(self, number: int = 0, *, nonce: bytes | None = None, **changes: Any) -> bytes | str:
        """What the wallet shows for `token`, now."""
        return self.gate.present(self.token(number, **changes), nonce=nonce, at=self.clock.now)

    def cross(self, raw: bytes | str | None = None, frames: Frames = (ALIKE,) * 3) -> Verdict:
        """Code and face, one after the other."""
        outcome = self.lane.present(self.code() if raw is None else raw)
        if isinstance(outcome, Verdict):
            return outcome
        verdict = self.lane.face(outcome, frames)
        assert verdict is not None
        return verdict

    def journal(self) -> list[journal.Entry]:
        """Every entry, after the chain was verified as the node would."""
        entries = self.store.pending(limit=10_000)
        for start in range(0, len(entries), journal.MAX_ENTRIES):
            part = entries[start : start + journal.MAX_ENTRIES]
            expected = (
                journal.genesis(self.config.checkpoint, "1") if start == 0 else journal.entry_hash(entries[start - 1])
            )
            journal.verify_batch(
                journal.sign_head(part, self.key),
                checkpoint=self.config.checkpoint,
                lane="1",
                lane_key=self.key.public,
                expected_seq=start + 1,
                expected_prev=expected,
            )
        return entries
