"""What resolution would give if a peer's terms were others: the same search, with one statement of ours replaced.

The statement that the node would make is signed by a key that lives as long as the rehearsal and that only the
rehearsal's anchor knows, so that nothing leaves here that any verifier would believe. All else is what the node holds
or the entities publish, each document read once, so that before and after differ by the terms alone.
"""

import copy
import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from idp import conf
from idp.federation import entities, fetching, held, resolution, statements, terms
from idp.federation.discovery import Discovery, Fetch, discover, statement_url
from idp.federation.models import Peer
from idp.federation.terms import Terms
from idp.protocol import keys
from idp.protocol.entity_statements import sign_subordinate_statement
from idp.protocol.keys import KeySet
from idp.protocol.refusals import Reason, Refusal, Unavailable
from idp.protocol.trust_chain import TrustChain

Find = Callable[..., TrustChain]  # (entity_id, *, immediate=False): the chain, or Refusal or Unavailable
Judge = Callable[[TrustChain, Find], Any]  # raises Refusal where the entity does not do for what it is needed for


@dataclass(frozen=True)
class Verdict:
    """What resolution makes of an entity: a chain, or why there is none that will do."""

    chain: TrustChain | None
    refused: Refusal | Unavailable | None = None

    @property
    def metadata(self) -> dict[str, Any]:
        """As resolved; empty where it is refused."""
        return {} if self.chain is None or self.refused is not None else dict(self.chain.metadata)


@dataclass(frozen=True)
class Subject:
    """An entity that is needed for something: ``judge`` says whether a chain will do for it."""

    entity_id: str
    immediate: bool = False
    judge: Judge | None = None


@dataclass(frozen=True)
class Effect:
    """What the change does to one subject."""

    subject: Subject
    before: Verdict
    after: Verdict

    @property
    def refused(self) -> bool:
        """Good now, and not any more."""
        return self.before.refused is None and self.after.refused is not None

    @property
    def accepted(self) -> bool:
        """Refused now, and good after."""
        return self.before.refused is not None and self.after.refused is None

    @property
    def changed(self) -> bool:
        """Whether anything is different: the verdict, why it is so, or the metadata."""
        return str(self.before.refused) != str(self.after.refused) or self.before.metadata != self.after.metadata


def what_would_change(
    peer: Peer, *, proposed: Terms, subjects: Iterable[Subject], now: int, fetch: Fetch, recognised: bool = False
) -> list[Effect]:
    """What ``proposed`` would do to each subject, were they the peer's terms at ``now`` (seconds since 1970).

    ``fetch`` gives statements by URL, as `idp.federation.discovery.discover` takes it. ``recognised``: as if we had
    recognised the peer, where we have not. Nothing is kept. Raises `UnableToAgree` for terms that cannot be set.
    """
    terms.check(proposed, entity_id=peer.entity_id)
    once = _once(fetch)
    before, after = _Now(now, once), _After(peer, proposed, now, once, recognised)
    return [Effect(subject, _verdict(subject, before), _verdict(subject, after)) for subject in subjects]


def documents(now: int, *, ask: bool = True) -> Fetch:
    """A fetch that takes what this node holds and, with ``ask``, asks for the rest."""
    return fetching.fetcher(now, held=lambda url: held.text_at(url, now), ask=ask)


def _verdict(subject: Subject, find: Find) -> Verdict:
    chain = None
    try:
        chain = find(subject.entity_id, immediate=subject.immediate)
        if subject.judge is not None:
            subject.judge(chain, find)
    except (Refusal, Unavailable) as error:
        return Verdict(chain, error)
    return Verdict(chain)


class _Now:
    """The chains as they are."""

    def __init__(self, now: int, fetch: Fetch) -> None:
        self.now, self.fetch = now, fetch
        self.found: dict[tuple[str, bool], Discovery] = {}

    def __call__(self, entity_id: str, *, immediate: bool = False) -> TrustChain:
        self.refuse_broken([entity_id])  # before anybody is asked, as `resolution` does
        if (entity_id, immediate) not in self.found:
            self.found[entity_id, immediate] = self.search(entity_id, immediate)
        return self.found[entity_id, immediate].require()

    def search(self, entity_id: str, immediate: bool) -> Discovery:
        return resolution.explain(entity_id, now=self.now, immediate=immediate, fetch=self.fetch)

    def refuse_broken(self, path: Iterable[str]) -> None:
        resolution.refuse_broken(list(path), now=self.now)


class _After(_Now):
    """The chains as they would be."""

    def __init__(self, peer: Peer, proposed: Terms, now: int, fetch: Fetch, recognised: bool) -> None:
        super().__init__(now, fetch)
        self.peer = copy.copy(peer)
        for field in dataclasses.fields(Terms):
            setattr(self.peer, field.name, getattr(proposed, field.name))
        if recognised and peer.recognised_at is None:
            self.peer.recognised_at = now
        key = keys.generate()
        node = conf.authority().entity_id
        self.anchors = {node: KeySet([*resolution.anchors(now)[node].keys, key.public])}
        self.url = statement_url(entities.metadata(), peer.entity_id)
        self.text = ""
        if self.peer.is_recognised(now):
            self.text = sign_subordinate_statement(statements.claims_about(self.peer, now), key)

    def search(self, entity_id: str, immediate: bool) -> Discovery:
        return discover(
            entity_id,
            anchors=self.anchors,
            fetch=self.fetch_changed,
            now=self.now,
            immediate=immediate,
            judge=lambda chain: self.refuse_broken(chain.path),
        )

    def fetch_changed(self, url: str) -> str:
        if url != self.url:
            return self.fetch(url)
        if not self.text:
            raise Refusal(Reason.UNTRUSTED_ISSUER, "this node states nothing about it")
        return self.text

    def refuse_broken(self, path: Iterable[str]) -> None:
        """The peer stands or falls by its new period, everybody else as before."""
        names = list(path)
        broken = self.peer.suspended_at is not None or self.peer.ended_at is not None
        if self.peer.entity_id in names and (broken or not self.peer.in_period(self.now)):
            raise Refusal(Reason.UNTRUSTED_ISSUER, "a suspended or ended entity stands in the chain")
        super().refuse_broken(name for name in names if name != self.peer.entity_id)


def _once(fetch: Fetch) -> Fetch:
    """The same answer for the same URL each time, whatever it was."""
    known: dict[str, str | Refusal | Unavailable] = {}

    def fetched(url: str) -> str:
        if url not in known:
            known[url] = fetching.attempt(lambda: fetch(url))
        answer = known[url]
        if isinstance(answer, str):
            return answer
        raise answer

    return fetched
