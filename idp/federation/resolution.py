"""Whom this authority believes, and what its policy makes of what they say (Federation §10).

There is one anchor: the node itself. A chain once found is kept until it expires and is verified anew at each use;
a chain in which a suspended or ended entity stands is refused, whoever else still vouches for it.
"""

import contextlib
import logging
import random
from collections.abc import Mapping, Sequence

from django.db import transaction

from idp import conf
from idp.federation import fetching, marks, signing, statements
from idp.federation.discovery import Bounds, Discovery, discover
from idp.federation.models import ChainCache, Peer, Subordinate
from idp.protocol.entity_statements import EntityConfiguration, check_entity_id, parse_entity_configuration
from idp.protocol.keys import KeySet
from idp.protocol.refusals import Reason, Refusal, Unavailable
from idp.protocol.trust_chain import TrustChain, require_mark, verify_chain

log = logging.getLogger(__name__)

REFRESH_AFTER = 3600  # seconds after which a chain is looked for again; the old one serves while nobody answers
JITTER = 0.25  # of that: nodes that resolved together must not come back together
COOLDOWN = 60  # seconds between two searches that an unknown key asks for; whoever makes keys up gets no more
RETRY_AFTER = 30  # seconds for which a failure is remembered: a stranger's request must not start a search each time
UNAVAILABLE = "unavailable"
MAX_REMEMBERED = 10_000  # chains; a stranger can name as many subjects as it likes


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
    refuse_broken([entity_id])
    if _is_ours(entity_id):  # everything is at hand: nothing to remember, nothing to grow stale
        chain = explain(entity_id, now=now, immediate=immediate).require()
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
        row = _cached(entity_id, immediate, now)
        if row is not None and not row.failure:
            return _read(row, immediate, now)
    return None


def look_again(entity_id: str, *, now: int, immediate: bool = False) -> TrustChain | None:
    """A chain found anew because a document names a key that the one at hand does not have; None while it is too soon.

    A roll-over is noticed at once this way, and a stranger who invents keys costs one search in `COOLDOWN` seconds:
    the row is claimed by one UPDATE, shared by all workers. Raises like `resolve`.
    """
    rows = ChainCache.objects.filter(subject=entity_id, immediate=immediate, searched_at__lte=now - COOLDOWN)
    if not rows.update(searched_at=now):
        return None
    return resolve(entity_id, now=now, immediate=immediate, refresh=True)


def explain(entity_id: str, *, now: int, immediate: bool = False, bounds: Bounds | None = None) -> Discovery:
    """Look for a chain and keep nothing: every way that was tried, and why it failed."""
    return discover(
        entity_id,
        anchors=anchors(now),
        fetch=fetching.fetcher(now),
        now=now,
        bounds=bounds,
        immediate=immediate,
        judge=lambda chain: refuse_broken(chain.path),
    )


def refuse_broken(path: Sequence[str]) -> None:
    """Refuse (untrusted_issuer) a chain in which a suspended or ended entity stands, in any place."""
    broken = Peer.objects.filter(entity_id__in=path).exclude(suspended_at=None, ended_at=None)
    ended = Subordinate.objects.filter(entity_id__in=path).exclude(ended_at=None)
    if broken.exists() or ended.exists():
        raise Refusal(Reason.UNTRUSTED_ISSUER, "a suspended or ended entity stands in the chain")


def issuer(entity_id: str, *, now: int, refresh: bool = False) -> TrustChain:
    """The chain of an authority whose border tokens are good here: ourselves, or an immediate peer with our mark."""
    chain = resolve(
        entity_id, now=now, immediate=True, entity_type="border_token_issuer", refresh=refresh, at_hand=not refresh
    )
    if chain.entity_id != chain.anchor:
        mark = marks.border_issuer(chain.anchor)
        require_mark(chain, mark, anchor_configuration=anchor_configuration(now), now=now)
    return chain


def accepted_issuers(now: int) -> list[tuple[str, tuple[str, ...]]]:
    """Every issuer of border tokens whose tokens are good here, ourselves first, each with its chain's statements.

    A peer whose chain or mark does not hold just now is left out, and the log says why.
    """
    node = conf.authority().entity_id
    accepted = [(node, (statements.entity_configuration(now),))]
    for peer in Peer.objects.filter(ended_at=None, suspended_at=None).exclude(recognised_at=None).order_by("entity_id"):
        try:
            accepted.append((peer.entity_id, tuple(issuer(peer.entity_id, now=now).statements)))
        except (Refusal, Unavailable) as error:
            log.warning("%s is no issuer just now: %s", peer.entity_id, error)
    return accepted


def _is_ours(entity_id: str) -> bool:
    node = conf.authority().entity_id
    return entity_id == node or entity_id.startswith(f"{node}/")


def _remembered(entity_id: str, immediate: bool, now: int, *, refresh: bool, at_hand: bool) -> TrustChain:
    row = _cached(entity_id, immediate, now)
    if row is not None and not refresh and (at_hand or now < row.refresh_at):
        if row.failure == UNAVAILABLE:
            raise Unavailable("nobody answered a moment ago")
        if row.failure:
            raise Refusal(Reason(row.failure), "no trust chain was found a moment ago")
        with contextlib.suppress(Refusal):  # a key of ours that was killed since: look again
            return _read(row, immediate, now)
    return _search(entity_id, immediate, now, fallback=row)


def _cached(entity_id: str, immediate: bool, now: int) -> ChainCache | None:
    return ChainCache.objects.filter(subject=entity_id, immediate=immediate, expires_at__gt=now).first()


def _read(row: ChainCache, immediate: bool, now: int) -> TrustChain:
    chain = verify_chain(row.statements, anchors=anchors(now), now=now, immediate=immediate)
    refuse_broken(chain.path)
    return chain


def _search(entity_id: str, immediate: bool, now: int, *, fallback: ChainCache | None) -> TrustChain:
    found = explain(entity_id, now=now, immediate=immediate)
    try:
        chain = found.require()
    except Unavailable:
        if fallback is None or fallback.failure:
            _keep_failure(entity_id, immediate, UNAVAILABLE, now)
            raise
        ChainCache.objects.filter(pk=fallback.pk).update(refresh_at=now + RETRY_AFTER)
        return _read(fallback, immediate, now)
    except Refusal as refusal:
        _keep_failure(entity_id, immediate, refusal.reason.value, now)
        raise
    members = "".join(f"\n{member}\n" for member in chain.path)
    kept = {"failure": "", "statements": list(chain.statements), "members": members}
    _keep(entity_id, immediate, kept, now, chain.expires_at - now)
    return chain


def _keep_failure(entity_id: str, immediate: bool, failure: str, now: int) -> None:
    _keep(entity_id, immediate, {"failure": failure, "statements": [], "members": ""}, now, RETRY_AFTER)


def _keep(entity_id: str, immediate: bool, values: Mapping[str, object], now: int, lifetime: int) -> None:
    wait = int(min(REFRESH_AFTER, lifetime) * (1 - JITTER * random.random()))  # noqa: S311  spread, no secret
    times = {"refresh_at": now + wait, "searched_at": now, "expires_at": now + lifetime}
    with transaction.atomic():
        ChainCache.objects.update_or_create(subject=entity_id, immediate=immediate, defaults={**values, **times})
        if ChainCache.objects.count() > MAX_REMEMBERED:
            ChainCache.objects.filter(expires_at__lte=now).delete()
            ChainCache.objects.exclude(failure="").delete()
