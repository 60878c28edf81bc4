"""One entity of the federation in the admin site: what it says, what is believed of it, and why."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from idp import admin as site
from idp import clock
from idp.federation.columns import NOTHING, shown
from idp.office.trust import entity
from idp.office.trust.entity import Entity
from idp.protocol.entity_ids import MAX_LENGTH
from idp.protocol.refusals import Refusal

TITLE = _("Entity")
SHORT = 300  # characters of a value in a table; the whole stands below it


@site.page(
    "trust/entity/", name="trust-entity", title=TITLE, section="trust", permission="federation.view_peer", listed=False
)
def trust_entity(request: HttpRequest) -> HttpResponse:
    """By GET from what is held here; by POST after asking the entity and its superiors, of which nothing is kept."""
    entity_id = (request.POST.get("id") or request.GET.get("id", "")).strip()[: MAX_LENGTH + 1]
    asked = request.method == "POST"
    try:
        found = entity.look_at(entity_id, now=clock.now(), ask=asked) if entity_id else None
    except Refusal:
        answer = site.rendered(request, "office/trust_entity.html", title=TITLE, entity_id=entity_id, unsound=True)
        answer.status_code = 400
        return answer
    context = {} if found is None else _context(found)
    return site.rendered(
        request, "office/trust_entity.html", title=TITLE, entity_id=entity_id, asked=asked, found=found, **context
    )


def as_text(value: Any, *, short: bool = False) -> str:
    """A value of metadata as an officer reads it: JSON, or a dash where it is absent."""
    if value is None:
        return NOTHING
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=None if short else 2)
    return f"{text[:SHORT]}…" if short and len(text) > SHORT else text


def _context(found: Entity) -> dict[str, Any]:
    chain = found.found.chain
    return {
        "chain": chain,
        "until": shown(None if chain is None else chain.expires_at),
        "branches": found.found.branches(),
        "said": [
            (said, shown(said.until), as_text(dict(said.policy) or None), as_text(dict(said.constraints) or None))
            for said in found.said
        ],
        "claims": as_text(dict(found.claims) or None),
        "metadata": as_text(dict(found.metadata) or None),
        "changes": [
            (kind, name, as_text(stated, short=True), as_text(resolved, short=True))
            for kind, name, stated, resolved in found.changes
        ],
        "marks": [(mark, shown(mark.until)) for mark in found.marks],
        "failing": [(row, shown(row.since), shown(row.last_at)) for row in found.failures],
        "alarms": [(alarm, shown(alarm.at)) for alarm in found.alarms],
        "held": [(row, shown(row.expires_at), shown(row.refresh_at)) for row in found.held],
    }
