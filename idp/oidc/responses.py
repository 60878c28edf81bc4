"""How an authorization response reaches the client: by redirect, by a form that posts itself, signed or not.

OAuth 2.0 Form Post Response Mode; JARM (JWT Secured Authorization Response Mode); RFC 9207.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from idp import conf
from idp.federation import signing
from idp.oidc import client_metadata, encrypted_answers, encryption
from idp.oidc.models import Client
from idp.protocol import jws
from idp.protocol.encrypted_response import Recipient

JARM_LIFETIME = 300  # seconds; JARM §2.1 recommends 10 minutes at most
JARM = jws.TokenType(
    None, algorithms=client_metadata.ID_TOKEN_ALGORITHMS, required=("iss", "aud", "exp"), max_bytes=16_384
)
# Mode: whether the parameters go by a form, and whether as a signed JWT.
MODES: Mapping[str, tuple[bool, bool]] = {
    "query": (False, False),
    "form_post": (True, False),
    "query.jwt": (False, True),
    "form_post.jwt": (True, True),
    "jwt": (False, True),  # JARM §2.3.4: for a code that is query.jwt
}
DEFAULT = "query"


@dataclass(frozen=True)
class Redirect:
    """Send the browser to ``location``."""

    location: str


@dataclass(frozen=True)
class FormPost:
    """Let the browser post ``fields`` to ``action``."""

    action: str
    fields: Mapping[str, str]


Reply = Redirect | FormPost


def reply(client: Client, parameters: Mapping[str, Any], answer: Mapping[str, str], *, now: int) -> Reply:
    """``answer`` for ``client``, whose request had ``parameters``: redirect_uri and response_mode were found sound.

    Not inside a transaction, as `recipient` is not. Raises `Unavailable` like it.
    """
    by_form, as_jwt = MODES[parameters.get("response_mode", DEFAULT)]
    issued = {**answer, "iss": conf.authority().entity_id}
    if as_jwt:
        to = recipient(client, parameters, now=now)
        issued = {"response": encryption.seal(_signed(client, issued, now=now), to)}
    if by_form:
        return FormPost(parameters["redirect_uri"], issued)
    return Redirect(with_query(parameters["redirect_uri"], issued))


def recipient(client: Client, parameters: Mapping[str, Any], *, now: int) -> Recipient | None:
    """Whom the reply is encrypted to (JARM §2.2): asked for before something is decided that could not be told then.

    Raises `Unavailable` when the client's key cannot be had.
    """
    if not MODES[parameters.get("response_mode", DEFAULT)][1]:
        return None
    return encryption.recipient(client, encrypted_answers.AUTHORIZATION, now=now)


def with_query(uri: str, parameters: Mapping[str, str]) -> str:
    """``uri`` with ``parameters`` behind whatever its query has already (RFC 6749 §4.1.2)."""
    parts = urlsplit(uri)
    query = "&".join(part for part in (parts.query, urlencode(parameters)) if part)
    return urlunsplit(parts._replace(query=query))


def _signed(client: Client, answer: Mapping[str, str], *, now: int) -> str:
    """JARM §2.1: the parameters as claims, for this client alone and for a short time."""
    claims = {**answer, "aud": client.client_id, "exp": now + JARM_LIFETIME}
    algorithm = client_metadata.response_algorithm(client)
    return jws.sign(JARM, claims, signing.signer("oidc", algorithm=algorithm))
