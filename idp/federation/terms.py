"""The terms of recognition: what a peer may vouch for, for how long, and by what law (docs/protocol.md, Recognition).

Below every recognition lies a minimum that no officer can lift: the peer speaks for itself, signs with sound
algorithms, and vouches for its own entities and for no other authority. Terms only narrow it.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.db import transaction

from idp.audit.events import record
from idp.federation import entities, marks
from idp.federation.models import MAX_PATH_LENGTH, Peer
from idp.protocol import metadata_policy, strict_json
from idp.protocol.constraints import parse_constraints
from idp.protocol.refusals import Reason, Refusal

PEER_TYPES = (
    "openid_provider",
    "oauth_authorization_server",
    "border_token_issuer",
    "openid_relying_party",
    "oauth_client",
    "oauth_resource",
)
SIGNATURES = ["ES256", "EdDSA", "Ed25519", "PS256", "RS256"]
MAX_POLICY = 65_536  # bytes as JSON; the statement that carries it must stay below that of all statements
MAX_TEXT = 10_000  # characters of legal basis and contract


class UnableToAgree(Exception):
    """These terms cannot be set; ``code`` is that of their problem document."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What an officer sets for one peer. Times in seconds since 1970; None leaves an end open."""

    metadata_policy: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # added to `minimum`
    max_path_length: int = MAX_PATH_LENGTH
    naming_constraints: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # permitted, excluded
    allowed_entity_types: tuple[str, ...] | None = None  # of `PEER_TYPES`; None: all of them
    valid_from: int | None = None
    valid_until: int | None = None  # the first second after it
    legal_basis: str = ""
    contract: str = ""


FIELDS = tuple(field.name for field in dataclasses.fields(Terms))


def of(peer: Peer) -> Terms:
    """The terms that are set for the peer."""
    types = peer.allowed_entity_types
    values = {name: getattr(peer, name) for name in FIELDS}
    return Terms(**{**values, "allowed_entity_types": None if types is None else tuple(types)})


def set_terms(peer: Peer, *, terms: Terms, officer: str, facts: Mapping[str, Any] = MappingProxyType({})) -> Peer:
    """Replace the peer's terms; its statement, its marks and every chain through it are made anew under them.

    ``facts`` go into the audit event.
    Raises `UnableToAgree` for terms that do not fit the minimum or each other, and for an ended peer.
    """
    check(terms, entity_id=peer.entity_id)
    with transaction.atomic():
        peer = Peer.objects.select_for_update().get(pk=peer.pk)
        if peer.ended_at is not None:
            raise UnableToAgree("conflict", "recognition has ended; propose the peer anew")
        if of(peer) == terms:
            return peer
        changed = sorted(name for name in FIELDS if getattr(of(peer), name) != getattr(terms, name))
        for name in changed:
            setattr(peer, name, getattr(terms, name))
        peer.save(update_fields=changed)
        entities.forget(peer.entity_id)
        marks.sign_anew(subject=peer.entity_id)
        data = {"digest": digest(terms), "changed": changed, "until": terms.valid_until, **facts}
        record(kind="federation.peer.terms_changed", actor=officer, subject=peer.entity_id[:255], data=data)
    return peer


def check(terms: Terms, *, entity_id: str) -> None:
    """Whether a statement about ``entity_id`` can carry these terms. Raises `UnableToAgree`, saying why not."""
    if not 0 <= terms.max_path_length <= MAX_PATH_LENGTH:
        raise UnableToAgree("invalid_request", f"a path below a peer has at most {MAX_PATH_LENGTH} intermediate")
    if not set(terms.allowed_entity_types or ()) <= set(PEER_TYPES):
        raise UnableToAgree("invalid_request", f"a peer vouches for {', '.join(PEER_TYPES)} and nothing else")
    if terms.valid_from is not None and terms.valid_until is not None and terms.valid_from >= terms.valid_until:
        raise UnableToAgree("invalid_request", "the period ends before it begins")
    if max(len(terms.legal_basis), len(terms.contract)) > MAX_TEXT or "\0" in terms.legal_basis + terms.contract:
        raise UnableToAgree("invalid_request", "legal basis and contract are texts, not documents")
    try:
        _check_naming(terms.naming_constraints)
        _check_policy(terms.metadata_policy, entity_id)
    except Refusal as refusal:
        raise UnableToAgree("invalid_request", f"not to be stated about a peer: {refusal.detail}") from refusal


def _check_naming(naming: Mapping[str, Any]) -> None:
    if not isinstance(naming, Mapping) or set(naming) - {"permitted", "excluded"}:
        raise Refusal(Reason.MALFORMED, "naming constraints other than permitted and excluded")
    parse_constraints({"naming_constraints": naming})


def _check_policy(stated: Mapping[str, Any], entity_id: str) -> None:
    """An operator that a resolver would pass over in silence is one that the officer believes to be in force."""
    metadata_policy.combine_types([minimum(entity_id), stated])
    for entity_type, parameters in stated.items():
        for parameter, operators in parameters.items():
            if unknown := sorted(operators.keys() - set(metadata_policy.OPERATORS)):
                raise Refusal(Reason.POLICY_VIOLATION, f"{unknown[0]} of {entity_type} {parameter} is no operator")
    text = json.dumps(stated)
    strict_json.loads_object(text.encode())  # no NaN, nothing that a signed document could not carry
    if len(text) > MAX_POLICY or "\\u0000" in text:
        raise Refusal(Reason.MALFORMED, "the metadata policy is too long, or holds a null character")


def constraints(terms: Terms) -> dict[str, Any]:
    """The ``constraints`` of the statement (Federation §6.2)."""
    types = PEER_TYPES if terms.allowed_entity_types is None else terms.allowed_entity_types
    stated: dict[str, Any] = {"max_path_length": terms.max_path_length, "allowed_entity_types": list(types)}
    if terms.naming_constraints:
        stated["naming_constraints"] = dict(terms.naming_constraints)
    return stated


def policy(terms: Terms, *, entity_id: str) -> dict[str, Any]:
    """The ``metadata_policy`` of the statement: the minimum, narrowed by the officer's. Raises `PolicyRefused`."""
    return metadata_policy.combine_types([minimum(entity_id), terms.metadata_policy])


def minimum(entity_id: str) -> dict[str, Any]:
    """What is demanded of every peer, whatever else was agreed with it."""
    issuer = {"issuer": {"value": entity_id, "essential": True}}
    return {
        "openid_provider": {
            **issuer,
            "id_token_signing_alg_values_supported": {"subset_of": SIGNATURES, "essential": True},
        },
        "oauth_authorization_server": issuer,
        "border_token_issuer": {
            "jwks": {"essential": True},
            "status_jwks": {"essential": True},
            "status_list_aggregation_endpoint": {"essential": True},
        },
    }


def digest(terms: Terms) -> str:
    """SHA-256 over the terms, in hexadecimal: what the audit keeps of them."""
    return hashlib.sha256(json.dumps(dataclasses.asdict(terms), sort_keys=True).encode()).hexdigest()
