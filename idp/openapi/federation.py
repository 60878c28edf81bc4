"""The federation endpoints (OpenID Federation 1.0 §8, §9) and the status lists."""

from idp.federation import auth_methods
from idp.openapi.terms import (
    COMPACT,
    FORM,
    JSON,
    TEXT,
    URL,
    Object,
    answer,
    array,
    body,
    federation_errors,
    header,
    in_path,
    one_of,
    or_page,
    query,
    record,
    texts,
)
from idp.protocol.client_assertion import ASSERTION_TYPE

_UNREADABLE = ("invalid_request", "temporarily_unavailable")
HASH: Object = {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$", "description": "SHA-256, base64url"}
_UNCHANGED = answer("As If-None-Match names it")
_CLIENT: Object = {
    "client_id": TEXT,
    "client_assertion_type": one_of(ASSERTION_TYPE),
    "client_assertion": COMPACT,
}
_STATEMENT = "entity-statement+jwt"
_NAMES = answer("Entity identifiers", (JSON, array(TEXT)))


def paths() -> Object:
    """The path items by path, for the ways to authenticate that this node is configured with."""
    return {**_documents(), **_about_subordinates(), **_about_marks(), **_about_the_audit()}


def _documents() -> Object:
    return {
        "/.well-known/openid-federation": {"get": _document("entity_configuration", "This entity (§9)", _STATEMENT)},
        "/{path}/.well-known/openid-federation": {"get": _hosted()},
        "/status/aggregation": {"get": _aggregation()},
        "/status/{name}": {"get": _status_list()},
    }


def _about_subordinates() -> Object:
    subject, kinds = query("sub", needed=True), query("entity_type", several=True)
    anchors = query("trust_anchor", needed=True, several=True)
    filters = [kinds, *map(query, ("intermediate", "trust_marked", "trust_mark_type"))]
    statement = _signed(_STATEMENT)
    return {
        "/federation/fetch": _endpoint("fetch", "A subordinate statement (§8.1)", [subject], statement, "not_found"),
        "/federation/list": _endpoint(
            "list", "The immediate subordinates (§8.2)", filters, _NAMES, "unsupported_parameter"
        ),
        "/federation/resolve": _endpoint(
            "resolve",
            "A subject's metadata, resolved (§8.3)",
            [subject, anchors, kinds],
            _signed("resolve-response+jwt"),
            *("not_found", "invalid_subject", "invalid_trust_anchor", "invalid_trust_chain", "invalid_metadata"),
        ),
        "/federation/historical-keys": _endpoint(
            "historical_keys", "The federation keys of the past (§8.7)", [], _signed("jwk-set+jwt")
        ),
    }


def _about_marks() -> Object:
    kind = query("trust_mark_type", needed=True)
    return {
        "/federation/trust-mark": _endpoint(
            "trust_mark",
            "A trust mark (§8.6)",
            [kind, query("sub", needed=True)],
            _signed("trust-mark+jwt"),
            "not_found",
        ),
        "/federation/trust-mark-status": _endpoint(
            "trust_mark_status",
            "Whether a mark holds (§8.4)",
            [query("trust_mark", needed=True)],
            _signed("trust-mark-status-response+jwt"),
            "not_found",
            posted=True,
        ),
        "/federation/trust-marked": _endpoint(
            "trust_mark_list", "Who holds a mark (§8.5)", [kind, query("sub")], _NAMES, "not_found"
        ),
    }


def _about_the_audit() -> Object:
    """The audit tree (RFC 9162): hashes and signed heads, for peers and for whoever wants to hold us to our record."""
    hashes = array(HASH, maxItems=64)
    found = {"leaf": HASH, "proof": hashes}
    return {
        "/audit/v1/head": {"get": _document("tree_head", "The newest signed tree head", "tree-head+jwt", "not_found")},
        "/audit/v1/consistency": {
            "get": _proof(
                "consistency",
                "That one tree began another (RFC 9162 §2.1.4)",
                [query("first", needed=True), query("second", needed=True)],
                record({"proof": hashes}),
            )
        },
        "/audit/v1/inclusion": {
            "get": _proof(
                "inclusion",
                "That a leaf is in a tree (RFC 9162 §2.1.3)",
                [query("index", needed=True), query("size", needed=True)],
                record(found),
            )
        },
        "/audit/v1/witnessed": {
            "get": {
                "operationId": "witnessed",
                "summary": "The tree heads of other authorities that this node has seen",
                "responses": {
                    "200": answer("As they were signed", (JSON, record({"heads": array(COMPACT)}))),
                    **federation_errors(*_UNREADABLE),
                },
            }
        },
    }


def _proof(name: str, summary: str, parameters: list[Object], schema: Object) -> Object:
    return {
        "operationId": name,
        "summary": summary,
        "parameters": parameters,
        "responses": {"200": answer("A proof", (JSON, schema)), **federation_errors("not_found", *_UNREADABLE)},
    }


def _aggregation() -> Object:
    return {
        "operationId": "status_aggregation",
        "summary": "Every status list in which a token may live (Token Status List §9)",
        "responses": {
            "200": answer("URLs", (JSON, record({"status_lists": array(URL)}))),
            **federation_errors(*_UNREADABLE),
        },
    }


def _signed(subtype: str) -> Object:
    return answer("Signed", (f"application/{subtype}", COMPACT), headers={"ETag": "for If-None-Match"})


def _document(name: str, summary: str, subtype: str, *codes: str) -> Object:
    errors = federation_errors(*codes, *_UNREADABLE)
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [header("If-None-Match")],
        "responses": {
            "200": _signed(subtype),
            "304": _UNCHANGED,
            **(or_page(errors, "404") if "not_found" in codes else errors),
        },
    }


def _hosted() -> Object:
    found = _document("hosted_configuration", "An entity that the node hosts (§9)", _STATEMENT, "not_found")
    found["parameters"].append(in_path("path"))
    return found


def _status_list() -> Object:
    found = _document("status_list", "A status list (Token Status List §8)", "statuslist+jwt", "not_found")
    found["parameters"] += [in_path("name"), query("time")]
    found["responses"]["200"]["content"]["application/statuslist+cwt"] = {"schema": TEXT}
    for status, told in (("406", "Neither form is accepted"), ("501", "No history is kept (§8.4)")):
        found["responses"][status] = answer(told, (JSON, record(texts("error", "error_description"))))
    return found


def _endpoint(
    name: str, summary: str, parameters: list[Object], success: Object, *codes: str, posted: bool = False
) -> Object:
    """GET with parameters, or POST with the same in a form: without authentication or with it (§8.8)."""
    methods = auth_methods.allowed(name)
    found: Object = {}
    get_codes = (*codes, *_UNREADABLE, *(() if auth_methods.NONE in methods else ("invalid_client",)))
    if not posted:
        found["get"] = {
            "operationId": name,
            "summary": summary,
            "parameters": [*parameters, header("If-None-Match")],
            "responses": {"200": success, "304": _UNCHANGED, **federation_errors(*get_codes)},
        }
    if posted or auth_methods.PRIVATE_KEY_JWT in methods:
        needed = {parameter["name"]: parameter["schema"] for parameter in parameters if parameter["required"]}
        named = {parameter["name"]: parameter["schema"] for parameter in parameters if not parameter["required"]}
        found["post"] = {
            "operationId": f"{name}_authenticated",
            "summary": summary,
            "requestBody": body(record(needed, {**named, **_CLIENT}), FORM),
            "responses": {
                "200": success,
                **federation_errors(*codes, *_UNREADABLE, "invalid_client", too_large=True),
            },
        }
    return found
