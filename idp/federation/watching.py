"""Whether a peer's configuration changed: asked every few seconds, so that a key that it killed dies here as well.

A question with If-None-Match costs a peer that did not change one small answer. Where it changed, the peer's keys are
looked at (`peering.observe`) and its chain is found anew, so that the next bundle says what the peer says now.
"""

import hashlib
import logging
from functools import partial

from idp.federation import chain_cache, failures, fetching, peering, resolution
from idp.federation.models import Peer
from idp.outbound import Response
from idp.protocol.entity_statements import configuration_url, parse_entity_configuration
from idp.protocol.keys import parse_jwks
from idp.protocol.refusals import Reason, Refusal, Unavailable

log = logging.getLogger(__name__)

TIMEOUT = 5.0  # seconds for one peer: with the beat of 15 s and a lane's 36 s a killed key is refused within a minute


def watch(now: int) -> int:
    """Ask every peer that is recognised or accepted; returns how many had changed.

    All are asked at the same time. One that does not answer, or answers nonsense, is reported and stays as it is.
    """
    peers = Peer.objects.standing(now).exclude(recognised_at=None, accepted_at=None).order_by("entity_id")
    known = {peer: _known(peer, now) for peer in peers}
    answers = fetching.together({peer.entity_id: partial(_ask, peer.entity_id, tag) for peer, tag in known.items()})
    return sum(_take(peer, tag, answers[peer.entity_id], now) for peer, tag in known.items())


def _known(peer: Peer, now: int) -> str:
    """The version that was read last; empty while a recognised peer has no chain, so that one is looked for."""
    if peer.is_recognised(now) and chain_cache.remembered(peer.entity_id, immediate=True, now=now) is None:
        return ""
    return peer.configuration_etag


def _ask(entity_id: str, known: str) -> Response:
    return fetching.get(
        configuration_url(entity_id),
        media_type=fetching.STATEMENT_TYPE,
        headers={"If-None-Match": known} if known.endswith('"') else None,
        timeout=TIMEOUT,
    )


def _take(peer: Peer, known: str, answer: Response | Refusal | Unavailable, now: int) -> bool:
    if isinstance(answer, Exception):
        _report(peer, answer, now)
        return False
    version = known if answer.status == 304 else _version(answer)
    if version == known:  # also of a peer that knows no conditional request
        failures.clear(peer.entity_id, failures.Act.CONFIGURATION, only=failures.UNAVAILABLE)  # a bad one stays bad
        return False
    try:
        _look(peer, answer.body.decode("ascii", "replace"), now)
    except Unavailable as error:
        _report(peer, error, now)
        return False  # not settled: the next round asks for it again
    except Refusal as error:  # the same document will not be better in the next round; `sync` looks again anyhow
        _report(peer, error, now)
        if error.reason is Reason.NOT_YET_VALID:  # but for this one: the peer's clock is a little ahead of ours
            return False
    else:
        failures.clear(peer.entity_id, failures.Act.CONFIGURATION)
    Peer.objects.filter(pk=peer.pk).update(configuration_etag=version)
    return True


def _report(peer: Peer, error: Refusal | Unavailable, now: int) -> None:
    log.warning("watching %s: %s", peer, error)
    failures.keep(peer.entity_id, failures.Act.CONFIGURATION, error, now=now)


def _look(peer: Peer, text: str, now: int) -> None:
    configuration = parse_entity_configuration(text, now=now, expect=peer.entity_id)
    peering.observe(peer, configuration, now=now)
    if not peering.signed_by(configuration, parse_jwks(peer.jwks)):
        raise Refusal(Reason.UNTRUSTED_ISSUER, "a configuration that no pinned key signed")  # and the old chain serves
    if peer.is_recognised(now):
        with fetching.at_hand({configuration_url(peer.entity_id): text}):
            resolution.issuer(peer.entity_id, now=now, refresh=True)


def _version(answer: Response) -> str:
    """The entity tag, or where there is none a digest, which no tag looks like: a tag ends with a quotation mark."""
    return fetching.entity_tag(answer) or hashlib.sha256(answer.body).hexdigest()
