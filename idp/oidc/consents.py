"""What a traveller has agreed to (`Consent`): for each client, by scope, claim and resource.

Claims are told for as long as they stand here, so taking one back takes effect at every token of the client.
"""

from collections.abc import Collection, Mapping
from typing import Any

from idp import prepared
from idp.accounts.models import Traveller
from idp.oidc import claims, verified
from idp.oidc.models import Client, Consent, Grant
from idp.plain_rows import Columns

_TABLE = Consent._meta.db_table
_CONSENT = Columns(Consent, _TABLE)  # by its own name: SQLite knows no other behind RETURNING
_READ = f"SELECT {_CONSENT.sql} FROM {_TABLE} WHERE traveller_id = $1 AND client_id = $2"  # noqa: S608  constants
_RELY = (
    f"UPDATE {_TABLE} SET given_at = $1 "  # noqa: S608  constants
    f"WHERE traveller_id = $2 AND client_id = $3 RETURNING {_CONSENT.sql}"
)


def wanted(parameters: Mapping[str, Any]) -> dict[str, bool]:
    """The claims that a request with ``parameters`` asks consent for, and whether the client needs each."""
    return claims.units(parameters.get("claims", {}), scope=parameters.get("scope", ""))


def cover(*, traveller: Traveller, client: Client, parameters: Mapping[str, Any]) -> bool:
    """Whether all that ``parameters`` ask for was agreed to before, and no other document could be shown now."""
    found = prepared.rows(_READ, [traveller.pk.hex, client.pk])
    return bool(found) and _covers(_CONSENT.read(found[0]), traveller, client, parameters)


def rely(*, traveller: Traveller, client: Client, parameters: Mapping[str, Any], now: int) -> bool:
    """Go by what was agreed to before; whether it covers ``parameters``. It cannot be taken back meanwhile.

    Belongs into the transaction that stores the grant, and is undone with it where it does not cover.
    """
    found = prepared.rows(_RELY, [now, traveller.pk.hex, client.pk])
    return bool(found) and _covers(_CONSENT.read(found[0]), traveller, client, parameters)


def _covers(row: Consent, traveller: Traveller, client: Client, parameters: Mapping[str, Any]) -> bool:
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
