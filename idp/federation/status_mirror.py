"""Copies of the peers' status lists, so that bundles carry them and no gate asks a peer."""

import logging
from collections.abc import Sequence

from idp.federation import fetching, resolution
from idp.federation.models import MirroredStatusList, Peer
from idp.protocol import strict_json
from idp.protocol.keys import KeySet, parse_jwks
from idp.protocol.refusals import Reason, Refusal, Unavailable
from idp.protocol.status_list import verify_status_list

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/statuslist+jwt"
MAX_LISTS = 256  # of one peer, as in a bundle


def mirror(now: int) -> int:
    """Fetch the status lists of every accepted peer; returns how many are current.

    A list that cannot be had keeps its last copy until that expires: a gate sees its age and follows its policy.
    """
    current = 0
    for peer in Peer.objects.filter(ended_at=None, suspended_at=None).exclude(recognised_at=None):
        try:
            current += _mirror_issuer(peer.entity_id, now)
        except (Refusal, Unavailable) as error:
            log.warning("the status lists of %s: %s", peer.entity_id, error)
    MirroredStatusList.objects.filter(expires_at__lte=now).delete()
    return current


def lists_of(issuer: str, now: int) -> list[str]:
    """The copies that are still good of one peer's lists."""
    rows = MirroredStatusList.objects.filter(issuer=issuer, expires_at__gt=now).order_by("uri")
    return list(rows.values_list("text", flat=True)[:MAX_LISTS])


def _mirror_issuer(issuer: str, now: int) -> int:
    metadata = resolution.issuer(issuer, now=now).entity("border_token_issuer")
    keys = parse_jwks(metadata.get("status_jwks"))
    endpoint = strict_json.string(metadata, "status_list_aggregation_endpoint")
    current = 0
    for uri in _uris(issuer, endpoint):
        try:
            _mirror_list(issuer, uri, keys, now)
            current += 1
        except (Refusal, Unavailable) as error:
            log.warning("status list %s: %s", uri, error)
    return current


def _uris(issuer: str, endpoint: str) -> Sequence[str]:
    answer = strict_json.loads_object(fetching.get(endpoint, media_type="application/json").body)
    uris = answer.get("status_lists")  # §9.3
    if not isinstance(uris, list) or not all(isinstance(uri, str) for uri in uris):
        raise Refusal(Reason.MALFORMED, "an aggregation without status_lists")
    return [uri for uri in uris if uri.startswith(f"{issuer}/") and len(uri) <= 1024][:MAX_LISTS]


def _mirror_list(issuer: str, uri: str, keys: KeySet, now: int) -> None:
    kept = MirroredStatusList.objects.filter(uri=uri).first()
    headers = {"If-None-Match": kept.etag} if kept is not None and kept.etag else {}
    response = fetching.get(uri, media_type=MEDIA_TYPE, headers=headers)
    if response.status == 304:
        return
    text = response.body.decode("ascii", "replace")
    verified = verify_status_list(text, keys=keys, uri=uri, now=now)
    if kept is not None and verified.issued_at < kept.issued_at:  # an old copy would undo a revocation
        raise Refusal(Reason.STATUS_STALE, "an older list than the one at hand")
    MirroredStatusList.objects.update_or_create(
        uri=uri,
        defaults={
            "issuer": issuer,
            "text": text,
            "etag": response.headers.get("etag", "")[:128],
            "issued_at": verified.issued_at,
            "expires_at": verified.expires_at or verified.issued_at + 86_400,
        },
    )
