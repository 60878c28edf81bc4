"""Revocation (RFC 7009): a client that needs a token no more says so."""

from django.http import HttpRequest

from idp.audit import events
from idp.oidc import checks, client_authentication, form, grants, issued, replay
from idp.oidc.issued import Issued


def revoke(request: HttpRequest, *, now: int) -> None:
    """Revoke the token that ``request`` names, if it is the client's own. Raises `OAuthError` or `Unavailable`.

    The answer is the same for a token that is another's, unknown or dead (§2.2): the client could do nothing about it,
    and should not learn whether there is one. ``token_type_hint`` is not needed, and an unknown one no error (§2.1).
    """
    sent = form.read(request)
    sender = client_authentication.sender(request, sent, now=now)
    checks.run(checks.REVOKE, checks.Situation(client=sender.client, now=now, parameters=sent))
    found = issued.find(sent["token"], now=now)
    if found is None or not issued.is_of(found, sender):
        return
    actor = f"client:{sender.client.client_id}"[:255]
    if found.jti is not None:
        _revoke_access(found, found.jti, actor=actor)
    elif found.grant is not None:  # §2.1: and with it every access token of the same grant
        grants.revoke(grant=found.grant, actor=actor, reason="revoked_by_client", now=now)


def _revoke_access(found: Issued, jti: str, *, actor: str) -> None:
    """Remembered until it would be refused for its age; the event in the same statement, once."""
    subject = actor if found.grant is None else f"grant:{found.grant.pk}"
    seen = replay.Seen()
    seen.add(replay.REVOKED, jti, found.claims["exp"] + 1)
    try:
        seen.spend(event=events.prepared(kind="oidc.token_revoked", actor=actor, subject=subject))
    except replay.SeenBefore:
        return
