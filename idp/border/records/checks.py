"""System check of how long crossings are kept."""

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from idp.conf import authority

LEAST_DAYS = 35  # a token, the clocks of two lanes, a lane that was cut off: before, no second passing would be found


@register(Tags.security)
def retention(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """idp.E118: periods that cannot be."""
    kept = authority()
    found = []
    if kept.identified_days < LEAST_DAYS:
        found.append(f"CAUSEWAY_IDENTIFIED_DAYS is at least {LEAST_DAYS}.")
    if kept.pseudonym_key_days < 0:
        found.append("CAUSEWAY_PSEUDONYM_KEY_DAYS is not negative.")
    if kept.crossings_months * 28 < kept.identified_days:
        found.append("CAUSEWAY_CROSSINGS_MONTHS is not shorter than CAUSEWAY_IDENTIFIED_DAYS.")
    return [Error(text, id="idp.E118") for text in found]
