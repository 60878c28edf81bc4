"""What holds for every graph: bounds, order of hints, and no surprise. Pure; the documents are signed for real."""

import itertools
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from idp.federation.discovery import Bounds, Discovery, discover
from idp.protocol.entity_ids import WELL_KNOWN
from idp.protocol.keys import KeySet, generate
from tests.conftest import NOW
from tests.simulators.federation import AuthoritySimulator, Federation

SIZE = 7
KEYS = [generate() for _ in range(SIZE)]  # made once: what is asked of them is the same in every graph
JUNK = ["", "x", "a.b.c", "e30.e30.", "{}", "x" * 2100]
TIGHT = [Bounds(hints=3, fetches=12, ways=9), Bounds(depth=2), Bounds(max_bytes=2000, all_bytes=2500)]


@dataclass
class World:
    """A random graph: who vouches for whom, who names whom, who is down and who talks nonsense."""

    vouches: set[tuple[int, int]]
    hints: dict[int, list[int]]
    anchors: set[int]
    down: set[int] = field(default_factory=set)
    junk: dict[int, str] = field(default_factory=dict)

    def federation(self, *, turned: int = 0) -> Federation:
        """Its network; ``turned`` turns every array of hints by so many places."""
        federation = Federation(NOW)
        members = [_member(federation, place) for place in range(SIZE)]
        for superior, subordinate in sorted(self.vouches):
            members[superior].recognise(members[subordinate], hinted=False)
        for place, named in self.hints.items():
            shift = turned % len(named) if named else 0
            members[place].hints = [members[other].entity_id for other in named[shift:] + named[:shift]]
        federation.down = {f"e{place}.example" for place in self.down}
        federation.pages = {_name(place) + WELL_KNOWN: text for place, text in self.junk.items()}
        return federation

    def find(self, *, turned: int = 0, bounds: Bounds | None = None, immediate: bool = False) -> Discovery:
        federation = self.federation(turned=turned)
        pins = {_name(place): KeySet([KEYS[place % SIZE].public]) for place in self.anchors}
        return discover(_name(0), anchors=pins, fetch=federation.fetch, now=NOW, bounds=bounds, immediate=immediate)


def _name(place: int) -> str:
    return f"https://e{place}.example"


def _member(federation: Federation, place: int) -> AuthoritySimulator:
    member = federation.authority(_name(place))
    member.key = KEYS[place]
    return member


PLACES = st.integers(0, SIZE - 1)
PAIRS = [pair for pair in itertools.product(range(SIZE), repeat=2) if pair[0] != pair[1]]


@st.composite
def _worlds(draw: st.DrawFn) -> World:
    """Dense enough to lead somewhere: most who vouch are named, in any order, with some who do not vouch."""
    vouches = draw(st.sets(st.sampled_from(PAIRS), min_size=12))
    hints = {}
    for place in range(SIZE):
        named = [superior for superior, subordinate in vouches if subordinate == place]
        others = draw(st.sets(PLACES, max_size=2)) - set(named)
        hints[place] = draw(st.permutations(sorted({*named, *others})))
    return World(
        vouches,
        hints,
        anchors=draw(st.sets(st.integers(1, SIZE + 2), min_size=1, max_size=2)),  # some in no graph
        down=draw(st.sets(PLACES, max_size=1)),
        junk=draw(st.dictionaries(PLACES, st.sampled_from(JUNK), max_size=1)),
    )


WORLDS = _worlds()


@given(WORLDS)
def test_no_graph_makes_the_resolver_exceed_its_bounds(world: World) -> None:
    for bounds in TIGHT:
        found = world.find(bounds=bounds)
        assert found.fetches <= bounds.fetches
        assert found.read <= bounds.all_bytes + max(map(len, JUNK)), "the last one may pass the bound"
        assert found.chain is None or len(found.chain.path) <= bounds.depth + 1
        assert all(len(attempt.path) <= bounds.depth + 2 for attempt in found.attempts)
        assert len(found.attempts) <= (bounds.ways + 1) * (bounds.hints + 1)
        assert found.tree().startswith(_name(0))


@given(WORLDS, st.integers(1, SIZE))
@settings(max_examples=40)
def test_what_validates_still_validates_whatever_the_order_of_hints(world: World, turned: int) -> None:
    """Under tight bounds too: no place in an array may hide a superior."""
    for bounds in (None, *TIGHT):
        first, second = world.find(bounds=bounds), world.find(turned=turned, bounds=bounds)
        assert (first.chain is None) == (second.chain is None)
        if first.chain is not None and second.chain is not None:
            assert first.chain.path == second.chain.path


@given(WORLDS)
@settings(max_examples=40)
def test_a_chain_is_found_exactly_where_there_is_a_way(world: World) -> None:
    """Beside a resolver of four lines that sees the whole graph: every way up, with the shortest first."""
    sound = set(range(SIZE)) - world.down - world.junk.keys()
    ways = [(0,)] if 0 in sound else []
    lengths = [len(way) for way in ways if way[-1] in world.anchors]
    while ways:
        further = [(*way, up) for way in ways if way[-1] not in world.anchors for up in world.hints.get(way[-1], [])]
        ways = [
            way
            for way in further
            if way[-1] in sound and way[-2:][::-1] in world.vouches and way.index(way[-1]) == len(way) - 1
        ]
        lengths += [len(way) for way in ways if way[-1] in world.anchors]
    found = world.find(bounds=Bounds(fetches=500, ways=5000))
    assert (found.chain is not None) == bool(lengths), found.tree()
    if found.chain is not None:
        assert len(found.chain.path) == min(lengths)


@given(WORLDS)
@settings(max_examples=40)
def test_an_immediate_chain_has_no_intermediate_and_asks_nobody_else(world: World) -> None:
    found = world.find(immediate=True)
    if found.chain is not None:
        assert len(found.chain.path) <= 2
    asked = {attempt.path for attempt in found.attempts if len(attempt.path) > 2}
    assert not asked
