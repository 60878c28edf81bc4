"""The gate beyond its vectors: no byte can be changed, no failure admits, nothing is told that should not be."""

import dataclasses
from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import base45, gate, strict_json, watch_list
from idp.protocol.gate_decisions import REFUSED, Admit, Decision, Examined, FaceScore, Lane, Refer, Refuse
from idp.protocol.presentation import QR_PREFIX, encode_qr
from idp.protocol.refusals import Reason, Refusal, Unavailable
from idp.protocol.status_list import StatusList, sign_status_list
from idp.protocol.strict_json import b64encode
from tests.simulators.gate import (
    CHECKPOINT,
    CN,
    ENDORSEMENT,
    HK,
    MODEL,
    NOW,
    GateSimulator,
    MemoryLedger,
    face,
    key,
    sealing_key,
    status_key,
)

WORLD = GateSimulator(list_size=64, revoked={CN: {9}})
BUNDLE = WORLD.load()
QR = str(WORLD.present(WORLD.token()))
LINK = WORLD.present(WORLD.token("jwt"))
NONCE = bytes(range(32))


def world(**changes: Any) -> GateSimulator:
    """A gate of its own, with an empty ledger."""
    return dataclasses.replace(WORLD, **{"ledger": MemoryLedger(), **changes})


def answer(raw: bytes | str = QR, *, bundle: Any = BUNDLE, at: int = NOW, **changes: Any) -> Decision:
    return world(**changes).decide(raw, bundle=bundle, at=at)


def crossing(decision: Decision) -> gate.Admit:
    assert isinstance(decision, Admit), decision
    return decision


def reason(decision: Decision) -> tuple[Reason, int]:
    assert not isinstance(decision, Admit)
    return decision.reason, decision.step


# --- no byte can be changed ---------------------------------------------------------------------------------------


@given(st.sampled_from([0, 1]), st.integers(0, 2_000), st.integers(1, 255))
def test_any_byte_changed_in_a_cwt_or_its_proof_never_admits(part: int, place: int, flip: int) -> None:
    """A bit that is signed by nobody would be the attacker's to choose."""
    parts = [bytearray(item) for item in cbor2.loads(base45.decode(QR[len(QR_PREFIX) :]))]
    parts[part][place % len(parts[part])] ^= flip
    assert not isinstance(answer(encode_qr(bytes(parts[0]), bytes(parts[1]))), Admit)


@given(st.sampled_from(["token", "proof"]), st.integers(0, 4_000), st.characters(codec="ascii", categories=["L", "N"]))
def test_any_character_changed_in_a_jwt_or_its_proof_never_admits(name: str, place: int, char: str) -> None:
    """As for the CWT; base64url has spare bits in its last character that must not count either."""
    members = strict_json.loads_object(LINK)
    text = members[name]
    place %= len(text)
    changed = text[:place] + char + text[place + 1 :]
    decision = answer(strict_json.dumps({**members, name: changed}))
    assert isinstance(decision, Admit) == (changed == text)


@given(st.text(max_size=60) | st.binary(max_size=60) | st.binary(max_size=200).map(lambda b: "BT1:" + base45.encode(b)))
def test_anything_at_all_is_answered_and_never_admits(raw: bytes | str) -> None:
    """A reader that looks at a poster must not stop the lane."""
    assert reason(answer(raw)) == (Reason.MALFORMED, 0)


def test_token_and_proof_of_two_travellers_do_not_mix() -> None:
    """invalid solely because the proof was made for another token with the same key."""
    parts = cbor2.loads(base45.decode(QR[len(QR_PREFIX) :]))
    other = cbor2.loads(base45.decode(str(WORLD.present(WORLD.token(jti=bytes(16))))[len(QR_PREFIX) :]))
    assert reason(answer(encode_qr(parts[0], other[1]))) == (Reason.KEY_BINDING_FAILED, 6)


# --- what nobody expected refers ----------------------------------------------------------------------------------


class Odd(Exception):
    """Nobody catches this by name."""


def failing(error: Exception) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> Any:
        raise error

    return fail


@pytest.mark.parametrize(("name", "step"), [("admitted", 7), ("attempts", 7), ("spend_nonce", 1), ("last_entry_at", 1)])
@pytest.mark.parametrize(
    ("error", "expected"),
    [(Odd(), Reason.INTERNAL), (RecursionError(), Reason.INTERNAL), (Unavailable("disk"), Reason.STORAGE_UNAVAILABLE)],
    ids=["odd", "recursion", "unavailable"],
)
def test_ledger_that_fails_refers(name: str, step: int, error: Exception, expected: Reason) -> None:
    """A disk that is full must neither open the door nor stop the lane."""
    ledger = MemoryLedger()
    setattr(ledger, name, failing(error))
    decision = answer(ledger=ledger, nonce=NONCE)
    assert isinstance(decision, Refer)
    assert reason(decision) == (expected, step)


@pytest.mark.parametrize(
    "name", ["policy", "checkpoint", "rules", "watch", "issuers", "issued_at", "expires_at", "opening"]
)
def test_bundle_with_a_hole_refers(name: str) -> None:
    """A fault of our own in what the bundle holds is internal, and never admits."""
    decision = answer(bundle=dataclasses.replace(BUNDLE, **{name: object()}))
    assert isinstance(decision, Refer)
    assert decision.reason is Reason.INTERNAL


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        (failing(Odd()), Reason.INTERNAL),
        (failing(Unavailable("camera")), Reason.CAMERA_UNAVAILABLE),
        (lambda reference: None, Reason.INTERNAL),
        (face(float("nan")), Reason.INTERNAL),
        (face(float("inf")), Reason.INTERNAL),
        (face(True, live=1), Reason.FACE_NOT_LIVE),
        (failing(Refusal(Reason.FACE_NO_FACE)), Reason.FACE_NO_FACE),
    ],
    ids=["raises", "camera", "nothing", "nan", "infinite", "live-is-not-true", "no-face"],
)
def test_face_engine_that_fails_refers(engine: Any, expected: Reason) -> None:
    """A score that is not a number is neither below nor above a threshold."""
    decision = world().decide(QR, bundle=BUNDLE, engine=engine)
    assert isinstance(decision, Refer)
    assert reason(decision) == (expected, 10)


def test_table_of_refusals_is_the_agreed_one() -> None:
    """A reason that moves from refer to refuse strands travellers; the reverse floods the officers."""
    refused = (
        "malformed bad_signature untrusted_issuer policy_violation expired not_yet_valid wrong_audience "
        "wrong_direction replayed revoked key_binding_failed face_mismatch"
    )
    assert {item.value for item in REFUSED} == set(refused.split())


# --- edges of the steps -------------------------------------------------------------------------------------------


def test_clock_and_age_of_the_bundle_at_their_edges() -> None:
    """Ten seconds behind the bundle are leeway; a day after it is too late."""
    early = world(now=NOW - 10)
    assert crossing(early.decide(bundle=BUNDLE))
    late = world(now=NOW + 86_399)
    assert reason(late.decide(late.present(late.token()), bundle=BUNDLE)) == (Reason.STATUS_STALE, 5)
    strict = world(policy={"max_age": {"bundle": 100, "status": 120}}).load()
    assert crossing(world(now=NOW + 100).decide(bundle=strict))
    assert reason(world(now=NOW + 101).decide(bundle=strict)) == (Reason.TRUST_STALE, 1)


def test_status_at_its_oldest_is_not_stale() -> None:
    """120 seconds old is as old as the policy lets it be; the vectors have 121."""
    late = world(now=NOW + 120)
    assert crossing(late.decide(bundle=BUNDLE)).crossing.marks == ()


def test_clock_at_the_last_entry_is_trusted() -> None:
    """Two travellers within a second are the rule at a busy gate."""
    assert crossing(answer(ledger=MemoryLedger(last=NOW)))


def test_both_sealing_keys_open() -> None:
    """Keys rotate daily: a token sealed yesterday for today's next key must open."""
    for recipient in (sealing_key(), key("next sealing")):
        assert crossing(answer(WORLD.present(WORLD.token(recipient=recipient))))


def test_status_that_the_bundle_cannot_know_follows_the_policy() -> None:
    """A list begun after the bundle cannot be in it; the lane that is cut off goes on for younger tokens only."""
    lenient = world(policy={"on_stale_status": "admit_and_mark"}).load()
    uri = f"{CN}/status/2"
    young = WORLD.token(status_uri=uri, iat=NOW - 119)
    admitted = crossing(answer(WORLD.present(young), bundle=lenient)).crossing
    assert (admitted.marks, admitted.status_as_of) == (("status_unknown_admitted",), None)
    old = WORLD.token(status_uri=uri, iat=NOW - 120, nbf=NOW - 120)
    assert reason(answer(WORLD.present(old), bundle=lenient)) == (Reason.STATUS_STALE, 5)
    assert reason(answer(WORLD.present(young))) == (Reason.STATUS_STALE, 5)


def test_expired_status_list_never_admits() -> None:
    """invalid solely because the list is past its own end: no policy of ours stretches the issuer's word."""
    short = [WORLD.status_list(CN, lifetime=60)]
    bundle = world(lists={CN: short}, policy={"on_stale_status": "admit_and_mark"}).load()
    late = world(now=NOW + 60)
    assert reason(late.decide(bundle=bundle)) == (Reason.STATUS_STALE, 5)
    assert crossing(world(now=NOW + 59).decide(bundle=bundle))


def test_suspended_is_not_valid() -> None:
    """Any status but VALID refuses, also one that we have no name for (TSL §7.1)."""
    statuses = StatusList.blank(size=64, bits=2)
    for status in (1, 2, 3):
        statuses.set(5, status)
        text = sign_status_list(statuses, uri=WORLD.status_uri(CN), signer=status_key(CN), now=NOW, lifetime=60)
        assert reason(answer(bundle=world(lists={CN: [text]}).load())) == (Reason.REVOKED, 5)


def test_nonce_is_spent_whatever_comes_of_it() -> None:
    """A forged token, then the right answer to the same challenge: the challenge is gone."""
    gate_ = world(nonce=NONCE, checkpoint={"modes": ["challenge"]})
    bundle = gate_.load()
    forged = WORLD.present(WORLD.token(signer=key("an attacker's")), nonce=NONCE)
    assert reason(gate_.decide(forged, bundle=bundle)) == (Reason.BAD_SIGNATURE, 3)
    right = WORLD.present(WORLD.token(), nonce=NONCE)
    assert reason(gate_.decide(right, bundle=bundle)) == (Reason.KEY_BINDING_FAILED, 6)


def test_answer_to_a_challenge_does_not_ask_for_the_phones_clock() -> None:
    """protocol.md, Presentation: in challenge mode the phone may be days off."""
    for at in (0, NOW + 10**6):
        assert crossing(answer(WORLD.present(WORLD.token(), nonce=NONCE, at=at), nonce=NONCE))


def test_time_proof_is_taken_beside_a_challenge_where_both_are_allowed() -> None:
    """A phone that cannot see the lane's screen shows its own code; a stale one stays stale."""
    assert crossing(answer(nonce=NONCE))
    assert reason(answer(WORLD.present(WORLD.token(), at=NOW - 31), nonce=NONCE)) == (Reason.KEY_BINDING_FAILED, 6)


def test_challenge_is_not_spent_where_only_the_time_counts() -> None:
    """A lane whose policy knows no challenge writes nothing for one."""
    gate_ = world(nonce=NONCE, checkpoint={"modes": ["time"]})
    assert crossing(gate_.decide(QR, bundle=gate_.load()))
    assert gate_.ledger.nonces == set()
    answered = WORLD.present(WORLD.token(), nonce=NONCE)
    assert reason(gate_.decide(answered, bundle=gate_.load())) == (Reason.KEY_BINDING_FAILED, 6)


def test_checkpoint_that_serves_one_direction_takes_no_other() -> None:
    """invalid solely because the checkpoint has no exit, though lane and token agree on one."""
    entry_only = world(checkpoint={"directions": ["entry"]}).load()
    token = WORLD.token(direction="exit", origin="HKG", destination="CHN")
    assert reason(answer(WORLD.present(token), bundle=entry_only, direction="exit")) == (Reason.WRONG_DIRECTION, 4)


# --- a child and its guardian -------------------------------------------------------------------------------------

GUARDIAN = "3q2-796tvu_erb7v3q2-796tvu_erb7v3q2-796tvu8"
CHILD = {"birth_date": "2021-06-01", "guardian": GUARDIAN}


@pytest.mark.parametrize(
    ("subjects", "admitted"),
    [
        ({(CN, GUARDIAN): NOW - gate.GUARDIAN_AHEAD}, True),
        ({(CN, GUARDIAN): NOW - gate.GUARDIAN_AHEAD - 1}, False),
        ({(HK, GUARDIAN): NOW}, False),
        ({(CN, "somebody else"): NOW}, False),
        ({}, False),
    ],
)
def test_guardian_must_have_gone_through_here_just_now(subjects: dict[tuple[str, str], int], admitted: bool) -> None:
    """A guardian who is only written in the token may be at home; one who went through an hour ago is gone."""
    decision = answer(WORLD.present(WORLD.token(sealed=CHILD)), ledger=MemoryLedger(subjects=subjects))
    assert isinstance(decision, Admit) == admitted
    if not admitted:
        assert isinstance(decision, Refer)
        assert reason(decision) == (Reason.GUARDIAN_MISSING, 9)
        assert decision.document is not None and decision.document.guardian == GUARDIAN  # the officer sees whom to ask


def test_who_needs_no_guardian_waits_for_none() -> None:
    """invalid solely in its claim: above the age of the rule a guardian may go first, last or elsewhere."""
    assert crossing(answer(WORLD.present(WORLD.token(sealed={"guardian": GUARDIAN}))))


# --- the watch list -----------------------------------------------------------------------------------------------


def test_watch_hit_comes_before_other_reasons_of_its_step() -> None:
    """The officer must learn of the hit also when the endorsement is used up or the gate closed."""
    sealed = {"document_number": "C00000000", "endorsement": {**ENDORSEMENT, "entries_left": 0}}
    closed = world(bundle_claims={"opening": [{"days": [1], "from": "06:30", "until": "07:00"}]}).load()
    decision = answer(WORLD.present(WORLD.token(sealed=sealed)), bundle=closed)
    assert reason(decision) == (Reason.WATCHLIST, 9)


def test_resident_on_the_list_is_referred_on_the_way_home() -> None:
    """invalid solely because the document is on the list; a referral is no refusal of the way home."""
    token = WORLD.token(direction="exit", origin="HKG", destination="CHN", sealed={"document_number": "c00000000"})
    decision = answer(WORLD.present(token), direction="exit")
    assert isinstance(decision, Refer)
    assert decision.reason is Reason.WATCHLIST


@pytest.mark.parametrize("number", ["C00000000", "CA1234567"])
@pytest.mark.parametrize("watched", [("C00000000",), ()])
def test_same_work_for_hit_miss_and_empty_list(
    monkeypatch: pytest.MonkeyPatch, number: str, watched: tuple[str, ...]
) -> None:
    """Who is watched must not be told by how long the gate thinks: hash, rules and hours are always worked out."""
    calls: list[str] = []

    def counted(module: Any, name: str) -> None:
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, **k: (calls.append(name), real(*a, **k))[1])

    counted(watch_list, "watch_hash")
    counted(gate.travel_rules, "evaluate")
    counted(gate.opening_hours, "is_open")
    answer(WORLD.present(WORLD.token(sealed={"document_number": number})), bundle=world(watched=watched).load())
    assert calls == ["watch_hash", "is_open", "evaluate"]


# --- what a decision tells ----------------------------------------------------------------------------------------


def test_admission_tells_the_checkpoint_all_it_records() -> None:
    """The journal, the officer's screen and the receipt are written from this value alone."""
    found = crossing(answer()).crossing
    assert (found.iss, found.jti, found.sub) == (CN, b64encode(bytes(range(16))), "pairwise-subject")
    assert (found.checkpoint, found.lane, found.direction) == (CHECKPOINT, "1", "entry")
    assert (found.bundle_serial, found.status_as_of, found.score_band) == (7, NOW, "high")
    assert (found.document.name_native, found.document.name_latin) == ("陳大文", "CHEN DAWEN")
    assert (found.document.stay_until, found.rules) == ("2027-01-22", ("eep-out",))


def test_token_is_named_only_once_its_signature_held() -> None:
    """Attempts are counted by jti: a forged token must not use up those of a traveller."""
    forged = answer(WORLD.present(WORLD.token(signer=key("an attacker's"))))
    revoked = answer(WORLD.present(WORLD.token(status_idx=9)))
    assert isinstance(forged, Refuse)
    assert isinstance(revoked, Refuse)
    assert (forged.iss, forged.jti, forged.sub) == ("", "", "")
    assert (revoked.iss, revoked.jti, revoked.sub) == (CN, b64encode(bytes(range(16))), "")
    assert revoked.status_as_of == NOW


def test_officer_sees_whom_the_gate_refers() -> None:
    """From step 9 on the token is open and the officer need not ask for the card."""
    decision = answer(WORLD.present(WORLD.token(sealed={"endorsement": None})))
    assert isinstance(decision, Refer)
    assert decision.document is not None
    assert (decision.document.number, decision.sub) == ("CA1234567", "pairwise-subject")
    assert world().decide(QR, bundle=BUNDLE, engine=face(0.5)).document is not None  # type: ignore[union-attr]


@pytest.mark.parametrize("engine", [face(0.9), face(0.5), face(0.1)], ids=["admit", "refer", "refuse"])
def test_no_personal_data_in_what_a_log_would_print(engine: Any) -> None:
    """A decision that is logged as it is must not carry names, numbers or a face into the log."""
    decision = world().decide(QR, bundle=BUNDLE, engine=engine)
    examined = gate.examine(QR, bundle=BUNDLE, lane=WORLD.lane(), ledger=MemoryLedger(), now=NOW)
    printed = repr(decision) + repr(examined) + repr(WORLD.lane())
    for secret in ("CA1234567", "CHEN", "陳", "1990", repr(bytes(range(8)))[2:-1], "PrivateKey"):
        assert secret not in printed


@pytest.mark.parametrize(("score", "band"), [(0.6, "high"), (0.5999, "middle"), (0.4, "middle"), (0.3999, "low")])
def test_score_at_its_threshold(score: float, band: str) -> None:
    """At the threshold is above it; one step below is not."""
    decision = world().decide(QR, bundle=BUNDLE, engine=face(score))
    kinds = {"high": Admit, "middle": Refer, "low": Refuse}
    assert type(decision) is kinds[band]
    told = decision.crossing if isinstance(decision, Admit) else decision
    assert told.score_band == band


def test_liveness_is_not_asked_for_where_it_is_waived() -> None:
    """A checkpoint with an officer at the lane may waive it, in its signed policy only."""
    waived = world(checkpoint={"liveness": False}).load()
    assert crossing(world().decide(QR, bundle=waived, engine=lambda reference: FaceScore(0.9)))


def test_examined_hands_the_engine_the_reference_of_the_token() -> None:
    """The comparison is with the sealed template of this token, under the model that it names."""
    examined = gate.examine(LINK, bundle=BUNDLE, lane=WORLD.lane(), ledger=MemoryLedger(), now=NOW)
    assert isinstance(examined, Examined)
    assert (examined.reference.template, examined.reference.model) == (bytes(range(128)), MODEL)


def test_lane_of_another_checkpoint_does_not_use_the_bundle() -> None:
    """invalid solely because the bundle's policy is for another checkpoint than the lane stands at."""
    lane = Lane(checkpoint=f"{HK}/checkpoints/other", lane="1", direction="entry", sealing_keys=(sealing_key(),))
    decision = gate.decide(QR, bundle=BUNDLE, lane=lane, ledger=MemoryLedger(), face=face(), now=NOW)
    assert reason(decision) == (Reason.TRUST_STALE, 1)
