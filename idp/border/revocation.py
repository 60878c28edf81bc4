"""Taking border tokens back: by hand, or because what they stand on has ended. The status list tells the gates."""

from django.db import transaction
from django.db.models import Q, QuerySet

from idp.accounts.models import Device, TravelDocument
from idp.audit import events
from idp.border.models import IssuedToken
from idp.federation import status_lists
from idp.oidc.models import Grant

INVALID = 1  # Token Status List §7.1
LONGEST = 86_400  # seconds that a token can live; protocol.md, Border token


def revoke(*, tokens: QuerySet[IssuedToken], actor: str, now: int) -> int:
    """Revoke those of ``tokens`` that still live; how many there were. Their status is set in the same transaction."""
    with transaction.atomic():
        living = list(tokens.filter(revoked_at__isnull=True, expires_at__gt=now).select_for_update(of=("self",)))
        for token in living:
            status_lists.set_statuses(token.status_uri, [token.status_idx], INVALID, now=now, actor=actor)
            events.record(kind="border_token.revoked", actor=actor, subject=token.jti)
        IssuedToken.objects.filter(pk__in=[token.pk for token in living]).update(revoked_at=now, revoked_by=actor)
    return len(living)


def follow(*, now: int) -> int:
    """Revoke the living tokens of revoked devices, documents and consents and of closed accounts; how many.

    The rooms that own those know nothing of border tokens, so this one looks, oftener than a lane fetches its bundle.
    """
    ended = Grant.objects.filter(revoked_at__gt=now - LONGEST)
    grants = [str(pk) for pk in ended.values_list("pk", flat=True)]
    orphans = IssuedToken.objects.filter(
        Q(device_jkt__in=Device.objects.filter(revoked_at__isnull=False).values("jkt"))
        | Q(document__status=TravelDocument.Status.REVOKED)
        | Q(traveller__account__is_active=False)
        | Q(grant_id__in=grants)
    )
    return revoke(tokens=IssuedToken.objects.filter(pk__in=orphans.values("pk")), actor="node", now=now)
