"""Officers decide by hand: referrals only, on a ground, by two where the policy says so; consumed and journalled."""

from pathlib import Path
from typing import Any

import pytest

from idp.checkpoint import by_hand, officers_log
from idp.checkpoint.by_hand import UnableToDecide
from idp.checkpoint.desk import KEPT, MOST
from idp.protocol import journal
from idp.protocol.refusals import Reason, Unavailable
from idp.protocol.strict_json import b64encode
from tests.checkpoint.lanes import LaneSimulator
from tests.checkpoint.toy_engine import OTHER, UNSURE
from tests.simulators.gate import CN, ENDORSEMENT

ONE, TWO = "account:1", "account:2"
WATCHED = {"sealed": {"document_number": "C00000000"}}


@pytest.fixture
def lane(tmp_path: Path) -> LaneSimulator:
    made = LaneSimulator(tmp_path / "lane")
    made.gate.policy["four_eyes"] = ["watchlist"]
    made.take_bundle(serial=8)
    return made


def referred(lane: LaneSimulator, number: int = 0, **changes: Any) -> int:
    """A traveller whose face is uncertain, or whom ``changes`` refer; the entry's place."""
    verdict = lane.cross(lane.code(number, **changes), (UNSURE,) * 3)
    assert verdict.word == "refer"
    return verdict.seq


def release(lane: LaneSimulator, seq: int, officer: str = ONE, **changes: Any) -> journal.Entry | None:
    case = lane.lane.desk.case(seq, now=lane.clock.now)
    said = [reason.value for reason in case.reasons] if case else []
    return by_hand.release(
        lane.lane, **{"seq": seq, "officer": officer, "ground": "face_checked", "acknowledged": said, **changes}
    )


def code(act: Any, *args: Any, **changes: Any) -> str:
    with pytest.raises(UnableToDecide) as caught:
        act(*args, **changes)
    return caught.value.code


def token(number: int = 0) -> str:
    return b64encode(number.to_bytes(16, "big"))


def test_release_consumes_the_token_and_says_who_and_why(lane: LaneSimulator) -> None:
    seq = referred(lane)
    entry = release(lane, seq)
    assert entry is not None
    assert (entry.decision, entry.reason, entry.about, entry.officers) == ("release", "face_checked", seq, ONE)
    assert lane.store.admitted(CN, token())
    assert lane.journal()[-1] == entry, "the node will read it"
    assert lane.cross().reason is Reason.REPLAYED
    latest = lane.lane.latest()
    assert latest is not None


def test_screen_lets_the_traveller_pass_and_tells_nothing(lane: LaneSimulator) -> None:
    from idp.checkpoint import texts

    release(lane, referred(lane))
    latest = lane.lane.latest()
    assert latest is not None
    assert (latest[0].word, texts.for_traveller(latest[0], "en")) == ("admit", "Welcome. Please pass.")
    by_hand.decline(lane.lane, seq=referred(lane, 1), officer=ONE, ground="withdrew")
    latest = lane.lane.latest()
    assert latest is not None
    assert (latest[0].word, texts.for_traveller(latest[0], "en")) == ("refuse", "Please see the officer.")


def test_release_uses_the_endorsement_s_entry(lane: LaneSimulator) -> None:
    """A further token would admit under an entry that an officer gave already."""
    release(lane, referred(lane, 1))
    sealed = {"sub": "pairwise-subject0001", "endorsement": ENDORSEMENT}
    assert lane.cross(lane.code(2, sealed=sealed)).reason is Reason.DOCUMENT_NOT_ELIGIBLE
    seq = referred(lane, 3, sealed=sealed)
    assert release(lane, seq) is not None, "an officer may"


def test_decline_sends_the_token_to_an_officer_whenever_it_is_shown(lane: LaneSimulator) -> None:
    """Whom an officer sent back would try the machine until it is kind."""
    seq = referred(lane)
    entry = by_hand.decline(lane.lane, seq=seq, officer=ONE, ground="not_the_holder")
    assert (entry.decision, entry.reason, entry.about) == ("decline", "not_the_holder", seq)
    assert not lane.store.admitted(CN, token())
    assert lane.cross().reason is Reason.ATTEMPTS_EXCEEDED


def test_two_officers_release_where_the_policy_says_so(lane: LaneSimulator) -> None:
    """One officer who may be in league with whom the authority looks for."""
    seq = referred(lane, **WATCHED)
    assert release(lane, seq) is None
    assert not lane.store.admitted(CN, token())
    assert code(release, lane, seq) == "second_officer"
    assert code(release, lane, seq, TWO, ground="superior_order") == "wrong_ground"
    entry = release(lane, seq, TWO)
    assert entry is not None
    assert entry.officers == f"{ONE} {TWO}"


def test_two_officers_also_where_the_hit_stands_behind_another_reason(lane: LaneSimulator) -> None:
    """A status that is old decides first, and one officer would wave the hit through."""
    lane.clock.now += 200
    seq = referred(lane, **WATCHED)
    case = lane.lane.desk.case(seq, now=lane.clock.now)
    assert case is not None
    assert case.reasons == (Reason.STATUS_STALE, Reason.WATCHLIST)
    assert release(lane, seq) is None


@pytest.mark.parametrize(
    ("changes", "frame"),
    [
        ({}, OTHER),
        ({"status_idx": 9}, UNSURE),
        ({"iss": "https://idp.stranger.example"}, UNSURE),
    ],
    ids=["face_mismatch", "revoked", "untrusted_issuer"],
)
def test_what_the_machine_refused_is_looked_at_only(lane: LaneSimulator, changes: Any, frame: bytes) -> None:
    lane.gate.revoked = {CN: {9}}
    lane.take_bundle(serial=9)
    verdict = lane.cross(lane.code(**changes), (frame,) * 3)
    assert verdict.word == "refuse"
    assert code(release, lane, verdict.seq) == "not_releasable"
    assert code(by_hand.decline, lane.lane, seq=verdict.seq, officer=ONE, ground="withdrew") == "not_releasable"


def test_referral_of_a_token_that_stayed_closed_is_not_released(lane: LaneSimulator) -> None:
    """There is nobody's name to compare the document with."""
    from tests.simulators.gate import key

    verdict = lane.cross(lane.code(recipient=key("another gate's")))
    assert verdict.reason is Reason.FACE_UNSEALABLE
    assert code(release, lane, verdict.seq) == "not_releasable"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"acknowledged": []}, "not_acknowledged"),
        ({"acknowledged": ["watchlist"]}, "not_acknowledged"),
        ({"ground": "withdrew"}, "wrong_ground"),
        ({"ground": ""}, "wrong_ground"),
        ({"seq": 99}, "not_found"),
    ],
    ids=str,
)
def test_release_without_ground_or_acknowledgement_decides_nothing(
    lane: LaneSimulator, changes: dict[str, Any], expected: str
) -> None:
    """invalid solely because of the one argument."""
    seq = referred(lane)
    assert code(release, lane, **{"seq": seq, **changes}) == expected
    assert len(lane.journal()) == 1


def test_each_case_is_decided_once(lane: LaneSimulator) -> None:
    seq = referred(lane)
    release(lane, seq)
    assert code(release, lane, seq) == "decided"
    assert code(by_hand.decline, lane.lane, seq=seq, officer=ONE, ground="withdrew") == "decided"


def test_traveller_whom_the_machine_admitted_meanwhile_is_not_released_again(lane: LaneSimulator) -> None:
    """Two receipts would be owed for one journey."""
    seq = referred(lane)
    assert lane.cross().word == "admit"
    assert code(release, lane, seq) == "decided"


def test_disk_that_fails_releases_nobody(lane: LaneSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    seq = referred(lane)

    def gone(*args: Any) -> Any:
        raise Unavailable("gone")

    with monkeypatch.context() as broken:
        broken.setattr(lane.store, "consume", gone)
        assert code(release, lane, seq) == "storage"
    assert release(lane, seq) is not None


def test_desk_forgets_whom_it_need_not_know(lane: LaneSimulator) -> None:
    """Names and numbers lie in memory, for a quarter of an hour, and not beyond the decision."""
    seq = referred(lane)
    release(lane, seq)
    case = lane.lane.desk.case(seq, now=lane.clock.now)
    assert case is not None
    assert (case.done, case.decision.document, case.releasable) == ("release", None, False)
    other = referred(lane, 1)
    assert lane.lane.desk.case(other, now=lane.clock.now + KEPT - 1) is not None
    assert lane.lane.desk.cases(now=lane.clock.now + KEPT) == []
    for number in range(2, MOST + 5):
        referred(lane, number, document_type="bir")
    assert len(lane.lane.desk.cases(now=lane.clock.now)) == MOST


def test_admissions_are_nobody_s_to_look_at(lane: LaneSimulator) -> None:
    lane.cross()
    assert lane.lane.desk.cases(now=lane.clock.now) == []


def test_log_names_the_officers_and_no_traveller(lane: LaneSimulator) -> None:
    release(lane, referred(lane))
    line = officers_log.read(lane.directory)[-1]
    assert (line["decision"], line["officers"]) == ("release", ONE)
    assert "CA1234567" not in str(line)
