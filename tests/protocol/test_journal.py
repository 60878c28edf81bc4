"""The journal: nothing can be left out, changed, put in, or told in two ways, and the place is named."""

import copy
import hashlib
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import jws, keys, strict_json
from idp.protocol.journal import (
    JOURNAL_BATCH,
    MAX_ENTRIES,
    ChainBroken,
    Entry,
    append,
    entry_hash,
    genesis,
    parse_entry,
    sign_head,
    verify_batch,
)
from idp.protocol.refusals import Reason, Refusal

CHECKPOINT, LANE = "https://idp.hk.example/checkpoints/lo-wu", "1"
KEY, OTHER = keys.generate("ES256"), keys.generate("ES256")
FIELDS: dict[str, Any] = {
    "checkpoint": CHECKPOINT,
    "lane": LANE,
    "at": 1_800_000_000,
    "jti": "AAECAwQFBgcICQoLDA0ODw",
    "iss": "https://idp.cn.example",
    "sub": "pairwise",
    "direction": "entry",
    "decision": "admit",
    "reason": "",
    "score_band": "high",
    "bundle_serial": 7,
}


def chain(length: int, **changes: Any) -> list[Entry]:
    entries: list[Entry] = []
    for number in range(length):
        entries.append(append(entries[-1] if entries else None, {**FIELDS, "at": FIELDS["at"] + number, **changes}))
    return entries


TEN = chain(10)
START = genesis(CHECKPOINT, LANE)


def verify(batch: Any, *, seq: int = 1, prev: str = START, **options: Any) -> list[Entry]:
    return verify_batch(
        batch,
        **{
            "checkpoint": CHECKPOINT,
            "lane": LANE,
            "lane_key": KEY.public,
            "expected_seq": seq,
            "expected_prev": prev,
            **options,
        },
    )


def broken(batch: Any, **options: Any) -> tuple[str, int]:
    with pytest.raises(ChainBroken) as caught:
        verify(batch, **options)
    return caught.value.kind, caught.value.seq


def resigned(entries: list[Mapping[str, Any]], **changes: Any) -> dict[str, Any]:
    """A batch whose head is that of ``entries`` as they are, however they hang together."""
    first, last = entries[0], entries[-1]
    head = {
        "checkpoint": first["checkpoint"],
        "lane": first["lane"],
        "first": first["seq"],
        "last": last["seq"],
        "prev": first["prev"],
        "head": entry_hash(Entry(**last)),
        **changes,
    }
    return {"entries": [dict(entry) for entry in entries], "head": jws.sign(JOURNAL_BATCH, head, KEY)}


def test_sound_batches_are_taken_in_parts_and_as_text() -> None:
    """A verifier that refuses everything would pass all the others."""
    assert verify(sign_head(TEN[:4], KEY)) == TEN[:4]
    text = strict_json.dumps(sign_head(TEN[4:], KEY))
    assert verify(text, seq=5, prev=entry_hash(TEN[3])) == TEN[4:]


def test_repetition_is_taken_once() -> None:
    """A lane that did not hear the answer sends again: nothing may be recorded twice, and nothing refused."""
    assert verify(sign_head(TEN[:4], KEY), seq=5, prev=entry_hash(TEN[3])) == []
    assert verify(sign_head(TEN[2:8], KEY), seq=5, prev=entry_hash(TEN[3])) == TEN[4:8]


def recorded(first: int, last: int) -> dict[int, str]:
    return {entry.seq: entry_hash(entry) for entry in TEN[first - 1 : last]}


def test_old_repetition_is_compared_with_what_was_recorded() -> None:
    """A batch that ends long ago is a repetition only when it is the same."""
    options = {"seq": 11, "prev": entry_hash(TEN[9])}
    assert verify(sign_head(TEN[:4], KEY), recorded_hashes=recorded, **options) == []
    other = sign_head(chain(4, at=5), KEY)
    assert broken(other, recorded_hashes=recorded, **options) == ("fork", 1)
    assert broken(sign_head(TEN[:4], KEY), **options) == ("fork", 4)


def test_old_repetition_of_what_is_no_longer_kept_is_passed_over() -> None:
    """Months are dropped: a lane that missed an answer then must not be told that it forked."""
    options = {"seq": 11, "prev": entry_hash(TEN[9])}
    assert verify(sign_head(TEN[:4], KEY), recorded_hashes=lambda *_: {}, **options) == []
    kept = {3: entry_hash(TEN[2])}
    assert verify(sign_head(TEN[:4], KEY), recorded_hashes=lambda *_: kept, **options) == []
    assert broken(sign_head(chain(4, at=5), KEY), recorded_hashes=lambda *_: kept, **options) == ("fork", 3)


@given(changed=st.integers(1, 10), data=st.data())
def test_a_changed_entry_among_repeated_and_new_ones_is_named_itself(changed: int, data: st.DataObject) -> None:
    """invalid solely because one entry that was recorded is another now; the place is its own, not the last one's."""
    first, known = data.draw(st.integers(1, changed)), data.draw(st.integers(changed, 10))
    length = data.draw(st.integers(changed - first + 1, 10))
    forged = [*TEN[: changed - 1], append(TEN[changed - 2] if changed > 1 else None, {**FIELDS, "at": 1})]
    while len(forged) < 10:
        forged.append(append(forged[-1], FIELDS))
    batch = sign_head(forged[first - 1 : first - 1 + length], KEY)
    options = {"seq": known + 1, "prev": entry_hash(TEN[known - 1]), "recorded_hashes": recorded}
    assert broken(batch, **options) == ("fork", changed)


def test_gap_before_the_batch_is_named() -> None:
    """invalid solely because the entries before the first are missing."""
    assert broken(sign_head(TEN[5:], KEY), seq=4, prev=entry_hash(TEN[2])) == ("gap", 4)


def test_gap_within_the_batch_is_named() -> None:
    """invalid solely because an entry was taken out of the middle."""
    assert broken(resigned([entry.wire() for entry in TEN[:3] + TEN[4:]])) == ("gap", 4)


def test_fork_after_the_last_recorded_is_named() -> None:
    """invalid solely because a lane restored from a backup went on from an older entry."""
    older = [*TEN[:5], append(TEN[4], {**FIELDS, "at": 1})]
    assert broken(sign_head(older[5:], KEY), seq=6, prev=entry_hash(Entry(**{**TEN[4].wire(), "at": 9}))) == ("fork", 6)
    assert broken(sign_head(older, KEY), seq=7, prev=entry_hash(TEN[5])) == ("fork", 6)


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_change_of_any_member_breaks_the_chain(name: str) -> None:
    """invalid solely because one member of one entry was changed afterwards and the head signed anew."""
    values = {"at": 5, "bundle_serial": 8, "decision": "refer", "reason": "revoked", "direction": "exit", "lane": "2"}
    wires = [entry.wire() for entry in TEN]
    wires[4][name] = values.get(name, "low" if name == "score_band" else "changed")
    if name in ("decision", "reason"):
        wires[4].update(decision="refer", reason="revoked")
    kind, seq = broken(resigned(wires))
    assert (kind, seq) == (("malformed", 1) if name in ("checkpoint", "lane") else ("broken", 6))


def test_change_of_the_last_entry_breaks_the_head() -> None:
    """invalid solely because the last entry, that no other covers, was changed after signing."""
    batch = sign_head(TEN, KEY)
    batch["entries"][-1]["sub"] = "another"
    assert broken(batch) == ("broken", 10)


@pytest.mark.parametrize("name", ["checkpoint", "lane", "first", "last", "prev", "head"])
def test_head_of_another_batch_is_refused(name: str) -> None:
    """invalid solely because the signed head says something else than the entries."""
    batch = resigned([entry.wire() for entry in TEN], **{name: "x"})
    assert broken(batch) == ("broken", 10)


def test_head_by_another_key_is_refused() -> None:
    """invalid solely because another lane's key signed."""
    assert broken(sign_head(TEN, OTHER)) == ("broken", 10)


def test_document_of_another_type_is_no_head() -> None:
    """invalid solely because typ is another."""
    batch = {**sign_head(TEN, KEY), "head": jws.sign(jws.TokenType("jwt", required=()), {"head": "x"}, KEY)}
    assert broken(batch) == ("malformed", 10)


def test_another_lanes_chain_cannot_be_handed_in() -> None:
    """invalid solely because the entries are of another lane than the one that authenticated."""
    assert broken(sign_head(TEN, KEY), lane="2")[0] == "malformed"
    own = chain(1, lane="2")[0].wire()
    renamed = {**own, "lane": LANE}  # with the genesis of lane 2
    assert broken(resigned([renamed])) == ("broken", 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"extra": 1},
        {"jti": ...},
        {"seq": 0},
        {"seq": "1"},
        {"at": -1},
        {"at": 1.5},
        {"bundle_serial": True},
        {"prev": "x"},
        {"decision": "open"},
        {"decision": ["admit"]},
        {"direction": ""},
        {"score_band": "0.93"},
        {"reason": "revoked"},
        {"decision": "refer"},
        {"decision": "refer", "reason": "Because of the list"},
        {"sub": "a\nb"},
        {"sub": "x" * 129},
        {"lane": ""},
    ],
    ids=str,
)
def test_entry_that_is_not_one_is_refused(changes: dict[str, Any]) -> None:
    """invalid solely because of the member named; a score in place of a band would leak into the record."""
    wire = {name: value for name, value in {**TEN[0].wire(), **changes}.items() if value is not ...}
    with pytest.raises(Refusal) as caught:
        parse_entry(wire)
    assert caught.value.reason is Reason.MALFORMED


def test_caller_does_not_choose_the_place() -> None:
    """Who could give seq or prev could write a chain with a hole."""
    with pytest.raises(Refusal):
        append(None, {**FIELDS, "seq": 3})
    with pytest.raises(Refusal):
        append(TEN[0], {**FIELDS, "lane": "2"})


def test_batches_have_a_bound() -> None:
    """A batch of any length would be a way to fill the node's memory."""
    with pytest.raises(RuntimeError):
        sign_head([], KEY)
    many = [TEN[0].wire()] * (MAX_ENTRIES + 1)
    assert broken({"entries": many, "head": "x"}) == ("malformed", 1)


def test_refusal_has_a_problem_code() -> None:
    """The node answers a gap, a fork and a broken chain each with its own document (RFC 9457)."""
    codes = {kind: ChainBroken(kind, 1, "").code for kind in ("gap", "fork", "broken", "malformed")}
    assert codes == {
        "gap": "journal_gap",
        "fork": "journal_fork",
        "broken": "journal_broken",
        "malformed": "invalid_request",
    }


def test_hash_is_that_of_canonical_json() -> None:
    """Another implementation must get the same hash: members by name, no spaces, UTF-8 (RFC 8785)."""
    canonical = (
        '{"at":1800000000,"bundle_serial":7,"checkpoint":"https://idp.hk.example/checkpoints/lo-wu","decision":"admit",'
        '"direction":"entry","iss":"https://idp.cn.example","jti":"AAECAwQFBgcICQoLDA0ODw","lane":"1",'
        f'"prev":"{START}","reason":"","score_band":"high","seq":1,"sub":"陳"}}'
    )
    digest = hashlib.sha256(canonical.encode()).digest()
    assert entry_hash(Entry(**{**TEN[0].wire(), "sub": "陳"})) == strict_json.b64encode(digest)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(sorted(TEN[0].wire())), json_values, st.integers(0, 9))
def test_any_value_anywhere_gives_chain_broken_or_the_same(name: str, value: object, place: int) -> None:
    """Only `ChainBroken` may come out, and no changed batch may go in."""
    batch = copy.deepcopy(sign_head(TEN, KEY))
    unchanged = batch["entries"][place][name] == value and type(batch["entries"][place][name]) is type(value)
    batch["entries"][place][name] = value
    try:
        verify(batch)
    except ChainBroken as error:
        assert error.kind in ("broken", "malformed", "gap")
    else:
        assert unchanged


@given(st.binary(max_size=300) | st.text(max_size=100) | st.dictionaries(st.text(max_size=8), json_values, max_size=3))
def test_only_chain_broken_comes_out_of_anything(batch: Any) -> None:
    """An upload that raises something else would be a 500."""
    with pytest.raises(ChainBroken):
        verify(batch)


@pytest.mark.parametrize("took", [0, -1, 600_001, "5", 1.5, None, True], ids=str)
def test_a_time_that_no_decision_takes_is_recorded(took: object) -> None:
    """0 says what the absent member says: one entry would have two hashes."""
    with pytest.raises(Refusal) as refused:
        parse_entry({**TEN[0].wire(), "took_ms": took})
    assert refused.value.reason is Reason.MALFORMED


def test_an_entry_without_a_time_is_read_as_ever() -> None:
    """Lanes of before: the same members, the same hash."""
    assert TEN[0].took_ms == 0 and "took_ms" not in TEN[0].wire() and len(TEN[0].wire()) == 13
    assert entry_hash(TEN[0]) == "-rcN6IHAEUksPsRP6NI6SgSCrMUwEsxVSWxgaVtzB4k"


def test_the_hash_does_not_cover_the_time() -> None:
    (one,), (other,) = chain(1, took_ms=40), chain(1, took_ms=41)
    assert parse_entry(one.wire()) == one and one.took_ms == 40
    assert len({entry_hash(one), entry_hash(other), entry_hash(TEN[0])}) == 3
    assert broken(resigned([{**one.wire(), "took_ms": 41}, *(entry.wire() for entry in TEN[1:2])])) == ("broken", 2)


def test_an_officers_decision_has_a_machines_time() -> None:
    entries = chain(1)
    hand = append(
        entries[0], {**FIELDS, "decision": "release", "reason": "face_checked", "about": 1, "officers": "o-1"}
    )
    with pytest.raises(Refusal):
        parse_entry({**hand.wire(), "took_ms": 5})
