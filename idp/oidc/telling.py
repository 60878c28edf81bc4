"""What a client is told about the traveller of a grant: as far as it was allowed, and as it is now."""

from typing import Any

from idp.oidc import claims, identity, verified
from idp.oidc.models import Grant
from idp.protocol import claims_answer


def told(grant: Grant, *, place: str, scope: str, now: int) -> dict[str, Any]:
    """The claims for ``place`` (userinfo, id_token), beside those of the protocol; ``scope`` is the access token's.

    Nothing is looked up where nothing is wanted.
    """
    told = verified.told(grant, place=place, now=now)
    wanted = claims.of_place(place, grant.claims, scope=scope)
    if wanted:
        told |= claims_answer.answer(wanted, identity.of(grant.traveller), locales=grant.claims_locales)
    return told
