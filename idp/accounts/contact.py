"""Keeping a traveller's contact details: they say, change and take back what they like."""

from collections.abc import Mapping

from django.db import transaction

from idp.accounts.models import ContactDetails, Traveller
from idp.audit import events

FIELDS = ("email", "phone", "street_address", "locality", "region", "postal_code", "country", "language")


@transaction.atomic
def keep(*, traveller: Traveller, details: Mapping[str, str], now: int) -> ContactDetails | None:
    """Keep ``details`` (by `FIELDS`, checked by the form) in place of what was there; None when nothing is left.

    ``now`` is in seconds since 1970. The audit learns which fields are filled, never with what.
    """
    given = {name: details.get(name, "") for name in FIELDS}
    filled = sorted(name for name in FIELDS if given[name])
    kept = None
    if filled:
        kept, _ = ContactDetails.objects.update_or_create(traveller=traveller, defaults={**given, "updated_at": now})
    else:
        ContactDetails.objects.filter(traveller=traveller).delete()
    who = f"traveller:{traveller.pk}"
    events.record(kind="accounts.contact_changed", actor=who, subject=who, data={"filled": filled})
    return kept
