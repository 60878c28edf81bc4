"""Errors of the federation endpoints (Federation §8.9): both members are required, the text is constant."""

from collections.abc import Iterable

STATUS = {
    "invalid_request": 400,
    "invalid_trust_chain": 400,
    "invalid_metadata": 400,
    "unsupported_parameter": 400,
    "invalid_client": 401,
    "invalid_issuer": 404,
    "invalid_subject": 404,
    "invalid_trust_anchor": 404,
    "not_found": 404,
    "server_error": 500,
    "temporarily_unavailable": 503,
}


class FederationError(Exception):
    """An answer other than the one that was asked for. ``allow`` are the methods that a 405 must name."""

    def __init__(self, code: str, description: str, *, status: int | None = None, allow: Iterable[str] = ()) -> None:
        super().__init__(description)
        self.code, self.description = code, description
        self.status = status or STATUS[code]
        self.allow = tuple(allow)
