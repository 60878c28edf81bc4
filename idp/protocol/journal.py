"""A lane's journal: append-only, chained by hash, uploaded in signed batches (protocol.md, Records).

* An entry by the machine is thirteen members, and may have ``took_ms``, the milliseconds that the machine needed to
  decide. One by an officer's hand has two more: ``about``, the ``seq`` of the entry that was looked at, and
  ``officers``, the one or two who decided; it has no ``took_ms``. Its hash is SHA-256 over
  its canonical JSON (RFC 8785: members by name, no spaces; the values are strings and integers only), base64url.
* ``prev`` is the hash of the entry before; of the first entry (``seq`` 1) it is `genesis`, which names the lane.
* A batch travels as ``{"entries": [...], "head": JWS}``; the head (``typ journal-batch+jwt``, the lane's key) signs the
  hash of the last entry and by it all entries before, also those of earlier batches.

An entry holds no name, document number or score: only a pairwise subject, a reason and a band. The ``reason`` of an
entry by hand is the officer's ground, of `GROUNDS`; the machine's reason stands in the entry that it is about.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from idp.protocol import jws, strict_json
from idp.protocol.jws import Signer, TokenType
from idp.protocol.keys import KeySet, PrivateKey, PublicKey
from idp.protocol.refusals import Reason, Refusal

MAX_ENTRIES = 500  # of a batch: a busy lane's hour
MAX_BATCH_BYTES = 1 << 20
MAX_TOOK_MS = 600_000  # milliseconds: nobody waits longer at a gate
BY_MACHINE = ("admit", "refer", "refuse")
BY_HAND = ("release", "decline")
DECISIONS = (*BY_MACHINE, *BY_HAND)
PASSED = ("admit", "release")  # whom these let through has used up a token, and a receipt is owed
GROUNDS = {
    "release": ("document_checked", "face_checked", "guardian_present", "right_to_return", "superior_order"),
    "decline": ("not_entitled", "not_the_holder", "held_for_inquiry", "withdrew"),
}
DIRECTIONS = ("exit", "entry")
BANDS = ("", "low", "middle", "high")  # "" where no face was compared

# No time claim: a lane whose clock is wrong must still be able to hand in what it recorded.
JOURNAL_BATCH = TokenType(
    "journal-batch+jwt", required=("checkpoint", "lane", "first", "last", "prev", "head"), max_bytes=8_192
)
_HASH = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_CODE = re.compile(r"[a-z0-9_]{0,32}\Z")
_OFFICERS = re.compile(r"([!-~]{1,63})(?: ([!-~]{1,63}))?\Z")

Kind = Literal["gap", "fork", "broken", "malformed"]


class ChainBroken(Refusal):
    """A batch that does not continue the chain: ``seq`` is the place, ``kind`` what is wrong there.

    gap: entries before ``seq`` are missing. fork: ``seq`` was recorded before with another content. broken: a link or
    the lane's signature does not hold. malformed: it cannot be read.
    """

    def __init__(self, kind: Kind, seq: int, detail: str) -> None:
        reason = Reason.BAD_SIGNATURE if kind == "broken" else Reason.MALFORMED
        super().__init__(reason, f"journal {kind} at {seq}: {detail}")
        self.kind = kind
        self.seq = seq

    @property
    def code(self) -> str:
        """The problem code for the wire (RFC 9457)."""
        return "invalid_request" if self.kind == "malformed" else f"journal_{self.kind}"


@dataclass(frozen=True)
class Entry:
    """One decision of one lane. ``at`` is seconds since 1970; unknown texts (an unreadable token's ``jti``) are "".

    ``about`` and ``officers`` (ids, a space between two) are of an entry by hand; the machine's have 0 and "".
    ``took_ms`` is 0 where the entry does not say it.
    """

    checkpoint: str
    lane: str
    seq: int
    prev: str
    at: int
    jti: str
    iss: str
    sub: str
    direction: str
    decision: str
    reason: str
    score_band: str
    bundle_serial: int
    about: int = 0
    officers: str = ""
    took_ms: int = 0

    def wire(self) -> dict[str, str | int]:
        """The entry as it travels."""
        members = vars(self)
        names = _HAND if self.decision in BY_HAND else _TIMED if self.took_ms else _NAMES
        return {name: members[name] for name in names}

    @cached_property
    def _hash(self) -> str:
        return _digest(self.wire())


_NAMES = tuple(name for name in Entry.__dataclass_fields__ if name not in ("about", "officers", "took_ms"))
_HAND, _TIMED = (*_NAMES, "about", "officers"), (*_NAMES, "took_ms")
_BY_HAND, _BY_MACHINE = (frozenset(_HAND),), (frozenset(_NAMES), frozenset(_TIMED))
_INTEGERS = frozenset({"seq", "at", "bundle_serial", "about", "took_ms"})
_MAX_LENGTH = {"checkpoint": 512, "iss": 512, "lane": 64, "prev": 43}


def genesis(checkpoint: str, lane: str) -> str:
    """The ``prev`` of a lane's first entry, so that no lane's chain can be passed off as another's."""
    return _digest(["causeway-journal", checkpoint, lane])


def entry_hash(entry: Entry) -> str:
    """SHA-256 over the entry's canonical JSON, base64url."""
    return entry._hash


def parse_entry(value: object) -> Entry:
    """Read one entry as it travels; raises `Refusal` (malformed)."""
    kinds = _BY_HAND if isinstance(value, Mapping) and value.get("decision") in BY_HAND else _BY_MACHINE
    if not isinstance(value, Mapping) or frozenset(value) not in kinds:
        raise Refusal(Reason.MALFORMED, "an entry has exactly its thirteen members, its time, and two more by hand")
    names = frozenset(value)
    for name in names - _INTEGERS:
        text = value[name]
        if not isinstance(text, str) or len(text) > _MAX_LENGTH.get(name, 128) or not text.isprintable():
            raise Refusal(Reason.MALFORMED, f"{name} of an entry is not a short text")
    numbers = {name: strict_json.integer(value, name) for name in _INTEGERS & names}
    entry = Entry(**{**value, **numbers})
    if "took_ms" in names and not 1 <= entry.took_ms <= MAX_TOOK_MS:
        raise Refusal(Reason.MALFORMED, "an entry whose decision took no time, or too long")
    _check_words(entry)
    return entry


def append(previous: Entry | None, fields: Mapping[str, Any]) -> Entry:
    """The entry after ``previous`` (None: the first), from its other members, ``seq`` and ``prev`` being set.

    Raises `Refusal` (malformed) for a member missing, unknown or of the wrong kind, or for another lane's entry.
    """
    if {"seq", "prev"} & fields.keys():
        raise Refusal(Reason.MALFORMED, "seq and prev are not the caller's to choose")
    if previous is None:
        checkpoint, lane = (strict_json.string(fields, name) for name in ("checkpoint", "lane"))
        return parse_entry({**fields, "seq": 1, "prev": genesis(checkpoint, lane)})
    entry = parse_entry({**fields, "seq": previous.seq + 1, "prev": entry_hash(previous)})
    if (entry.checkpoint, entry.lane) != (previous.checkpoint, previous.lane):
        raise Refusal(Reason.MALFORMED, "an entry of another lane")
    return entry


def sign_head(entries: Sequence[Entry], signer: Signer | PrivateKey) -> dict[str, Any]:
    """The batch ``{"entries", "head"}`` of consecutive entries, ready for the wire."""
    if not 1 <= len(entries) <= MAX_ENTRIES:
        raise RuntimeError(f"a batch has 1 to {MAX_ENTRIES} entries")
    first, last = entries[0], entries[-1]
    head = {
        "checkpoint": first.checkpoint,
        "lane": first.lane,
        "first": first.seq,
        "last": last.seq,
        "prev": first.prev,
        "head": entry_hash(last),
    }
    return {"entries": [entry.wire() for entry in entries], "head": jws.sign(JOURNAL_BATCH, head, signer)}


def verify_batch(
    batch: bytes | str | Mapping[str, Any],
    *,
    checkpoint: str,
    lane: str,
    lane_key: PublicKey,
    expected_seq: int,
    expected_prev: str,
    recorded_hashes: Callable[[int, int], Mapping[int, str]] | None = None,
) -> list[Entry]:
    """The entries of ``batch`` that are not recorded yet (``seq`` ≥ ``expected_seq``), in order; [] for a repetition.

    ``expected_seq`` is one more than the last ``seq`` recorded of this lane, ``expected_prev`` that entry's hash (of a
    new lane: 1 and `genesis`). ``recorded_hashes`` gives the hashes recorded from one ``seq`` to another, by ``seq``;
    what it leaves out is not kept any more and compared with nothing. Without it, a batch that ends before the last
    recorded entry cannot be told from a fork and counts as one. Raises `ChainBroken`, at the first entry that differs.
    """
    try:
        entries, head = _read(batch)
    except Refusal as refusal:
        raise ChainBroken("malformed", expected_seq, refusal.detail) from refusal
    first, last = entries[0], entries[-1]
    if any((entry.checkpoint, entry.lane) != (checkpoint, lane) for entry in entries):
        raise ChainBroken("malformed", first.seq, "an entry of another lane")
    _check_links(entries)
    _check_head(head, entries, lane_key)
    if first.seq > expected_seq:
        raise ChainBroken("gap", expected_seq, f"the batch begins at {first.seq}")
    _check_continues(entries, expected_seq, expected_prev, recorded_hashes)
    return [] if last.seq < expected_seq else entries[expected_seq - first.seq :]


def _read(batch: bytes | str | Mapping[str, Any]) -> tuple[list[Entry], str]:
    value = batch if isinstance(batch, Mapping) else strict_json.loads_object(batch, max_bytes=MAX_BATCH_BYTES)
    entries = value.get("entries")
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_ENTRIES or value.keys() != {"entries", "head"}:
        raise Refusal(Reason.MALFORMED, f"a batch has 1 to {MAX_ENTRIES} entries and a head")
    return [parse_entry(entry) for entry in entries], strict_json.string(value, "head", max_length=8_192)


def _check_links(entries: Sequence[Entry]) -> None:
    first = entries[0]
    if first.seq == 1 and first.prev != genesis(first.checkpoint, first.lane):
        raise ChainBroken("broken", 1, "the first entry does not begin the lane's chain")
    seq, prev = first.seq, first.prev
    for entry in entries:
        if entry.seq != seq:
            raise ChainBroken("gap" if entry.seq > seq else "broken", seq, f"found {entry.seq} in its place")
        if entry.prev != prev:
            raise ChainBroken("broken", seq, "prev is not the hash of the entry before")
        seq, prev = seq + 1, entry_hash(entry)


def _check_head(head: str, entries: Sequence[Entry], lane_key: PublicKey) -> None:
    first, last = entries[0], entries[-1]
    try:
        claims = jws.verify(head, JOURNAL_BATCH, KeySet([lane_key]), now=0).claims
    except Refusal as refusal:
        kind: Kind = "broken" if refusal.reason is Reason.BAD_SIGNATURE else "malformed"
        raise ChainBroken(kind, last.seq, refusal.detail) from refusal
    stated = tuple(claims[name] for name in ("checkpoint", "lane", "first", "last", "prev", "head"))
    if stated != (first.checkpoint, first.lane, first.seq, last.seq, first.prev, entry_hash(last)):
        raise ChainBroken("broken", last.seq, "the signed head is not that of these entries")


def _check_continues(
    entries: Sequence[Entry],
    expected_seq: int,
    expected_prev: str,
    recorded_hashes: Callable[[int, int], Mapping[int, str]] | None,
) -> None:
    first = entries[0]
    if first.seq == expected_seq:
        if first.prev != expected_prev:
            raise ChainBroken("fork", first.seq, "it continues another entry than the one recorded")
        return
    repeated = entries[: expected_seq - first.seq]
    last = repeated[-1]
    if last.seq == expected_seq - 1 and entry_hash(last) == expected_prev:
        return  # by the chain, one equal hash proves all entries before it equal
    if recorded_hashes is None:
        raise ChainBroken("fork", last.seq, "it differs from the entry recorded, or cannot be compared")
    recorded = {**recorded_hashes(first.seq, last.seq), expected_seq - 1: expected_prev}
    for entry in repeated:
        if entry_hash(entry) != recorded.get(entry.seq, entry_hash(entry)):
            raise ChainBroken("fork", entry.seq, "it differs from the entry recorded")


def _check_words(entry: Entry) -> None:
    if not _HASH.match(entry.prev) or entry.seq < 1 or not entry.checkpoint or not entry.lane:
        raise Refusal(Reason.MALFORMED, "an entry without its place")
    if entry.decision not in DECISIONS or entry.direction not in DIRECTIONS or entry.score_band not in BANDS:
        raise Refusal(Reason.MALFORMED, "an entry with a decision, direction or band of no known kind")
    if not _CODE.match(entry.reason) or (entry.decision == "admit") != (entry.reason == ""):
        raise Refusal(Reason.MALFORMED, "an admission has no reason and everything else has one")
    if entry.decision in BY_HAND:
        _check_hand(entry)


def _check_hand(entry: Entry) -> None:
    """What an officer decides is about an earlier entry, on a known ground, by one officer or by two."""
    if not 1 <= entry.about < entry.seq or entry.reason not in GROUNDS[entry.decision]:
        raise Refusal(Reason.MALFORMED, "an entry by hand about no earlier entry, or on no known ground")
    found = _OFFICERS.match(entry.officers)
    if found is None or found[1] == found[2]:
        raise Refusal(Reason.MALFORMED, "an entry by hand names one officer, or two different ones")


def _digest(value: object) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return strict_json.b64encode(hashlib.sha256(canonical.encode()).digest())
