"""Tokens of ours that come back to be looked at or revoked: whose they are, what they say, whether they still live."""

from dataclasses import dataclass
from typing import Any

from idp import conf
from idp.accounts.models import Device
from idp.federation import signing
from idp.oidc import replay, tokens
from idp.oidc.client_authentication import Sender
from idp.oidc.models import Client, Grant, RefreshToken
from idp.oidc.replay import digest
from idp.protocol import jws
from idp.protocol.refusals import Refusal


@dataclass(frozen=True)
class Issued:
    """A token as it was issued. ``claims`` are those of an access token, or say the same of a refresh token."""

    client: Client
    claims: dict[str, Any]
    grant: Grant | None  # None: of a client for itself
    rotated: bool = False  # a refresh token that was exchanged for another

    @property
    def jti(self) -> str | None:
        """Of an access token; a refresh token has none."""
        return self.claims.get("jti")


def find(text: str, *, now: int) -> Issued | None:
    """The token ``text``, unless it is none of ours or past its time. Whether it lives is for `is_alive`.

    What kind it is needs no hint (RFC 7009 §2.1): access tokens are JWTs, refresh tokens have no dot.
    """
    return _access(text, now=now) if "." in text else _refresh(text, now=now)


def is_of(issued: Issued, sender: Sender) -> bool:
    """Whether ``sender`` holds the token: the client, and of its instances the one to which it was issued."""
    instance = "" if issued.grant is None else issued.grant.instance
    return issued.client.pk == sender.client.pk and (not instance or instance == sender.instance)


def is_alive(issued: Issued) -> bool:
    """Whether nobody ended the token, or that on which it hangs: grant, client, account, or a wallet's phone."""
    if issued.client.disabled or issued.rotated:
        return False
    if issued.jti is not None and replay.is_known(replay.REVOKED, issued.jti):
        return False
    return issued.grant is None or _grant_is_alive(issued.grant, issued.claims.get("cnf", {}).get("jkt", ""))


def _grant_is_alive(grant: Grant, jkt: str) -> bool:
    if grant.revoked_at is not None or not grant.traveller.account.is_active:
        return False
    device = Device.objects.filter(jkt=jkt, traveller=grant.traveller, revoked_at=None)
    return not grant.client.is_wallet or device.exists()


def _access(text: str, *, now: int) -> Issued | None:
    """RFC 9068 §4, for whatever audience: the caller is asked about elsewhere."""
    try:
        claims = jws.verify(text, tokens.CLIENT_TOKEN, signing.published("oidc"), now=now, leeway=0).claims
    except Refusal:
        return None
    if claims["iss"] != conf.authority().entity_id:
        return None
    if "grant" in claims:
        grant = _grants().filter(pk=claims["grant"]).first()
        return Issued(grant.client, claims, grant) if grant is not None else None
    client = Client.objects.filter(client_id=claims["client_id"]).first()
    return Issued(client, claims, None) if client is not None else None


def _refresh(text: str, *, now: int) -> Issued | None:
    rows = RefreshToken.objects.select_related("grant__client", "grant__traveller__account")
    row = rows.filter(token_hash=digest(text), expires_at__gt=now).first()
    if row is None:
        return None
    grant: Grant = row.grant
    claims: dict[str, Any] = {
        "iss": conf.authority().entity_id,
        "sub": tokens.subject(grant),
        "client_id": grant.client.client_id,
        "iat": row.created_at,
        "exp": row.expires_at,
        "acr": grant.acr,
        "auth_time": grant.auth_time,
        **({"scope": grant.scope} if grant.scope else {}),
        **({"cnf": {"jkt": grant.jkt}} if grant.jkt else {}),
        **({"authorization_details": grant.authorization_details} if grant.authorization_details else {}),
    }
    return Issued(grant.client, claims, grant, rotated=row.rotated_at is not None)


def _grants() -> Any:
    return Grant.objects.select_related("client", "traveller__account")
