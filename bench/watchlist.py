"""What a watch list of a million numbers costs a lane, and whether the time of a referral tells of a hit.

A traveller is shown to a whole lane, with its file: a hit, a document that is not eligible, and a child without a
guardian, in turn. ``hit_later`` is how often a hit took longer than another referral: one half says that the time tells
nothing. The ratio is of the medians.
"""

import bisect
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.timing import in_turn, summary, timed
from idp.protocol.keys import KeySet
from idp.protocol.strict_json import b64encode, dumps, loads_object
from idp.protocol.trust_bundle import load_bundle
from idp.protocol.watch_list import MAX_HASHES, WatchList, pack, read, watch_hash
from tests.checkpoint.lanes import LaneSimulator
from tests.simulators.gate import CHECKPOINT, HK, WATCH_KEY, GateSimulator, federation_key

ROUNDS, LOADS, LOOKUPS = 400, 5, 2_000
HIT = "C00000000"


class Watching(GateSimulator):
    """An authority that looks for a million documents."""

    listed = WatchList()

    @property
    def watch(self) -> WatchList:
        return self.listed


def run() -> dict[str, Any]:
    """``{"figures", "ratios"}``."""
    begun = time.perf_counter()
    Watching.listed = pack(watch_hash(WATCH_KEY, f"C{number:08}") for number in range(MAX_HASHES))
    packed = time.perf_counter() - begun
    with tempfile.TemporaryDirectory() as directory:
        lane = LaneSimulator(Path(directory), gate=Watching())
        times = in_turn(
            {
                "hit": _shown(lane, 1, {"document_number": HIT}),
                "not_eligible": _shown(lane, 2, {"document_number": "D1", "endorsement": None}),
                "no_guardian": _shown(lane, 3, {"document_number": "D2", "birth_date": "2024-06-01"}),
            },
            ROUNDS,
        )
    others = times["not_eligible"] + times["no_guardian"]
    found = watch_hash(WATCH_KEY, HIT)
    lookup = statistics.median(timed(lambda _: found in Watching.listed, LOOKUPS))
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    return {
        "figures": {
            **{name: summary(taken) for name, taken in times.items()},
            "hit_later": round(_later(times["hit"], others), 3),
            "lookup_us": round(1000 * lookup, 2),
            "list_mb": round(len(Watching.listed.content) / 1e6, 2),
            "on_the_wire_mb": round(len(b64encode(Watching.listed.content)) / 1e6, 2),
            "pack_s": round(packed, 2),
            **_loading(),
        },
        "ratios": {
            "hit_vs_not_eligible": round(medians["not_eligible"] / medians["hit"], 3),
            "hit_vs_no_guardian": round(medians["no_guardian"] / medians["hit"], 3),
        },
    }


def _shown(lane: LaneSimulator, kind: int, sealed: dict[str, Any]) -> Callable[[int], object]:
    """Presents another token each time: attempts are counted."""

    def show(turn: int) -> object:
        return lane.lane.present(codes[turn])

    codes = [lane.code(kind * 10_000 + turn, sealed=sealed) for turn in range(ROUNDS)]
    return show


def _later(hits: list[float], others: list[float]) -> float:
    """How often a hit took longer than another referral, over all pairs."""
    ordered = sorted(others)
    return statistics.mean(bisect.bisect_left(ordered, hit) for hit in hits) / len(ordered)


def _loading() -> dict[str, float]:
    world = Watching()
    whole = world.wire()
    wire = loads_object(whole, max_bytes=len(whole))
    text = wire.pop("watchlist")
    bare = dumps(wire)

    def load(wire: bytes, known: WatchList) -> None:
        load_bundle(
            wire,
            pinned=KeySet([federation_key(HK).public]),
            anchor=HK,
            checkpoint=CHECKPOINT,
            now=world.now,
            watch=known,
        )

    return {
        "read_list_ms": round(statistics.median(timed(lambda _: read(text), LOADS)), 1),
        "load_with_new_list_ms": round(statistics.median(timed(lambda _: load(whole, WatchList()), LOADS)), 1),
        "load_with_known_list_ms": round(statistics.median(timed(lambda _: load(bare, world.watch), LOADS)), 2),
    }


if __name__ == "__main__":
    print(run())
