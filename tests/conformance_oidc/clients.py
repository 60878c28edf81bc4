"""Which clients an officer registers for these tests."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.conformance_oidc.parties import Site, described

RP, OTHER = "rp.localhost", "other.localhost"
SIGNED = {"userinfo_signed_response_alg": "ES256", "introspection_signed_response_alg": "ES256"}


class Wanted(NamedTuple):
    """A client to be registered; ``options`` are further words of the command."""

    client_id: str
    profile: str
    metadata: dict[str, Any]
    options: tuple[str, ...] = ()


def wanted(sites: Mapping[str, Site]) -> list[Wanted]:
    """Conventional ones by each method of authentication, FAPI 2.0 ones, and some with signed or sealed answers."""
    rp, other = sites[RP].origin, sites[OTHER].origin
    by_key = {"token_endpoint_auth_method": "private_key_jwt"}
    signing = {"require_signed_request_object": True, "authorization_signed_response_alg": "ES256"}
    machine = {"grant_types": ["authorization_code", "refresh_token", "client_credentials"], "scope": "openid orders"}
    return [
        Wanted("basic", "basic", described(rp, backchannel_logout_uri=f"{rp}/logout")),
        Wanted("basic-post", "basic", described(rp, token_endpoint_auth_method="client_secret_post")),
        Wanted("basic-key", "basic", described(rp, id_token_signed_response_alg="ES256", **by_key)),
        Wanted("basic-other", "basic", described(other)),
        Wanted("basic-signed", "basic", described(rp, **by_key, **SIGNED, backchannel_logout_uri=f"{rp}/logout-jose")),
        Wanted("basic-sealed", "basic", described(rp, **by_key, **sealed("ECDH-ES", "A256GCM"), **SIGNED)),
        Wanted(
            "basic-sealed-rsa", "basic", described(rp, **by_key, **sealed("RSA-OAEP-256", "A128CBC-HS256"), **SIGNED)
        ),
        Wanted("basic-sealed-only", "basic", described(rp, **by_key, **sealed("RSA-OAEP", "A256GCM"))),
        Wanted(
            "basic-sealed-userinfo",
            "basic",
            described(rp, **by_key, **sealed("ECDH-ES", "A256GCM", "userinfo"), **SIGNED),
        ),
        Wanted("basic-api", "basic", described(rp), ("--resource", f"{rp}/api")),
        Wanted("basic-machine", "basic", described(rp, **machine)),
        Wanted("border", "border", described(rp, **by_key)),
        Wanted("border-other", "border", described(other, **by_key)),
        Wanted("border-signing", "border", described(rp, **by_key, **signing)),
        Wanted("border-sealed", "border", described(rp, **by_key, **sealed("ECDH-ES", "A256GCM"), **SIGNED)),
        Wanted("border-machine", "border", described(rp, **by_key, **machine)),
    ]


def sealed(algorithm: str, encryption: str, *answers: str) -> dict[str, str]:
    """Metadata of a client of which nobody else can read these answers; all three, if none is named."""
    return {
        f"{answer}_encrypted_response_{part}": value
        for answer in answers or ("userinfo", "id_token", "authorization")
        for part, value in (("alg", algorithm), ("enc", encryption))
    }
