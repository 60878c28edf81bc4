"""Which face models checkpoints name: ours by their rows, those of peers as they were last seen.

Peers list their checkpoints (Federation §8.2); one that is not listed is noted when a wallet first asks for it.
"""

import logging
from collections.abc import Sequence
from urllib.parse import quote

from idp.border import destinations
from idp.border.destinations import Destination
from idp.border.models import Checkpoint, SurveyedCheckpoint
from idp.conf import authority
from idp.federation import fetching, resolution
from idp.federation.models import Peer
from idp.protocol import strict_json
from idp.protocol.refusals import Reason, Refusal, Unavailable

log = logging.getLogger(__name__)

MAX_CHECKPOINTS = 64  # of one peer; the three authorities have some twenty between them
FRESH = 86_400  # seconds in which nothing is written where nothing has changed
FORGET = 30 * 86_400  # seconds: one that has gone is asked for no more


def named(now: int) -> list[Sequence[str]]:
    """For each checkpoint in force, of this authority and of recognised peers, the models that it names."""
    ours = Checkpoint.objects.filter(active=True).values_list("face_models", flat=True)
    peers = Peer.objects.recognised(now).values_list("entity_id", flat=True)
    theirs = SurveyedCheckpoint.objects.filter(authority__in=list(peers)).values_list("face_models", flat=True)
    return [*ours, *theirs]


def note(destination: Destination, *, now: int) -> None:
    """Remember what a peer's checkpoint names."""
    models = list(destination.face_models)
    known = SurveyedCheckpoint.objects.filter(entity_id=destination.entity_id, seen_at__gt=now - FRESH).first()
    if destination.authority == authority().entity_id or (known is not None and known.face_models == models):
        return
    SurveyedCheckpoint.objects.update_or_create(
        entity_id=destination.entity_id,
        defaults={
            "authority": destination.authority,
            "face_models": models,
            "seen_at": now,
        },
    )


def survey(*, now: int) -> int:
    """Look at every checkpoint that recognised peers list; how many were found. One that fails holds up no other."""
    found = 0
    for peer in Peer.objects.recognised(now).order_by("entity_id"):
        try:
            listed = _listed(peer.entity_id, now=now)
        except (Refusal, Unavailable) as error:
            log.warning("the checkpoints of %s: %s", peer, error)
            continue
        found += sum(_look(entity_id, now=now) for entity_id in listed)
    SurveyedCheckpoint.objects.filter(seen_at__lt=now - FORGET).delete()
    return found


def _listed(peer: str, *, now: int) -> list[str]:
    chain = resolution.resolve(peer, now=now, immediate=True, entity_type="border_token_issuer", at_hand=True)
    metadata = chain.entity("federation_entity")
    endpoint = strict_json.string(metadata, "federation_list_endpoint")
    separator = "&" if "?" in endpoint else "?"
    answer = fetching.get(f"{endpoint}{separator}entity_type={quote('oauth_resource')}", media_type="application/json")
    listed = strict_json.loads(answer.body)
    if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
        raise Refusal(Reason.MALFORMED, "a list that is not one of identifiers")
    return [item for item in listed if item.startswith(f"{peer}/checkpoints/") and len(item) <= 255][:MAX_CHECKPOINTS]


def _look(entity_id: str, *, now: int) -> bool:
    try:
        note(destinations.resolve(entity_id, now=now), now=now)
    except (Refusal, Unavailable) as error:
        log.info("%s is no checkpoint just now: %s", entity_id, error)
        return False
    return True
