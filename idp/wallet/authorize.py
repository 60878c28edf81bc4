"""The way to a grant: the signed request pushed, the traveller sent home, the answer checked, the token fetched.

OAuth 2.0 with PAR (RFC 9126), JAR (RFC 9101), PKCE (RFC 7636), DPoP (RFC 9449), RAR (RFC 9396) and the issuer in the
answer (RFC 9207), as the FAPI 2.0 Security Profile puts them together.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from idp.protocol import authorization_details, pkce, strict_json
from idp.protocol.authorization_details import BorderCrossing, parse_border_crossing
from idp.protocol.refusals import Refusal
from idp.wallet.client_authentication import ClientAuthentication
from idp.wallet.config import Crossing, PhoneConfig
from idp.wallet.errors import UnableTo
from idp.wallet.speaking import Answer, Speaker
from idp.wallet.store import Grant, Pending, Store
from idp.wallet.trust import Provider

ACR = "urn:causeway:acr:mfa"  # what issuers of border tokens ask for; asking at once saves a second visit
VALID_FOR = 12 * 3600  # seconds: a day trip, there and back
CLOCKS = 60  # seconds that the authority's clock may be behind the phone's
TOKENS_FOR_STEP = 3  # one, and two more for a phone that was dark or a traveller who came late
MAX_GRANT = 3600 * 24  # seconds; longer than any access token of ours


@dataclass(frozen=True)
class Started:
    """An authorization under way: where to send the traveller, and to whom that is."""

    authorization_url: str
    provider: Provider


def details_for(crossing: Crossing, *, children: int = 0, now: int) -> list[dict[str, Any]]:
    """The ``border_crossing`` objects that ask for all of a crossing's steps, from ``now`` (seconds since 1970).

    One for the traveller, and one for each child who comes along; who that is, is chosen at the authority.
    """
    asked = BorderCrossing(
        locations=tuple(dict.fromkeys(step.checkpoint for step in crossing.steps)),
        directions=tuple(dict.fromkeys(step.direction for step in crossing.steps)),
        document=None,
        valid_from=now - CLOCKS,
        valid_until=now + VALID_FOR,
        max_tokens=min(TOKENS_FOR_STEP * len(crossing.steps), authorization_details.MAX_TOKENS),
        ahead=False,
    )
    return [asked.wire(), *(replace(asked, ward=number).wire() for number in range(1, children + 1))]


def start(
    *,
    config: PhoneConfig,
    provider: Provider,
    details: Sequence[Mapping[str, Any]],
    crossing: str,
    speaker: Speaker,
    client: ClientAuthentication,
    store: Store,
    now: int,
) -> Started:
    """Push a request for ``details`` to the provider; raises `UnableTo`."""
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(32)
    request = {
        "response_type": "code",
        "redirect_uri": config.redirect_uri,
        "state": state,
        "code_challenge": pkce.challenge_of(verifier),
        "code_challenge_method": pkce.METHOD,
        "dpop_jkt": speaker.jkt,
        "acr_values": ACR,
        "authorization_details": [dict(detail) for detail in details],
    }
    answer = speaker.post_form(
        provider.pushed_authorization_request_endpoint, lambda before: client.sent(provider, before, request=request)
    )
    request_uri = answer.value.get("request_uri")
    if answer.status != 201 or not isinstance(request_uri, str) or len(request_uri) > 512:
        raise UnableTo("authorization_refused", f"status {answer.status} {answer.error} at PAR")
    store.begin(Pending(state, provider.entity_id, provider.issuer, verifier, tuple(details), crossing, now))
    query = urlencode({"client_id": config.messenger, "request_uri": request_uri})
    separator = "&" if "?" in provider.authorization_endpoint else "?"
    return Started(f"{provider.authorization_endpoint}{separator}{query}", provider)


def check_answer(query: Mapping[str, str], *, store: Store, now: int) -> tuple[Pending, str]:
    """The request that an answer belongs to, and its code. Raises `UnableTo`.

    The request is spent whatever the answer says: an answer that was wrong once is not asked for again.
    """
    pending = store.take(query.get("state", ""), now=now)
    if pending is None:
        raise UnableTo("state_unknown", "no request of this phone has that state")
    if query.get("iss") != pending.issuer:  # RFC 9207 §2.4: another server's answer, or nobody's: stop (mix-up)
        raise UnableTo("issuer_mismatch", "iss is missing or not the one that was asked")
    if "error" in query:
        code = "consent_denied" if query["error"] == "access_denied" else "authorization_refused"
        raise UnableTo(code, f"error {query['error'][:64]}")
    if not 0 < len(query.get("code", "")) <= 2048:
        raise UnableTo("authorization_refused", "no code in the answer")
    return pending, query["code"]


def redeem(
    *,
    config: PhoneConfig,
    provider: Provider,
    pending: Pending,
    code: str,
    speaker: Speaker,
    client: ClientAuthentication,
    store: Store,
    now: int,
) -> Grant:
    """Exchange the code for an access token, check it, keep the grant. Raises `UnableTo`."""
    if provider.issuer != pending.issuer:
        raise UnableTo("issuer_mismatch", "the request went to another issuer")
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": config.redirect_uri,
        "code_verifier": pending.verifier,
    }
    answer = speaker.post_form(provider.token_endpoint, lambda before: client.sent(provider, before, form=form))
    if answer.status != 200:
        raise UnableTo("authorization_refused", f"status {answer.status} {answer.error} at the token endpoint")
    grant = _grant(answer, pending, now=now)
    store.keep_grant(grant)
    return grant


def check_not_wider(granted: object, asked: Sequence[Mapping[str, Any]], *, now: int) -> tuple[Mapping[str, Any], ...]:
    """The granted details, each within one that was asked for, and no more of them. Raises `UnableTo` (grant_too_wide).

    The document may be chosen at consent; nothing else may be added (RFC 9396 §7).
    """
    try:
        details = authorization_details.parse(granted)
        left = [parse_border_crossing(detail, now=now) for detail in asked]
        for detail in details:
            given = parse_border_crossing(detail, now=now)
            fitting = next((wanted for wanted in left if _within(given, wanted)), None)
            if fitting is None:
                raise UnableTo("grant_too_wide", "a detail that was not asked for")
            left.remove(fitting)
    except Refusal as error:
        raise UnableTo("grant_too_wide", str(error)) from error
    return details


def _within(given: BorderCrossing, wanted: BorderCrossing) -> bool:
    return (
        set(given.locations) <= set(wanted.locations)
        and set(given.directions) <= set(wanted.directions)
        and wanted.document in (None, given.document)
        and wanted.ward == given.ward
        and wanted.valid_from <= given.valid_from
        and given.valid_until <= wanted.valid_until
        and given.max_tokens <= wanted.max_tokens
        and (wanted.ahead or not given.ahead)
    )


def _grant(answer: Answer, pending: Pending, *, now: int) -> Grant:
    value = answer.value
    if str(value.get("token_type", "")).lower() != "dpop":  # RFC 9449 §5: a bearer token would be anybody's
        raise UnableTo("token_not_bound", "token_type is not DPoP")
    try:
        access_token = strict_json.string(value, "access_token", max_length=16_384)
        lifetime = strict_json.integer(value, "expires_in")
    except Refusal as error:
        raise UnableTo("authorization_refused", str(error)) from error
    details = check_not_wider(value.get("authorization_details"), pending.details, now=now)
    return Grant(pending.provider, access_token, details, pending.crossing, now + min(lifetime, MAX_GRANT))
