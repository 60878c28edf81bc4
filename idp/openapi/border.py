"""What wallets, lanes and peers ask the border for."""

from collections.abc import Sequence

from idp.border.holdings import STATES
from idp.border.token_requests import MAX_GROUP
from idp.openapi.terms import (
    COMPACT,
    FORM,
    JSON,
    SECONDS,
    TEXT,
    Object,
    answer,
    array,
    body,
    header,
    in_path,
    one_of,
    paged,
    pages,
    problems,
    query,
    record,
    texts,
)
from idp.protocol.authorization_details import BORDER_CROSSING
from idp.protocol.crossing_statement import BOOKS
from idp.protocol.face_references import MAX_REFERENCES
from idp.protocol.journal import MAX_ENTRIES

_UNREADABLE = ("invalid_request", "too_large", "method_not_allowed", "temporarily_unavailable")
_TRAVELLER = ("invalid_token", "invalid_dpop_proof", "use_dpop_nonce", "device_revoked")
_TOLD = {
    "WWW-Authenticate": "how to authenticate",
    "DPoP-Nonce": "what the next proof must contain (RFC 9449 §8)",
}
_TOKEN, _LANE = [{"accessToken": []}], [{"lane": []}]
_DIRECTION, _FORMAT = one_of("exit", "entry"), one_of("jwt", "cwt")
_KEY: Object = record({"kty": TEXT})
_FACES = array(record(texts("model", "face_reference")), maxItems=MAX_REFERENCES)
_SEALING: Object = record({"keys": array(_KEY, minItems=1, maxItems=2)})


_FACTS: Object = record(
    {
        **texts("jti", "checkpoint", "document"),
        "direction": _DIRECTION,
        "format": _FORMAT,
        "state": one_of(*STATES),
        **texts("issued_at", "expires_at", schema=SECONDS),
        **texts("used_at", "revoked_at", schema={**SECONDS, "nullable": True}),
    }
)


def paths() -> Object:
    """The path items by path."""
    return {
        "/border/v1/tokens": {"post": _issue(), "get": _held()},
        "/border/v1/tokens/revoke": {"post": _revoke_all()},
        "/border/v1/tokens/{jti}": {"get": _token()},
        "/border/v1/tokens/{jti}/revoke": {"post": _revoke()},
        "/border/v1/consents": {"get": _consents()},
        "/border/v1/face-references": {"post": _fetch_faces()},
        "/border/v1/lanes/enrol": {"post": _enrol()},
        "/border/v1/checkpoints/{code}/bundle": {"get": _bundle()},
        "/border/v1/checkpoints/{code}/sealing-keys": {"put": _sealing_keys()},
        "/border/v1/checkpoints/{code}/face-models": {"put": _face_models()},
        "/border/v1/journal": {"post": _journal()},
        "/border/v1/receipts": {"post": _receipts()},
        "/border/v1/statements": {"post": _statements()},
    }


def _issue() -> Object:
    common = {"checkpoint": TEXT, "direction": _DIRECTION, "format": _FORMAT, "proof": COMPACT}
    one = record({**common, "document": TEXT}, {"holder_key": _KEY, "face_references": _FACES})
    faces = {"type": "object", "additionalProperties": _FACES}  # by document
    documents = array(TEXT, minItems=1, maxItems=MAX_GROUP, uniqueItems=True)
    group = record({**common, "documents": documents}, {"holder_key": _KEY, "face_references": faces})
    known = {"format": _FORMAT, **texts("token", "jti"), "expires_at": SECONDS}
    waiting = {"face_references_waiting": {"type": "boolean"}}
    tokens = record({"tokens": array(record({**texts("document", "name"), **known}, waiting))})
    asked, issued = {"oneOf": [one, group]}, {"oneOf": [record(known, waiting), tokens]}
    return {
        "operationId": "issue_border_token",
        "summary": "A border token for the traveller whose access token this is, or one for each of a group",
        "security": _TOKEN,
        "parameters": [header("DPoP")],
        "requestBody": body(asked, JSON),
        "responses": {
            "201": answer("A compact JWT, or a CWT in base64", (JSON, issued)),
            **problems(
                *(*_UNREADABLE, *_TRAVELLER, "insufficient_user_authentication", "invalid_proof", "invalid_target"),
                *("consent_exhausted", "document_not_eligible", "face_not_enrolled", "face_model_unsupported"),
                *("guardianship_ended", "group_too_large"),
                headers=_TOLD,
            ),
        },
    }


def _held() -> Object:
    return _read(
        *("border_tokens", "The traveller's tokens that are neither revoked nor expired, newest first"),
        *(pages(_FACTS), "invalid_request"),
        parameters=paged(),
    )


def _token() -> Object:
    summary = "What became of a token of the traveller's own"
    return _read("border_token", summary, _FACTS, "not_found", parameters=[in_path("jti")])


def _consents() -> Object:
    granted = record(
        {
            "type": one_of(BORDER_CROSSING),
            "locations": array(TEXT),
            "directions": array(_DIRECTION),
            **texts("valid_from", "valid_until", schema=SECONDS),
            **texts("max_tokens", "issued", "remaining", schema={"type": "integer", "minimum": 0}),
            "ahead": {"type": "boolean"},
        },
        {"document": TEXT, "ward": {"type": "integer", "minimum": 1}},
    )
    summary = "How many border tokens the consents of this access token are still good for"
    return _read("border_consents", summary, record({"items": array(granted)}))


def _read(name: str, summary: str, schema: Object, *codes: str, parameters: Sequence[Object] = ()) -> Object:
    """An operation by which a wallet reads about its traveller."""
    always = ("method_not_allowed", "temporarily_unavailable", *_TRAVELLER)
    return {
        "operationId": name,
        "summary": summary,
        "security": _TOKEN,
        "parameters": [*parameters, header("DPoP"), header("If-None-Match")],
        "responses": {
            "200": answer("Facts, never a token", (JSON, schema)),
            "304": answer("As If-None-Match names it"),
            **problems(*always, *codes, headers=_TOLD),
        },
    }


def _revoke_all() -> Object:
    return {
        "operationId": "revoke_border_tokens",
        "summary": "The traveller takes all of their living tokens back",
        "security": _TOKEN,
        "parameters": [header("DPoP")],
        "responses": {
            "200": answer("How many there were", (JSON, record({"revoked": {"type": "integer", "minimum": 0}}))),
            **problems("method_not_allowed", "temporarily_unavailable", *_TRAVELLER, headers=_TOLD),
        },
    }


def _revoke() -> Object:
    return {
        "operationId": "revoke_border_token",
        "summary": "The traveller takes a token of their own back",
        "security": _TOKEN,
        "parameters": [in_path("jti"), header("DPoP")],
        "responses": {
            "204": answer("Revoked"),
            **problems(
                *("invalid_request", "method_not_allowed", "temporarily_unavailable", *_TRAVELLER, "not_found"),
                headers=_TOLD,
            ),
        },
    }


def _fetch_faces() -> Object:
    return {
        "operationId": "fetch_face_references",
        "summary": "The sealed face references of a document that the traveller's device is to keep",
        "security": _TOKEN,
        "parameters": [header("DPoP")],
        "requestBody": body(record({"document": TEXT}), JSON),
        "responses": {
            "200": answer("Those that wait, by face model", (JSON, record({"face_references": _FACES}))),
            **problems(
                *(*_UNREADABLE, *_TRAVELLER, "insufficient_user_authentication", "document_not_eligible"),
                headers=_TOLD,
            ),
        },
    }


def _enrol() -> Object:
    asked = record(
        {**texts("checkpoint", "lane", "code"), "jwk": _KEY, "sealing_jwks": _SEALING},
        {"face_models": array(TEXT)},
    )
    return {
        "operationId": "enrol_lane",
        "summary": "A gate hands in its keys with the code that an officer gave it",
        "requestBody": body(asked, JSON),
        "responses": {
            "201": answer("Enrolled", (JSON, record({"lane": TEXT, "direction": _DIRECTION}))),
            **problems(*_UNREADABLE, "forbidden", "conflict"),
        },
    }


# The digest of the watch list that the lane has: the answer leaves that one out.
_KNOWN_LIST = query("watchlist")


def _bundle() -> Object:
    return {
        "operationId": "bundle",
        "summary": "The trust bundle, for this checkpoint's lanes",
        "security": _LANE,
        "parameters": [in_path("code"), header("If-None-Match"), _KNOWN_LIST],
        "responses": {
            "200": answer(
                "Signed", (JSON, record({"keys": COMPACT, "bundle": COMPACT}, {"watchlist": {"type": "string"}}))
            ),
            "304": answer("As If-None-Match names it"),
            **_lane_problems("forbidden", "not_found"),
        },
    }


def _sealing_keys() -> Object:
    return {
        "operationId": "announce_sealing_keys",
        "summary": "The checkpoint's new public sealing keys, current first",
        "security": _LANE,
        "parameters": [in_path("code")],
        "requestBody": body(record({"sealing_jwks": _SEALING}), JSON),
        "responses": {
            "204": answer("Announced"),
            **_lane_problems("too_large", "forbidden", "not_found", "conflict"),
        },
    }


def _face_models() -> Object:
    return {
        "operationId": "announce_face_models",
        "summary": "What a lane's face engines can compare, preferred first",
        "security": _LANE,
        "parameters": [in_path("code")],
        "requestBody": body(record({"face_models": array(TEXT, minItems=1, maxItems=8)}), JSON),
        "responses": {
            "204": answer("Announced"),
            **_lane_problems("too_large", "forbidden", "not_found", "conflict"),
        },
    }


def _journal() -> Object:
    entries = array({"type": "object"}, minItems=1, maxItems=MAX_ENTRIES)
    return {
        "operationId": "record_journal",
        "summary": "A batch of a lane's decisions",
        "security": _LANE,
        "requestBody": body(record({"entries": entries, "head": COMPACT}), JSON),
        "responses": {
            "200": answer("Recorded up to here", (JSON, record({"last": {"type": "integer"}}))),
            **_lane_problems("too_large", "journal_gap", "journal_fork", "journal_broken"),
        },
    }


def _receipts() -> Object:
    return {
        "operationId": "accept_receipt",
        "summary": "A peer tells that a token of this node was used to cross",
        "requestBody": body(COMPACT, "application/crossing-receipt+jwt"),
        "responses": {"204": answer("Taken, or taken before"), **problems(*_UNREADABLE)},
    }


def _statements() -> Object:
    known = {**texts("client_assertion_type", "client_assertion"), "book": one_of(*BOOKS)}
    asked = record({**known, **texts("since", "until", "after_at", schema=SECONDS)}, {"after_jti": {"type": "string"}})
    return {
        "operationId": "state_crossings",
        "summary": "What this node's books say of the crossings that it shares with the peer who asks",
        "requestBody": body(asked, FORM),
        "responses": {
            "200": answer("One page of the book", ("application/crossing-statement+jwt", COMPACT)),
            **problems("forbidden", *_UNREADABLE),
        },
    }


def _lane_problems(*codes: str) -> Object:
    always = ("invalid_request", "invalid_token", "method_not_allowed", "temporarily_unavailable")
    return problems(*always, *codes, headers=_TOLD)
