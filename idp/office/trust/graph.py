"""Whom this authority trusts and who trusts it, as a graph: entities, and what one says about another.

Everything is read from what the node holds; nobody is asked. Recognition has two directions and so two edges. Of each
sort at most `MOST` entities are drawn, those in trouble first, and how many are left out is told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Sort(StrEnum):
    """What an entity is to this node."""

    ANCHOR = "anchor"
    PEER = "peer"
    CHECKPOINT = "checkpoint"
    SUBORDINATE = "subordinate"
    CLIENT = "client"
    OTHER = "other"


class State(StrEnum):
    """How it stands, the worst first."""

    BROKEN = "broken"
    SOON = "soon"
    OFF = "off"  # nobody relies on it just now
    WELL = "well"


class Tie(StrEnum):
    """What an edge says."""

    STATEMENT = "statement"  # a subordinate statement
    MARK = "mark"  # its border issuer's mark for us: it recognises this node
    REGISTRATION = "registration"  # by an officer or dynamically, without a chain


MOST = 40  # of one sort: more boxes than that are no picture
_WORST = list(State)


@dataclass(frozen=True)
class Edge:
    """``superior`` speaks for ``subject`` until ``until`` (seconds since 1970; None: not known or without end)."""

    superior: str
    subject: str
    tie: Tie
    until: int | None = None
    state: State = State.WELL


@dataclass(frozen=True)
class Node:
    """One entity. Texts are in the officer's language."""

    entity_id: str
    sort: Sort
    name: str = ""
    standing: str = ""
    state: State = State.WELL
    marks: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Graph:
    """``nodes`` with the anchor first; ``left_out`` says how many of a sort are not among them."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    left_out: dict[Sort, int] = field(default_factory=dict)

    def above(self, entity_id: str) -> list[Edge]:
        """What is said about the entity."""
        return [edge for edge in self.edges if edge.subject == entity_id]


def worst(states: Iterable[State]) -> State:
    """The worst of several; well where there is none."""
    return min(states, key=_WORST.index, default=State.WELL)


def drawn(nodes: Sequence[Node], edges: Sequence[Edge], *, most: int = MOST) -> Graph:
    """The graph without what is too much of one sort, and without edges to what is left out."""
    kept: list[Node] = []
    left_out: dict[Sort, int] = {}
    for sort in Sort:
        mine = sorted((node for node in nodes if node.sort is sort), key=_order)
        kept += mine[:most]
        if len(mine) > most:
            left_out[sort] = len(mine) - most
    names = {node.entity_id for node in kept}
    inside = [edge for edge in edges if edge.superior in names and edge.subject in names]
    return Graph(tuple(kept), tuple(inside), left_out)


def _order(node: Node) -> tuple[int, str]:
    return _WORST.index(node.state), node.entity_id
