"""Makes ``gate.json``: presentations that a gate must answer in exactly one way. Run: python -m tests.vectors.build

Keys are made anew at each run and only what a gate itself holds is written down: the pinned public keys, and private
sealing keys that are for these vectors alone. Everything else (issuers', holders', federation keys) is forgotten, so a
vector cannot be changed and signed again. Times are fixed; the set of cases and what is expected of them is as well.
"""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from idp.protocol.keys import KeySet
from idp.protocol.strict_json import b64encode
from tests.simulators.gate import (
    CHECKPOINT,
    CN,
    ENDORSEMENT,
    HK,
    MO,
    NOW,
    WATCH_KEY,
    GateSimulator,
    border_key,
    federation_key,
    key,
    sealing_key,
)

PATH = Path(__file__).with_name("gate.json")
NONCE = bytes(range(32))
STRANGER = "https://idp.stranger.example"
HOME = {"direction": "exit", "origin": "HKG", "destination": "CHN"}
TO_MACAU = {"direction": "exit", "origin": "HKG", "destination": "MAC"}
STAYED = {**ENDORSEMENT, "entered_on": "2027-01-01", "entries_left": 0}  # for seven days, and it is the 15th
FOR_MACAU = {**ENDORSEMENT, "destination": "MAC"}

Case = dict[str, Any]
Presented = str | bytes


def worlds() -> dict[str, GateSimulator]:
    """The bundles that the cases use, by name."""
    good = GateSimulator(issuers=(HK, CN, MO), list_size=256, revoked={CN: {9}})
    hours = [{"days": [1, 2, 3, 4, 5, 6, 7], "from": "06:30", "until": "10:00"}]
    return {
        "good": good,
        "mainland-without-mark": dataclasses.replace(good, unmarked=frozenset({CN})),
        "chains-of-an-hour": dataclasses.replace(good, chain_life=3_600),
        "mainland-list-missing": dataclasses.replace(good, lists={CN: []}),
        "mainland-list-of-another-key": dataclasses.replace(
            good, lists={CN: [good.status_list(CN, signer=border_key(CN))]}
        ),
        "stale-status-marked": dataclasses.replace(good, policy={"on_stale_status": "admit_and_mark"}),
        "challenge-only": dataclasses.replace(good, checkpoint={"modes": ["challenge"]}),
        "open-in-the-morning": dataclasses.replace(good, bundle_claims={"opening": hours}),
        "to-macau": dataclasses.replace(good, checkpoint={"neighbour": "MAC"}),
        "other-face-model": dataclasses.replace(good, policy={"face": {"other-1": {"admit": 0.6, "refer": 0.4}}}),
    }


def document() -> dict[str, Any]:
    """The whole of ``gate.json``."""
    found = worlds()
    cases = [*_admitted(found), *_parsing(found), *_trust(found), *_claims(found), *_status(found), *_holder(found)]
    cases += [*_ledger(found), *_travel(found), *_face(found), *_joint(found)]
    return {
        "about": "Presentations that a gate must answer in exactly one way; made by tests/vectors/build.py.",
        "anchor": HK,
        "pinned": KeySet([federation_key(HK).public]).jwks(),
        "test_only_private_sealing_keys": [key("next sealing").jwk(), sealing_key().jwk()],
        "test_only_watch_key": WATCH_KEY.hex(),
        "bundles": {name: {"loaded_at": world.now, "text": world.wire().decode()} for name, world in found.items()},
        "cases": cases,
    }


def _case(
    name: str,
    step: int | None,
    why: str,
    presentation: Presented,
    expected: str,
    *,
    bundle: str | None = "good",
    now: int = NOW,
    lane: dict[str, Any] | None = None,
    ledger: dict[str, Any] | None = None,
    face: dict[str, Any] | None = None,
    other_side: str | None = None,
    **also: Any,
) -> Case:
    """One case; ``expected`` is "admit", or "refer" or "refuse" with the reason behind a space."""
    decision, _, reason = expected.partition(" ")
    return {
        "id": name,
        "step": step,
        "why": why if decision == "admit" else f"invalid solely because {why}",
        "bundle": bundle,
        "presentation": presentation if isinstance(presentation, str) else presentation.decode(),
        "now": now,
        "lane": {"checkpoint": CHECKPOINT, "lane": "1", "direction": "entry", "nonce": None, **(lane or {})},
        "ledger": {"admitted": [], "attempts": 0, "last_entry_at": 0, "nonce_spent": False, **(ledger or {})},
        "face": {"score": 0.9, "live": True, **(face or {})},
        "expected": {"decision": decision, "reason": reason or None, **also},
        **({} if other_side is None else {"other_side": other_side}),
    }


def _admitted(found: dict[str, GateSimulator]) -> list[Case]:
    world = found["good"]
    cwt, jwt = world.present(world.token()), world.present(world.token("jwt"))
    answered = world.present(world.token(), nonce=NONCE)
    overstayed = world.present(world.token(sealed={"endorsement": STAYED}, **HOME))
    resident = world.present(world.token(iss=HK, document_type="hkid", sealed={"endorsement": None}))
    younger = world.present(world.token())
    ninetieth = {**ENDORSEMENT, "kind": "T", "entries_left": None, "first_entered_on": "2026-10-17"}
    family = world.present(world.token(sealed={"endorsement": ninetieth}))
    group = world.present(world.token(sealed={"endorsement": {**ENDORSEMENT, "kind": "L"}}))
    exit_lane = {"direction": "exit"}
    return [
        _case("cwt-admitted", None, "everything holds", cwt, "admit", marks=[], overstay=False),
        _case("jwt-admitted", None, "everything holds", jwt, "admit", marks=[], overstay=False),
        _case(
            "challenge-admitted",
            None,
            "the nonce shown is answered",
            answered,
            "admit",
            bundle="challenge-only",
            lane={"nonce": b64encode(NONCE)},
        ),
        _case(
            "overstayed-goes-home",
            None,
            "a resident goes home: an overstay is flagged and holds nobody up",
            overstayed,
            "admit",
            lane=exit_lane,
            overstay=True,
        ),
        _case("ninetieth-day-admitted", None, "its first entry was 90 days ago", family, "admit", marks=[]),
        _case(
            "advice-admitted",
            None,
            "a rule advises and stands in nobody's way",
            group,
            "admit",
            marks=["travel_advice:with-the-group"],
        ),
        _case("own-resident-admitted", None, "the anchor's own issuer needs no mark", resident, "admit"),
        _case(
            "stale-status-admitted",
            None,
            "the policy lets an old list pass, marked",
            world.present(world.token(), at=NOW + 300),
            "admit",
            bundle="stale-status-marked",
            now=NOW + 300,
            marks=["status_stale_admitted"],
        ),
        _case("expired-within-leeway", None, "ten seconds of leeway", _at_expiry(world, 9), "admit", now=NOW + 9),
        _case("attempted-twice", None, "a third attempt is allowed", younger, "admit", ledger={"attempts": 2}),
    ]


def _at_expiry(world: GateSimulator, late: int) -> Presented:
    """A token that expired ``late`` seconds before it is shown."""
    return world.present(world.token(exp=NOW), at=NOW + late)


def _parsing(found: dict[str, GateSimulator]) -> list[Case]:
    good = found["good"].present(found["good"].token())
    jwt = str(found["good"].token("jwt"))
    twice = json.dumps({"token": jwt, "proof": "x"})[:-1] + ',"proof":"y"}'
    malformed = {
        "empty": ("there is nothing", ""),
        "other-prefix": ("the prefix is another", "BT2:" + str(good)[4:]),
        "cut-short": ("the last three characters are missing", str(good)[:-3]),
        "not-base45": ("a character is outside Base45", str(good)[:-3] + "aaa"),
        "too-long": ("it is longer than any presentation", "BT1:" + "0" * 20_480),
        "token-of-another-type": (
            "the token is an entity statement",
            json.dumps({"token": found["good"].configuration(HK), "proof": "x"}),
        ),
        "member-twice": ("a JSON member stands twice", twice),
    }
    return [_case(f"malformed-{name}", 0, why, text, "refuse malformed") for name, (why, text) in malformed.items()]


def _trust(found: dict[str, GateSimulator]) -> list[Case]:
    world = found["good"]
    good = world.present(world.token())

    def later(seconds: int) -> Presented:
        then = NOW + seconds
        return world.present(world.token(iat=then, nbf=then, exp=then + 600), at=then)

    stranger = world.present(world.token(iss=STRANGER))
    forged = world.present(world.token(signer=key("an attacker's")))
    status_key_signs = world.present(world.token(signer=key(f"status {CN}")))
    return [
        _case("no-bundle", 1, "the lane has no trust bundle", good, "refer trust_stale", bundle=None),
        _case(
            "bundle-of-another-checkpoint",
            1,
            "the lane stands at another checkpoint than the bundle is for",
            good,
            "refer trust_stale",
            lane={"checkpoint": f"{HK}/checkpoints/other"},
        ),
        _case("bundle-a-day-old", 1, "the bundle is a day old", later(86_400), "refer trust_stale", now=NOW + 86_400),
        _case("clock-behind-bundle", 1, "now is before the bundle", good, "refer clock_untrusted", now=NOW - 11),
        _case(
            "clock-behind-journal",
            1,
            "now is before the last journal entry",
            good,
            "refer clock_untrusted",
            ledger={"last_entry_at": NOW + 1},
        ),
        _case("unknown-issuer", 2, "the issuer is not in the bundle", stranger, "refuse untrusted_issuer"),
        _case(
            "chain-expired",
            2,
            "the issuer's chain has expired in the bundle",
            later(3_600),
            "refuse untrusted_issuer",
            bundle="chains-of-an-hour",
            now=NOW + 3_600,
        ),
        _case(
            "issuer-without-mark",
            2,
            "the peer lacks the border issuer's trust mark",
            good,
            "refuse policy_violation",
            bundle="mainland-without-mark",
        ),
        _case("forged", 3, "the signing key is nobody's", forged, "refuse bad_signature"),
        _case("signed-by-status-key", 3, "the issuer's status key signed", status_key_signs, "refuse bad_signature"),
        _case(
            "signed-by-another-issuer",
            3,
            "Macau's border key signed in the mainland's name",
            world.present(world.token(signer=border_key(MO))),
            "refuse bad_signature",
        ),
    ]


def _claims(found: dict[str, GateSimulator]) -> list[Case]:
    world = found["good"]
    other = f"{HK}/checkpoints/lok-ma-chau"

    def case(name: str, why: str, expected: str, **changes: Any) -> Case:
        aud = changes.get("aud", CHECKPOINT)
        return _case(name, 4, why, world.present(world.token(**changes), aud=aud), expected)

    return [
        case("another-checkpoint", "aud is another checkpoint", "refuse wrong_audience", aud=other),
        case("audience-with-slash", "aud has a slash more", "refuse wrong_audience", aud=CHECKPOINT + "/"),
        case("other-direction", "it is for the exit", "refuse wrong_direction", **HOME),
        case("other-leg", "it comes from Macau", "refuse wrong_direction", origin="MAC"),
        case("expired", "exp is past by the leeway", "refuse expired", exp=NOW - 10),
        case("not-yet", "nbf is later than the leeway", "refuse not_yet_valid", nbf=NOW + 11),
        case("issued-in-future", "iat is later than the leeway", "refuse not_yet_valid", iat=NOW + 11),
    ]


def _status(found: dict[str, GateSimulator]) -> list[Case]:
    world = found["good"]
    good = world.present(world.token())

    def case(name: str, why: str, expected: str, shown: Presented = good, **options: Any) -> Case:
        return _case(name, 5, why, shown, expected, **options)

    outside = world.present(world.token(status_idx=256))
    foreign = world.present(world.token(status_uri=world.status_uri(MO)))
    return [
        case("revoked", "its status is invalid", "refuse revoked", world.present(world.token(status_idx=9))),
        case(
            "revoked-and-stale",
            "its status is invalid in a list that is old",
            "refuse revoked",
            world.present(world.token(status_idx=9), at=NOW + 300),
            bundle="stale-status-marked",
            now=NOW + 300,
        ),
        case("index-outside", "its index is outside the list", "refuse malformed", outside),
        case("list-of-another-issuer", "its list is Macau's", "refer status_stale", foreign),
        case("list-missing", "its list is not there", "refer status_stale", bundle="mainland-list-missing"),
        case(
            "list-of-another-key",
            "its list is signed by another key of the issuer",
            "refer status_stale",
            bundle="mainland-list-of-another-key",
        ),
        case(
            "list-too-old",
            "its list is older than the policy lets pass",
            "refer status_stale",
            world.present(world.token(), at=NOW + 121),
            now=NOW + 121,
        ),
    ]


def _holder(found: dict[str, GateSimulator]) -> list[Case]:
    world = found["good"]
    token, jwt = world.token(), world.token("jwt")
    shown = {"nonce": b64encode(NONCE)}
    only = {"bundle": "challenge-only"}

    def case(name: str, why: str, shown: Presented, **options: Any) -> Case:
        return _case(name, 6, why, shown, "refuse key_binding_failed", **options)

    thief = key("a thief's")
    return [
        case("stolen-token", "another key made the proof", world.present(token, holder=thief)),
        case("stolen-jwt", "another key made the proof", world.present(jwt, holder=thief)),
        case("proof-for-another-gate", "the proof is for another checkpoint", world.present(token, aud=f"{HK}/x")),
        case("photographed", "the proof is 31 seconds old", world.present(token, at=NOW - 31)),
        case("clock-ahead", "the proof is 11 seconds ahead", world.present(token, at=NOW + 11)),
        case("answer-without-challenge", "no challenge was shown", world.present(token, nonce=NONCE)),
        case("time-proof-where-challenge", "no challenge is answered", world.present(token), lane=shown, **only),
        case("other-nonce", "another nonce is answered", world.present(token, nonce=NONCE[::-1]), lane=shown, **only),
        case(
            "nonce-spent",
            "the nonce was spent before",
            world.present(token, nonce=NONCE),
            lane=shown,
            ledger={"nonce_spent": True},
            **only,
        ),
    ]


def _ledger(found: dict[str, GateSimulator]) -> list[Case]:
    world = found["good"]
    good, own = world.present(world.token()), {"admitted": [[CN, b64encode(bytes(range(16)))]]}
    sealed_elsewhere = world.present(world.token(recipient=key("another gate's")))
    return [
        _case("admitted-before", 7, "it was admitted before", good, "refuse replayed", ledger=own),
        _case("three-attempts", 7, "it was tried 3 times", good, "refer attempts_exceeded", ledger={"attempts": 3}),
        _case("disk-gone", 7, "the disk is gone", good, "refer storage_unavailable", ledger={"unavailable": True}),
        _case("disk-breaks", 7, "the ledger fails oddly", good, "refer internal", ledger={"breaks": True}),
        _case("sealed-elsewhere", 8, "it is sealed for another gate", sealed_elsewhere, "refer face_unsealable"),
    ]


def _travel(found: dict[str, GateSimulator]) -> list[Case]:
    world = found["good"]

    def case(name: str, why: str, reason: str, sealed: dict[str, Any], **options: Any) -> Case:
        changes = options.pop("claims", {})
        return _case(name, 9, why, world.present(world.token(sealed=sealed, **changes)), f"refer {reason}", **options)

    used, ended = {**ENDORSEMENT, "entries_left": 0}, {**ENDORSEMENT, "valid_to": "2027-01-14"}
    family = {**ENDORSEMENT, "kind": "T", "entries_left": None, "first_entered_on": "2026-10-16"}
    child = {"birth_date": "2021-06-01"}
    refused = "document_not_eligible"
    return [
        case("no-endorsement", "it has no endorsement", refused, {"endorsement": None}),
        case("endorsed-for-macau", "its endorsement is for Macau", refused, {"endorsement": FOR_MACAU}),
        case("entries-used", "no entry is left", refused, {"endorsement": used}),
        case("entries-used-here", "its entry was used at this lane", refused, {}, ledger={"entries_used": 1}),
        case(
            "entered-this-week",
            "somebody passed under it on Monday",
            refused,
            {"endorsement": {**ENDORSEMENT, "entries_left": None, "weekly": True}},
            ledger={"entered_at": NOW - 4 * 86_400},
        ),
        case("endorsement-ended", "its endorsement ended yesterday", refused, {"endorsement": ended}),
        case("document-for-no-leg", "no rule knows the document", refused, {}, claims={"document_type": "passport"}),
        case("ninety-days-over", "its first entry was 91 days ago", refused, {"endorsement": family}),
        case(
            "rule-for-elsewhere",
            "the rule that knows the document is for another checkpoint",
            refused,
            {},
            claims={"document_type": "reentry"},
        ),
        case("child-alone", "a child of 5 has no guardian", "guardian_missing", child),
        case(
            "overstayed-goes-on",
            "the stay was exceeded and the way is not home",
            "stay_exceeded",
            {"endorsement": STAYED},
            claims=TO_MACAU,
            bundle="to-macau",
            lane={"direction": "exit"},
        ),
        case("closed", "the checkpoint is closed", "checkpoint_closed", {}, bundle="open-in-the-morning"),
        case("watched", "the document is on the watch list", "watchlist", {"document_number": "C00000000"}),
    ]


def _face(found: dict[str, GateSimulator]) -> list[Case]:
    world = found["good"]
    shown = world.present(world.token())

    def case(name: str, why: str, expected: str, face: dict[str, Any], bundle: str = "good") -> Case:
        return _case(name, 10, why, shown, expected, face=face, bundle=bundle)

    engine = ("face_no_face", "face_many_faces", "face_low_quality")
    return [
        case("model-unknown", "the gate lacks the model", "refer face_model_unsupported", {}, "other-face-model"),
        *(
            case(name.replace("_", "-"), f"the engine says {name}", f"refer {name}", {"raises": name})
            for name in engine
        ),
        case("not-live", "the face is not live", "refer face_not_live", {"live": False}),
        case("liveness-unknown", "liveness was not looked at", "refer face_not_live", {"live": None}),
        case("another-face", "the score is below both thresholds", "refuse face_mismatch", {"score": 0.39}),
        case("uncertain", "the score is between the thresholds", "refer face_uncertain", {"score": 0.59}),
        case("camera-gone", "there is no camera", "refer camera_unavailable", {"unavailable": True}),
        case("engine-breaks", "the engine fails oddly", "refer internal", {"breaks": True}),
    ]


def write(made: Callable[[], dict[str, Any]] = document) -> None:
    """Write the file."""
    PATH.write_text(json.dumps(made(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _joint(found: dict[str, GateSimulator]) -> list[Case]:
    """At a joint gate: the same words whether the other side refers or refuses."""
    shown = found["good"].present(found["good"].token())
    shut = "the other side did not admit and the door stayed shut"
    return [
        _case("joint-released", None, "both sides admit", shown, "admit", other_side="admit"),
        *(
            _case(f"joint-other-side-{said}s", 10, shut, shown, "refer not_released", other_side=said)
            for said in ("refer", "refuse")
        ),
        _case(
            "joint-own-reason-stays",
            10,
            "the face is another, whatever the other side says",
            shown,
            "refuse face_mismatch",
            face={"score": 0.1},
            other_side="refuse",
        ),
    ]


if __name__ == "__main__":
    write()
