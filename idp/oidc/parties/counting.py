"""What clients have of travellers: consents, living grants, refresh tokens, and when one was last used."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, Q

from idp.oidc.models import Consent, Grant, RefreshToken


@dataclass(frozen=True)
class Use:
    """Of one client. ``last`` is when it last got a token that is kept, in seconds since 1970; None: never."""

    travellers: int = 0  # who agreed to something
    grants: int = 0  # that live
    refresh_tokens: int = 0  # that may still be exchanged
    instances: int = 0  # attested keys with a living grant
    last: int | None = None


def of(clients: Iterable[int], *, now: int) -> dict[int, Use]:
    """By primary key, for every one of ``clients``: three queries, however many there are."""
    wanted = list(clients)
    living = Q(revoked_at=None)
    grants = Grant.objects.filter(client__in=wanted).values("client")
    granted = _by(
        "client",
        grants.annotate(
            living=Count("pk", filter=living),
            instances=Count("instance", filter=living & ~Q(instance=""), distinct=True),
            last=Max("created_at"),
        ),
    )
    good = Q(rotated_at=None, expires_at__gt=now, grant__revoked_at=None)
    tokens = RefreshToken.objects.filter(grant__client__in=wanted).values("grant__client")
    refreshed = _by("grant__client", tokens.annotate(living=Count("pk", filter=good), last=Max("created_at")))
    consents = Consent.objects.filter(client__in=wanted).values("client")
    agreed = _by("client", consents.annotate(travellers=Count("pk"), last=Max("given_at")))
    return {pk: _use(granted.get(pk, {}), refreshed.get(pk, {}), agreed.get(pk, {})) for pk in wanted}


def _by(name: str, rows: Any) -> dict[int, dict[str, Any]]:
    return {row[name]: row for row in rows}


def _use(granted: dict[str, Any], refreshed: dict[str, Any], agreed: dict[str, Any]) -> Use:
    times = [row["last"] for row in (granted, refreshed, agreed) if row]
    return Use(
        travellers=agreed.get("travellers", 0),
        grants=granted.get("living", 0),
        refresh_tokens=refreshed.get("living", 0),
        instances=granted.get("instances", 0),
        last=max(times, default=None),
    )
