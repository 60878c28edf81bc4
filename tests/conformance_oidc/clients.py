"""Which clients an officer registers for these tests."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.conformance_oidc.parties import Site, described

RP, OTHER = "rp.localhost", "other.localhost"


class Wanted(NamedTuple):
    """A client to be registered; ``options`` are further words of the command."""

    client_id: str
    profile: str
    metadata: dict[str, Any]
    options: tuple[str, ...] = ()


def wanted(sites: Mapping[str, Site]) -> list[Wanted]:
    """Conventional ones by each method of authentication, and FAPI 2.0 ones, one of which signs what it asks."""
    rp, other = sites[RP].origin, sites[OTHER].origin
    by_key = {"token_endpoint_auth_method": "private_key_jwt"}
    signing = {"require_signed_request_object": True, "authorization_signed_response_alg": "ES256"}
    return [
        Wanted("basic", "basic", described(rp, backchannel_logout_uri=f"{rp}/logout")),
        Wanted("basic-post", "basic", described(rp, token_endpoint_auth_method="client_secret_post")),
        Wanted("basic-key", "basic", described(rp, id_token_signed_response_alg="ES256", **by_key)),
        Wanted("basic-other", "basic", described(other)),
        Wanted("border", "border", described(rp, **by_key)),
        Wanted("border-other", "border", described(other, **by_key)),
        Wanted("border-signing", "border", described(rp, **by_key, **signing)),
    ]
