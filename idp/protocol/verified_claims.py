"""Asking for verified claims (OpenID Connect for Identity Assurance 1.0, IDA, §5.3 to §5.6), read strictly.

``{"verification": {"trust_framework": …, "time": …, "verification_process": …, "evidence": [{"type": {"value": …},
"check_details": […], "document_details": {…}}]}, "claims": {NAME: …}}``, or an array of these. Each leaf is null or
``{"essential", "value", "values", "max_age", "purpose"}``. An element that we do not know is ignored, as the schema
asks (IDA Schema Definition §5.2); but not a condition in it (IDA §5.5.1): that stays, as one that nothing meets.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idp.protocol import requested_claim, strict_json
from idp.protocol.refusals import Reason, Refusal

MAX_REQUESTS = 4  # in one place
MAX_CLAIMS = 64  # of one request, as in the claims parameter itself
MAX_BYTES = 8192
MAX_DEPTH = 12  # the deepest leaf that we know is at 6
PURPOSE = (3, 300)  # characters, as in the drafts up to the third; the final text has no purpose any more
EVIDENCE, NUMBER = "evidence", "document_number"  # what may be withheld of the verification (`narrow`)
DOCUMENT = "document"  # the one type of evidence that we have (IDA Schema Definition §5.4.4)

Request = Mapping[str, Any]
Requests = Request | Sequence[Request]  # as they came: one, or an array

_LEAF = (*requested_claim.MEMBERS, "max_age", "purpose")
_CONDITIONS = frozenset({"value", "values", "max_age"})
_NEVER: Mapping[str, Any] = {"values": []}


@dataclass(frozen=True)
class _Array:
    item: Mapping[str, Any]
    limit: int


_CHECK: Mapping[str, Any] = dict.fromkeys(("check_method", "organization", "check_id", "time"))
_ISSUER: Mapping[str, Any] = dict.fromkeys(
    (
        *("name", "country", "country_code", "jurisdiction"),
        *("formatted", "street_address", "locality", "region", "postal_code"),
    )
)
_DETAILS: Mapping[str, Any] = {
    **dict.fromkeys(("type", NUMBER, "serial_number", "date_of_issuance", "date_of_expiry")),
    "issuer": _ISSUER,
}
_EVIDENCE: Mapping[str, Any] = {"type": None, "check_details": _Array(_CHECK, 8), "document_details": _DETAILS}
_VERIFICATION: Mapping[str, Any] = {
    **dict.fromkeys(("trust_framework", "assurance_level", "time", "verification_process")),
    EVIDENCE: _Array(_EVIDENCE, 4),
}


def parse(value: object) -> Requests:
    """``verified_claims`` of one place, with what we know of it. Raises `Refusal` (malformed)."""
    if _depth(value) > MAX_DEPTH or len(strict_json.dumps(value)) > MAX_BYTES:
        raise Refusal(Reason.MALFORMED, "verified_claims are too deep or too long")
    if not isinstance(value, list):
        return _request(value)
    if not 1 <= len(value) <= MAX_REQUESTS:
        raise Refusal(Reason.MALFORMED, f"not 1 to {MAX_REQUESTS} verified_claims")
    return [_request(item) for item in value]


def each(requests: Requests) -> Sequence[Request]:
    """The requests one by one."""
    return [requests] if isinstance(requests, Mapping) else requests


def names(requests: Requests) -> set[str]:
    """What is asked for: claims without their language, and `EVIDENCE` and `NUMBER`, where these are."""
    found = {name.partition("#")[0] for request in each(requests) for name in request["claims"]}
    for request in each(requests):
        for evidence in request["verification"].get(EVIDENCE, []):
            found |= {EVIDENCE} | ({NUMBER} & set(evidence.get("document_details", {})))
    return found


def essential(requests: Requests) -> set[str]:
    """The claims, without their language, that the client says it needs."""
    return {
        name.partition("#")[0]
        for request in each(requests)
        for name, wanted in request["claims"].items()
        if wanted and wanted.get("essential") is True
    }


def purposes(requests: Requests) -> dict[str, list[str]]:
    """What the client says that it wants each claim for, in its own words, by name without language."""
    said: dict[str, list[str]] = {}
    for request in each(requests):
        for name, wanted in request["claims"].items():
            if wanted and "purpose" in wanted and wanted["purpose"] not in said.setdefault(name.partition("#")[0], []):
                said[name.partition("#")[0]].append(wanted["purpose"])
    return said


def narrow(requests: Requests, allowed: Collection[str]) -> Requests | None:
    """What is left of ``requests`` where only ``allowed`` (see `names`) may be told; None for nothing.

    A request that makes a condition of what may not be told is left out with it, as are the claims: an answer would
    say that the condition is met.
    """
    left = [kept for request in each(requests) if (kept := _narrowed(request, allowed)) is not None]
    if not left:
        return None
    return left[0] if isinstance(requests, Mapping) else left


def binds(asked: Any) -> bool:
    """Whether ``asked``, a part of a verification, makes a condition: of a value or an age, or of being told."""
    if isinstance(asked, Mapping):
        if _CONDITIONS & set(asked) or asked.get("essential") is True:
            return True
        return any(binds(item) for item in asked.values())
    return isinstance(asked, list) and any(binds(item) for item in asked)


def _narrowed(request: Request, allowed: Collection[str]) -> Request | None:
    claims = {name: wanted for name, wanted in request["claims"].items() if name.partition("#")[0] in allowed}
    verification = dict(request["verification"])
    if EVIDENCE in verification:
        kept = list(_evidence_left(verification.pop(EVIDENCE), allowed))
        if not kept:
            return None
        if EVIDENCE in allowed:
            verification[EVIDENCE] = kept
    return {"verification": verification, "claims": claims} if claims else None


def _evidence_left(filters: Sequence[Request], allowed: Collection[str]) -> Iterator[Request]:
    """The filters that can still be met, without what may not be told."""
    for evidence in filters:
        details = dict(evidence.get("document_details", {}))
        if NUMBER not in allowed and binds(details.pop(NUMBER, None)):
            continue
        if EVIDENCE not in allowed and not _says_nothing(evidence):
            continue
        yield {**evidence, "document_details": details} if "document_details" in evidence else evidence


def _says_nothing(evidence: Request) -> bool:
    """Whether all that a filter makes a condition is that there be a document, which stands behind every answer."""
    kind = {name: item for name, item in evidence["type"].items() if name != "value"}
    return evidence["type"]["value"] == DOCUMENT and not binds({**evidence, "type": kind})


def _request(value: object) -> Request:
    if not isinstance(value, Mapping) or not isinstance(value.get("verification"), Mapping):
        raise Refusal(Reason.MALFORMED, "verified_claims without verification")
    verification = _object(value["verification"], _VERIFICATION)
    if "trust_framework" not in verification:  # IDA §5.4: all that shall be told is asked for, and this always is
        raise Refusal(Reason.MALFORMED, "verification without trust_framework")
    for evidence in verification.get(EVIDENCE, []):
        _check_kind(evidence.get("type"))
    claims = value.get("claims")
    if not isinstance(claims, Mapping) or not 1 <= len(claims) <= MAX_CLAIMS:
        raise Refusal(Reason.MALFORMED, f"verified_claims without 1 to {MAX_CLAIMS} claims")
    return {"verification": verification, "claims": {name: _leaf(item) for name, item in claims.items()}}


def _check_kind(wanted: requested_claim.Wanted) -> None:
    """IDA §5.4: an entry of ``evidence`` says of which one type it is."""
    if wanted is None or not isinstance(wanted.get("value"), str) or "values" in wanted:
        raise Refusal(Reason.MALFORMED, "evidence whose type is not one value")


def _object(value: object, shape: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Refusal(Reason.MALFORMED, "a part of verification is not an object")
    kept: dict[str, Any] = {}
    for name, item in value.items():
        if name not in shape:
            kept |= {name: _NEVER} if name in _CONDITIONS or _has_condition(item) else {}
        elif shape[name] is None:
            kept[name] = _leaf(item)
        elif item is not None:  # null asks for nothing of what is inside
            kept[name] = _array(item, shape[name]) if isinstance(shape[name], _Array) else _object(item, shape[name])
    return kept


def _array(value: object, shape: _Array) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not 1 <= len(value) <= shape.limit:
        raise Refusal(Reason.MALFORMED, f"a part of verification is not an array of 1 to {shape.limit}")
    return [_object(item, shape.item) for item in value]


def _leaf(item: object) -> dict[str, Any] | None:
    wanted = requested_claim.read(item, members=_LEAF)
    if wanted is None:
        return None
    shortest, longest = PURPOSE
    purpose, age = wanted.get("purpose", " " * shortest), wanted.get("max_age", 0)
    if not isinstance(purpose, str) or not shortest <= len(purpose) <= longest:
        raise Refusal(Reason.MALFORMED, f"a purpose is not a text of {shortest} to {longest} characters")
    if not isinstance(age, int) or isinstance(age, bool) or age < 0:
        raise Refusal(Reason.MALFORMED, "max_age is not a number of seconds")
    return wanted


def _has_condition(item: Any) -> bool:
    if isinstance(item, Mapping):
        return any(name in _CONDITIONS or _has_condition(inner) for name, inner in item.items())
    return isinstance(item, list) and any(_has_condition(inner) for inner in item)


def _depth(value: object) -> int:
    """How deep objects and arrays stand in each other; never more than one beyond `MAX_DEPTH` is looked at."""
    level, depth = [value], 0
    while depth <= MAX_DEPTH:
        level = [inner for item in level for inner in _inside(item)]
        if not level:
            break
        depth += 1
    return depth


def _inside(item: Any) -> Collection[Any]:
    if isinstance(item, Mapping):
        return item.values()
    return item if isinstance(item, list) else ()
