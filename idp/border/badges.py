"""Officers' badges: given at the beginning of a shift, taken back through the bundles (docs/protocol.md)."""

import secrets

from django.db import transaction

from idp.audit import events
from idp.border.models import Checkpoint, OfficerBadge
from idp.conf import authority
from idp.federation import signing
from idp.protocol.officer_badge import MAX_LIFE, MAX_REVOKED, sign_badge

JTI_BYTES = 16


def issue(*, checkpoint: Checkpoint, officer: str, hours: int, now: int) -> tuple[OfficerBadge, str]:
    """A badge of at most 12 hours for the officer who asks; its text is not kept. Stored before it is signed."""
    lifetime = min(hours * 3600, MAX_LIFE)
    with transaction.atomic():
        badge = OfficerBadge.objects.create(
            jti=secrets.token_urlsafe(JTI_BYTES),
            officer=officer,
            checkpoint=checkpoint,
            issued_at=now,
            expires_at=now + lifetime,
        )
        events.record(kind="badge.issued", actor=officer, subject=badge.jti, data={"checkpoint": checkpoint.code})
    text = sign_badge(
        node=authority().entity_id,
        checkpoint=checkpoint.entity_id,
        officer=officer,
        jti=badge.jti,
        now=now,
        lifetime=lifetime,
        signer=signing.signer("bundle"),
    )
    return badge, text


@transaction.atomic
def revoke(*, badge: OfficerBadge, actor: str, now: int) -> bool:
    """Take it back; its sessions end when the lanes have the next bundle. Whether it was in force."""
    done = OfficerBadge.objects.filter(pk=badge.pk, revoked_at__isnull=True).update(revoked_at=now)
    if done:
        events.record(kind="badge.revoked", actor=actor, subject=badge.jti)
    return bool(done)


def revoked(*, checkpoint: Checkpoint, now: int) -> list[str]:
    """Those of the checkpoint that were taken back and would be good still, for its bundle."""
    rows = checkpoint.badges.filter(revoked_at__isnull=False, expires_at__gt=now).order_by("-revoked_at", "pk")
    return sorted(rows.values_list("jti", flat=True)[:MAX_REVOKED])
