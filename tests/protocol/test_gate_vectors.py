"""The gate answers every vector exactly as written, and no reason of the closed list is without one."""

import dataclasses
import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from idp.protocol import gate
from idp.protocol.gate_decisions import Admit, Decision, FaceScore, Lane, Refer, Reference, Refuse
from idp.protocol.joint import CrossingSession
from idp.protocol.keys import parse_jwks, parse_private
from idp.protocol.refusals import Reason, Refusal, Unavailable
from idp.protocol.strict_json import b64decode
from idp.protocol.travel_rules import Endorsement
from idp.protocol.trust_bundle import TrustBundle, load_bundle
from tests.simulators.gate import CHECKPOINT, MemoryLedger
from tests.vectors import build

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/gate.json").read_text(encoding="utf-8"))
CASES = {case["id"]: case for case in VECTORS["cases"]}

Document = dict[str, Any]


@dataclasses.dataclass
class VectorLedger(MemoryLedger):
    """The ledger that a case describes."""

    count: int = 0
    used: int = 0
    entered: int = 0
    breaks: bool = False

    def admitted(self, iss: str, jti: str) -> bool:
        if self.breaks:
            raise KeyError("nobody expected this")
        return super().admitted(iss, jti)

    def attempts(self, iss: str, jti: str) -> int:
        return self.count

    def entries_used(self, iss: str, sub: str, endorsement: Endorsement) -> int:
        return self.used

    def entered_at(self, iss: str, sub: str, endorsement: Endorsement) -> int:
        return self.entered


def decide(case: Document, vectors: Document, bundle: TrustBundle | None) -> Decision:
    """What the gate says to ``case``."""
    stated, ledger = case["lane"], case["ledger"]
    nonce = None if stated["nonce"] is None else b64decode(stated["nonce"])
    lane = Lane(
        checkpoint=stated["checkpoint"],
        lane=stated["lane"],
        direction=stated["direction"],
        sealing_keys=tuple(parse_private(jwk) for jwk in vectors["test_only_private_sealing_keys"]),
        watch_key=bytes.fromhex(vectors["test_only_watch_key"]),
        challenge=lambda: nonce,
    )
    memory = VectorLedger(
        admissions={(iss, jti) for iss, jti in ledger["admitted"]},
        nonces={nonce} if ledger["nonce_spent"] and nonce else set(),
        last=ledger["last_entry_at"],
        unavailable=ledger.get("unavailable", False),
        count=ledger["attempts"],
        used=ledger.get("entries_used", 0),
        entered=ledger.get("entered_at", 0),
        breaks=ledger.get("breaks", False),
    )
    decision = gate.decide(
        case["presentation"], bundle=bundle, lane=lane, ledger=memory, face=engine(case["face"]), now=case["now"]
    )
    other = {"admit": decision, "refer": Refer(Reason.WATCHLIST, 9), "refuse": Refuse(Reason.REVOKED, 5)}
    return CrossingSession(exit=other[case.get("other_side", "admit")], entry=decision).verdict("entry")


def engine(stated: Document) -> Callable[[Reference], FaceScore]:
    """The face engine that a case describes."""

    def compare(reference: Reference) -> FaceScore:
        if stated.get("breaks"):
            raise ZeroDivisionError
        if stated.get("unavailable"):
            raise Unavailable("no camera")
        if "raises" in stated:
            raise Refusal(Reason(stated["raises"]))
        return FaceScore(stated["score"], stated["live"])

    return compare


def load(name: str | None, vectors: Document) -> TrustBundle | None:
    if name is None:
        return None
    stated = vectors["bundles"][name]
    pinned = parse_jwks(vectors["pinned"])
    return load_bundle(
        stated["text"], pinned=pinned, anchor=vectors["anchor"], checkpoint=CHECKPOINT, now=stated["loaded_at"]
    )


@lru_cache(maxsize=32)
def kept(name: str | None) -> TrustBundle | None:
    return load(name, VECTORS)


def check(case: Document, decision: Decision) -> None:
    expected = case["expected"]
    if isinstance(decision, Admit):
        assert expected["decision"] == "admit", case["why"]
        if "marks" in expected:
            assert list(decision.crossing.marks) == expected["marks"]
        if "overstay" in expected:
            assert decision.crossing.overstay is expected["overstay"]
        return
    answered = ("refuse" if isinstance(decision, Refuse) else "refer", decision.reason.value, decision.step)
    assert answered == (expected["decision"], expected["reason"], case["step"]), case["why"]


@pytest.mark.parametrize("name", CASES)
def test_gate_answers_as_the_vector_says(name: str) -> None:
    """Another reason than the one expected means that the case is caught by luck, at another step."""
    case = CASES[name]
    check(case, decide(case, VECTORS, kept(case["bundle"])))


def test_every_reason_has_a_vector() -> None:
    """A reason that no vector asks for could be dropped, or never be given, without anybody seeing it."""
    assert {case["expected"]["reason"] for case in CASES.values()} - {None} == {reason.value for reason in Reason}


def test_identifiers_are_unique() -> None:
    """Of two cases with one id only the last would run."""
    assert len(CASES) == len(VECTORS["cases"])


def test_builder_makes_vectors_that_hold() -> None:
    """A builder that no longer agrees with the gate would be found when vectors are next needed in a hurry."""
    made = json.loads(json.dumps(build.document()))
    assert [case["id"] for case in made["cases"]] == list(CASES)
    bundles = {name: load(name, made) for name in made["bundles"]}
    for case in made["cases"]:
        check(case, decide(case, made, bundles.get(case["bundle"])))
