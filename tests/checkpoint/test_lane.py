"""A traveller's way through a lane: code, face, verdict; and everything that must not become an Admit."""

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from idp.checkpoint.deciding import Verdict
from idp.checkpoint.lane import CHALLENGE_LIFE, FACE_TIME, SEALING_REREAD
from idp.checkpoint.sealing_keys import KEEP_OLD, ROTATION, confirm, rotate_if_due
from idp.protocol.gate_decisions import Admit
from idp.protocol.keys import KeySet
from idp.protocol.presentation import verify_challenge
from idp.protocol.refusals import Reason
from tests.checkpoint.conftest import MakeLane
from tests.checkpoint.lanes import LaneSimulator, lane_key
from tests.checkpoint.toy_engine import ALIKE, CRASH, NOBODY, OTHER, STILL, UNSURE, ToyFaceEngine
from tests.simulators.gate import CHECKPOINT, CN, NOW, GateSimulator

BURST = (ALIKE,) * 3


def examined(lane: LaneSimulator, raw: bytes | str | None = None) -> str:
    """The id under which the face of a sound presentation is awaited."""
    outcome = lane.lane.present(lane.code() if raw is None else raw)
    assert isinstance(outcome, str), outcome
    return outcome


def decided(verdict: Verdict | str | None) -> tuple[str, Reason | None]:
    assert isinstance(verdict, Verdict)
    return verdict.word, verdict.reason


def test_a_sound_traveller_is_admitted_and_recorded(lane: LaneSimulator) -> None:
    verdict = lane.cross()
    assert isinstance(verdict.decision, Admit)
    (entry,) = lane.journal()
    assert (entry.seq, entry.decision, entry.reason, entry.score_band) == (verdict.seq, "admit", "", "high")
    assert (entry.iss, entry.sub, entry.bundle_serial, entry.at) == (CN, "pairwise-subject", 7, NOW)
    assert (verdict.score, verdict.bundle_age) == (0.9, 0)
    assert entry.took_ms == max(1, round(verdict.gate_ms + (verdict.face_ms or 0)))
    assert lane.store.admitted(CN, entry.jti)


def test_a_token_as_jwt_over_the_link_is_admitted_too(lane: LaneSimulator) -> None:
    assert lane.cross(lane.gate.present(lane.token(form="jwt"))).word == "admit"


@pytest.mark.parametrize(
    ("frame", "word", "reason"),
    [
        (UNSURE, "refer", Reason.FACE_UNCERTAIN),
        (OTHER, "refuse", Reason.FACE_MISMATCH),
        (NOBODY, "refer", Reason.FACE_NO_FACE),
        (STILL, "refer", Reason.FACE_NOT_LIVE),
        (CRASH, "refer", Reason.INTERNAL),
        (b"no picture", "refer", Reason.CAMERA_UNAVAILABLE),
    ],
)
def test_another_face_than_a_live_alike_one_consumes_nothing(
    lane: LaneSimulator, frame: bytes, word: str, reason: Reason
) -> None:
    assert decided(lane.cross(frames=(frame,) * 3)) == (word, reason)
    (entry,) = lane.journal()
    assert (entry.decision, entry.reason) == (word, reason.value)
    assert lane.store.attempts(CN, entry.jti) == 1
    assert lane.cross().word == "admit"


def test_an_engine_that_does_not_load_refers(make_lane: MakeLane) -> None:
    def broken() -> None:
        raise RuntimeError("no model")

    lane = make_lane(engine=broken)
    lane.lane.warm_up()
    assert decided(lane.cross()) == ("refer", Reason.INTERNAL)


def test_the_third_failed_attempt_is_the_last(lane: LaneSimulator) -> None:
    for _ in range(3):
        lane.cross(frames=(OTHER,) * 3)
    assert decided(lane.lane.present(lane.code())) == ("refer", Reason.ATTEMPTS_EXCEEDED)


def test_an_id_is_good_for_one_face(lane: LaneSimulator) -> None:
    waiting = examined(lane)
    assert lane.lane.waiting_id() == waiting
    lane.lane.face(waiting, (OTHER,) * 3)
    assert lane.lane.waiting_id() is None
    assert lane.lane.face(waiting, BURST) is None
    assert lane.lane.camera_failed(waiting) is None
    assert len(lane.journal()) == 1


def test_a_face_that_comes_too_late_counts_for_nobody(lane: LaneSimulator) -> None:
    waiting = examined(lane)
    lane.clock.now += FACE_TIME
    assert lane.lane.waiting_id() is None
    assert lane.lane.face(waiting, BURST) is None
    assert lane.journal() == []
    lane.clock.now -= 1
    assert lane.lane.face(waiting, BURST) is None  # and the id stays dead


def test_a_face_in_the_last_second_is_in_time(lane: LaneSimulator) -> None:
    waiting = examined(lane)
    lane.clock.now += FACE_TIME - 1
    assert decided(lane.lane.face(waiting, BURST))[0] == "admit"


@pytest.mark.parametrize("wrong", ["", "another", "é", "\ud800"])
def test_a_wrong_id_takes_nobody_s_place_away(lane: LaneSimulator, wrong: str) -> None:
    waiting = examined(lane)
    assert lane.lane.face(wrong, BURST) is None
    assert decided(lane.lane.face(waiting, BURST))[0] == "admit"


def test_another_sound_code_takes_the_place_of_a_traveller_who_is_awaited(lane: LaneSimulator) -> None:
    """Else the second one's face would admit the first one's token."""
    first = examined(lane, lane.code(1))
    second = examined(lane, lane.code(2))
    assert lane.lane.face(first, BURST) is None
    assert decided(lane.lane.face(second, BURST))[0] == "admit"
    (entry,) = lane.journal()
    assert entry.jti == "A" * 21 + "g"  # sixteen bytes, the last one 2


def test_a_bad_code_does_not_take_the_place_of_a_traveller_who_is_awaited(lane: LaneSimulator) -> None:
    """A phone on the local link must not be able to send travellers away."""
    waiting = examined(lane)
    assert decided(lane.lane.present("BT1:XYZ")) == ("refuse", Reason.MALFORMED)
    assert decided(lane.lane.face(waiting, BURST))[0] == "admit"
    assert [entry.decision for entry in lane.journal()] == ["refuse", "admit"]


def test_two_lanes_memories_over_one_file_admit_once(lane: LaneSimulator) -> None:
    """Both examined the token before either admitted it: the transaction decides, and the journal has both."""
    one = lane.lane
    other = lane.restarted()
    raw = lane.code()
    ids = [one.present(raw), other.present(raw)]
    assert decided(one.face(str(ids[0]), BURST)) == ("admit", None)
    verdict = other.face(str(ids[1]), BURST)
    assert decided(verdict) == ("refuse", Reason.REPLAYED)
    assert [(entry.decision, entry.reason) for entry in lane.journal()] == [("admit", ""), ("refuse", "replayed")]
    assert lane.journal()[1].sub == "pairwise-subject"


def test_the_same_code_again_is_replayed(lane: LaneSimulator) -> None:
    lane.cross()
    assert decided(lane.lane.present(lane.code())) == ("refuse", Reason.REPLAYED)


def test_a_failed_camera_sends_the_traveller_to_an_officer(lane: LaneSimulator) -> None:
    assert decided(lane.lane.camera_failed(examined(lane))) == ("refer", Reason.CAMERA_UNAVAILABLE)
    assert lane.journal()[0].reason == "camera_unavailable"


def test_an_admit_that_cannot_be_written_is_a_referral(lane: LaneSimulator) -> None:
    waiting = examined(lane)
    lane.directory.rename(lane.directory.with_name("gone"))
    verdict = lane.lane.face(waiting, BURST)
    assert decided(verdict) == ("refer", Reason.STORAGE_UNAVAILABLE)
    assert verdict is not None
    assert verdict.seq == 0
    lane.directory.with_name("gone").rename(lane.directory)
    assert lane.journal() == []
    assert lane.cross().word == "admit"  # and nothing of it was consumed


def test_a_disk_that_is_gone_before_the_code_refers(lane: LaneSimulator) -> None:
    raw = lane.code()
    lane.directory.rename(lane.directory.with_name("gone"))
    assert decided(lane.lane.present(raw)) == ("refer", Reason.STORAGE_UNAVAILABLE)
    lane.directory.with_name("gone").rename(lane.directory)


def test_a_full_disk_refers(lane: LaneSimulator) -> None:
    waiting = examined(lane)
    connection = lane.store.connect()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    lane.store.keep("fill", "")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        connection.execute("INSERT INTO kept VALUES ('big', zeroblob(100000))")
    for number in range(40):  # until the pages that are there are full
        verdict = lane.lane.face(waiting, BURST)
        if decided(verdict)[0] != "admit":
            break
        waiting = examined(lane, lane.code(number + 1))
    assert decided(verdict) == ("refer", Reason.STORAGE_UNAVAILABLE)
    assert len(lane.journal()) == number


def test_a_subject_that_no_entry_can_hold_is_referred_and_recorded(lane: LaneSimulator) -> None:
    """Invalid solely because the subject is longer than an entry's; the token is not consumed."""
    verdict = lane.cross(lane.code(sealed={"sub": "x" * 200}))
    assert decided(verdict) == ("refer", Reason.INTERNAL)
    (entry,) = lane.journal()
    assert (entry.reason, entry.sub) == ("internal", "")
    assert not lane.store.admitted(CN, entry.jti)


def test_a_damaged_journal_admits_nobody(lane: LaneSimulator) -> None:
    lane.cross()
    lane.store.connect().execute("UPDATE journal SET entry = 'nonsense'")
    lane.store._last = None
    assert decided(lane.cross(lane.code(1))) == ("refer", Reason.INTERNAL)


@pytest.mark.parametrize("seconds", [1, 500])
def test_a_clock_that_went_back_is_not_trusted_however_often_it_is_asked(lane: LaneSimulator, seconds: int) -> None:
    lane.cross()
    lane.clock.now -= seconds
    for number in range(1, 4):
        assert decided(lane.lane.present(lane.code(number))) == ("refer", Reason.CLOCK_UNTRUSTED)
    lane.clock.now += seconds
    assert lane.cross(lane.code(9)).word == "admit"


def test_a_clock_that_goes_back_between_code_and_face_admits_nobody(lane: LaneSimulator) -> None:
    waiting = examined(lane)
    lane.clock.now -= 1
    assert decided(lane.lane.face(waiting, BURST)) == ("refer", Reason.CLOCK_UNTRUSTED)


def test_a_clock_behind_its_bundle_is_not_trusted(lane: LaneSimulator) -> None:
    lane.clock.now -= 11
    assert decided(lane.lane.present(lane.code())) == ("refer", Reason.CLOCK_UNTRUSTED)
    assert decided(lane.restarted().present(lane.code())) == ("refer", Reason.CLOCK_UNTRUSTED)


def test_without_a_bundle_everybody_is_referred(make_lane: MakeLane) -> None:
    lane = make_lane(bundled=False)
    assert decided(lane.lane.present(lane.code())) == ("refer", Reason.TRUST_STALE)
    assert lane.journal()[0].bundle_serial == 0


def test_a_bundle_a_day_old_refers(lane: LaneSimulator) -> None:
    raw = lane.code
    lane.clock.now += 86_401
    assert decided(lane.lane.present(raw())) == ("refer", Reason.TRUST_STALE)
    assert decided(lane.restarted().present(raw())) == ("refer", Reason.TRUST_STALE)


def test_a_stored_bundle_that_was_altered_is_not_believed(
    lane: LaneSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    lane.store.keep("bundle", (lane.store.kept("bundle") or "").replace("eyJ", "eyK"))
    with caplog.at_level(logging.CRITICAL):
        assert decided(lane.restarted().present(lane.code())) == ("refer", Reason.TRUST_STALE)


@pytest.mark.parametrize("trust", ["nonsense", "[]", "{}", '{"enrolled": 1}'])
def test_damaged_notes_on_trust_stop_no_lane(lane: LaneSimulator, trust: str) -> None:
    lane.store.keep("trust", trust)
    outcome = lane.restarted().present(lane.code())
    assert isinstance(outcome, str) or outcome.reason is Reason.TRUST_STALE


def test_a_younger_bundle_is_in_force_at_the_next_code(lane: LaneSimulator) -> None:
    lane.cross()
    lane.gate.revoked = {CN: {5}}
    lane.take_bundle(serial=8)
    assert decided(lane.lane.present(lane.code(1))) == ("refuse", Reason.REVOKED)
    assert [entry.bundle_serial for entry in lane.journal()] == [7, 8]


def test_the_entry_names_the_bundle_that_was_believed_and_not_the_next(lane: LaneSimulator) -> None:
    waiting = examined(lane)
    lane.take_bundle(serial=8)
    lane.lane.bundle()
    assert decided(lane.lane.face(waiting, BURST))[0] == "admit"
    assert lane.journal()[0].bundle_serial == 7


@pytest.fixture
def challenging(make_lane: MakeLane) -> LaneSimulator:
    return make_lane(gate=GateSimulator(checkpoint={"modes": ["challenge"]}))


def shown_nonce(lane: LaneSimulator) -> bytes:
    text = lane.lane.challenge()
    assert text is not None
    shown = verify_challenge(text, keys=KeySet([lane_key().public]), aud=CHECKPOINT, now=lane.clock.now)
    assert shown.lane == "1"
    return shown.nonce


def test_a_challenge_is_answered_once(challenging: LaneSimulator) -> None:
    lane, nonce = challenging, shown_nonce(challenging)
    assert lane.cross(lane.code(1, nonce=nonce)).word == "admit"
    assert decided(lane.lane.present(lane.code(2, nonce=nonce))) == ("refuse", Reason.KEY_BINDING_FAILED)
    assert shown_nonce(lane) != nonce


def test_a_challenge_is_spent_by_an_answer_that_fails(challenging: LaneSimulator) -> None:
    lane, nonce = challenging, shown_nonce(challenging)
    assert decided(lane.lane.present(lane.code(1, nonce=b"0" * 16))) == ("refuse", Reason.KEY_BINDING_FAILED)
    assert decided(lane.lane.present(lane.code(1, nonce=nonce))) == ("refuse", Reason.KEY_BINDING_FAILED)


def test_a_challenge_answered_too_late_counts_for_nothing(challenging: LaneSimulator) -> None:
    lane, nonce = challenging, shown_nonce(challenging)
    lane.clock.now += CHALLENGE_LIFE
    assert decided(lane.lane.present(lane.code(nonce=nonce))) == ("refuse", Reason.KEY_BINDING_FAILED)


def test_a_second_phone_does_not_void_the_challenge_of_the_first(challenging: LaneSimulator) -> None:
    nonce = shown_nonce(challenging)
    challenging.clock.now += 10
    assert shown_nonce(challenging) == nonce
    challenging.clock.now += 10
    assert shown_nonce(challenging) != nonce


def test_a_proof_in_time_mode_is_no_answer_to_a_challenge(challenging: LaneSimulator) -> None:
    shown_nonce(challenging)
    assert decided(challenging.lane.present(challenging.code())) == ("refuse", Reason.KEY_BINDING_FAILED)


def test_a_policy_without_challenges_shows_none(make_lane: MakeLane) -> None:
    assert make_lane(gate=GateSimulator(checkpoint={"modes": ["time"]})).lane.challenge() is None
    assert make_lane(bundled=False).lane.challenge() is None


def test_a_token_sealed_before_a_rotation_still_opens(lane: LaneSimulator) -> None:
    directory = lane.config.sealing_directory
    old = lane.sealing.current
    confirm(directory, current=old.kid, now=NOW)
    rotate_if_due(directory, now=NOW + ROTATION)
    lane.clock.now = lane.gate.now = NOW + ROTATION
    lane.take_bundle(serial=8)
    assert lane.cross(lane.code(recipient=old)).word == "admit"


def test_a_token_sealed_to_an_erased_key_opens_no_more(lane: LaneSimulator) -> None:
    directory = lane.config.sealing_directory
    old = lane.sealing.current
    confirm(directory, current=old.kid, now=NOW)
    confirm(directory, current=rotate_if_due(directory, now=NOW + ROTATION).current.kid, now=NOW + ROTATION)
    lane.clock.now = lane.gate.now = NOW + ROTATION + KEEP_OLD
    lane.take_bundle(serial=8)
    assert decided(lane.lane.present(lane.code(recipient=old))) == ("refer", Reason.FACE_UNSEALABLE)


def test_sealing_keys_that_cannot_be_read_refer(make_lane: MakeLane, caplog: pytest.LogCaptureFixture) -> None:
    lane = make_lane()
    raw = lane.code()
    (lane.config.sealing_directory / "state.json").write_text("{}")
    with caplog.at_level(logging.CRITICAL):
        assert decided(lane.lane.present(raw)) == ("refer", Reason.FACE_UNSEALABLE)


def test_sealing_keys_are_kept_in_memory_while_their_directory_is_away(lane: LaneSimulator) -> None:
    lane.cross()
    raw = lane.code(1)
    (lane.config.sealing_directory / "state.json").rename(lane.directory / "moved")
    lane.clock.now += SEALING_REREAD - 31
    assert isinstance(lane.lane.present(raw), str)


@pytest.mark.parametrize(
    ("still_pictures", "frames", "word"),
    [(True, (ALIKE,), "admit"), (True, (STILL,) * 3, "refer"), (False, (ALIKE,), "refer")],
)
def test_one_picture_is_enough_only_where_still_pictures_are_allowed(
    make_lane: MakeLane, still_pictures: bool, frames: tuple[bytes, ...], word: str
) -> None:
    assert make_lane(still_pictures=still_pictures).cross(frames=frames).word == word


def test_liveness_is_asked_for_where_the_checkpoint_asks(make_lane: MakeLane) -> None:
    lane = make_lane(gate=GateSimulator(checkpoint={"liveness": False}))
    assert lane.cross(frames=(STILL,)).word == "admit"


def test_an_engine_that_does_not_say_whether_it_saw_life_admits_nobody(
    make_lane: MakeLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., Any] = ToyFaceEngine.compare
    monkeypatch.setattr(ToyFaceEngine, "compare", lambda *a, **k: replace(real(*a, **k), liveness=None))
    assert decided(make_lane().cross()) == ("refer", Reason.FACE_NOT_LIVE)


def test_the_latest_verdict_is_kept_for_the_screen(lane: LaneSimulator) -> None:
    assert lane.lane.latest() is None
    verdict = lane.cross()
    assert lane.lane.latest() == (verdict, NOW)
