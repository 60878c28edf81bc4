"""The border token's negative cases (rows 56 to 59) at a live lane: its answer, its journal, and nothing used up."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from idp.protocol import jws
from idp.protocol.gate_policy import MAX_BUNDLE_AGE
from idp.protocol.presentation import encode_link, prove
from idp.protocol.refusals import Reason
from tests.checkpoint.conftest import MakeLane
from tests.checkpoint.lanes import LaneSimulator
from tests.checkpoint.toy_engine import NOBODY, OTHER, STILL
from tests.simulators.gate import CHECKPOINT, CN, HK, NOW, border_key, holder_key, key

EXIT = {"direction": "exit", "origin": "HKG", "destination": "CHN"}
STRANGER = "https://idp.stranger.example"


@dataclass(frozen=True)
class Negative:
    """One case: the row, what differs from a sound presentation, and the answer."""

    row: int
    answer: str  # "refuse" or "refer", and the reason
    token: Any = None  # claims of the token that differ
    proof: Any = None  # of the proof
    later: int = 0  # seconds that pass before it is shown
    frame: bytes | None = None  # what the camera sees
    typ: str = ""  # the type of a document of the issuer's that is shown as a token


CASES: dict[str, Negative] = {
    "another gate's token": Negative(
        56, "refuse wrong_audience", {"aud": f"{HK}/checkpoints/other"}, {"aud": f"{HK}/checkpoints/other"}
    ),
    "token for the other direction": Negative(56, "refuse wrong_direction", EXIT),
    "token for another leg": Negative(56, "refuse wrong_direction", {"origin": "MAC"}),
    "token of tomorrow": Negative(56, "refuse not_yet_valid", {"nbf": NOW + 11, "exp": NOW + 600}),
    "token of yesterday": Negative(56, "refuse expired", {"exp": NOW - 10, "nbf": NOW - 600, "iat": NOW - 600}),
    "lane's clock behind": Negative(56, "refer clock_untrusted", later=-11),
    "issuer's clock ahead": Negative(56, "refuse not_yet_valid", {"iat": NOW + 11, "exp": NOW + 600}),
    "ID token as border token": Negative(56, "refuse malformed", typ="JWT"),
    "access token as border token": Negative(56, "refuse malformed", typ="at+jwt"),
    "authority outside the federation": Negative(57, "refuse untrusted_issuer", {"iss": STRANGER}),
    "chain that has expired in an offline bundle": Negative(57, "refuse untrusted_issuer", later=3_600),
    "bundle that is a day old": Negative(57, "refer trust_stale", later=MAX_BUNDLE_AGE),
    "stolen token without the device key": Negative(
        59, "refuse key_binding_failed", proof={"holder": key("a thief's")}
    ),
    "photographed code": Negative(59, "refuse key_binding_failed", proof={"at": NOW - 31}),
    "device key without a face": Negative(59, "refer face_no_face", frame=NOBODY),
    "face of another traveller": Negative(59, "refuse face_mismatch", frame=OTHER),
    "face capture that is replayed": Negative(59, "refer face_not_live", frame=STILL),
}


def shown(lane: LaneSimulator, case: Negative) -> bytes | str:
    if case.typ:
        claims = {
            "iss": CN,
            "aud": CHECKPOINT,
            "sub": "x",
            "iat": NOW,
            "exp": NOW + 600,
            "jti": "AAECAwQFBgcICQoLDA0ODw",
        }
        text = jws.sign(jws.TokenType(case.typ, required=()), claims, border_key(CN))
        return encode_link(text, str(prove(text, aud=CHECKPOINT, nonce=None, now=NOW, holder=holder_key())))
    claims = dict(case.token or {})
    if case.later > 0:
        claims = {"iat": lane.clock.now, "nbf": lane.clock.now, "exp": lane.clock.now + 600}
    return lane.gate.present(lane.token(**claims), **{"at": lane.clock.now, **(case.proof or {})})


@pytest.mark.parametrize("name", CASES)
def test_lane_answers_with_its_reason_and_uses_nothing_up(make_lane: MakeLane, name: str) -> None:
    """invalid solely because of the case's name."""
    case = CASES[name]
    lane = make_lane()
    if name.startswith("chain"):
        lane.gate.chain_life = 3_600
        lane.take_bundle(serial=8)
    lane.clock.now += case.later
    verdict = lane.cross(shown(lane, case), ((case.frame or b"toy 0.9"),) * 3)
    assert f"{verdict.word} {verdict.reason}" == case.answer
    (entry,) = lane.journal()
    assert f"{entry.decision} {entry.reason}" == case.answer
    assert not entry.jti or not lane.store.admitted(entry.iss, entry.jti)


def test_token_at_two_lane_processes_of_one_file_is_admitted_once(make_lane: MakeLane) -> None:
    """Row 58: two presentations that were both examined before either was written."""
    lane = make_lane()
    one, other = lane.lane, lane.restarted()
    codes: list[Callable[[], Any]] = []
    for process in (one, other):
        waiting = process.present(lane.code())
        assert isinstance(waiting, str)
        codes.append(lambda process=process, waiting=waiting: process.face(waiting, (b"toy 0.9",) * 3))
    verdicts = [act() for act in codes]
    assert [verdict.word for verdict in verdicts] == ["admit", "refuse"]
    assert verdicts[1].reason is Reason.REPLAYED
