"""The trust graph: nothing is missing, nothing overlaps, and what is wrong shows."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.federation import peering
from idp.federation.models import ChainCache, Peer, Statement
from idp.office.trust import facts
from idp.office.trust.graph import Edge, Graph, Node, Sort, State, Tie, drawn
from idp.office.trust.layout import BOX, WORDS, arrange, cut
from tests.border.world import NODE, OFFICER
from tests.office.trust.conftest import Trusted

names = st.sampled_from([f"https://e{number}.example" for number in range(8)])


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """An anchor and others, with any statements between them: loops, orphans, two superiors."""
    sorts = st.sampled_from([sort for sort in Sort if sort is not Sort.ANCHOR])
    others = draw(st.lists(names, unique=True, max_size=8))
    nodes = [Node("https://anchor.example", Sort.ANCHOR), *(Node(name, draw(sorts)) for name in others)]
    ends = st.sampled_from([node.entity_id for node in nodes])
    ties = st.lists(st.tuples(ends, ends, st.sampled_from(Tie)).filter(lambda tie: tie[0] != tie[1]), unique=True)
    return Graph(tuple(nodes), tuple(Edge(*tie) for tie in draw(ties)))


@given(graphs())
def test_an_entity_has_no_box_or_lies_under_another(graph: Graph) -> None:
    picture = arrange(graph)
    assert sorted(box.node.entity_id for box in picture.boxes) == sorted(node.entity_id for node in graph.nodes)
    assert len(picture.lines) == len(graph.edges)
    for place, box in enumerate(picture.boxes):
        assert 0 < box.x <= picture.width - BOX[0] and 0 < box.y <= picture.height - BOX[1]
        for other in picture.boxes[:place]:
            assert box.x != other.x or abs(box.y - other.y) > BOX[1]


@given(st.text(max_size=80), st.integers(3, 40))
def test_a_long_name_leaves_its_box(text: str, room: int) -> None:
    found = cut(text, room)
    wide = sum(2 if cut(letter, 1) != letter else 1 for letter in found)
    assert wide <= room
    assert found == text or "…" in found


def test_a_name_that_fits_is_cut() -> None:
    assert cut("x" * WORDS, WORDS) == "x" * WORDS
    assert cut("口岸" * 10, WORDS) != "口岸" * 10


def test_those_in_trouble_are_left_out_first() -> None:
    nodes = [Node(f"https://c{n:02}.example", Sort.CLIENT) for n in range(5)]
    nodes.append(Node("https://z.example", Sort.CLIENT, state=State.BROKEN))
    graph = drawn(nodes, [Edge("https://z.example", "https://c04.example", Tie.STATEMENT)], most=2)
    assert [node.entity_id for node in graph.nodes] == ["https://z.example", "https://c00.example"]
    assert graph.left_out == {Sort.CLIENT: 4}
    assert graph.edges == ()


def test_one_direction_of_recognition_is_missing(trusted: Trusted) -> None:
    graph = facts.trust_graph(trusted.now)
    ties = {(edge.superior, edge.subject): edge for edge in graph.edges}
    out, back = ties[NODE, trusted.cn], ties[trusted.cn, NODE]
    assert (out.tie, back.tie) == (Tie.STATEMENT, Tie.MARK)
    assert out.until == Statement.objects.get(issuer=NODE, subject=trusted.cn).expires_at
    assert back.until == trusted.now + 3600
    assert (NODE, trusted.mo) not in ties, "nobody vouches for a peer that is only proposed"
    assert (trusted.cn, trusted.client.entity_id) in ties
    assert (NODE, trusted.world.checkpoint.entity_id) in ties


def test_what_an_entity_is_or_what_is_wrong_with_it_does_not_show(trusted: Trusted) -> None:
    nodes = {node.entity_id: node for node in facts.trust_graph(trusted.now).nodes}
    assert nodes[NODE].sort is Sort.ANCHOR
    assert nodes[trusted.cn].sort is Sort.PEER and nodes[trusted.cn].marks == (f"{NODE}/trust-marks/border-issuer",)
    assert nodes[trusted.client.entity_id].sort is Sort.CLIENT
    assert nodes[trusted.world.checkpoint.entity_id].sort is Sort.CHECKPOINT
    assert "nobody answers" in nodes[trusted.mo].troubles[0]
    peering.suspend(Peer.objects.get(entity_id=trusted.cn), officer=OFFICER)
    assert ChainCache.objects.filter(members__contains=trusted.cn).count() == 0
    suspended = {node.entity_id: node for node in facts.trust_graph(trusted.now).nodes}
    assert suspended[trusted.cn].state is State.BROKEN


def test_a_statement_that_has_run_out_looks_well(trusted: Trusted) -> None:
    Statement.objects.filter(subject=trusted.cn).update(expires_at=trusted.now)
    (edge,) = [edge for edge in facts.trust_graph(trusted.now).above(trusted.cn) if edge.superior == NODE]
    assert edge.state is State.BROKEN


def test_the_page_shows_less_than_the_graph(trust_officer: Any, trusted: Trusted) -> None:
    text = trust_officer.get("/admin/trust/graph/").content.decode()
    for name in (NODE, trusted.cn, trusted.mo, trusted.client.entity_id, trusted.world.checkpoint.entity_id):
        assert text.count(f"<code>{name}</code>") + text.count(f">{name}</a>") >= 1, name
    assert "<svg" in text and "style=" not in text.partition("<svg")[2].partition("</svg>")[0]


@pytest.mark.parametrize("path", ["graph/", "entity/?id=http://hk.localhost:8002"])
def test_an_officer_without_the_right_looks_at_the_graph(outsider: Any, path: str) -> None:
    assert outsider.get(f"/admin/trust/{path}").status_code == 403
