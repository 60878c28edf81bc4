"""What a traveller has agreed to before (`Consent`): remembered for each client, by scope, claim and resource."""

from collections.abc import Mapping
from typing import Any

from idp.accounts.models import Traveller
from idp.oidc import claims, verified
from idp.oidc.models import Client, Consent


def cover(*, traveller: Traveller, client: Client, parameters: Mapping[str, Any]) -> bool:
    """Whether all that ``parameters`` ask for was agreed to before, and no other document could be shown now."""
    row = Consent.objects.filter(traveller=traveller, client=client).first()
    if row is None:
        return False
    asked = _asked(parameters)
    if not all(asked[name] <= set(getattr(row, name)) for name in asked):
        return False
    return not (
        verified.shows_document(parameters.get("claims", {})) and verified.linked_after(traveller, row.given_at)
    )


def remember(*, traveller: Traveller, client: Client, parameters: Mapping[str, Any], now: int) -> None:
    """Add what was agreed to just now. Belongs into the transaction that stores the grant."""
    asked = _asked(parameters)
    row, created = Consent.objects.select_for_update().get_or_create(
        traveller=traveller,
        client=client,
        defaults={**{name: sorted(values) for name, values in asked.items()}, "given_at": now},
    )
    if created:
        return
    for name, values in asked.items():
        setattr(row, name, sorted({*getattr(row, name), *values}))
    row.given_at = now
    row.save()


def _asked(parameters: Mapping[str, Any]) -> dict[str, set[str]]:
    return {
        "scopes": set(parameters.get("scope", "").split()),
        "claims": claims.names(parameters.get("claims", {})),
        "resources": set(parameters.get("resource", [])),
    }
