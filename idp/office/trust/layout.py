"""Where the boxes and lines of the trust graph go; pure. Lengths are in the SVG's own units, about a pixel each.

Three columns: this node; what it speaks for; what those speak for. A box stands beside its first superior, so that
lines to one column never cross within a family.
"""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from idp.office.trust.graph import Edge, Graph, Node, Tie

BOX = (218, 50)
GAP = 18  # between two boxes of a column
COLUMN = 330  # from one column's left side to the next
MARGIN = 10
WORDS = 29  # Latin letters of the small print that a box has room for; a Chinese character takes two


@dataclass(frozen=True)
class Box:
    """One entity in its place; ``title`` and ``line`` are cut to what there is room for."""

    node: Node
    x: int
    y: int
    title: str
    line: str

    @property
    def middle(self) -> int:
        return self.y + BOX[1] // 2


@dataclass(frozen=True)
class Line:
    """One edge as the data of an SVG path, and where its label goes (right-aligned)."""

    edge: Edge
    path: str
    x: int
    y: int


@dataclass(frozen=True)
class Picture:
    """Everything that the template draws."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def arrange(graph: Graph) -> Picture:
    """Give every node a place and every edge a line."""
    if not graph.nodes:
        return Picture(2 * MARGIN, 2 * MARGIN, (), ())
    anchor, *others = graph.nodes
    families = _families(anchor, others, graph.edges)
    boxes: list[Box] = []
    y = MARGIN
    for head, below in families:
        rows = max(1, len(below))
        height = rows * BOX[1] + (rows - 1) * GAP
        boxes.append(_box(head, 1, y + (height - BOX[1]) // 2))
        boxes += [_box(node, 2, y + place * (BOX[1] + GAP)) for place, node in enumerate(below)]
        y += height + GAP
    bottom = max(y - GAP, MARGIN + BOX[1])
    boxes.insert(0, _box(anchor, 0, (MARGIN + bottom - BOX[1]) // 2))
    columns = 1 + max((box.x - MARGIN) // COLUMN for box in boxes)
    width = 2 * MARGIN + (columns - 1) * COLUMN + BOX[0]
    return Picture(width, bottom + MARGIN, tuple(boxes), tuple(_lines(boxes, graph.edges)))


def cut(text: str, room: int) -> str:
    """The text with its middle left out where it is wider than ``room`` letters."""
    if sum(map(_width, text)) <= room:
        return text
    head, tail, left = "", "", room - 1
    ends = [0, len(text) - 1]
    while ends[0] <= ends[1]:
        front = _shorter(head, tail)
        letter = text[ends[0] if front else ends[1]]
        left -= _width(letter)
        if left < 0:
            break
        head, tail = (head + letter, tail) if front else (head, letter + tail)
        ends = [ends[0] + 1, ends[1]] if front else [ends[0], ends[1] - 1]
    return f"{head}…{tail}"


def _shorter(head: str, tail: str) -> bool:
    return len(head) <= len(tail)


def _width(letter: str) -> int:
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _families(anchor: Node, others: Sequence[Node], edges: Sequence[Edge]) -> list[tuple[Node, list[Node]]]:
    """What stands in the middle column, each with what stands beside it in the last."""
    by_name = {node.entity_id: node for node in others}
    first: dict[str, str] = {}
    for edge in edges:
        if edge.tie is not Tie.MARK:
            first.setdefault(edge.subject, edge.superior)
    families: dict[str, list[Node]] = {}
    for node in others:
        head = _head(node.entity_id, first, by_name)
        beside = families.setdefault(head, [])
        if head != node.entity_id:
            beside.append(node)
    return [(by_name[name], below) for name, below in families.items()]


def _head(entity_id: str, first: Mapping[str, str], among: Collection[str]) -> str:
    """The highest superior under the anchor; of a loop the first by name, from wherever it is entered."""
    seen = [entity_id]
    while (superior := first.get(seen[-1], "")) in among:
        if superior in seen:
            return min(seen)
        seen.append(superior)
    return seen[-1]


def _box(node: Node, column: int, y: int) -> Box:
    host = node.entity_id.partition("://")[2] or node.entity_id
    title = node.name or host
    line = host if node.name else node.standing
    return Box(node, MARGIN + column * COLUMN, y, cut(title, WORDS - 7), cut(line, WORDS))


def _lines(boxes: Sequence[Box], edges: Sequence[Edge]) -> list[Line]:
    places = {box.node.entity_id: box for box in boxes}
    both = {edge.superior for edge in edges if edge.tie is Tie.MARK}
    found = []
    for edge in edges:
        start, end = places[edge.superior], places[edge.subject]
        if edge.tie is Tie.MARK:  # from the peer back to this node, below the line that goes out to it
            found.append(_line(edge, start, end, shift=11, back=True))
        else:
            found.append(_line(edge, start, end, shift=-9 if edge.subject in both else 0, back=start.x >= end.x))
    return found


def _line(edge: Edge, start: Box, end: Box, *, shift: int, back: bool) -> Line:
    left, right = (end, start) if back else (start, end)
    x1, y1 = left.x + BOX[0], left.middle + shift
    x2, y2 = right.x, right.middle + shift
    if back:
        x1, y1, x2, y2 = x2, y2, x1, y1
    bend = (x2 - x1) // 2
    path = f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    return Line(edge, path, right.x - 14, right.middle + shift + (14 if shift > 0 else -5))
