"""Whom this authority believes, and what its policy makes of what they say (Federation §10).

There is one anchor: the node itself. A chain once found is kept until it expires, and verified by every process that
uses it whenever anything has changed here (`chain_cache`). One in which a suspended or ended entity stands is refused,
whoever else still vouches for it.
"""

import contextlib
import logging
from collections.abc import Sequence

from idp import conf
from idp.federation import chain_cache, failures, fetching, marks, revision, signing, statements
from idp.federation.discovery import Bounds, Discovery, Fetch, discover
from idp.federation.models import ChainCache, Peer, Subordinate
from idp.protocol.entity_statements import EntityConfiguration, check_entity_id, parse_entity_configuration
from idp.protocol.jws import parse_unverified
from idp.protocol.keys import KeySet
from idp.protocol.refusals import Reason, Refusal, Unavailable
from idp.protocol.trust_chain import TrustChain, require_mark, verify_chain
from idp.protocol.trust_marks import TRUST_MARK, TrustMark

log = logging.getLogger(__name__)

OWN_HELD = 300  # seconds for which a chain of our own is held while nothing has changed here
MAX_MARKS = 4  # of one type whose issuers are looked for


def anchors(now: int) -> dict[str, KeySet]:
    """Our one trust anchor: this node, by its own federation keys."""
    return {conf.authority().entity_id: signing.published("federation", now=now)}


def anchor_configuration(now: int) -> EntityConfiguration:
    """The node's own configuration as others read it."""
    node = conf.authority().entity_id
    return parse_entity_configuration(statements.entity_configuration(now), now=now, expect=node)


def resolve(
    entity_id: str,
    *,
    now: int,
    entity_type: str | None = None,
    immediate: bool = False,
    refresh: bool = False,
    at_hand: bool = False,
) -> TrustChain:
    """The verified trust chain from ``entity_id`` to this node, from the cache or by looking for it.

    ``immediate`` accepts no intermediate: for issuers of border tokens, providers for cross-border login and issuers of
    trust marks. ``entity_type`` must be in the resolved metadata. ``refresh`` looks again whatever is cached;
    ``at_hand`` takes what is cached until it expires and leaves it to `sync` to look again: nobody waits for a peer.
    Raises `Refusal` (untrusted_issuer, policy_violation, malformed …) or `Unavailable`.
    """
    check_entity_id(entity_id, allow_loopback_http=conf.authority().insecure_loopback_http)
    if _is_ours(entity_id):
        chain = _own(entity_id, immediate, now)
    else:
        chain = _remembered(entity_id, immediate, now, refresh=refresh, at_hand=at_hand)
    if entity_type is not None:
        chain.entity(entity_type)
    return chain


def cached(entity_id: str, *, now: int) -> TrustChain | None:
    """The chain if it can be had without asking anybody else: one that was found before, or one of our own entities."""
    if _is_ours(entity_id):
        return resolve(entity_id, now=now)
    for immediate in (False, True):
        row = chain_cache.remembered(entity_id, immediate=immediate, now=now)
        if row is not None and not row.failure:
            return _read(row, now)
    return None


def look_again(entity_id: str, *, now: int, immediate: bool = False) -> TrustChain | None:
    """A chain found anew because a document names a key that the one at hand does not have; None while it is too soon.

    A roll-over is noticed at once this way, and a stranger who invents keys costs one search in
    `chain_cache.COOLDOWN` seconds. Raises like `resolve`.
    """
    if not chain_cache.claim(entity_id, immediate=immediate, now=now):
        return None
    return resolve(entity_id, now=now, immediate=immediate, refresh=True)


def explain(
    entity_id: str, *, now: int, immediate: bool = False, bounds: Bounds | None = None, fetch: Fetch | None = None
) -> Discovery:
    """Look for a chain and keep nothing: every way that was tried, and why it failed. ``fetch``: see `discover`."""
    return discover(
        entity_id,
        anchors=anchors(now),
        fetch=fetch or fetching.fetcher(now),
        now=now,
        bounds=bounds,
        immediate=immediate,
        judge=lambda chain: refuse_broken(chain.path, now=now),
    )


def refuse_broken(path: Sequence[str], *, now: int) -> None:
    """Refuse (untrusted_issuer) a chain in which a suspended or ended entity stands, in any place.

    A peer outside the period of its recognition is no better than a suspended one.
    """
    broken = Peer.objects.broken(now).filter(entity_id__in=path)
    ended = Subordinate.objects.filter(entity_id__in=path).exclude(ended_at=None)
    if broken.values_list("entity_id").union(ended.values_list("entity_id")).exists():
        raise Refusal(Reason.UNTRUSTED_ISSUER, "a suspended or ended entity stands in the chain")


def issuer(entity_id: str, *, now: int, refresh: bool = False) -> TrustChain:
    """The chain of an authority whose border tokens are good here: ourselves, or an immediate peer with our mark."""
    chain = resolve(
        entity_id, now=now, immediate=True, entity_type="border_token_issuer", refresh=refresh, at_hand=not refresh
    )
    require_issuer(chain, now=now)
    return chain


def require_issuer(chain: TrustChain, *, now: int) -> None:
    """Raise `Refusal` unless ``chain``, without intermediates, is that of an issuer whose border tokens are good."""
    chain.entity("border_token_issuer")
    if chain.entity_id != chain.anchor:
        verified_mark(chain, marks.border_issuer(chain.anchor), now=now)


def verified_mark(chain: TrustChain, mark_type: str, *, now: int, search: bool = False) -> TrustMark:
    """The chain's subject's good mark of ``mark_type`` (Federation §7.3), or `Refusal` as `require_mark` raises it.

    Its issuer is this node or an immediate subordinate that the node lists for the type: recognition is not transitive.
    Unless ``search``, an issuer's chain must be at hand.
    """
    node, issuers = conf.authority().entity_id, []
    for issuer_id in _mark_issuers(chain, mark_type) - {node}:
        with contextlib.suppress(Refusal, Unavailable):
            found = resolve(issuer_id, now=now, immediate=True) if search else cached(issuer_id, now=now)
            if found is not None and len(found.path) == 2:
                issuers.append(found)
    return require_mark(chain, mark_type, anchor_configuration=anchor_configuration(now), now=now, issuers=issuers)


def accepted_issuers(now: int) -> list[tuple[str, tuple[str, ...]]]:
    """Every issuer of border tokens whose tokens are good here, ourselves first, each with its chain's statements.

    A peer whose chain or mark does not hold just now is left out, and the log says why.
    """
    node = conf.authority().entity_id
    accepted = [(node, (statements.entity_configuration(now),))]
    for peer in Peer.objects.recognised(now).order_by("entity_id"):
        try:
            accepted.append((peer.entity_id, tuple(issuer(peer.entity_id, now=now).statements)))
        except (Refusal, Unavailable) as error:
            log.warning("%s is no issuer just now: %s", peer.entity_id, error)
    return accepted


def _mark_issuers(chain: TrustChain, mark_type: str) -> set[str]:
    texts = [mark["trust_mark"] for mark in chain.trust_marks if mark["trust_mark_type"] == mark_type]
    return {str(parse_unverified(text, TRUST_MARK).claims.get("iss")) for text in texts[:MAX_MARKS]}


def _is_ours(entity_id: str) -> bool:
    node = conf.authority().entity_id
    return entity_id == node or entity_id.startswith(f"{node}/")


def _own(entity_id: str, immediate: bool, now: int) -> TrustChain:
    """Everything is at hand and nothing has to be remembered, but looking through it takes its time as well."""
    number = revision.current()
    held = chain_cache.held(entity_id, immediate=immediate, number=number, now=now)
    if held is not None:
        return held
    chain = explain(entity_id, now=now, immediate=immediate).require()
    chain_cache.hold(chain, immediate=immediate, refresh_at=now + OWN_HELD, number=number, now=now)
    return chain


def _remembered(entity_id: str, immediate: bool, now: int, *, refresh: bool, at_hand: bool) -> TrustChain:
    number = revision.current()
    held = chain_cache.held(entity_id, immediate=immediate, number=number, now=now, at_hand=at_hand)
    if held is not None and not refresh:
        return held
    row = chain_cache.remembered(entity_id, immediate=immediate, now=now)
    if row is None:  # before anybody is asked
        refuse_broken([entity_id], now=now)
        chain_cache.refuse_storm(entity_id, now=now)
    elif not refresh and (at_hand or now < row.refresh_at):
        chain_cache.raise_failure(row)
        with contextlib.suppress(Refusal):  # a key of ours that was killed since: look again
            chain = _read(row, now)
            chain_cache.hold(chain, immediate=immediate, refresh_at=row.refresh_at, number=number, now=now)
            return chain
    return _search(entity_id, immediate, now, number=number, fallback=row)


def _read(row: ChainCache, now: int) -> TrustChain:
    chain = verify_chain(row.statements, anchors=anchors(now), now=now, immediate=row.immediate)
    refuse_broken(chain.path, now=now)
    return chain


def _search(entity_id: str, immediate: bool, now: int, *, number: int, fallback: ChainCache | None) -> TrustChain:
    found = explain(entity_id, now=now, immediate=immediate)
    try:
        chain = found.require()
    except (Unavailable, Refusal) as error:
        passing = isinstance(error, Unavailable) or error.reason is Reason.NOT_YET_VALID  # a clock that is ahead
        served = fallback is not None and not fallback.failure
        if served or Peer.objects.filter(entity_id=entity_id).exists():  # not whatever a stranger names
            failures.keep(entity_id, failures.Act.CHAIN, error, now=now)
        if passing and fallback is not None and served:
            chain_cache.postpone(fallback, now=now)
            return _read(fallback, now)
        failure = chain_cache.UNAVAILABLE if isinstance(error, Unavailable) else error.reason.value
        chain_cache.keep_failure(entity_id, failure, immediate=immediate, now=now)
        raise
    failures.clear(entity_id, failures.Act.CHAIN)
    row = chain_cache.keep(chain, immediate=immediate, now=now)
    chain_cache.hold(chain, immediate=immediate, refresh_at=row.refresh_at, number=number, now=now)
    return chain
