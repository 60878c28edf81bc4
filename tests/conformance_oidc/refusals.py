"""What a refusal must look like, wherever it comes from."""

from collections.abc import Collection
from typing import Any

from tests.conformance.browsing import Arrival, codes
from tests.conformance.wire import Answer
from tests.conformance_oidc.relying import Client, Request

AUTHENTICATION = ("invalid_client", "invalid_request")
GRANT = ("invalid_grant",)
REQUEST = ("invalid_request",)
OBJECT = ("invalid_request_object",)
PROOF = ("invalid_request", "invalid_grant", "invalid_dpop_proof")
REQUEST_OR_OBJECT = ("invalid_request", "invalid_request_object")
NEEDS_A_PAGE = ("interaction_required", "login_required", "account_selection_required", "consent_required")


def answered(answer: Answer, accepted: Collection[str]) -> None:
    """An error as JSON (RFC 6749 §5.2), one of ``accepted``."""
    assert answer.status in (400, 401), f"{answer.status} {answer.text}"
    body: dict[str, Any] = answer.json()
    assert body["error"] in accepted, body
    assert not set("\r\n\t") & set(body.get("error_description", ""))
    assert not {"access_token", "id_token", "request_uri", "refresh_token"} & set(body)
    if answer.status == 401:
        assert body["error"] == "invalid_client"


def shown(arrival: Arrival, accepted: Collection[str]) -> None:
    """An error page of the node, and no way on to the client."""
    assert arrival.callback is None, arrival.callback
    assert 400 <= arrival.status < 500 and arrival.content_type.startswith("text/html"), arrival.status
    found = codes(arrival.page)
    assert len(found) == 1 and found[0] in accepted, found


def returned(arrival: Arrival, accepted: Collection[str], client: Client, request: Request) -> None:
    """An error at the callback, with the state that was sent and the issuer."""
    assert arrival.callback == client.party.callback.partition("?")[0], f"{arrival.status} {codes(arrival.page)[:3]}"
    known = {"error", "error_description", "error_uri", "state", "iss"}
    assert set(arrival.parameters) <= known, arrival.parameters
    assert arrival.parameters["error"] in accepted, arrival.parameters
    assert not set("\r\n\t") & set(arrival.parameters.get("error_description", ""))
    assert arrival.parameters.get("state") == request.parameters.get("state")
    assert arrival.parameters["iss"] == client.at.issuer
