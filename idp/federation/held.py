"""Statements of others as they came with the chains that are held: an explanation of what is believed asks nobody."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from idp.federation.discovery import statement_url
from idp.federation.models import ChainCache
from idp.protocol.entity_ids import WELL_KNOWN
from idp.protocol.entity_statements import ENTITY_STATEMENT
from idp.protocol.jws import parse_unverified
from idp.protocol.refusals import Refusal

MAX_ROWS = 50  # chains that are looked through for one statement


def text_at(url: str, now: int) -> str | None:
    """The text that a chain held here has for ``url``; None where none has. It is verified by whoever uses it."""
    if url.endswith(WELL_KNOWN):
        return configuration(url.removesuffix(WELL_KNOWN), now)
    subject = next(iter(parse_qs(urlsplit(url).query).get("sub", [])), "")
    for issuer, text in _statements_about(subject, now):
        if _is_told_at(url, issuer, subject, now):
            return text
    return None


def configuration(entity_id: str, now: int) -> str | None:
    """The entity's configuration as last read with a chain of its own that has not expired."""
    names = [entity_id, f"{entity_id}/"]  # a configuration's URL does not tell the two apart (Federation §9)
    rows = ChainCache.objects.filter(subject__in=names, **_good(now)).order_by("-searched_at")
    return next((str(row.statements[0]) for row in rows if row.statements), None)


def _statements_about(subject: str, now: int) -> Iterator[tuple[str, str]]:
    """(issuer, text), of the chain that was found last first."""
    if not subject:
        return
    rows = ChainCache.objects.filter(members__contains=f"\n{subject}\n", **_good(now)).order_by("-searched_at")
    for row in rows[:MAX_ROWS]:
        for text in row.statements[1:]:
            claims = parse_unverified(text, ENTITY_STATEMENT).claims
            if claims.get("sub") == subject != claims.get("iss"):
                yield str(claims.get("iss")), text


def _good(now: int) -> dict[str, Any]:
    return {"failure": "", "expires_at__gt": now}


def _is_told_at(url: str, issuer: str, subject: str, now: int) -> bool:
    superior = configuration(issuer, now)
    if superior is None:
        return False
    metadata = parse_unverified(superior, ENTITY_STATEMENT).claims.get("metadata", {})
    try:
        return statement_url(metadata, subject) == url
    except Refusal:
        return False
