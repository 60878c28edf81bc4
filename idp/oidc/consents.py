"""What a traveller has agreed to (`Consent`): for each client, by scope, claim and resource.

Claims are told for as long as they stand here, so taking one back takes effect at every token of the client.
"""

from collections.abc import Collection, Mapping
from typing import Any

from idp.accounts.models import Traveller
from idp.oidc import claims, verified
from idp.oidc.models import Client, Consent, Grant


def wanted(parameters: Mapping[str, Any]) -> dict[str, bool]:
    """The claims that a request with ``parameters`` asks consent for, and whether the client needs each."""
    return claims.units(parameters.get("claims", {}), scope=parameters.get("scope", ""))


def cover(*, traveller: Traveller, client: Client, parameters: Mapping[str, Any], locked: bool = False) -> bool:
    """Whether all that ``parameters`` ask for was agreed to before, and no other document could be shown now.

    ``locked``: and it cannot be taken back meanwhile.
    """
    rows = Consent.objects.select_for_update() if locked else Consent.objects.all()
    row = rows.filter(traveller=traveller, client=client).first()
    if row is None:
        return False
    asked = {**_beside_claims(parameters), "claims": set(wanted(parameters))}
    if not all(asked[name] <= set(getattr(row, name)) for name in asked):
        return False
    shows = verified.shows_document(parameters.get("claims", {}))
    return not (shows and verified.has_newer_document(traveller, client))


def agreed(parameters: Mapping[str, Any], ticked: Collection[str]) -> set[str]:
    """The claims that are agreed to by whoever allows the request with ``ticked``: those, and what the client needs."""
    return {name for name, essential in wanted(parameters).items() if essential or name in ticked}


def remember(
    *, traveller: Traveller, client: Client, parameters: Mapping[str, Any], told: Collection[str], now: int
) -> None:
    """Add what was agreed to just now, ``told`` of the claims asked for; the others count as taken back.

    Belongs into the transaction that stores the grant.
    """
    row, created = Consent.objects.select_for_update().get_or_create(
        traveller=traveller,
        client=client,
        defaults={**_sorted(_beside_claims(parameters)), "claims": sorted(told), "since_at": now, "given_at": now},
    )
    if created:
        return
    kept = {name: {*getattr(row, name), *values} for name, values in _beside_claims(parameters).items()}
    kept["claims"] = {*row.claims} - set(wanted(parameters)) | {*told}
    Consent.objects.filter(pk=row.pk).update(**_sorted(kept), given_at=now)


def relied_on(*, traveller: Traveller, client: Client, now: int) -> None:
    """A login went by what was agreed to before."""
    Consent.objects.filter(traveller=traveller, client=client).update(given_at=now)


def told(grant: Grant) -> set[str]:
    """The claims that the client of ``grant`` may be told of its traveller, as it stands now."""
    rows = Consent.objects.filter(traveller=grant.traveller_id, client=grant.client_id)
    return {name for names in rows.values_list("claims", flat=True) for name in names}


def narrowed(scope: str, told: Collection[str]) -> str:
    """``scope`` without those whose claims were all refused (RFC 6749 §3.3)."""
    return " ".join(
        item
        for item in scope.split()
        if item not in claims.SCOPE_CLAIMS or any(claims.unit(name) in told for name in claims.SCOPE_CLAIMS[item])
    )


def _beside_claims(parameters: Mapping[str, Any]) -> dict[str, set[str]]:
    return {
        "scopes": set(parameters.get("scope", "").split()) - set(claims.SCOPE_CLAIMS),
        "resources": set(parameters.get("resource", [])),
    }


def _sorted(values: Mapping[str, set[str]]) -> dict[str, list[str]]:
    return {name: sorted(items) for name, items in values.items()}
