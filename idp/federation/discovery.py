"""Finding a way from an entity up to an anchor (Federation §10.1), pure: what it fetches, somebody else fetches.

Breadth first, so that the shortest chain is tried first. Authorities recognise each other, so the graph has loops: a
hint that leads back drops that hint and no other. Hints are followed anchors first and then by name, whatever order
they were written in: an entity cannot hide a good way behind a bound by its place in an array. Everything that a
stranger can make long is bounded, and every way that fails is kept with the reason why.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
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

Key, Found = TypeVar("Key"), TypeVar("Found")
Fetch = Callable[[str], str]
Judge = Callable[[TrustChain], None]


@dataclass(frozen=True)
class Bounds:
    """How much of a stranger's graph is looked at (Federation §18.1)."""

    depth: int = 8  # superiors above the subject
    hints: int = 10  # of one entity
    fetches: int = 50  # of one discovery
    ways: int = 200  # half-built chains: the simple paths of a dense graph are many more than its statements
    max_bytes: int = 524_288  # of one statement
    all_bytes: int = 4 * 524_288  # of all statements of one discovery


@dataclass(frozen=True)
class Attempt:
    """A way that was given up: the entities on it, the subject first, and why."""

    path: tuple[str, ...]
    error: Refusal | Unavailable

    def __str__(self) -> str:
        return f"{' > '.join(self.path)}: {self.error}"


@dataclass(frozen=True)
class Branch:
    """One entity in the tree of ways, with how the way ended there, if it did."""

    depth: int  # superiors between the subject and it, itself counted
    entity_id: str
    error: Refusal | Unavailable | None = None  # why the way was given up here
    holds: bool = False  # here the chain ends at its anchor


@dataclass(frozen=True)
class Discovery:
    """What was found: a verified chain or none, and each way that did not lead to one."""

    subject: str
    chain: TrustChain | None
    attempts: tuple[Attempt, ...]
    fetches: int
    read: int = 0  # bytes

    def tree(self) -> str:
        """Every way that was tried, from the subject upwards, each branch with its end: the chain, or why not."""
        good = "" if self.chain is None else f"  the chain, good until {self.chain.expires_at}"
        lines = []
        for branch in self.branches():
            end = good if branch.holds else "" if branch.error is None else f"  not followed: {branch.error}"
            lines.append(f"{'  ' * branch.depth}{branch.entity_id}{end}")
        return "\n".join(lines)

    def branches(self) -> list[Branch]:
        """The same, one entity each, those above it behind it and deeper by one."""
        ends: dict[tuple[str, ...], Refusal | Unavailable | None] = {
            attempt.path: attempt.error for attempt in self.attempts
        }
        if self.chain is not None:
            ends[self.chain.path] = None
        return list(_branches((self.subject,), ends))

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
    immediate: bool
    judge: Judge | None
    attempts: list[Attempt] = field(default_factory=list)
    configurations: dict[str, EntityConfiguration | Refusal | Unavailable] = field(default_factory=dict)
    statements: dict[tuple[str, str], str | Refusal | Unavailable] = field(default_factory=dict)
    fetches: int = 0
    read: int = 0

    def get(self, url: str) -> str:
        if self.fetches >= self.bounds.fetches:
            raise Refusal(Reason.UNTRUSTED_ISSUER, "the bound of fetches is reached")
        if self.read >= self.bounds.all_bytes:
            raise Refusal(Reason.UNTRUSTED_ISSUER, "the bound of bytes is reached")
        self.fetches += 1
        text = self.fetch(url)
        self.read += len(text)
        if len(text) > self.bounds.max_bytes:
            raise Refusal(Reason.MALFORMED, "a statement beyond the limit")
        return text

    def configuration(self, entity_id: str) -> EntityConfiguration:
        """The entity's own configuration, fetched once, good or bad."""
        return _once(self.configurations, entity_id, lambda: self._fetch_configuration(entity_id))

    def statement(self, superior: EntityConfiguration, subject: str) -> str:
        """What the superior says about ``subject``, verified with its keys; fetched once, good or bad."""
        return _once(self.statements, (superior.sub, subject), lambda: self._fetch_statement(superior, subject))

    def _fetch_configuration(self, entity_id: str) -> EntityConfiguration:
        text = self.get(configuration_url(entity_id))
        return parse_entity_configuration(text, now=self.now, expect=entity_id)

    def _fetch_statement(self, superior: EntityConfiguration, subject: str) -> str:
        text = self.get(statement_url(superior.metadata, subject))
        keys = self.anchors.get(superior.sub, superior.keys)  # an anchor's are never taken from the wire (§11.3)
        verify_subordinate_statement(text, superior_keys=keys, issuer=superior.sub, subject=subject, now=self.now)
        return text

    def step(self, way: _Way, superior: str) -> _Way:
        """One superior further up: its configuration, and its statement about the top of the way."""
        configuration = self.configuration(superior)
        text = self.statement(configuration, way.path[-1])
        return _Way(configuration, (*way.statements, text), (*way.path, superior))


def statement_url(superior: Mapping[str, Mapping[str, Any]], subject: str) -> str:
    """Where a superior, by its metadata, tells what it says of ``subject`` (§8.1.1); raises `Refusal` (malformed)."""
    endpoint = superior.get("federation_entity", {}).get("federation_fetch_endpoint")
    if not isinstance(endpoint, str) or "#" in endpoint:
        raise Refusal(Reason.MALFORMED, "a superior without a fetch endpoint")
    return f"{endpoint}{'&' if '?' in endpoint else '?'}sub={quote(subject, safe='')}"


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
    search = _Search(anchors, fetch, now, bounds or Bounds(), immediate, judge)
    chain = _look(search, entity_id)
    return Discovery(entity_id, chain, tuple(search.attempts), search.fetches, search.read)


def _look(search: _Search, entity_id: str) -> TrustChain | None:
    try:
        start = search.configuration(entity_id)
    except (Refusal, Unavailable) as error:
        search.attempts.append(Attempt((entity_id,), error))
        return None
    way = _Way(start, (start.text,), (entity_id,))
    if entity_id in search.anchors:
        return _verified(search, way)
    queue, built = deque([way]), 1
    while queue:
        for way in _upwards(search, queue.popleft()):
            if way.path[-1] in search.anchors:
                if (chain := _verified(search, way)) is not None:
                    return chain  # nothing shorter is left: shorter ways were looked at when they were built
            elif (built := built + 1) <= search.bounds.ways:
                queue.append(way)
            else:
                search.attempts.append(Attempt(way.path, Refusal(Reason.UNTRUSTED_ISSUER, "the bound of ways")))
    return None


def _verified(search: _Search, way: _Way) -> TrustChain | None:
    statements = way.statements if len(way.path) == 1 else (*way.statements, way.top.text)
    try:
        chain = verify_chain(statements, anchors=search.anchors, now=search.now, immediate=search.immediate)
        if search.judge is not None:
            search.judge(chain)
    except Refusal as refusal:
        search.attempts.append(Attempt(way.path, refusal))
        return None
    return chain


def _upwards(search: _Search, way: _Way) -> Iterator[_Way]:
    """The ways that are one superior longer. Lazily: what comes after a chain that holds is never fetched."""
    hints = sorted(way.top.authority_hints, key=lambda hint: (hint not in search.anchors, hint))
    for place, superior in enumerate(hints):
        path = (*way.path, superior)
        if place >= search.bounds.hints:
            why = f"only {search.bounds.hints} of {len(hints)} hints are followed"
            search.attempts.append(Attempt(path, Refusal(Reason.UNTRUSTED_ISSUER, why)))
            break
        try:
            _may_follow(search, way, superior)
            further = search.step(way, superior)
        except (Refusal, Unavailable) as error:
            search.attempts.append(Attempt(path, error))
        else:
            yield further


def _may_follow(search: _Search, way: _Way, superior: str) -> None:
    if superior in way.path:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "the hint leads back: a loop")
    if len(way.path) > search.bounds.depth:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "the way is too long")
    if search.immediate and superior not in search.anchors:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "not an anchor, and only an immediate superior will do")


def _once(memory: dict[Key, Found | Refusal | Unavailable], key: Key, fetch: Callable[[], Found]) -> Found:
    if key not in memory:
        try:
            memory[key] = fetch()
        except (Refusal, Unavailable) as error:
            memory[key] = error
    found = memory[key]
    if isinstance(found, Refusal | Unavailable):
        raise found
    return found


def _branches(path: tuple[str, ...], ends: Mapping[tuple[str, ...], Refusal | Unavailable | None]) -> Iterator[Branch]:
    error = ends.get(path)
    yield Branch(len(path) - 1, path[-1], error, holds=path in ends and error is None)
    length = len(path) + 1
    above = {end[:length]: None for end in ends if len(end) >= length and end[: len(path)] == path}
    for further in above:
        yield from _branches(further, ends)
