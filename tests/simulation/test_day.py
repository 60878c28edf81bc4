"""Lanes that are cut off and come back, as the coordinator plans it."""

import random

from tests.simulation.day import Lanes
from tests.simulation.places import NODES


def test_a_lane_that_is_back_or_cut_off_only_now_hands_in_what_it_has_left_whether_it_is_open_or_not() -> None:
    """Otherwise its entries are told when it happens to be open and online, weeks late, which no real one waits for."""
    lanes, seen = Lanes(random.Random("x")), {"back": 0, "newly": 0, "away": 0}
    for day in range(0, 400, 4):
        before = set(lanes.offline)
        lanes.begin(day)
        reached = {lane for name in NODES for lane in lanes.before(name)}
        away = {lane for lane in lanes.offline if lane not in lanes.newly}
        assert reached == {lane for all_of in lanes.all.values() for lane in all_of} - away
        assert lanes.newly <= reached
        back = before - lanes.offline.keys()
        assert back <= reached
        for word, found in (("back", back), ("newly", lanes.newly), ("away", away)):
            seen[word] += len(found)
    assert all(seen.values()), seen  # some stay away over two busy days
