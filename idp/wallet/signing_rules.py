"""What the messenger signs for a phone, and what it does not: checked before its key is touched.

A signature of the messenger makes a request look like the messenger's own wallet to every authority. So nothing passes
that would send a code elsewhere, drop a protection, or bind the token to a key that the asking phone does not hold.
"""

import uuid
from collections.abc import Collection, Mapping
from typing import Any

from idp.protocol import authorization_details, pkce, strict_json
from idp.protocol.refusals import Reason, Refusal

MAX_STRING = 512
_STRINGS = frozenset({"response_type", "redirect_uri", "state", "nonce", "scope", "prompt", "ui_locales", "acr_values"})
_KNOWN = _STRINGS | {
    "client_id", "code_challenge", "code_challenge_method", "dpop_jkt", "authorization_details", "max_age"
}  # fmt: skip


def check_request(
    parameters: object, *, client_id: str, redirect_uris: Collection[str], jkt: str, now: int
) -> dict[str, Any]:
    """The parameters of an authorization request that the phone with device key ``jkt`` may have signed.

    Raises `Refusal`: malformed, or policy_violation for a client, redirect URI or key that is not the messenger's own
    or not the phone's.
    """
    if not isinstance(parameters, Mapping):
        raise Refusal(Reason.MALFORMED, "the request is not an object")
    if unknown := parameters.keys() - _KNOWN:
        raise Refusal(Reason.MALFORMED, f"{len(unknown)} parameters that are not signed here")
    for name in _STRINGS & parameters.keys() | {"state"}:
        strict_json.string(parameters, name, max_length=MAX_STRING)
    if parameters.get("client_id", client_id) != client_id:
        raise Refusal(Reason.POLICY_VIOLATION, "client_id is not the messenger's")
    if parameters.get("response_type") != "code":
        raise Refusal(Reason.POLICY_VIOLATION, "response_type is not code")
    if parameters.get("redirect_uri") not in redirect_uris:
        raise Refusal(Reason.POLICY_VIOLATION, "redirect_uri is not the messenger's")
    pkce.check_challenge(parameters.get("code_challenge"), parameters.get("code_challenge_method"))
    if parameters.get("dpop_jkt") != jkt:
        raise Refusal(Reason.POLICY_VIOLATION, "dpop_jkt is not the key of this phone")
    _check_details(parameters.get("authorization_details"), now=now)
    return dict(parameters)


def check_audience(value: object, providers: Collection[str]) -> str:
    """The provider that the phone turns to; raises `Refusal` (untrusted_issuer) for an unknown one."""
    if not isinstance(value, str) or value not in providers:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "not a provider of this messenger")
    return value


def _check_details(value: object, *, now: int) -> None:
    if value is None:
        return
    for detail in authorization_details.parse(value):
        crossing = authorization_details.parse_border_crossing(detail, now=now)
        if crossing.document is not None:
            _check_reference(crossing.document)


def _check_reference(document: str) -> None:
    """The messenger learns no document's number: only the authority's opaque reference goes through its hands."""
    try:
        uuid.UUID(document)
    except ValueError as error:
        raise Refusal(Reason.POLICY_VIOLATION, "document is not an opaque reference") from error
