"""Recognition in an officer's words: terms, keys, and what would come of a change."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from idp.federation import peering, terms
from idp.federation.columns import NOTHING, shown
from idp.federation.models import Peer
from idp.federation.terms import Terms
from idp.protocol.keys import KeySet, parse_jwks


def switches(peer: Peer) -> list[tuple[str, str]]:
    """When each of the peer's switches was moved, those first that are on."""
    moved = (
        (_("we recognise"), peer.recognised_at),
        (_("recognition accepted"), peer.accepted_at),
        (_("suspended"), peer.suspended_at),
        (_("ended"), peer.ended_at),
        (_("known"), peer.proposed_at),
    )
    return [(label, shown(at)) for label, at in moved if at is not None]


def of_terms(agreed: Terms) -> dict[str, tuple[str, str]]:
    """Label and text of every term, by the name of its field."""
    types = terms.PEER_TYPES if agreed.allowed_entity_types is None else agreed.allowed_entity_types
    return {
        "allowed_entity_types": (_("Entity types"), ", ".join(types)),
        "metadata_policy": (_("Metadata policy"), _json(agreed.metadata_policy)),
        "max_path_length": (_("Below it"), _below(agreed.max_path_length)),
        "naming_constraints": (_("Names"), _json(agreed.naming_constraints)),
        "valid_from": (_("Stands from"), shown(agreed.valid_from)),
        "valid_until": (_("Stands until"), shown(agreed.valid_until)),
        "legal_basis": (_("Legal basis"), agreed.legal_basis or NOTHING),
        "contract": (_("Contract number"), agreed.contract or NOTHING),
    }


def differences(before: Terms, after: Terms) -> list[str]:
    """A line for every term that changes."""
    old, new = of_terms(before), of_terms(after)
    return [f"{label}: {old[name][1]} → {text}" for name, (label, text) in new.items() if old[name][1] != text]


def fingerprints(key_set: KeySet) -> list[str]:
    """A line for every key: its algorithms, and the fingerprint in groups."""
    known = {key.thumbprint: " ".join(key.algorithms) for key in key_set.keys}
    return [f"{known[print_]}: {groups}" for print_, groups in peering.fingerprints(key_set).items()]


def of_recognition(peer: Peer | None, agreed: Terms, *, jwks: Mapping[str, Any], accept: bool) -> Iterator[str]:
    """What recognising it would come to; ``peer`` is None for an entity that is not known."""
    yield _("We recognise: no → yes. This node issues a statement about it and gives it the border issuer's mark.")
    if accept and (peer is None or peer.accepted_at is None):
        yield acceptance()
    for line in fingerprints(parse_jwks(jwks)):
        yield _("Its statements are verified with the key %s") % line
    yield from differences(Terms() if peer is None else terms.of(peer), agreed)
    if agreed.allowed_entity_types is None or "border_token_issuer" in agreed.allowed_entity_types:
        yield _("Gates admit its border tokens from their next bundle on, within a minute where they reach the node.")
    if peer is not None and peer.suspended_at is not None:
        yield _("It is suspended: nothing of this is in force before that is lifted.")


def acceptance() -> str:
    """What accepting its recognition comes to."""
    return _("We accept its recognition: no → yes. This node names it in its authority hints, and others may use it.")


def of_suspension(peer: Peer) -> list[str]:
    """What happens at once, and to tokens in the field."""
    return [
        _("At once: no statement about it, no mark, no hint; its trust chains are forgotten."),
        _("Its border tokens are refused at our gates from their next bundle on, within a minute at most."),
        _("A gate that is cut off goes on with the bundle that it has, for as long as its checkpoint allows."),
        _("Travellers who hold its tokens must see an officer. Crossings that are over stay as they are recorded."),
        _("We issue no more tokens for its checkpoints. Those that are on phones are for its own gates to judge."),
        _("Logins with its accounts, and at relying parties below it, stop."),
        _("Its keys stay pinned. Two officers lift the suspension, or end the recognition."),
    ]


def of_resumption(peer: Peer) -> list[str]:
    """The switches stand as before."""
    lines = [_("Suspended since %s → not suspended.") % shown(peer.suspended_at), *_on(peer)]
    if peer.recognised_at is not None:
        lines.append(_("Gates admit its border tokens again from their next bundle on."))
    return lines


def of_ending(peer: Peer) -> list[str]:
    """Both switches off for good."""
    switches = (
        (peer.recognised_at, _("We recognise: yes → no.")),
        (peer.accepted_at, _("We accept its recognition: yes → no.")),
    )
    return [
        *(line for since, line in switches if since is not None),
        _("Its trust marks are revoked, and its keys are no longer pinned."),
        _("Its border tokens are refused at our gates from their next bundle on, within a minute at most."),
        _("It cannot be resumed. To recognise it again, its keys are compared anew."),
    ]


def of_keys(peer: Peer) -> list[str]:
    """The pinned keys, before and after."""
    return [
        *(_("pinned until now: %s") % line for line in fingerprints(peering.pinned(peer))),
        *(_("pinned then: %s") % line for line in fingerprints(parse_jwks(peer.successor_jwks))),
        _("Its statements are verified with these keys at once, and not only after seven days."),
    ]


def _on(peer: Peer) -> Iterator[str]:
    yield _("We recognise it.") if peer.recognised_at is not None else _("We do not recognise it.")
    yield _("We accept its recognition.") if peer.accepted_at is not None else _("We do not accept its recognition.")


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if value else NOTHING


def _below(length: int) -> str:
    return _("its own entities") if length else _("nobody: the peer alone")
