"""The relying parties that a traveller allowed something: what each is told, since when, and the end of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Max, Min, Q

from idp.accounts.models import Traveller
from idp.audit import events
from idp.oidc import grants
from idp.oidc.models import Client, Consent, Grant


class UnableToRevoke(Exception):
    """The traveller allowed this client nothing that could be taken back."""


@dataclass(frozen=True)
class Application:
    """One client, with what it has of the traveller. Times are seconds since 1970."""

    client: Client
    claims: Sequence[str]  # as `claims.unit` names them
    scopes: Sequence[str]
    resources: Sequence[str]
    fetches: bool  # whether a grant with rich authorization lives
    since: int
    last_used: int  # when it last got a token for a login or a refresh token


def of(*, traveller: Traveller) -> list[Application]:
    """Every client with a consent or a living grant of ``traveller``, the one that was used last first."""
    consents = {row.client_id: row for row in Consent.objects.filter(traveller=traveller)}
    living = Q(revoked_at=None)
    rows = Grant.objects.filter(traveller=traveller)
    used = {
        row["client"]: row
        for row in rows.values("client").annotate(
            first=Min("created_at", filter=living),
            last=Max("created_at"),
            refreshed=Max("refresh_tokens__created_at"),
        )
    }
    fetching = set(rows.filter(living).exclude(authorization_details=[]).values_list("client", flat=True))
    alive = {pk for pk, row in used.items() if row["first"] is not None}
    found = []
    for client in Client.objects.filter(pk__in={*consents, *alive}):
        consent, row = consents.get(client.pk), used.get(client.pk, {})
        times = [row.get("last"), row.get("refreshed"), consent and consent.given_at]
        found.append(
            Application(
                client=client,
                claims=consent.claims if consent else [],
                scopes=consent.scopes if consent else [],
                resources=consent.resources if consent else [],
                fetches=client.pk in fetching,
                since=consent.since_at if consent else row["first"],
                last_used=max(time for time in times if time is not None),
            )
        )
    return sorted(found, key=lambda item: (-item.last_used, item.client.client_id))


@transaction.atomic
def tell_only(*, traveller: Traveller, client: Client, names: Collection[str]) -> list[str]:
    """Take back every claim but ``names``; those that were. What was never agreed to is not agreed to now.

    Raises `UnableToRevoke` where there is no consent.
    """
    row = Consent.objects.select_for_update().filter(traveller=traveller, client=client).first()
    if row is None:
        raise UnableToRevoke
    kept = [name for name in row.claims if name in names]
    taken = [name for name in row.claims if name not in names]
    if taken:
        Consent.objects.filter(pk=row.pk).update(claims=kept)
        _record("oidc.consent_narrowed", traveller, client, {"claims": taken})
    return taken


@transaction.atomic
def revoke(*, traveller: Traveller, client: Client, now: int) -> int:
    """Forget the consent and end every grant of ``client``, and with them codes and tokens; how many grants lived.

    Raises `UnableToRevoke` where there is neither.
    """
    forgotten, _ = Consent.objects.filter(traveller=traveller, client=client).delete()
    who = _actor(traveller)
    living = Grant.objects.filter(traveller=traveller, client=client, revoked_at=None)
    ended = sum(grants.revoke(grant=grant, actor=who, reason="consent_withdrawn", now=now) for grant in living)
    if not forgotten and not ended:
        raise UnableToRevoke
    _record("oidc.consent_withdrawn", traveller, client, {"grants": ended})
    return ended


def _record(kind: str, traveller: Traveller, client: Client, data: Mapping[str, Any]) -> None:
    events.record(kind=kind, actor=_actor(traveller), subject=f"client:{client.client_id}"[:255], data=data)


def _actor(traveller: Traveller) -> str:
    return f"traveller:{traveller.pk}"
