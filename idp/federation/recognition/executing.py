"""Changes of trust by two officers, as `idp.proposals` asks for them: one executor for each kind of `payloads`.

What is done is done by `peering` and `terms`, and their audit events name the proposal and both officers.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from idp.federation import peering, terms
from idp.federation.models import Peer
from idp.federation.peering import UnableToPeer
from idp.federation.recognition import payloads, wording
from idp.federation.recognition.payloads import ACCEPT, END, KEYS, RECOGNISE, RENEW, RESUME, TERMS
from idp.federation.terms import Terms, UnableToAgree
from idp.proposals.executors import Unacceptable
from idp.proposals.models import Proposal
from idp.protocol.refusals import Refusal

PERMISSION = "federation.change_peer"

Payload = Mapping[str, Any]


@dataclass(frozen=True)
class Approved:
    """By whom a change is made: the officer whose approval makes it, and what its audit events say of both."""

    officer: str
    facts: Mapping[str, Any]


class TrustChange(ABC):
    """What all kinds have in common (`idp.proposals.executors.Executor`)."""

    kind: str
    label: str
    permission = PERMISSION

    def check(self, proposal: Proposal, *, now: int) -> None:
        self._planned(proposal, Peer.objects.all(), now=now)

    def execute(self, proposal: Proposal, *, now: int) -> None:
        peer, payload = self._planned(proposal, Peer.objects.select_for_update(), now=now)
        officers = [proposal.proposed_by, proposal.decided_by]
        by = Approved(proposal.decided_by, {"proposal": proposal.pk, "officers": officers})
        try:
            self.make(peer, payload, by)
        except (UnableToPeer, UnableToAgree, Refusal) as error:
            raise Unacceptable(str(error)) from error

    def changes(self, proposal: Proposal, *, now: int) -> Sequence[str]:
        peer, payload = self._planned(proposal, Peer.objects.all(), now=now)
        return [str(payload["entity_id"]), *self.lines(peer, payload)]

    @abstractmethod
    def plan(self, peer: Peer | None, payload: Payload, *, now: int) -> None:
        """Raises `Unacceptable` where this cannot be done to the peer as it stands."""

    @abstractmethod
    def make(self, peer: Any, payload: Payload, by: Approved) -> None:
        """Do it, in the approval's transaction, to the peer whose row is locked."""

    @abstractmethod
    def lines(self, peer: Any, payload: Payload) -> Sequence[str]:
        """What would be different."""

    def _planned(self, proposal: Proposal, rows: QuerySet[Peer], *, now: int) -> tuple[Peer | None, Payload]:
        payload = payloads.read(self.kind, proposal.payload)
        peer = rows.filter(entity_id=payload["entity_id"], ended_at=None).first()
        if (None if peer is None else peer.proposed_at) != payload["since"]:
            raise Unacceptable(_("The peer is not the one that this was proposed about: propose it anew."))
        self.plan(peer, payload, now=now)
        return peer, payload


class Recognition(TrustChange):
    """The first switch, with the keys that the proposer compared and the terms; the second where both agreed so."""

    kind, label = RECOGNISE, "recognition of a peer"

    def plan(self, peer: Peer | None, payload: Payload, *, now: int) -> None:
        try:
            peering.check_candidate(payload["entity_id"])
        except (UnableToPeer, Refusal) as error:
            raise Unacceptable(str(error)) from error
        _check_terms(payload["terms"], payload["entity_id"], now=now)
        if peer is None:
            return
        if peer.recognised_at is not None:
            raise Unacceptable(_("The peer is recognised."))
        if peer.accepted_at is not None and not _pins(peer, payload["jwks"]):
            raise Unacceptable(_("Other keys are pinned for this peer than those that were compared."))

    def make(self, peer: Peer | None, payload: Payload, by: Approved) -> None:
        known = peer if peer is not None and _pins(peer, payload["jwks"]) else _made_known(payload, by)
        known = peering.recognise(known, officer=by.officer, terms=payload["terms"], facts=by.facts)
        if payload["accept"]:
            peering.accept_recognition(known, officer=by.officer, facts=by.facts)

    def lines(self, peer: Peer | None, payload: Payload) -> Sequence[str]:
        facts = {"jwks": payload["jwks"], "accept": payload["accept"]}
        return list(wording.of_recognition(peer, payload["terms"], **facts))


class Acceptance(TrustChange):
    """The second switch alone."""

    kind, label = ACCEPT, "acceptance of a peer's recognition"

    def plan(self, peer: Peer | None, payload: Payload, *, now: int) -> None:
        if _known(peer).accepted_at is not None:
            raise Unacceptable(_("Its recognition is accepted."))

    def make(self, peer: Peer, payload: Payload, by: Approved) -> None:
        peering.accept_recognition(peer, officer=by.officer, facts=by.facts)

    def lines(self, peer: Peer, payload: Payload) -> Sequence[str]:
        return [
            wording.acceptance(),
            *(_("The peer's key: %s") % line for line in wording.fingerprints(peering.pinned(peer))),
        ]


class TermsChange(TrustChange):
    """Other terms, while those that they replace are still those that the proposer saw."""

    kind, label = TERMS, "terms of recognition"

    def plan(self, peer: Peer | None, payload: Payload, *, now: int) -> None:
        before, after = terms.of(_known(peer)), self.after(_known(peer), payload)
        if terms.digest(before) != payload["before"]:
            raise Unacceptable(_("The terms have been changed since: propose it anew."))
        if before == after:
            raise Unacceptable(_("Nothing would change."))
        _check_terms(after, payload["entity_id"], now=now)

    def make(self, peer: Peer, payload: Payload, by: Approved) -> None:
        terms.set_terms(peer, terms=self.after(peer, payload), officer=by.officer, facts=by.facts)

    def lines(self, peer: Peer, payload: Payload) -> Sequence[str]:
        return wording.differences(terms.of(peer), self.after(peer, payload))

    def after(self, peer: Peer, payload: Payload) -> Terms:
        """The terms that there would be."""
        agreed: Terms = payload["terms"]
        return agreed


class Renewal(TermsChange):
    """A later end, with the contract that says so. It lets a peer whose period is over come back."""

    kind, label = RENEW, "renewal of a recognition"

    def plan(self, peer: Peer | None, payload: Payload, *, now: int) -> None:
        until = _known(peer).valid_until
        if until is None or payload["valid_until"] <= until:
            raise Unacceptable(_("A renewal ends later than what it renews."))
        super().plan(peer, payload, now=now)

    def after(self, peer: Peer, payload: Payload) -> Terms:
        renewed = {name: payload[name] for name in ("valid_until", "legal_basis", "contract")}
        return dataclasses.replace(terms.of(peer), **renewed)


class Resumption(TrustChange):
    """The end of one suspension, and of no later one."""

    kind, label = RESUME, "end of a suspension"

    def plan(self, peer: Peer | None, payload: Payload, *, now: int) -> None:
        if _known(peer).suspended_at is None:
            raise Unacceptable(_("The peer is not suspended."))
        if _known(peer).suspended_at != payload["suspended_at"]:
            raise Unacceptable(_("The peer has been suspended again since: propose it anew."))

    def make(self, peer: Peer, payload: Payload, by: Approved) -> None:
        peering.resume(peer, officer=by.officer, facts=by.facts)

    def lines(self, peer: Peer, payload: Payload) -> Sequence[str]:
        return wording.of_resumption(peer)


class Ending(TrustChange):
    """Both switches off, for good."""

    kind, label = END, "end of a recognition"

    def plan(self, peer: Peer | None, payload: Payload, *, now: int) -> None:
        _known(peer)

    def make(self, peer: Peer, payload: Payload, by: Approved) -> None:
        peering.end(peer, officer=by.officer, facts=by.facts)

    def lines(self, peer: Peer, payload: Payload) -> Sequence[str]:
        return wording.of_ending(peer)


class Successor(TrustChange):
    """The keys that the peer announced, as the proposer compared them, pinned before seven days are over."""

    kind, label = KEYS, "new keys of a peer"

    def plan(self, peer: Peer | None, payload: Payload, *, now: int) -> None:
        announced = payloads.thumbprints(_known(peer).successor_jwks)
        if not announced:
            raise Unacceptable(_("The peer announces no other keys."))
        if announced != payload["keys"]:
            raise Unacceptable(_("The peer announces other keys than those that were compared."))

    def make(self, peer: Peer, payload: Payload, by: Approved) -> None:
        peering.approve_successor(peer, officer=by.officer, facts=by.facts)

    def lines(self, peer: Peer, payload: Payload) -> Sequence[str]:
        return wording.of_keys(peer)


KINDS: Mapping[str, TrustChange] = {
    item.kind: item
    for item in (
        Recognition(),
        Acceptance(),
        TermsChange(),
        Renewal(),
        Resumption(),
        Ending(),
        Successor(),
    )
}


def lines(kind: str, payload: Mapping[str, Any], *, now: int) -> list[str]:
    """What such a proposal would change, before there is one. Raises `Unacceptable`."""
    return list(KINDS[kind].changes(Proposal(kind=kind, payload=dict(payload)), now=now))


def _known(peer: Peer | None) -> Peer:
    if peer is None:
        raise Unacceptable(_("There is no such peer."))
    return peer


def _pins(peer: Peer, jwks: Mapping[str, Any]) -> bool:
    return payloads.thumbprints(peer.jwks) == payloads.thumbprints(jwks)


def _made_known(payload: Payload, by: Approved) -> Peer:
    members = {name: payload[name] for name in ("jwks", "name")}
    return peering.make_known(payload["entity_id"], **members, officer=by.officer, facts=by.facts)


def _check_terms(agreed: Terms, entity_id: str, *, now: int) -> None:
    try:
        terms.check(agreed, entity_id=entity_id)
    except UnableToAgree as error:
        raise Unacceptable(str(error)) from error
    if agreed.valid_until is not None and agreed.valid_until <= now:
        raise Unacceptable(_("The period would be over already."))
