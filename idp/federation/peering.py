"""Recognising other authorities: two switches for each, moved by officers and nobody else (docs/protocol.md).

*Recognise*: we issue the statement about the peer and let it have our mark. *Accept its recognition*: we name it in our
authority hints. Suspending turns both off at once and keeps them in mind; ending forgets them. Outside the period that
its terms (`idp.federation.terms`) set, both are as good as off. A peer's federation keys
are pinned when it is proposed, and compared with the peer by a second channel before an officer recognises it.
"""

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from idp import clock, conf
from idp.audit.events import record
from idp.federation import entities, fetching, marks, signing
from idp.federation.models import ChainCache, HeldMark, Peer, Subordinate
from idp.federation.terms import Terms, set_terms
from idp.protocol import keys, strict_json
from idp.protocol.entity_statements import (
    ENTITY_STATEMENT,
    EntityConfiguration,
    check_entity_id,
    configuration_url,
    parse_entity_configuration,
)
from idp.protocol.jws import parse_unverified
from idp.protocol.keys import KeySet

Facts = Mapping[str, Any]  # of an audit event
NO_FACTS: Facts = {}
PIN_AFTER = 7 * 86_400  # seconds for which an announced successor must stand before it is pinned without an officer


class UnableToPeer(Exception):
    """A switch cannot be moved; ``code`` is that of its problem document."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def propose(entity_id: str, *, officer: str = signing.ACTOR, jwks: Mapping[str, Any] | None = None) -> Peer:
    """Make another authority known and pin its federation keys; no trust follows from it.

    Without ``jwks`` the keys are those of its configuration as fetched now, and whoever recognises it compares the
    fingerprint first. With ``jwks``, brought by a second channel, the configuration must be signed by one of them.
    A peer that was ended starts anew. Raises `UnableToPeer`, `Refusal` (the peer's fault) or `Unavailable`.
    """
    check_candidate(entity_id)
    if Peer.objects.filter(entity_id=entity_id, ended_at=None).exists():
        raise UnableToPeer("conflict", "the peer is known already")
    configuration = fetch_configuration(entity_id, now=clock.now())
    pinned = configuration.keys if jwks is None else keys.parse_jwks(jwks)
    if not signed_by(configuration, pinned):
        raise UnableToPeer("conflict", "the configuration is not signed by a key of the second channel")
    return make_known(entity_id, jwks=pinned.jwks(), name=names(configuration), officer=officer)


def check_candidate(entity_id: str) -> None:
    """Whether it could be a peer at all. Raises `UnableToPeer`, or `Refusal` for what is no entity identifier."""
    authority = conf.authority()
    check_entity_id(entity_id, allow_loopback_http=authority.insecure_loopback_http)
    if entity_id == authority.entity_id or Subordinate.objects.filter(entity_id=entity_id, ended_at=None).exists():
        raise UnableToPeer("conflict", "this node and its subordinates are no peers")


def make_known(
    entity_id: str, *, jwks: Mapping[str, Any], name: Mapping[str, str], officer: str, facts: Facts = NO_FACTS
) -> Peer:
    """Pin these keys for another authority, in place of whatever was known of it; both switches are off.

    For keys that were looked at before. Raises `UnableToPeer` for one whose switch is on.
    """
    with transaction.atomic():
        standing = Peer.objects.select_for_update().filter(entity_id=entity_id).first()
        if standing is not None and (standing.recognised_at is not None or standing.accepted_at is not None):
            raise UnableToPeer("conflict", "the peer is recognised, or its recognition accepted")
        peer, _ = Peer.objects.update_or_create(
            entity_id=entity_id,
            defaults={
                "name": dict(name),
                "jwks": dict(jwks),
                "successor_jwks": None,
                "successor_seen_at": None,
                "proposed_at": clock.now(),
                "ended_at": None,
                **dataclasses.asdict(Terms()),
            },
        )
        _record("proposed", peer, officer, {"fingerprint": fingerprint(peer.jwks), **facts})
    return peer


def recognise(peer: Peer, *, officer: str, terms: Terms | None = None, facts: Facts = NO_FACTS) -> Peer:
    """First switch: issue the statement about the peer and give it the border issuer's mark.

    With ``terms`` they are set in the same transaction. ``facts``, here and below, go into the audit event with what
    it says itself. Raises `UnableToPeer`, or `UnableToAgree` for bad terms.
    """
    now = clock.now()
    with transaction.atomic():
        peer = _live(peer)
        if terms is not None:
            peer = set_terms(peer, terms=terms, officer=officer, facts=facts)
        if peer.recognised_at is None:
            peer.recognised_at = now
            peer.save(update_fields=["recognised_at"])
            border = marks.border_issuer(conf.authority().entity_id)
            marks.give(mark_type=border, subject=peer.entity_id, now=now, actor=officer)
            _record("recognised", peer, officer, {"fingerprint": fingerprint(peer.jwks), **facts})
        entities.forget(peer.entity_id)
    return peer


def accept_recognition(peer: Peer, *, officer: str, facts: Facts = NO_FACTS) -> Peer:
    """Second switch: name the peer in our authority hints, so that its statement about us may be used."""
    with transaction.atomic():
        peer = _live(peer)
        if peer.accepted_at is None:
            peer.accepted_at = clock.now()
            peer.save(update_fields=["accepted_at"])
            _record("accepted", peer, officer, facts)
    return peer


def suspend(peer: Peer, *, officer: str, facts: Facts = NO_FACTS) -> Peer:
    """Turn both switches off at once and remember how they stood."""
    with transaction.atomic():
        peer = _live(peer)
        if peer.suspended_at is None:
            peer.suspended_at = clock.now()
            peer.save(update_fields=["suspended_at"])
            entities.forget(peer.entity_id)
            _record("suspended", peer, officer, facts)
    return peer


def resume(peer: Peer, *, officer: str, facts: Facts = NO_FACTS) -> Peer:
    """Undo a suspension: the switches stand as before it."""
    with transaction.atomic():
        peer = _live(peer)
        if peer.suspended_at is not None:
            peer.suspended_at = None
            peer.save(update_fields=["suspended_at"])
            entities.forget(peer.entity_id)
            _record("resumed", peer, officer, facts)
    return peer


def end(peer: Peer, *, officer: str, facts: Facts = NO_FACTS) -> Peer:
    """End recognition both ways: no statement, no hint, marks revoked, every chain through the peer forgotten."""
    now = clock.now()
    with transaction.atomic():
        peer = Peer.objects.select_for_update().get(pk=peer.pk)
        if peer.ended_at is None:
            peer.recognised_at = peer.accepted_at = peer.suspended_at = None
            peer.ended_at = now
            peer.save()
            marks.revoke(subject=peer.entity_id, now=now, actor=officer)
            HeldMark.objects.filter(peer=peer).delete()
            entities.forget(peer.entity_id)
            _record("ended", peer, officer, facts)
    return peer


def observe(peer: Peer, configuration: EntityConfiguration, *, now: int) -> None:
    """Look at the keys in the peer's configuration, as just fetched and verified against itself.

    Nothing changes unless a pinned key signed it: another's is audited and no more. Then a pinned key that is no longer
    offered is withdrawn at once, since it may have been killed; a new one is a successor and is pinned after
    `PIN_AFTER`, unless another new one comes meanwhile (then the time starts anew). ``peer`` shows how it stands then.
    """
    offered = configuration.keys
    with transaction.atomic():
        peer.refresh_from_db(from_queryset=Peer.objects.select_for_update())
        pinned = keys.parse_jwks(peer.jwks)
        if peer.ended_at is not None:
            return
        if not signed_by(configuration, pinned):
            _record("keys_unknown", peer, signing.ACTOR, {"offered": fingerprint(offered.jwks())})
            return
        _withdraw(peer, pinned, offered)
        _await(peer, _thumbprints(offered) - _thumbprints(pinned), offered, now)


def approve_successor(peer: Peer, *, officer: str, facts: Facts = NO_FACTS) -> Peer:
    """Pin the keys that the peer announced under a pinned key. Raises `UnableToPeer` where there are none."""
    with transaction.atomic():
        peer = _live(peer)
        if peer.successor_jwks is None:
            raise UnableToPeer("conflict", "the peer announced no successor")
        _pin(peer, keys.parse_jwks(peer.successor_jwks), officer, facts)
    return peer


def fetch_configuration(entity_id: str, *, now: int) -> EntityConfiguration:
    """The entity's configuration from its own address, verified against itself and nothing else."""
    response = fetching.get(configuration_url(entity_id), media_type=fetching.STATEMENT_TYPE)
    return parse_entity_configuration(response.body.decode("ascii", "replace"), now=now, expect=entity_id)


def fingerprint(jwks: Mapping[str, Any]) -> str:
    """The whole key set as 16 groups of 4 hexadecimal digits, to be read out over a second channel."""
    joined = " ".join(sorted(_thumbprints(keys.parse_jwks(jwks))))
    digest = hashlib.sha256(joined.encode()).hexdigest()
    return _groups(digest)


def fingerprints(key_set: KeySet) -> dict[str, str]:
    """Each key's own by its thumbprint (RFC 7638), written as `fingerprint` is."""
    return {print_: _groups(strict_json.b64decode(print_).hex()) for print_ in sorted(_thumbprints(key_set))}


def fresh(peer: Peer) -> KeySet:
    """Those keys that the peer announced and that are not pinned; none where it announced none."""
    known = _thumbprints(pinned(peer))
    return KeySet(key for key in _key_set(peer.successor_jwks).keys if key.thumbprint not in known)


def pinned(peer: Peer) -> KeySet:
    """Its pinned keys; a page shows none where there are none, and nothing is verified by such a row."""
    return _key_set(peer.jwks)


def signed_by(configuration: EntityConfiguration, pinned: KeySet) -> bool:
    """Whether the key that signed the configuration is one of ``pinned``: the same key, not only the same name."""
    kid = parse_unverified(configuration.text, ENTITY_STATEMENT).kid
    used, known = configuration.keys.find(kid), pinned.find(kid)
    return used is not None and known is not None and used.thumbprint == known.thumbprint


def names(configuration: EntityConfiguration) -> dict[str, str]:
    """What the entity calls itself, by language tag."""
    members = configuration.metadata.get("federation_entity", {})
    found = {
        name.partition("#")[2] or "en": value[:200]
        for name, value in members.items()
        if name.partition("#")[0] == "organization_name" and isinstance(value, str)
    }
    return dict(list(found.items())[:16])


def _live(peer: Peer) -> Peer:
    locked = Peer.objects.select_for_update().get(pk=peer.pk)
    if locked.ended_at is not None:
        raise UnableToPeer("conflict", "recognition has ended; propose the peer anew")
    return locked


def _withdraw(peer: Peer, pinned: KeySet, offered: KeySet) -> None:
    """Unpin the keys that the peer offers no longer. Never the last one: a key that is pinned and offered signed."""
    kept = [key for key in pinned.keys if key.thumbprint in _thumbprints(offered)]
    if len(kept) == len(pinned.keys):
        return
    gone = sorted(_thumbprints(pinned) - _thumbprints(offered))
    peer.jwks = KeySet(kept).jwks()
    peer.save(update_fields=["jwks"])
    _forget_chains(peer)
    _record("keys_withdrawn", peer, signing.ACTOR, {"fingerprint": fingerprint(peer.jwks), "withdrawn": gone})


def _await(peer: Peer, fresh: set[str], offered: KeySet, now: int) -> None:
    """Let new keys, ``fresh`` by thumbprint, wait or be pinned when they have waited for long enough."""
    waiting = set() if peer.successor_jwks is None else _thumbprints(keys.parse_jwks(peer.successor_jwks))
    if not fresh:
        if peer.successor_jwks is not None:  # taken back before it was pinned
            _set_successor(peer, None, None, "successor_withdrawn")
    elif not fresh <= waiting or peer.successor_seen_at is None:
        _set_successor(peer, offered, now, "successor_seen")
    elif now - peer.successor_seen_at >= PIN_AFTER:
        _pin(peer, offered, signing.ACTOR)
    elif waiting != _thumbprints(offered):  # fewer than were seen: the others have waited since then
        _set_successor(peer, offered, peer.successor_seen_at, "successor_seen")


def _set_successor(peer: Peer, successor: KeySet | None, seen_at: int | None, event: str) -> None:
    peer.successor_jwks, peer.successor_seen_at = None if successor is None else successor.jwks(), seen_at
    peer.save(update_fields=["successor_jwks", "successor_seen_at"])
    data = {} if successor is None else {"fingerprint": fingerprint(successor.jwks())}
    _record(event, peer, signing.ACTOR, data)


def _pin(peer: Peer, successor: KeySet, actor: str, facts: Facts = NO_FACTS) -> None:
    peer.jwks, peer.successor_jwks, peer.successor_seen_at = successor.jwks(), None, None
    peer.save(update_fields=["jwks", "successor_jwks", "successor_seen_at"])
    _forget_chains(peer)
    _record("successor_pinned", peer, actor, {"fingerprint": fingerprint(peer.jwks), **facts})


def _forget_chains(peer: Peer) -> None:
    """Every chain through the peer was verified under the keys before."""
    ChainCache.objects.filter(members__contains=f"\n{peer.entity_id}\n").delete()


def _key_set(jwks: Mapping[str, Any] | None) -> KeySet:
    return keys.parse_jwks(jwks) if jwks and jwks.get("keys") else KeySet([])


def _groups(digest: str) -> str:
    return " ".join(digest[place : place + 4] for place in range(0, len(digest), 4))


def _thumbprints(key_set: KeySet) -> set[str]:
    return {key.thumbprint for key in key_set.keys}


def _record(what: str, peer: Peer, officer: str, data: Mapping[str, Any] | None = None) -> None:
    record(kind=f"federation.peer.{what}", actor=officer, subject=peer.entity_id[:255], data=data)
