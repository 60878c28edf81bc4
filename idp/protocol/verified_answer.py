"""Answering a request for verified claims (OpenID Connect for Identity Assurance 1.0, IDA, §5.7 and §7).

Of what a verification states, that is told which was asked for. Where it does not meet a condition (``value``,
``values``, ``max_age``), nothing is told, the claims included, and that is no error (§5.7.4). It is the same where
something that was called essential cannot be told: IDA leaves that to the provider (§7).
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idp.protocol import claims_answer, requested_claim
from idp.protocol.claims_answer import Facts
from idp.protocol.travel_rules import HONG_KONG
from idp.protocol.verified_claims import Request, Requests, binds, each

# What an answer must have (IDA Schema Definition §5.4.2, §5.4.4): where it was not asked for, the part is not told.
_REQUIRED = {"check_details": "check_method", "document_details": "type", "evidence": "type"}
_LAST_SECOND = datetime.time(23, 59, 59)


@dataclass(frozen=True)
class Record:
    """One verification of somebody, and the claims that it verified.

    ``verification`` is as on the wire, whole, but for times: `datetime.date` and aware `datetime.datetime`.
    """

    verification: Mapping[str, Any]
    facts: Facts


class _Unmet(Exception):
    """The verification is not as the request wants it."""


def answer(
    requests: Requests, records: Sequence[Record], *, now: int, locales: str = ""
) -> dict[str, Any] | list[dict[str, Any]] | None:
    """``verified_claims`` for ``requests``, by the first of ``records`` that meets each; None where none does.

    An array of requests is answered by an array, of those that can be met (§5.6). ``now`` is in seconds since 1970,
    ``locales`` as for `claims_answer.answer`.
    """
    told = [found for request in each(requests) if (found := _answer(request, records, now, locales)) is not None]
    if not told:
        return None
    return told[0] if isinstance(requests, Mapping) else told


def _answer(request: Request, records: Sequence[Record], now: int, locales: str) -> dict[str, Any] | None:
    for record in records:
        try:
            verification = _members(request["verification"], record.verification, now)
        except _Unmet:
            continue
        wanted = {name: item for name, item in request["claims"].items() if _is_young(name, item, record.facts, now)}
        if claims := claims_answer.answer(wanted, record.facts, locales=locales):
            return {"verification": verification, "claims": claims}
    return None


def _members(asked: Mapping[str, Any], known: Mapping[str, Any], now: int) -> dict[str, Any]:
    """The members of an object; what is empty in the end is left out (§5.7.5). Raises `_Unmet`."""
    told = {}
    for name, wanted in asked.items():
        found = _one(name, wanted, known.get(name), now)
        if found is not None:
            told[name] = found
        elif _is_essential(wanted):
            raise _Unmet
    return told


def _one(name: str, wanted: Any, known: Any, now: int) -> Any:
    """What is told of one element; None where there is nothing to tell. Raises `_Unmet`."""
    if known is None:
        if binds(wanted):
            raise _Unmet
        return None
    if isinstance(wanted, list):
        return _listed(name, wanted, known, now)
    if isinstance(known, Mapping):
        return _whole(name, _members(wanted, known, now))
    if not _meets(wanted, known, now):
        raise _Unmet
    return _wire(known)


def _listed(name: str, filters: Sequence[Mapping[str, Any]], known: Sequence[Mapping[str, Any]], now: int) -> Any:
    """Of an array what any of ``filters`` lets through, told as the first that does so asks (§5.4)."""
    met = [found for item in known if (found := _filtered(filters, item, now)) is not None]
    if not met:
        raise _Unmet
    return [found for found in met if _whole(name, found)] or None


def _filtered(filters: Sequence[Mapping[str, Any]], known: Mapping[str, Any], now: int) -> dict[str, Any] | None:
    for asked in filters:
        try:
            return _members(asked, known, now)
        except _Unmet:
            continue
    return None


def _whole(name: str, told: dict[str, Any]) -> dict[str, Any] | None:
    """``told`` if it has what every answer has."""
    return told if told and _REQUIRED.get(name) in (None, *told) else None


def _is_essential(asked: Any) -> bool:
    if isinstance(asked, Mapping):
        return asked.get("essential") is True or any(_is_essential(item) for item in asked.values())
    return isinstance(asked, list) and any(_is_essential(item) for item in asked)


def _meets(wanted: requested_claim.Wanted, known: Any, now: int) -> bool:
    if wanted is None:
        return True
    if "max_age" in wanted and _age(known, now) > wanted["max_age"]:
        return False
    return requested_claim.accepts(wanted, _wire(known))


def _age(known: Any, now: int) -> float:
    """Seconds since the last second that ``known`` may mean (§5.5.2); what is no time is older than any age."""
    if isinstance(known, datetime.datetime):
        return now - known.timestamp()
    if isinstance(known, datetime.date):
        return now - datetime.datetime.combine(known, _LAST_SECOND, HONG_KONG).timestamp()
    return float("inf")


def _wire(known: Any) -> Any:
    """Times in UTC, which tells of no place (§9)."""
    if isinstance(known, datetime.datetime):
        return known.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return known.isoformat() if isinstance(known, datetime.date) else known


def _is_young(name: str, wanted: requested_claim.Wanted, facts: Facts, now: int) -> bool:
    """Whether a claim is as young as the client wants it; one that is no date is not."""
    if wanted is None or "max_age" not in wanted:
        return True
    try:
        return bool(_age(datetime.date.fromisoformat(facts.values[name]), now) <= wanted["max_age"])
    except (KeyError, TypeError, ValueError):
        return False
