"""Problem details (RFC 9457): one table from refusal code to status and safe text.

What leaves the house is constant text; the reason behind it goes to the log.
"""

import logging
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, JsonResponse
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from idp.protocol.refusals import Reason, Refusal, Unavailable

log = logging.getLogger(__name__)

# code: (HTTP status, title). Closed: a test compares it with docs/protocol.md.
PROBLEMS: Mapping[str, tuple[int, str]] = {
    "invalid_request": (400, "The request cannot be read."),
    "invalid_target": (400, "This checkpoint is not one that a border token can be issued for."),
    "invalid_proof": (400, "The proof of possession of the key does not hold."),
    "document_not_eligible": (403, "This document cannot be used for this crossing."),
    "insufficient_user_authentication": (401, "A stronger or more recent authentication is needed."),
    "invalid_token": (401, "The access token is missing, expired or not for this request."),
    "invalid_dpop_proof": (401, "The DPoP proof does not hold."),
    "use_dpop_nonce": (401, "A DPoP proof with the given nonce is needed."),
    "face_not_enrolled": (403, "No face reference is enrolled."),
    "face_model_unsupported": (409, "The checkpoint and this authority have no face model in common."),
    "consent_exhausted": (403, "The consent does not cover another border token."),
    "guardianship_ended": (403, "You answer for this child no more."),
    "group_too_large": (400, "At most ten can be asked for together."),
    "device_revoked": (403, "This device was revoked."),
    "rate_limited": (429, "Too many requests; try again later."),
    "not_found": (404, "There is no such thing here."),
    "forbidden": (403, "This is not allowed."),
    "precondition_failed": (412, "It was changed meanwhile; read it again."),
    "precondition_required": (428, "If-Match has to say what is to be changed."),
    "conflict": (409, "This contradicts what is already recorded."),
    "journal_gap": (409, "Entries before the first of this batch are missing."),
    "journal_fork": (409, "An entry differs from the one already recorded."),
    "journal_broken": (400, "The chain of this batch does not hold."),
    "too_large": (413, "The request is too large."),
    "unsupported_media_type": (415, "The request's media type is not supported."),
    "method_not_allowed": (405, "This method is not allowed here."),
    "temporarily_unavailable": (503, "This cannot be answered just now; try again later."),
    "internal": (500, "Something went wrong here."),
}

_STATUS_CODES = {
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    404: "not_found",
    403: "forbidden",
}


class Problem(APIException):
    """Raised at the rim to answer with the problem ``code``; ``extra`` members are public and constant."""

    def __init__(self, code: str, detail: str = "", *, headers: Mapping[str, str] | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.code, self.log_detail, self.headers, self.extra = code, detail, dict(headers or {}), extra
        self.status_code = PROBLEMS[code][0]


def document(code: str, **extra: Any) -> dict[str, Any]:
    """The problem document of ``code``."""
    status, title = PROBLEMS[code]
    return {"type": f"urn:causeway:problem:{code}", "title": title, "status": status, "code": code, **extra}


def response(problem: Problem) -> JsonResponse:
    """The HTTP answer for a plain Django view."""
    return JsonResponse(
        document(problem.code, **problem.extra),
        status=problem.status_code,
        headers={**problem.headers, "Cache-Control": "no-store"},
        content_type="application/problem+json",
    )


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response:
    """Django REST framework's rim: every exception becomes a problem document."""
    problem = as_problem(error)
    if problem.code == "internal":
        log.error("unexpected %s at %s", type(error).__name__, _where(context), exc_info=error)
    else:
        log.info("%s at %s: %s", problem.code, _where(context), problem.log_detail)
    return Response(
        document(problem.code, **problem.extra),
        status=problem.status_code,
        headers={**problem.headers, "Cache-Control": "no-store"},
        content_type="application/problem+json",
    )


def as_problem(error: Exception) -> Problem:
    """The problem that tells a caller of ``error`` what is safe to tell."""
    if isinstance(error, Problem):
        return error
    code = getattr(error, "code", None)
    if isinstance(code, str) and code in PROBLEMS:  # UnableTo… of a domain room
        return Problem(code, str(error))
    if isinstance(error, Refusal):
        return Problem(_of_reason(error.reason), str(error))
    if isinstance(error, Unavailable):
        return Problem("temporarily_unavailable", str(error))
    if isinstance(error, APIException):
        return Problem(_STATUS_CODES.get(error.status_code, "invalid_request"), str(error))
    return Problem("internal", type(error).__name__)


def _of_reason(reason: Reason) -> str:
    return reason.value if reason.value in PROBLEMS and reason is not Reason.INTERNAL else "invalid_request"


def _where(context: Mapping[str, Any]) -> str:
    request = context.get("request")
    return request.path if isinstance(request, HttpRequest) or hasattr(request, "path") else "?"
