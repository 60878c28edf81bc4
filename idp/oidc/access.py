"""Who calls a protected endpoint of this node: the access token (RFC 9068) and the proof of its key (RFC 9449 §7).

`require` is for everything that a traveller consented to; `subject` is for userinfo, and takes bearer tokens too.
"""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from idp import clock, conf
from idp.accounts.models import Account, Traveller
from idp.federation import signing
from idp.oidc import form, grant_rows, levels, proofs, tokens
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client, Grant
from idp.problems import Problem
from idp.protocol import dpop, jws, strict_json
from idp.protocol.refusals import Reason, Refusal

_CREDENTIALS = re.compile(r"(?P<scheme>[A-Za-z]+) +(?P<token>[A-Za-z0-9._~+/-]+=*)\Z")
_ALGORITHMS = " ".join(jws.MODERN)


class UnableToAuthorize(Problem):
    """The request is not authorized; the problem document and its ``WWW-Authenticate`` say what is missing."""


@dataclass(frozen=True)
class Access:
    """A verified access: whose, by which client, with which device, to what."""

    traveller: Traveller
    account: Account
    client_id: str
    sub: str  # pairwise, for the client's sector
    jkt: str
    scope: str
    authorization_details: list[dict[str, Any]]  # as granted, and as this token has them
    acr: str
    amr: tuple[str, ...]
    auth_time: int  # seconds since 1970
    grant_id: UUID


@dataclass(frozen=True)
class Subject:
    """A verified access to userinfo: who, as this client knows them, and what it may ask."""

    sub: str
    scope: str
    grant: Grant


def require(request: HttpRequest, *, acr: str | None = None, max_age: int | None = None) -> Access:
    """The access that ``request`` (Django's or the REST framework's) has; its DPoP proof is spent.

    Must not be called inside a transaction: what is spent stays spent. ``acr`` is the level needed, ``max_age`` the
    seconds since the traveller was last authenticated.
    Raises `UnableToAuthorize`: invalid_token, invalid_dpop_proof, use_dpop_nonce, device_revoked or
    insufficient_user_authentication;
    `Unavailable` when the memory of spent proofs does not answer.
    """
    now = clock.now()
    scheme, token = _credentials(request)
    if scheme != "dpop":
        raise _unable("invalid_token", "not the DPoP scheme")
    claims = _claims(token, tokens.ACCESS_TOKEN, now=now)
    proof = _proof(request, token, claims, now=now)
    grant, device = _grant(claims)
    _check_nonce(proof, grant.client, now=now)
    _check_device(device)
    _check_level(claims, acr=acr, max_age=max_age, now=now)
    return Access(
        traveller=grant.traveller,
        account=grant.traveller.account,
        client_id=grant.client.client_id,
        sub=claims["sub"],
        jkt=claims["cnf"]["jkt"],
        scope=claims.get("scope", ""),
        authorization_details=claims.get("authorization_details", []),
        acr=claims["acr"],
        amr=tuple(claims["amr"]),
        auth_time=claims["auth_time"],
        grant_id=grant.pk,
    )


def subject(request: HttpRequest, *, scope: str) -> Subject:
    """Whom userinfo may speak of. A bound token needs its proof, and an unbound one is no good under the DPoP scheme.

    Raises like `require`, with a challenge of the scheme that was used (RFC 9449 §7.2); forbidden without ``scope``.
    """
    now = clock.now()
    in_form = _in_form(request)
    scheme, token = ("bearer", in_form) if in_form is not None else _credentials(request)
    proof = None
    if scheme == "bearer":
        claims = _claims(token, tokens.BEARER_TOKEN, now=now, scheme="Bearer")
        if "cnf" in claims:  # RFC 9449 §7.1
            raise _unable("invalid_token", "a bound token as a bearer token", scheme="Bearer")
    else:
        claims = _claims(token, tokens.ACCESS_TOKEN, now=now)
        proof = _proof(request, token, claims, now=now)
    grant, device = _grant(claims, scheme="Bearer" if scheme == "bearer" else "DPoP")
    if proof is not None:
        _check_nonce(proof, grant.client, now=now)
    if in_form is not None and grant.client.profile != Client.Profile.BASIC:  # FAPI 2.0 §5.3.3
        raise _unable("invalid_token", "a token in the body", scheme="Bearer")
    if grant.client.is_wallet:  # a relying party's own key is no phone
        _check_device(device)
    if scope not in claims.get("scope", "").split():
        used = "DPoP" if proof is not None else "Bearer"
        raise _unable("forbidden", "no such scope", challenge="insufficient_scope", scheme=used, scope=scope)
    return Subject(claims["sub"], claims["scope"], grant)


def _in_form(request: HttpRequest) -> str | None:
    """The token in the form (RFC 6750 §2.2), which is then the only place where one may be."""
    if request.method != "POST" or request.content_type != "application/x-www-form-urlencoded":
        return None
    try:
        token = form.read(request).get("access_token")
    except OAuthError as error:
        raise _unable("invalid_request", str(error), scheme="Bearer") from error
    if token is not None and "Authorization" in request.headers:
        raise _unable("invalid_request", "two tokens", scheme="Bearer")
    return token


def _credentials(request: HttpRequest) -> tuple[str, str]:
    """Scheme, ``dpop`` or ``bearer``, and token of the one Authorization header.

    A token in the query is not looked at (FAPI 2.0 §5.3.3), nor one in the body but by `_in_form`.
    """
    header = request.META.get("HTTP_AUTHORIZATION")
    if header is None:
        raise _unable("invalid_token", "no credentials", challenge="")
    match = _CREDENTIALS.match(header)
    if match is None or match["scheme"].lower() not in ("dpop", "bearer"):
        raise _unable("invalid_token", "neither the DPoP nor the Bearer scheme")
    return match["scheme"].lower(), match["token"]


def _claims(token: str, kind: jws.TokenType, *, now: int, scheme: str = "DPoP") -> dict[str, Any]:
    try:
        return _verified_claims(token, kind, now=now)
    except Refusal as error:
        raise _unable("invalid_token", str(error), scheme=scheme) from error


def _verified_claims(token: str, kind: jws.TokenType, *, now: int) -> dict[str, Any]:
    """RFC 9068 §4, and the binding (RFC 9449 §6)."""
    issuer = conf.authority().entity_id
    claims = jws.verify(token, kind, signing.published("oidc"), now=now, leeway=0).claims
    if claims["iss"] != issuer:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "iss is not this node")
    jws.sole_audience(claims, issuer)
    if "cnf" in claims:
        if not isinstance(claims["cnf"], dict):
            raise Refusal(Reason.MALFORMED, "cnf is not an object")
        strict_json.string(claims["cnf"], "jkt", max_length=43)
    return claims


def _proof(request: HttpRequest, token: str, claims: dict[str, Any], *, now: int) -> dpop.Proof:
    try:
        return proofs.verified(request, now=now, access_token=token, jkt=claims["cnf"]["jkt"])
    except Refusal as error:
        raise _unable("invalid_dpop_proof", str(error)) from error


def _check_nonce(proof: dpop.Proof, client: Client, *, now: int) -> None:
    """RFC 9449 §9."""
    if proofs.lacks_nonce(proof, client, now=now):
        raise _unable(proofs.NONCE_NEEDED, "the proof has no nonce of ours, or an old one")


def _grant(claims: dict[str, Any], *, scheme: str = "DPoP") -> tuple[Grant, bool | None]:
    """The grant, and whether the phone that the token is bound to is good; None where it is bound to none."""
    jkt = claims.get("cnf", {}).get("jkt", "")
    found = grant_rows.living(pk=UUID(claims["grant"]), jti=claims["jti"], jkt=jkt)
    if found is None:
        raise _unable("invalid_token", "the token, the grant, the client or the account has ended", scheme=scheme)
    return found


def _check_device(good: bool | None) -> None:
    if good is None:
        raise _unable("invalid_token", "no such device")
    if not good:
        raise UnableToAuthorize("device_revoked", "revoked")


def _check_level(claims: dict[str, Any], *, acr: str | None, max_age: int | None, now: int) -> None:
    """RFC 9470 §3: say what is needed."""
    weak = acr is not None and not levels.reaches(claims["acr"], acr)
    old = max_age is not None and claims["auth_time"] < now - max_age
    if not weak and not old:
        return
    needed: dict[str, Any] = {}
    if acr is not None:
        needed["acr_values"] = acr
    if max_age is not None:
        needed["max_age"] = max_age
    raise _unable("insufficient_user_authentication", "level or age", **needed)


def _unable(
    code: str, detail: str, *, challenge: str | None = None, scheme: str = "DPoP", **needed: Any
) -> UnableToAuthorize:
    """``challenge`` is the error where it is not ``code``; "" for a request without credentials (RFC 6750 §3.1)."""
    parts = [] if challenge == "" else [f'error="{challenge or code}"']
    parts += [f'{name}="{value}"' for name, value in needed.items()]
    if scheme == "DPoP":
        parts.append(f'algs="{_ALGORITHMS}"')
    return UnableToAuthorize(code, detail, headers={"WWW-Authenticate": f"{scheme} " + ", ".join(parts)}, **needed)
