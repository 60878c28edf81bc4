"""Entries by an officer's hand: they name what was looked at, on which ground, and by whom; and nothing else may."""

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import journal, strict_json
from idp.protocol.journal import Entry, append, entry_hash, parse_entry, sign_head
from idp.protocol.refusals import Reason, Refusal
from tests.protocol.test_journal import FIELDS, KEY, START, verify

REFERRED = append(None, {**FIELDS, "decision": "refer", "reason": "face_uncertain", "score_band": "middle"})
HAND = {**FIELDS, "decision": "release", "reason": "face_checked", "score_band": "", "about": 1, "officers": "o1 o2"}
RELEASED = append(REFERRED, HAND)


def test_hand_follows_the_machine_in_one_chain() -> None:
    """A verifier that knows only thirteen members would strand every lane whose officer ever decided."""
    after = append(RELEASED, {**HAND, "decision": "decline", "reason": "withdrew", "officers": "o1"})
    assert verify(sign_head([REFERRED, RELEASED, after], KEY)) == [REFERRED, RELEASED, after]


def test_both_kinds_of_passing_are_named_once() -> None:
    """Whoever counts only admissions would owe no receipt for a traveller whom an officer let through."""
    assert journal.PASSED == ("admit", "release")
    assert set(journal.GROUNDS) == set(journal.BY_HAND)


def test_machine_keeps_its_thirteen_members() -> None:
    """An entry of before, hashed with two empty members more, would break every chain that stands."""
    assert len(REFERRED.wire()) == 13
    assert len(RELEASED.wire()) == 15
    for extra in ({"about": 0}, {"officers": ""}, {"about": 0, "officers": ""}):
        with pytest.raises(Refusal):
            parse_entry({**REFERRED.wire(), **extra})


def test_hash_covers_officers_and_what_they_looked_at() -> None:
    """Another implementation must get the same hash: fifteen members by name (RFC 8785)."""
    assert RELEASED.prev == entry_hash(REFERRED)
    fixed = Entry(**{**RELEASED.wire(), "prev": START})
    canonical = (
        '{"about":1,"at":1800000000,"bundle_serial":7,"checkpoint":"https://idp.hk.example/checkpoints/lo-wu",'
        '"decision":"release","direction":"entry","iss":"https://idp.cn.example","jti":"AAECAwQFBgcICQoLDA0ODw",'
        f'"lane":"1","officers":"o1 o2","prev":"{START}","reason":"face_checked","score_band":"","seq":2,'
        '"sub":"pairwise"}'
    )
    assert entry_hash(fixed) == strict_json.b64encode(hashlib.sha256(canonical.encode()).digest())


@pytest.mark.parametrize(
    "changes",
    [
        {"about": ...},
        {"officers": ...},
        {"about": 0},
        {"about": 2},
        {"about": "1"},
        {"about": True},
        {"officers": ""},
        {"officers": "o1 "},
        {"officers": "o1 o1"},
        {"officers": "o1  o2"},
        {"officers": "o1 o2 o3"},
        {"officers": "陳"},
        {"officers": ["o1"]},
        {"officers": "x" * 64},
        {"reason": ""},
        {"reason": "face_uncertain"},
        {"reason": "withdrew"},
        {"decision": "decline"},
        {"decision": "admit"},
        {"decision": "refer"},
    ],
    ids=str,
)
def test_hand_that_is_not_whole_is_refused(changes: dict[str, Any]) -> None:
    """invalid solely because of the member named: a release that nobody answers for, or about nothing."""
    wire = {name: value for name, value in {**RELEASED.wire(), **changes}.items() if value is not ...}
    with pytest.raises(Refusal) as caught:
        parse_entry(wire)
    assert caught.value.reason is Reason.MALFORMED


@given(
    st.integers(0, 5),
    st.lists(st.text("ab-1", min_size=1, max_size=4), min_size=1, max_size=3),
    st.sampled_from([(decision, ground) for decision, grounds in journal.GROUNDS.items() for ground in grounds]),
)
def test_whatever_is_written_can_be_read(about: int, officers: list[str], decided: tuple[str, str]) -> None:
    """An entry that the lane writes and the node cannot read would block all that come after it."""
    fields = {**HAND, "about": about, "officers": " ".join(officers), "decision": decided[0], "reason": decided[1]}
    sound = about == 1 and len(officers) <= 2 and len(set(officers)) == len(officers)
    if not sound:
        with pytest.raises(Refusal):
            append(REFERRED, fields)
        return
    entry = append(REFERRED, fields)
    assert parse_entry(strict_json.loads(strict_json.dumps(entry.wire()))) == entry
