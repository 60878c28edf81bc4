"""The foreign clients by name, and the modules that each must judge. A module that it leaves out has failed."""

from collections.abc import Mapping
from typing import NamedTuple


class Judge(NamedTuple):
    """``client`` is what the report says, with the version that is installed; ``environment`` is where it lives."""

    client: str
    environment: str
    modules: tuple[str, ...]


def _of(profile: str, *steps: str) -> tuple[str, ...]:
    return tuple(f"{profile}-{step}" for step in steps)


PROFILES = ("basic", "border", "federation")
_CODE = ("code", "code-only-once", "pkce", "id-token", "callback", "form-post", "jarm", "refusal-of-the-traveller")
_TOKENS = ("userinfo", "tokens-with-another-key", "refresh", "introspection", "revocation")
_EVERYWHERE = (*_CODE, *_TOKENS, "par", "jar")
_ANSWERS = ("signed-userinfo", "signed-introspection", "encrypted-answers", "encrypted-answers-rsa")
_OF_NODE = tuple(module for profile in PROFILES for module in _of(profile, *_EVERYWHERE))
_PROOFS = ("basic-dpop", "border-dpop-nonce-retry", "federation-dpop-nonce-retry")
_BORDER = _of("border", "private-key-jwt", "code-with-another-key", "encrypted-answers", "client-credentials")
_BASIC = _of("basic", "client-secret-post", "private-key-jwt", *_ANSWERS, "client-credentials")
_SIGNED = ("id-token", "par", "jar", "encrypted-request", "jarm", "refresh", "jwt-access-token", "signed-introspection")
_PYTHON = (
    *("code", "client-secret-post", "private-key-jwt", "pkce", "id-token", "callback", "form-post", "userinfo"),
    *("refusal-of-the-traveller", "refresh", "introspection", "revocation", "client-credentials", "logout"),
)
_COMMON = ("discovery", *_OF_NODE, *_PROOFS, *_BASIC, *_BORDER, "dynamic-registration")

JUDGES: Mapping[str, Judge] = {
    "openid_client": Judge(
        "openid-client@6.8.9",
        "npm",
        (
            *_COMMON,
            *(f"{profile}-logout" for profile in PROFILES),
            *_of("basic", "wrong-secret", "without-pkce-state-and-nonce"),
            "federation-automatic-registration",
        ),
    ),
    "oauth4webapi": Judge(
        "oauth4webapi@3.8.8",
        "npm",
        (
            *_COMMON,
            *(f"{profile}-jwt-access-token" for profile in PROFILES),
            *(f"{profile}-jarm-by-form-post" for profile in PROFILES),
            *_of("basic", "without-pkce", "access-token-for-a-resource"),
        ),
    ),
    "jose": Judge(
        "jose@6.2.17",
        "npm",
        (
            "discovery",
            *(module for profile in PROFILES for module in _of(profile, *_SIGNED)),
            *_PROOFS,
            *_of("basic", "signed-userinfo", "encrypted-answers", "encrypted-answers-rsa", "backchannel-logout"),
            *("basic-encrypted-answers-without-signed-userinfo", "border-encrypted-answers"),
            *_of("federation", "entity-configuration", "explicit-registration"),
        ),
    ),
    "idpyoidc": Judge(
        "idpyoidc@5.0.0",
        "idpyoidc",
        (
            "discovery",
            *_of("basic", *_PYTHON, "jar", "signed-userinfo", "encrypted-userinfo", "dpop", "backchannel-logout"),
            "dynamic-registration",
        ),
    ),
    "authlib": Judge(
        "authlib@1.9.10",
        "authlib",
        ("discovery", *_of("basic", *_PYTHON, "jwt-access-token"), "federation-code"),
    ),
}
