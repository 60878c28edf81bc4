"""Taking border tokens back: one, or all of a device, a document or a traveller. The status list tells the gates."""

from django.db import transaction
from django.db.models import QuerySet

from idp.audit import events
from idp.border.models import IssuedToken
from idp.federation import status_lists

INVALID = 1  # Token Status List §7.1


def revoke(*, tokens: QuerySet[IssuedToken], actor: str, now: int) -> int:
    """Revoke those of ``tokens`` that still live; how many there were. Their status is set in the same transaction."""
    with transaction.atomic():
        living = list(tokens.filter(revoked_at__isnull=True, expires_at__gt=now).select_for_update(of=("self",)))
        for token in living:
            status_lists.set_status(token.status_uri, token.status_idx, INVALID)
            events.record(kind="border_token.revoked", actor=actor, subject=token.jti)
        IssuedToken.objects.filter(pk__in=[token.pk for token in living]).update(revoked_at=now, revoked_by=actor)
    return len(living)
