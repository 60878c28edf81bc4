"""Conditional requests (RFC 9110 §13): an answer has a tag, and who has that already is told so."""

import hashlib
from typing import Any

from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.response import Response

from idp.problems import Problem
from idp.protocol import strict_json

PERSONAL = "no-store"  # of somebody: kept nowhere; the tag is for a change that follows
SHARED = "private, no-cache"  # may be kept, and is asked for again


def tag(value: object) -> str:
    """A strong entity tag of what is answered, which is JSON."""
    return f'"{strict_json.b64encode(hashlib.sha256(strict_json.dumps(value)).digest())}"'


def answer(request: Request, value: Any, *, cache: str = PERSONAL, headers: dict[str, str] | None = None) -> Response:
    """200 with ``value`` and its tag, or 304 where If-None-Match names it (§13.1.2, compared weakly)."""
    found = tag(value)
    told = {**(headers or {}), "ETag": found, "Cache-Control": cache}
    known = [each.removeprefix("W/") for each in parse_etags(request.headers.get("If-None-Match", ""))]
    if found in known or "*" in known:
        return Response(status=304, headers=told)
    return Response(value, headers=told)


def require_match(request: Request, value: Any) -> None:
    """What is to be changed must be as the caller saw it (§13.1.1, compared strongly).

    Belongs into the transaction that has locked the row. Raises `Problem`: precondition_required (RFC 6585 §3) where
    the request does not say what was seen, precondition_failed where it was something else.
    """
    seen = parse_etags(request.headers.get("If-Match", ""))
    if not seen:
        raise Problem("precondition_required", "no If-Match")
    if tag(value) not in seen and seen != ["*"]:
        raise Problem("precondition_failed", "changed since it was read")
