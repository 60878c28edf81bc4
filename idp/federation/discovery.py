"""Finding a way from an entity up to an anchor (Federation §10.1), pure: what it fetches, somebody else fetches.

Breadth first, so that the shortest chain is tried first. Authorities recognise each other, so the graph has loops: a
hint that leads back drops that hint and no other. Everything that a stranger can make long is bounded, and every way
that fails is kept with the reason why.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from idp.protocol.entity_statements import (
    EntityConfiguration,
    configuration_url,
    parse_entity_configuration,
    verify_subordinate_statement,
)
from idp.protocol.keys import KeySet
from idp.protocol.refusals import Reason, Refusal, Unavailable
from idp.protocol.trust_chain import TrustChain, verify_chain

Fetch = Callable[[str], str]
Judge = Callable[[TrustChain], None]


@dataclass(frozen=True)
class Bounds:
    """How much of a stranger's graph is looked at (Federation §18.1)."""

    depth: int = 8  # superiors above the subject
    hints: int = 10  # of one entity
    fetches: int = 50  # of one discovery
    max_bytes: int = 524_288  # of one statement


@dataclass(frozen=True)
class Attempt:
    """A way that was given up: the entities on it, the subject first, and why."""

    path: tuple[str, ...]
    error: Refusal | Unavailable

    def __str__(self) -> str:
        return f"{' > '.join(self.path)}: {self.error}"


@dataclass(frozen=True)
class Discovery:
    """What was found: a verified chain or none, and each way that did not lead to one."""

    subject: str
    chain: TrustChain | None
    attempts: tuple[Attempt, ...]
    fetches: int

    def require(self) -> TrustChain:
        """The chain. Without one raises `Unavailable` where another time may find it, else `Refusal`."""
        if self.chain is not None:
            return self.chain
        for attempt in self.attempts:
            if isinstance(attempt.error, Unavailable):
                raise attempt.error
        reasons = {attempt.error.reason for attempt in self.attempts if isinstance(attempt.error, Refusal)}
        why = "; ".join(str(attempt) for attempt in self.attempts)[:2000]
        reason = reasons.pop() if len(reasons) == 1 else Reason.UNTRUSTED_ISSUER
        raise Refusal(reason, f"no trust chain for {self.subject}: {why or 'no authority hints'}")


@dataclass(frozen=True)
class _Way:
    top: EntityConfiguration
    statements: tuple[str, ...]
    path: tuple[str, ...]


@dataclass
class _Search:
    anchors: Mapping[str, KeySet]
    fetch: Fetch
    now: int
    bounds: Bounds
    attempts: list[Attempt] = field(default_factory=list)
    configurations: dict[str, EntityConfiguration | Refusal | Unavailable] = field(default_factory=dict)
    fetches: int = 0

    def get(self, url: str) -> str:
        if self.fetches >= self.bounds.fetches:
            raise Refusal(Reason.UNTRUSTED_ISSUER, "the bound of fetches is reached")
        self.fetches += 1
        text = self.fetch(url)
        if len(text) > self.bounds.max_bytes:
            raise Refusal(Reason.MALFORMED, "a statement beyond the limit")
        return text

    def configuration(self, entity_id: str) -> EntityConfiguration:
        """The entity's own configuration, fetched once, good or bad."""
        if entity_id not in self.configurations:
            try:
                text = self.get(configuration_url(entity_id))
                self.configurations[entity_id] = parse_entity_configuration(text, now=self.now, expect=entity_id)
            except (Refusal, Unavailable) as error:
                self.configurations[entity_id] = error
        found = self.configurations[entity_id]
        if isinstance(found, Exception):
            raise found
        return found

    def step(self, way: _Way, superior: str) -> _Way:
        """One superior further up: its configuration, and its statement about the top of the way."""
        configuration = self.configuration(superior)
        entity = configuration.metadata.get("federation_entity", {})
        endpoint = entity.get("federation_fetch_endpoint")
        if not isinstance(endpoint, str) or "#" in endpoint:
            raise Refusal(Reason.MALFORMED, "a superior without a fetch endpoint")
        subject = way.path[-1]
        text = self.get(f"{endpoint}{'&' if '?' in endpoint else '?'}sub={quote(subject, safe='')}")
        keys = self.anchors.get(superior, configuration.keys)  # an anchor's keys are never taken from the wire (§11.3)
        verify_subordinate_statement(text, superior_keys=keys, issuer=superior, subject=subject, now=self.now)
        return _Way(configuration, (*way.statements, text), (*way.path, superior))


def discover(
    entity_id: str,
    *,
    anchors: Mapping[str, KeySet],
    fetch: Fetch,
    now: int,
    bounds: Bounds | None = None,
    immediate: bool = False,
    judge: Judge | None = None,
) -> Discovery:
    """Search upwards from ``entity_id`` for a chain to one of ``anchors`` that verifies, the shortest first.

    ``fetch`` takes a URL and gives the statement's text, or raises `Refusal` or `Unavailable`. With ``immediate`` only
    an anchor may be the superior. ``judge`` may refuse a chain that verifies; then the search goes on. Never raises
    for what it finds: see `Discovery.require`.
    """
    search = _Search(anchors, fetch, now, bounds or Bounds())
    try:
        start = search.configuration(entity_id)
    except (Refusal, Unavailable) as error:
        return Discovery(entity_id, None, (Attempt((entity_id,), error),), search.fetches)
    queue = deque([_Way(start, (start.text,), (entity_id,))])
    while queue:
        way = queue.popleft()
        if way.path[-1] in anchors:
            chain = _verified(search, way, immediate, judge)
            if chain is not None:
                return Discovery(entity_id, chain, tuple(search.attempts), search.fetches)
            continue
        queue.extend(_upwards(search, way, immediate))
    return Discovery(entity_id, None, tuple(search.attempts), search.fetches)


def _verified(search: _Search, way: _Way, immediate: bool, judge: Judge | None) -> TrustChain | None:
    statements = way.statements if len(way.path) == 1 else (*way.statements, way.top.text)
    try:
        chain = verify_chain(statements, anchors=search.anchors, now=search.now, immediate=immediate)
        if judge is not None:
            judge(chain)
    except Refusal as refusal:
        search.attempts.append(Attempt(way.path, refusal))
        return None
    return chain


def _upwards(search: _Search, way: _Way, immediate: bool) -> list[_Way]:
    found: list[_Way] = []
    hints = way.top.authority_hints
    for place, superior in enumerate(hints):
        path = (*way.path, superior)
        if place >= search.bounds.hints:
            why = f"only {search.bounds.hints} of {len(hints)} hints are followed"
            search.attempts.append(Attempt(path, Refusal(Reason.UNTRUSTED_ISSUER, why)))
            break
        try:
            _may_follow(search, way, superior, immediate)
            found.append(search.step(way, superior))
        except (Refusal, Unavailable) as error:
            search.attempts.append(Attempt(path, error))
    return found


def _may_follow(search: _Search, way: _Way, superior: str, immediate: bool) -> None:
    if superior in way.path:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "the hint leads back: a loop")
    if len(way.path) > search.bounds.depth:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "the way is too long")
    if immediate and superior not in search.anchors:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "not an anchor, and only an immediate superior will do")
