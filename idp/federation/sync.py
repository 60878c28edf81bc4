"""What has to be asked of peers from time to time: their mark for us, their keys and chains, their status lists."""

import logging
from collections.abc import Callable
from urllib.parse import urlencode

from django.db import transaction

from idp import conf
from idp.audit.events import record
from idp.federation import failures, fetching, marks, peering, resolution, signing, status_mirror
from idp.federation.models import HeldMark, Peer
from idp.protocol import strict_json
from idp.protocol.entity_statements import EntityConfiguration
from idp.protocol.keys import parse_jwks
from idp.protocol.refusals import Refusal, Unavailable
from idp.protocol.trust_marks import verify_trust_mark

log = logging.getLogger(__name__)


def sync(now: int) -> list[str]:
    """One round with every peer that stands (not ended, suspended or out of its period); what was done, line by line.

    A peer that does not answer, or answers nonsense, is reported and does not keep the others waiting.
    """
    report: list[str] = []
    for peer in Peer.objects.standing(now).order_by("entity_id"):
        report.append(_outcome(peer, failures.Act.CONFIGURATION, _observe, now))
        if peer.is_accepted(now):
            report.append(_outcome(peer, failures.Act.MARK, collect_mark, now))
        if peer.is_recognised(now):
            report.append(_outcome(peer, failures.Act.ISSUER, _resolve, now))
    report.append(f"status lists mirrored: {status_mirror.mirror(now)}")
    return report


def collect_mark(peer: Peer, now: int) -> str:
    """Fetch the peer's border issuer's mark for us and keep it for our configuration (Federation §8.6)."""
    configuration = peering.fetch_configuration(peer.entity_id, now=now)
    endpoint = _endpoint(configuration, "federation_trust_mark_endpoint")
    mark_type, node = marks.border_issuer(peer.entity_id), conf.authority().entity_id
    query = urlencode({"trust_mark_type": mark_type, "sub": node})
    response = fetching.get(f"{endpoint}?{query}", media_type="application/trust-mark+jwt")
    text = response.body.decode("ascii", "replace")
    pinned = parse_jwks(peer.jwks)
    verified = verify_trust_mark(
        text, holder=node, mark_type=mark_type, issuer_keys=pinned, issuer=peer.entity_id, now=now
    )
    expires_at = now + marks.LIFETIME if verified.exp is None else verified.exp
    with transaction.atomic():
        HeldMark.objects.update_or_create(
            peer=peer, mark_type=mark_type, defaults={"text": text, "expires_at": expires_at}
        )
        record(
            kind="federation.mark.collected",
            actor=signing.ACTOR,
            subject=peer.entity_id[:255],
            data={"exp": expires_at},
        )
    return "its mark for us is in our configuration"


def _observe(peer: Peer, now: int) -> str:
    peering.observe(peer, peering.fetch_configuration(peer.entity_id, now=now), now=now)
    return "a successor of its keys waits" if peer.successor_jwks else "its keys are those pinned"


def _resolve(peer: Peer, now: int) -> str:
    resolution.issuer(peer.entity_id, now=now, refresh=True)
    return "an issuer of border tokens for our gates"


def _endpoint(configuration: EntityConfiguration, name: str) -> str:
    return strict_json.string(configuration.metadata.get("federation_entity", {}), name)


def _outcome(peer: Peer, act: failures.Act, attempt: Callable[[Peer, int], str], now: int) -> str:
    try:
        done = attempt(peer, now)
    except (Refusal, Unavailable) as error:
        log.warning("sync: %s", error)
        failures.keep(peer.entity_id, act, error, now=now)
        return f"{peer}: not now: {error}"
    failures.clear(peer.entity_id, act)
    return f"{peer}: {done}"
