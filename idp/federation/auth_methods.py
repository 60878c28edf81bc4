"""Which of the federation endpoints ask who calls (Federation §8.8): configured, published, checked at the start."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.core import checks

from idp import conf
from idp.protocol import jws

NONE, PRIVATE_KEY_JWT = "none", "private_key_jwt"
ENDPOINTS = ("fetch", "list", "resolve", "trust_mark", "trust_mark_status", "trust_mark_list", "historical_keys")
UNASKED = (NONE,)
DEFAULTS = {"resolve": (NONE, PRIVATE_KEY_JWT)}  # whoever says who it is may have it search (§18.1)
ALGORITHMS = jws.WITH_RS256  # §5.1.1: servers should support RS256


def allowed(endpoint: str) -> tuple[str, ...]:
    """The methods of one endpoint of `ENDPOINTS`."""
    return tuple(conf.authority().federation_auth.get(endpoint, DEFAULTS.get(endpoint, UNASKED)))


def metadata() -> dict[str, list[str]]:
    """The ``federation_entity`` members that say so; what is the specification's own default is left out (§8.8.1)."""
    stated = {
        f"federation_{endpoint}_endpoint_auth_methods": list(allowed(endpoint))
        for endpoint in ENDPOINTS
        if allowed(endpoint) != UNASKED
    }
    if any(PRIVATE_KEY_JWT in methods for methods in stated.values()):
        stated["endpoint_auth_signing_alg_values_supported"] = [*ALGORITHMS, "Ed25519"]
    return stated


def check(app_configs: Sequence[Any] | None = None, **options: Any) -> list[checks.CheckMessage]:
    """idp.E106: the setting names endpoints and methods that there are."""
    return [
        checks.Error(f"CAUSEWAY_FEDERATION_AUTH: {fault}.", id="idp.E106")
        for fault in _faults(conf.authority().federation_auth)
    ]


def _faults(configured: Any) -> Iterator[str]:
    if not isinstance(configured, dict):
        yield "not a JSON object from endpoint to methods"
        return
    for endpoint, methods in configured.items():
        if endpoint not in ENDPOINTS:
            yield f"{endpoint} is none of {', '.join(ENDPOINTS)}"
        known = isinstance(methods, list) and all(method in (NONE, PRIVATE_KEY_JWT) for method in methods)
        if not known or not methods or len(set(methods)) != len(methods):
            yield f"the methods of {endpoint} are not a list of {NONE} and {PRIVATE_KEY_JWT}"
