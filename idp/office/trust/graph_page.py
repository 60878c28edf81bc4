"""The trust graph in the admin site: a picture, and the same facts as a table."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from idp import admin as site
from idp import clock
from idp.federation.columns import shown
from idp.office.trust import facts
from idp.office.trust.graph import Graph, Node, Sort, State, Tie
from idp.office.trust.layout import BOX, arrange

SIGNS = {State.BROKEN: "✕", State.SOON: "△", State.OFF: "○", State.WELL: "●"}
SORTS = {
    Sort.ANCHOR: _("this authority"),
    Sort.PEER: _("peer"),
    Sort.CHECKPOINT: _("checkpoint"),
    Sort.SUBORDINATE: _("subordinate"),
    Sort.CLIENT: _("client"),
    Sort.OTHER: _("entity"),
}
STATES = {
    State.BROKEN: _("broken"),
    State.SOON: _("look at it"),
    State.OFF: _("not in use"),
    State.WELL: _("well"),
}
TIES = {
    Tie.STATEMENT: _("vouches for it"),
    Tie.MARK: _("recognises this authority"),
    Tie.REGISTRATION: _("registered it without a chain"),
}


@dataclass(frozen=True)
class Row:
    """One entity as the table shows it."""

    node: Node
    sort: Any
    state: Any
    sign: str
    above: list[tuple[str, Any, str]]  # (superior, what it says, until)


@site.page(
    "trust/graph/", name="trust-graph", title=_("Trust graph"), section="trust", permission="federation.view_peer"
)
def trust_graph(request: HttpRequest) -> HttpResponse:
    """Who vouches for whom, until when, and what is wrong."""
    graph = facts.trust_graph(clock.now())
    picture = arrange(graph)
    width, height = BOX
    return site.rendered(
        request,
        "office/trust_graph.html",
        title=_("Trust graph"),
        picture=picture,
        boxes=[(box, SIGNS[box.node.state], STATES[box.node.state], SORTS[box.node.sort]) for box in picture.boxes],
        lines=[(line, shown(line.edge.until), TIES[line.edge.tie]) for line in picture.lines],
        box_width=width,
        box_height=height,
        rows=rows(graph),
        left_out=facts.left_out(graph),
    )


def rows(graph: Graph) -> list[Row]:
    """The table: those in trouble first, the anchor before its equals."""
    order = list(State)
    found = [
        Row(
            node,
            SORTS[node.sort],
            STATES[node.state],
            SIGNS[node.state],
            [(edge.superior, TIES[edge.tie], shown(edge.until)) for edge in graph.above(node.entity_id)],
        )
        for node in graph.nodes
    ]
    return sorted(found, key=lambda row: order.index(row.node.state))
