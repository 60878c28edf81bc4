"""Whatever happens in whatever order: a token is admitted at most once, and each decision stands in one entry."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from idp.checkpoint.deciding import Verdict
from idp.checkpoint.lane import LaneAtWork
from idp.protocol.gate_decisions import Admit
from tests.checkpoint.lanes import LaneSimulator
from tests.checkpoint.toy_engine import ALIKE, CRASH, NOBODY, OTHER, STILL, UNSURE
from tests.simulators.gate import CHECKPOINT, key

TOKENS = st.integers(0, 2)  # few, so that they meet again
LANES = st.sampled_from(["one", "other"])  # two processes over one file
FRAMES = st.sampled_from([ALIKE, ALIKE, ALIKE, UNSURE, OTHER, NOBODY, STILL, CRASH, b"no picture"])


class Sequences(RuleBasedStateMachine):
    """Two lanes' memories over one file, three tokens, a clock and a disk."""

    @initialize()
    def begin(self) -> None:
        self.place = tempfile.TemporaryDirectory()
        self.home = LaneSimulator(Path(self.place.name) / "lane")
        self.lanes: dict[str, LaneAtWork] = {"one": self.home.lane, "other": self.home.restarted()}
        self.waiting: dict[str, str] = {}
        self.verdicts: list[Verdict] = []
        self.serial = 7

    @rule(lane=LANES, token=TOKENS, wrong=st.sampled_from(["", "", "", "proof", "aud", "text", "exp"]))
    def present(self, lane: str, token: int, wrong: str) -> None:
        outcome = self.lanes[lane].present(self._code(token, wrong))
        if isinstance(outcome, Verdict):
            self.verdicts.append(outcome)
        else:
            assert not wrong
            self.waiting[lane] = outcome

    @rule(lane=LANES, frame=FRAMES, frames=st.sampled_from([1, 3]))
    def face(self, lane: str, frame: bytes, frames: int) -> None:
        verdict = self.lanes[lane].face(self.waiting.get(lane, "nobody"), (frame,) * frames)
        if verdict is not None:
            assert verdict.word != "admit" or (frame, frames) == (ALIKE, 3)
            self.verdicts.append(verdict)

    @rule(lane=LANES)
    def camera_failed(self, lane: str) -> None:
        verdict = self.lanes[lane].camera_failed(self.waiting.get(lane, "nobody"))
        if verdict is not None:
            assert verdict.word == "refer"
            self.verdicts.append(verdict)

    @rule(lane=LANES)
    def restart(self, lane: str) -> None:
        self.lanes[lane] = self.home.restarted()

    @rule(seconds=st.sampled_from([1, 29, 31, 100, -1, -40]))
    def time_passes(self, seconds: int) -> None:
        self.home.clock.now += seconds

    @rule()
    def bundle(self) -> None:
        self.serial += 1
        self.home.gate.now = max(self.home.gate.now, self.home.clock.now)
        if self.home.clock.now >= self.home.gate.now:
            self.home.take_bundle(serial=self.serial)

    @rule(lane=LANES, token=TOKENS)
    def disk_fails(self, lane: str, token: int) -> None:
        code, directory = self._code(token, ""), self.home.directory
        away = directory.with_name("away")
        directory.rename(away)
        try:
            for outcome in (
                self.lanes[lane].present(code),
                self.lanes[lane].face(self.waiting.get(lane, ""), (ALIKE,)),
            ):
                assert isinstance(outcome, str) or outcome is None or (outcome.word, outcome.seq) == ("refer", 0)
        finally:
            away.rename(directory)

    @rule()
    def purge(self) -> None:
        self.home.store.purge()

    @invariant()
    def a_token_is_admitted_once(self) -> None:
        if not hasattr(self, "home"):
            return
        admitted = [item.decision.crossing.jti for item in self.verdicts if isinstance(item.decision, Admit)]
        assert len(admitted) == len(set(admitted))
        entries = self.home.journal()
        assert [entry.jti for entry in entries if entry.decision == "admit"] == admitted

    @invariant()
    def each_decision_has_its_one_entry(self) -> None:
        if not hasattr(self, "home"):
            return
        recorded = [(item.seq, item.word, item.reason or "") for item in self.verdicts]
        entries = self.home.journal()
        assert [(entry.seq, entry.decision, entry.reason) for entry in entries] == recorded

    def teardown(self) -> None:
        if hasattr(self, "home"):
            self.home.store.close()
            self.place.cleanup()

    def _code(self, token: int, wrong: str) -> bytes | str:
        home = self.home
        home.gate.now, bundle_time = home.clock.now, home.gate.now
        try:
            if wrong == "text":
                return "BT1:NOTHING"
            if wrong == "aud":
                return home.code(token, aud=f"{CHECKPOINT}-other")
            if wrong == "exp":
                now = home.clock.now
                return home.code(token, exp=now - 60, nbf=now - 900, iat=now - 900)
            holder = key("thief") if wrong == "proof" else None
            return home.gate.present(home.token(token), at=home.clock.now, holder=holder)
        finally:
            home.gate.now = bundle_time


TestSequences = Sequences.TestCase
TestSequences.settings = settings(max_examples=12, stateful_step_count=25)
