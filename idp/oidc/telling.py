"""What a client is told about the traveller of a grant: as far as it was allowed, and as it is now."""

from typing import Any

from idp.oidc import claims, consents, identity, verified
from idp.oidc.models import Grant
from idp.protocol import claims_answer
from idp.protocol.claims_request import VERIFIED


def told(grant: Grant, *, place: str, scope: str, now: int) -> dict[str, Any]:
    """The claims for ``place`` (userinfo, id_token), beside those of the protocol; ``scope`` is the access token's.

    Nothing is looked up where nothing is wanted.
    """
    wanted = claims.of_place(place, grant.claims, scope=scope)
    if not wanted and VERIFIED not in grant.claims.get(place, {}):
        return {}
    agreed = consents.told(grant)
    told = verified.told(grant, place=place, agreed=claims.verified_names(agreed), now=now)
    if wanted := {name: request for name, request in wanted.items() if claims.unit(name) in agreed}:
        told |= claims_answer.answer(wanted, identity.of(grant.traveller), locales=grant.claims_locales)
    return told
