"""The words of an OpenAPI 3.0.3 document that the rooms' descriptions are made of."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings

from idp.border.paging import MAX_CURSOR, MAX_LIMIT
from idp.federation.errors import STATUS
from idp.oidc.errors import OAuthError
from idp.problems import PROBLEMS

Object = dict[str, Any]
JSON, PROBLEM, FORM = "application/json", "application/problem+json", "application/x-www-form-urlencoded"
TEXT: Object = {"type": "string"}
SECONDS: Object = {"type": "integer", "minimum": 0, "description": "seconds since 1970"}
DURATION: Object = {"type": "integer", "minimum": 0, "description": "in seconds"}
COMPACT: Object = {"type": "string", "pattern": r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$"}
# Signed (RFC 7515 §3.1), and perhaps encrypted then (RFC 7516 §3.1).
COMPACT_OR_SEALED: Object = {
    "type": "string",
    "pattern": r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*){2}((\.[A-Za-z0-9_-]+){2})?$",
}
URL: Object = {"type": "string", "format": "uri"}
SECURITY: Object = {
    "accessToken": {
        "type": "http",
        "scheme": "DPoP",
        "description": "a bound access token, with its proof in DPoP (RFC 9449)",
    },
    "bearerToken": {"type": "http", "scheme": "bearer", "description": "an access token that is bound to no key"},
    "clientSecret": {"type": "http", "scheme": "basic", "description": "client_secret_basic (RFC 6749 §2.3.1)"},
    "registrationToken": {"type": "http", "scheme": "bearer", "description": "RFC 7591 §3, RFC 7592 §1.2"},
    "officerSession": {
        "type": "apiKey",
        "in": "cookie",
        "name": settings.SESSION_COOKIE_NAME,
        "description": "of the admin site, with the second factor verified",
    },
    "csrfToken": {"type": "apiKey", "in": "header", "name": "X-CSRFToken", "description": "as the session has it"},
    "lane": {"type": "http", "scheme": "Lane", "description": "a lane's assertion, good once"},
}


def record(required: Mapping[str, Object], optional: Mapping[str, Object] | None = None) -> Object:
    """The schema of an object; members that are not named may be there."""
    found: Object = {"type": "object", "properties": {**required, **(optional or {})}}
    return {**found, "required": list(required)} if required else found


def array(items: Object, **more: Any) -> Object:
    return {"type": "array", "items": items, **more}


def one_of(*values: str) -> Object:
    """A text of a closed list."""
    return {"type": "string", "enum": list(values)}


def texts(*names: str, schema: Object = TEXT) -> dict[str, Object]:
    """Members of one and the same kind."""
    return dict.fromkeys(names, schema)


def query(name: str, *, needed: bool = False, several: bool = False) -> Object:
    schema = array(TEXT) if several else TEXT
    return {"name": name, "in": "query", "required": needed, "schema": schema}


def header(name: str) -> Object:
    return {"name": name, "in": "header", "schema": TEXT}


def in_path(name: str) -> Object:
    return {"name": name, "in": "path", "required": True, "schema": TEXT}


def body(schema: Object, *types: str, needed: bool = True) -> Object:
    """A request's body of one of the media ``types``."""
    return {"required": needed, "content": {kind: {"schema": schema} for kind in types}}


def answer(description: str, *contents: tuple[str, Object], headers: Mapping[str, str] | None = None) -> Object:
    """One answer: media types with schemas, and headers, which may be missing, with what they tell."""
    found: Object = {"description": description}
    if contents:
        found["content"] = {kind: {"schema": schema} for kind, schema in contents}
    if headers:
        found["headers"] = {name: {"schema": TEXT, "description": told} for name, told in headers.items()}
    return found


def pages(item: Object) -> Object:
    """A page of a list (`idp.border.paging`)."""
    return record({"items": array(item), "next": {**URL, "nullable": True}})


def paged() -> list[Object]:
    """The parameters of a page."""
    after = {"name": "after", "in": "query", "schema": {**TEXT, "maxLength": MAX_CURSOR}}
    limit = {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}}
    return [after, limit]


def oauth_errors(*codes: str, headers: Mapping[str, str] | None = None) -> Object:
    """The answers for ``codes`` of `idp.oidc.errors` by status (RFC 6749 §5.2)."""
    return _by_status(
        ((str(error.status), error.wire) for error in map(OAuthError, codes)),
        JSON,
        lambda wire: record({"error": one_of(*wire), "error_description": TEXT}),
        headers=headers,
    )


def problems(*codes: str, headers: Mapping[str, str] | None = None) -> Object:
    """The answers for ``codes`` of `idp.problems` by status (RFC 9457)."""
    return _by_status(
        ((str(PROBLEMS[code][0]), code) for code in codes),
        PROBLEM,
        lambda wire: record({**texts("type", "title"), "status": {"type": "integer"}, "code": one_of(*wire)}),
        headers=headers,
    )


def federation_errors(*codes: str, too_large: bool = False) -> Object:
    """The answers for ``codes`` of `idp.federation.errors` by status (§8.9), with 405, and 413 for a form."""
    found = [(str(STATUS[code]), code) for code in codes]
    found += [("405", "invalid_request"), *([("413", "invalid_request")] if too_large else [])]
    return _by_status(found, JSON, lambda wire: record({"error": one_of(*wire), "error_description": TEXT}))


def or_page(answers: Object, *statuses: str) -> Object:
    """``answers``, some of which may also come as a page: a path that no URL pattern knows is Django's to answer."""
    for status in statuses:
        found = answers.setdefault(status, answer("There is no such thing here."))
        found["content"] = {**found.get("content", {}), "text/html": {"schema": TEXT}}
    return answers


def _by_status(
    codes: Iterable[tuple[str, str]], kind: str, schema: Any, *, headers: Mapping[str, str] | None = None
) -> Object:
    grouped: dict[str, list[str]] = {}
    for status, wire in codes:
        grouped.setdefault(status, [])
        if wire not in grouped[status]:
            grouped[status].append(wire)
    return {
        status: answer(" or ".join(wire), (kind, schema(wire)), headers=headers if status in ("400", "401") else None)
        for status, wire in sorted(grouped.items())
    }
