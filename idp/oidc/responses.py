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
from idp.protocol.jws import Signer

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


@dataclass(frozen=True)
class Way:
    """How a reply goes to the client. What could fail did not: whatever is decided now can be told."""

    client_id: str
    redirect_uri: str
    by_form: bool
    signer: Signer | None  # None: as parameters
    recipient: Recipient | None  # None: not encrypted
    now: int  # seconds since 1970

    def reply(self, answer: Mapping[str, str]) -> Reply:
        """``answer``, and who gives it (RFC 9207)."""
        issued = {**answer, "iss": conf.authority().entity_id}
        if self.signer is not None:  # JARM §2.1: for this client alone and for a short time; signed, then encrypted
            claims = {**issued, "aud": self.client_id, "exp": self.now + JARM_LIFETIME}
            issued = {"response": encryption.seal(jws.sign(JARM, claims, self.signer), self.recipient)}
        if self.by_form:
            return FormPost(self.redirect_uri, issued)
        return Redirect(with_query(self.redirect_uri, issued))


def way(client: Client, parameters: Mapping[str, Any], *, now: int) -> Way:
    """The way to ``client``, whose request had ``parameters``: redirect_uri and response_mode were found sound.

    Not inside a transaction, as it may ask the network. Raises `Unavailable` when a key cannot be had.
    """
    by_form, as_jwt = MODES[parameters.get("response_mode", DEFAULT)]
    signer = recipient = None
    if as_jwt:
        signer = signing.signer("oidc", algorithm=client_metadata.response_algorithm(client))
        recipient = encryption.recipient(client, encrypted_answers.AUTHORIZATION, now=now)
    return Way(client.client_id, parameters["redirect_uri"], by_form, signer, recipient, now)


def with_query(uri: str, parameters: Mapping[str, str]) -> str:
    """``uri`` with ``parameters`` behind whatever its query has already (RFC 6749 §4.1.2)."""
    parts = urlsplit(uri)
    query = "&".join(part for part in (parts.query, urlencode(parameters)) if part)
    return urlunsplit(parts._replace(query=query))
