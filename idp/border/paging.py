"""Pages of a long list by keyset: where a page begins is said by the row before it, not by a count.

So a page takes as long far behind as in front, and rows that come in between neither repeat others nor hide them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Q, QuerySet
from rest_framework.request import Request

from idp.conf import authority
from idp.protocol import strict_json
from idp.protocol.refusals import Reason, Refusal

LIMIT, MAX_LIMIT = 50, 200  # rows in a page
MAX_CURSOR = 128  # characters
_HIGHEST = 2**53 - 1  # strict_json's, and below what a database column takes


@dataclass(frozen=True)
class Page:
    """Some rows, newest first, and the cursor of what follows; none where nothing does."""

    rows: Sequence[Any]
    after: str | None


def page(rows: QuerySet[Any], *, order: Sequence[str], after: str, limit: int) -> Page:
    """The page of ``rows`` behind the cursor ``after`` ("" for the first), at most ``limit`` long.

    ``order``: integer columns, never null and together unique, of which the highest comes first.
    Raises `Refusal` (malformed) for a cursor that is none.
    """
    behind = rows.filter(_behind(order, _position(after, len(order)))) if after else rows
    found = list(behind.order_by(*(f"-{name}" for name in order))[: limit + 1])
    more = len(found) > limit
    return Page(found[:limit], _cursor(found[limit - 1], order) if more else None)


def envelope(
    request: Request, found: Page, facts: Callable[[Any], Mapping[str, Any]], **same: object
) -> dict[str, Any]:
    """``{"items", "next"}``; next is the URL of the next page, from the configured base, or null.

    ``same``: parameters of the next page that this one had without being asked, and that must not move meanwhile.
    """
    following = None
    if found.after is not None:
        query = request.query_params.copy()
        query["after"] = found.after
        for name, value in same.items():
            query[name] = str(value)
        following = authority().url(f"{request.path}?{query.urlencode()}")
    return {"items": [dict(facts(row)) for row in found.rows], "next": following}


def links(body: Mapping[str, Any]) -> dict[str, str]:
    """The header that says the same as ``next`` (RFC 8288)."""
    return {"Link": f'<{body["next"]}>; rel="next"'} if body["next"] else {}


def _behind(order: Sequence[str], position: Sequence[int]) -> Q:
    """Lower than ``position``, column by column. The first term alone lets an index or a partition be found."""
    found = Q(**{f"{order[0]}__lte": position[0]})
    lower = Q()
    for at, name in enumerate(order):
        equal = Q(**dict(zip(order[:at], position[:at], strict=True)))
        lower |= equal & Q(**{f"{name}__lt": position[at]})
    return found & lower


def _cursor(row: Model, order: Sequence[str]) -> str:
    return strict_json.b64encode(strict_json.dumps([getattr(row, name) for name in order]))


def _position(cursor: str, length: int) -> list[int]:
    if len(cursor) > MAX_CURSOR:
        raise Refusal(Reason.MALFORMED, "cursor")
    found = strict_json.loads(strict_json.b64decode(cursor))
    if not isinstance(found, list) or len(found) != length:
        raise Refusal(Reason.MALFORMED, "cursor")
    if not all(type(each) is int and 0 <= each <= _HIGHEST for each in found):
        raise Refusal(Reason.MALFORMED, "cursor")
    return found
