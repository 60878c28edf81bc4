"""What the suite demands of entity configurations, subordinate statements and provider metadata."""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.conformance import jose, wire
from tests.conformance.relying_parties import STATEMENT, STATEMENT_TYP, WELL_KNOWN

SKEW = 300  # seconds
YEARS = 5 * 365 * 86_400
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
LEAST = {"RSA": 2048, "EC": 256, "OKP": 256}  # bits
# What is compared of two copies of a statement: everything that the specification defines and time does not change.
COMPARED = (
    *("iss", "sub", "jwks", "authority_hints", "metadata", "metadata_policy", "metadata_policy_crit", "constraints"),
    *("crit", "trust_mark_issuers", "trust_mark_owners", "source_endpoint"),
)
Claims = dict[str, Any]


def configuration(entity_id: str) -> Claims:
    """Fetch and check an entity configuration (§9, §3.1.2)."""
    text = fetched(entity_id + WELL_KNOWN)
    claims = jose.claims(text)
    _check_keys(claims["jwks"])
    jose.verified(text, claims["jwks"]["keys"], typ=STATEMENT_TYP)
    _check_claims(claims, issuer=entity_id, subject=entity_id)
    for only_subordinate in ("metadata_policy", "metadata_policy_crit", "constraints", "source_endpoint"):
        assert only_subordinate not in claims
    for metadata in claims["metadata"].values():
        assert isinstance(metadata, dict)
    federation_entity = claims["metadata"].get("federation_entity", {})
    assert not {"jwks", "jwks_uri", "signed_jwks_uri"} & set(federation_entity)
    for name, value in federation_entity.items():
        assert not name.endswith("_endpoint") or is_address(value), name
    if "openid_provider" in claims["metadata"]:
        check_provider(claims["metadata"]["openid_provider"], entity_id)
    return claims


def statement(superior: Claims, subject: str) -> Claims:
    """Fetch and check what ``superior``, a verified configuration, says about ``subject`` (§8.1, §3.1.3)."""
    text = fetched(endpoint(superior, "fetch"), sub=subject)
    claims = jose.verified(text, superior["jwks"]["keys"], typ=STATEMENT_TYP)
    _check_claims(claims, issuer=superior["iss"], subject=subject)
    _check_keys(claims["jwks"])
    for only_configuration in ("authority_hints", "trust_marks", "trust_mark_issuers", "trust_mark_owners"):
        assert only_configuration not in claims
    assert "federation_entity" not in claims.get("metadata", {})
    for policy in claims.get("metadata_policy", {}).values():
        assert all(isinstance(operators, dict) and operators for operators in policy.values())
    return claims


def subordinates(superior: Claims) -> list[str]:
    """What its list endpoint answers (§8.2)."""
    answer = wire.get(endpoint(superior, "list"))
    assert answer.status == 200
    listed = answer.json()
    assert isinstance(listed, list) and all(isinstance(item, str) for item in listed)
    return listed


def endpoint(claims: Claims, name: str) -> str:
    """An endpoint of its federation_entity metadata."""
    return str(claims["metadata"]["federation_entity"][f"federation_{name}_endpoint"])


def fetched(url: str, *, media_type: str = STATEMENT, **parameters: str) -> str:
    """A document that must come with 200 and exactly its media type."""
    answer = wire.get(url, **parameters)
    assert (answer.status, answer.headers["content-type"]) == (200, media_type), answer.text
    return answer.text


def is_address(value: object) -> bool:
    """https without fragment; on this machine http stands for it."""
    parts = urlsplit(str(value))
    secure = parts.scheme == "https" or (parts.scheme == "http" and (parts.hostname or "").endswith(".localhost"))
    return isinstance(value, str) and secure and bool(parts.netloc) and "#" not in value


def check_provider(metadata: Mapping[str, Any], entity_id: str) -> None:
    """OpenID Connect Discovery §3 and Federation §5.1.3."""
    assert metadata["issuer"] == entity_id
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint"):
        assert is_address(metadata[name]), name
    assert "code" in metadata["response_types_supported"]
    assert set(metadata["subject_types_supported"]) <= {"pairwise", "public"}
    for name in ("id_token_signing_alg_values_supported", "request_object_signing_alg_values_supported"):
        assert "RS256" in metadata[name], name
    assert "openid" in metadata["scopes_supported"]
    assert "authorization_code" in metadata["grant_types_supported"]
    assert "jwks" in metadata or is_address(metadata["jwks_uri"])
    if "jwks" in metadata:
        _check_keys(metadata["jwks"])
    types = metadata["client_registration_types_supported"]
    assert "automatic" in types and set(types) <= {"automatic", "explicit"}
    assert "explicit" not in types or is_address(metadata["federation_registration_endpoint"])
    methods = metadata.get("request_authentication_methods_supported", {})
    assert all(isinstance(names, list) for names in methods.values())
    if {"request_object", "private_key_jwt"} & {name for names in methods.values() for name in names}:
        algorithms = metadata["request_authentication_signing_alg_values_supported"]
        assert "none" not in algorithms and not any(name.startswith("HS") for name in algorithms)


def _check_claims(claims: Claims, *, issuer: str, subject: str) -> None:
    now = time.time()
    assert (claims["iss"], claims["sub"]) == (issuer, subject)
    assert now - YEARS < claims["iat"] < now + SKEW
    assert now - SKEW < claims["exp"] < now + YEARS


def _check_keys(jwks: Mapping[str, Any]) -> None:
    kids = [key["kid"] for key in jwks["keys"]]
    assert kids and len(set(kids)) == len(kids), "a key identifier stands twice, or there is no key"
    for key in jwks["keys"]:
        assert not PRIVATE & set(key), "a private key was published"
        assert len(jose.decode(key.get("n") or key["x"])) * 8 >= LEAST[key["kty"]]
