"""Grants: what a traveller allowed a client, and the end of it."""

import secrets
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from idp import prepared
from idp.accounts.models import Traveller
from idp.audit import events
from idp.oidc.models import AuthorizationCode, Grant, PushedRequest, RefreshToken
from idp.oidc.replay import digest
from idp.plain_rows import Columns

CODE_LIFETIME = 60  # seconds (FAPI 2.0 §5.3.2.1)
REFRESH_LIFETIME = 30 * 86_400  # seconds; no consent to border crossings is good for longer than days
KEEP_USED_CODE = 86_400  # seconds; a code that comes again is an alarm for as long as its tokens live

_GRANTS, _CODES = Columns(Grant, "g"), Columns(AuthorizationCode, "k")
_CONSUME = (
    f"UPDATE {AuthorizationCode._meta.db_table} SET used_at = $1 "  # noqa: S608  constants
    "WHERE id = $2 AND used_at IS NULL AND expires_at > $3 RETURNING id"
)
_BIND = f"UPDATE {Grant._meta.db_table} SET jkt = $1 WHERE id = $2 AND jkt = '' RETURNING id"  # noqa: S608  constants


def give(
    *,
    pushed: PushedRequest,
    traveller: Traveller,
    details: Sequence[dict[str, Any]],
    told: Sequence[str],
    scope: str,
    acr: str,
    amr: Sequence[str],
    auth_time: int,
    claims: dict[str, Any],
    claims_locales: str,
    resources: Sequence[str],
    sid: str,
    code: str,
    now: int,
) -> Grant:
    """Store the grant and its code. Belongs into the transaction that completes ``pushed``.

    ``told`` are the claims agreed to, which the consent remembers and the audit names.
    """
    grant = Grant(
        traveller=traveller,
        client=pushed.client,
        scope=scope,
        authorization_details=list(details),
        acr=acr,
        amr=list(amr),
        auth_time=auth_time,
        claims=claims,
        claims_locales=claims_locales,
        resources=list(resources),
        sid=sid,
        jkt=pushed.jkt,
        instance=pushed.instance,
        created_at=now,
    )
    _GRANTS.insert(grant)
    given = AuthorizationCode(
        code_hash=digest(code),
        grant=grant,
        redirect_uri=pushed.parameters["redirect_uri"],
        code_challenge=pushed.parameters.get("code_challenge"),
        nonce=pushed.parameters.get("nonce", ""),
        expires_at=now + CODE_LIFETIME,
    )
    _CODES.insert(given)
    kinds = [detail["type"] for detail in details]
    events.record(
        kind="oidc.consent_given",
        actor=f"traveller:{traveller.pk}",
        subject=f"grant:{grant.pk}",
        data={"client": pushed.client.client_id, "types": kinds, "scope": scope, "claims": told, "acr": acr},
    )
    return grant


def consume(code: AuthorizationCode, *, now: int) -> bool:
    """Redeem ``code``: one UPDATE, and whoever changes the row has it."""
    return len(prepared.rows(_CONSUME, [now, code.pk, now])) == 1


def bind(grant: Grant, jkt: str) -> bool:
    """Bind ``grant`` to the device key ``jkt`` unless it is bound to another; whether it is bound to this one now."""
    if not grant.jkt:  # once bound, it stays so
        if prepared.rows(_BIND, [jkt, grant.pk.hex]):
            grant.jkt = jkt
        else:  # by somebody else, since it was read
            grant.refresh_from_db(fields=["jkt"])
    return bool(grant.jkt == jkt)


def refresh_token(grant: Grant, *, expires_at: int, now: int) -> str:
    """A new refresh token of ``grant``, in clear for the only time."""
    token = secrets.token_urlsafe(32)
    RefreshToken.objects.create(token_hash=digest(token), grant=grant, created_at=now, expires_at=expires_at)
    return token


def rotate(token: RefreshToken, *, now: int) -> bool:
    """Let ``token`` be good no more: one UPDATE, and whoever changes the row gets the token in its place."""
    return RefreshToken.objects.filter(pk=token.pk, rotated_at=None, expires_at__gt=now).update(rotated_at=now) == 1


@transaction.atomic
def revoke(*, grant: Grant, actor: str, reason: str, now: int) -> bool:
    """End ``grant`` and with it every token; whether it was alive. ``reason`` is a word for the audit."""
    if Grant.objects.filter(pk=grant.pk, revoked_at=None).update(revoked_at=max(now, grant.created_at)) != 1:
        return False
    events.record(kind="oidc.grant_revoked", actor=actor, subject=f"grant:{grant.pk}", data={"reason": reason})
    return True


def purge(*, now: int) -> int:
    """Delete codes and refresh tokens that nobody can use or misuse any more; the number of rows."""
    codes = AuthorizationCode.objects.filter(expires_at__lt=now - KEEP_USED_CODE).delete()[0]
    return codes + RefreshToken.objects.filter(expires_at__lt=now).delete()[0]
