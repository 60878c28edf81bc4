"""The keys to which border tokens are sealed: made in the gates, known to the node by their public halves alone."""

from dataclasses import dataclass

from django.db.models import Max

from idp.border.lane_watch import SEALING
from idp.border.models import Checkpoint
from idp.federation.columns import shown
from idp.protocol import keys


@dataclass(frozen=True)
class SealingKeys:
    """Of one checkpoint, by their thumbprints (RFC 7638)."""

    checkpoint: Checkpoint
    current: str
    next: str
    changed: str
    late: bool  # they should have been changed by now


def sealing_keys(now: int) -> list[SealingKeys]:
    """Of every checkpoint that has a gate."""
    rows = Checkpoint.objects.exclude(sealing_jwks={}).annotate(changed=Max("lanes__report__sealing_at"))
    return [_of(row, now) for row in rows.order_by("code")]


def _of(row: Checkpoint, now: int) -> SealingKeys:
    found = [keys.thumbprint(jwk) for jwk in row.sealing_jwks["keys"]]
    changed: int | None = row.changed or None  # type: ignore[attr-defined]  # annotated
    late = changed is not None and changed <= now - SEALING
    return SealingKeys(row, found[0], found[1] if len(found) > 1 else "", shown(changed), late)
