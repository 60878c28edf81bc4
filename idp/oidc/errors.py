"""OAuth errors: one table from error code to status and constant text; the reason behind one goes to the log."""

import logging
from collections.abc import Mapping

from django.http import JsonResponse

log = logging.getLogger(__name__)

# error: (HTTP status of a direct answer, constant description). RFC 6749 §5.2 unless another is named.
ERRORS: Mapping[str, tuple[int, str]] = {
    "invalid_request": (400, "The request is not well-formed or lacks something."),
    "invalid_client": (401, "The client was not authenticated."),
    "invalid_grant": (400, "The grant is not valid, or not for this client and key."),
    "unauthorized_client": (400, "The client may not do this."),
    "unsupported_grant_type": (400, "This grant type is not supported."),
    "unsupported_response_type": (400, "This response type is not supported."),
    "invalid_scope": (400, "The scope is unknown or wider than what was granted."),
    "access_denied": (403, "The traveller or the authority refused the request."),
    "server_error": (500, "Something went wrong here."),
    "temporarily_unavailable": (503, "This cannot be answered just now."),
    "invalid_request_object": (400, "The request object does not hold."),  # RFC 9101 §7
    "invalid_request_uri": (400, "The request_uri is unknown, expired, used or of another client."),
    "request_uri_not_supported": (
        400,
        "Only a request_uri from the pushed authorization request endpoint is accepted.",
    ),
    "invalid_authorization_details": (400, "The authorization details are not acceptable."),  # RFC 9396 §5
    "invalid_target": (400, "The resource is unknown."),  # RFC 8707 §2
    "invalid_dpop_proof": (400, "The DPoP proof does not hold."),  # RFC 9449 §5
    "use_dpop_nonce": (400, "A DPoP proof with the given nonce is needed."),  # RFC 9449 §8
    # draft-ietf-oauth-attestation-based-client-auth-10 §7.4
    "use_attestation_challenge": (400, "The proof must answer the challenge that comes with this."),
    "use_fresh_attestation": (400, "The client attestation is too old."),
    "invalid_client_attestation": (401, "The client attestation or its proof does not hold."),
    "login_required": (400, "The traveller must log in."),  # OpenID Connect Core §3.1.2.6
    "consent_required": (400, "The traveller must be asked."),
    "unmet_authentication_requirements": (400, "The authentication asked for cannot be given."),
    "invalid_trust_anchor": (404, "No trust anchor of this provider vouches for the client."),  # Federation §8.9
    "invalid_trust_chain": (400, "The client's trust chain does not hold."),
    "invalid_metadata": (400, "The client's metadata cannot be used."),
    "invalid_redirect_uri": (400, "A redirect URI cannot be registered."),  # RFC 7591 §3.2.2
    "invalid_client_metadata": (400, "The client cannot be registered so."),
    "unapproved_software_statement": (400, "No software statement is approved here."),
    "invalid_token": (401, "The token is not valid here."),  # RFC 6750 §3.1
    "method_not_allowed": (405, "This method is not allowed here."),
    "too_large": (413, "The request is too large."),
}
_ON_THE_WIRE = {"method_not_allowed": "invalid_request", "too_large": "invalid_request"}


class OAuthError(Exception):
    """Something about the request is wrong. ``error`` stands in `ERRORS`; ``detail`` is for the log only.

    ``headers`` are those that a direct answer has beside the error, such as a challenge.
    """

    def __init__(self, error: str, detail: str = "", *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{error}: {detail}")
        self.error, self.detail, self.headers = error, detail, dict(headers or {})

    @property
    def status(self) -> int:
        return ERRORS[self.error][0]

    @property
    def wire(self) -> str:
        """The error code that the client sees."""
        return _ON_THE_WIRE.get(self.error, self.error)

    @property
    def description(self) -> str:
        return ERRORS[self.error][1]


def response(error: OAuthError) -> JsonResponse:
    """The direct answer (RFC 6749 §5.2)."""
    log.info("%s: %s", error.error, error.detail)
    answer = JsonResponse({"error": error.wire, "error_description": error.description}, status=error.status)
    answer["Cache-Control"] = "no-store"
    for name, value in error.headers.items():
        answer[name] = value
    if error.error == "method_not_allowed":
        answer.headers.setdefault("Allow", "POST")
    return answer
