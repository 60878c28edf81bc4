"""Copies of the peers' status lists, so that bundles carry them and no gate asks a peer."""

import hashlib
import logging
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import transaction

from idp.federation import chain_cache, failures, fetching, resolution
from idp.federation.models import MirroredStatusList, Peer
from idp.outbound import Response
from idp.protocol import strict_json
from idp.protocol.keys import KeySet, parse_jwks
from idp.protocol.refusals import Reason, Refusal, Unavailable
from idp.protocol.status_list import verify_status_list

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/statuslist+jwt"
MAX_LISTS = 256  # of one peer, as in a bundle
MAX_URI = 1024  # characters, as of every identifier
TIMEOUT = 5.0  # seconds for one list
BUDGET = 9.0  # seconds for everything that is asked of one peer: with the watch before it less than a beat of 15

Answers = Mapping[str, Response | Refusal | Unavailable]  # by the list's address


@dataclass(frozen=True)
class _Errand:
    """What has to be asked of one peer, and what of it is known."""

    issuer: str
    keys: KeySet
    endpoint: str
    etags: Mapping[str, str]  # by the list's address


def mirror(now: int) -> int:
    """Fetch the status lists of every recognised peer, of all at the same time; returns how many are current.

    A list that cannot be had keeps its last copy until that expires: a gate sees its age and follows its policy.
    """
    errands = [errand for peer in Peer.objects.recognised(now) if (errand := _errand(peer.entity_id, now)) is not None]
    answers = fetching.together({errand.issuer: partial(_ask, errand) for errand in errands})
    current = sum(_take(errand, answers[errand.issuer], now) for errand in errands)
    MirroredStatusList.objects.filter(expires_at__lte=now).delete()
    return current


def lists_of(issuer: str, now: int) -> list[str]:
    """The copies that are still good of one peer's lists."""
    # The newest, should there be too many: a list that has ended is not renewed, and stays until it expires.
    rows = MirroredStatusList.objects.filter(issuer=issuer, expires_at__gt=now).order_by("-issued_at", "uri")
    return [text for _, text in sorted(rows.values_list("uri", "text")[:MAX_LISTS])]


def versions(issuer: str, now: int) -> tuple[Any, ...]:
    """What `lists_of` would give, told by digests."""
    rows = MirroredStatusList.objects.filter(issuer=issuer, expires_at__gt=now).order_by("pk")
    return tuple(rows.values_list("pk", "digest"))


def _errand(issuer: str, now: int) -> _Errand | None:
    if chain_cache.remembered(issuer, immediate=True, now=now) is None:
        return None  # the watch looks for its chain; a search here would keep the others waiting
    try:
        metadata = resolution.issuer(issuer, now=now).entity("border_token_issuer")
        keys = parse_jwks(metadata.get("status_jwks"))
        endpoint = strict_json.string(metadata, "status_list_aggregation_endpoint")
    except (Refusal, Unavailable) as error:
        log.warning("the status lists of %s: %s", issuer, error)
        return None
    kept = MirroredStatusList.objects.filter(issuer=issuer).exclude(etag="")
    return _Errand(issuer, keys, endpoint, dict(kept.values_list("uri", "etag")))


def _ask(errand: _Errand) -> Answers:
    """The network's part: every list of one peer, one after the other, in an order that favours none."""
    end = time.monotonic() + BUDGET  # the time for the list of lists included
    uris = list(_uris(errand))
    random.shuffle(uris)  # a peer so slow that the time runs out shall not withhold the same lists each time
    return {uri: fetching.attempt(partial(_get, uri, errand.etags.get(uri), end - time.monotonic())) for uri in uris}


def _uris(errand: _Errand) -> Sequence[str]:
    response = fetching.get(errand.endpoint, media_type="application/json", timeout=TIMEOUT)
    uris = strict_json.loads_object(response.body).get("status_lists")  # §9.3
    if not isinstance(uris, list) or not all(isinstance(uri, str) for uri in uris):
        raise Refusal(Reason.MALFORMED, "an aggregation without status_lists")
    own = [uri for uri in uris if uri.startswith(f"{errand.issuer}/") and len(uri) <= MAX_URI]
    return own[-MAX_LISTS:]  # ours name the oldest first


def _get(uri: str, etag: str | None, left: float) -> Response:
    if left <= 0:
        raise Unavailable("the time for this peer's lists is used up")
    headers = {"If-None-Match": etag} if etag else None
    return fetching.get(uri, media_type=MEDIA_TYPE, headers=headers, timeout=min(TIMEOUT, left))


def _take(errand: _Errand, answers: Answers | Refusal | Unavailable, now: int) -> int:
    """The database's part: verify and keep; how many lists are current."""
    if isinstance(answers, Exception):
        log.warning("the status lists of %s: %s", errand.issuer, answers)
        failures.keep(errand.issuer, failures.Act.STATUS, answers, now=now)
        return 0
    unchanged, verified, wrong = 0, [], None
    for uri, answer in answers.items():
        try:
            row = _verified(errand, uri, answer, now)
        except (Refusal, Unavailable) as error:
            log.warning("status list %s: %s", uri, error)
            wrong = error
        else:
            unchanged += row is None
            verified += [] if row is None else [row]
    if wrong is None:
        failures.clear(errand.issuer, failures.Act.STATUS)
    else:
        failures.keep(errand.issuer, failures.Act.STATUS, wrong, now=now)
    return unchanged + _keep(errand, verified)


def _verified(
    errand: _Errand, uri: str, answer: Response | Refusal | Unavailable, now: int
) -> MirroredStatusList | None:
    """What came, if it holds; None where nothing has changed."""
    if isinstance(answer, Exception):
        raise answer
    if answer.status == 304:
        return None
    text = answer.body.decode("ascii", "replace")
    verified = verify_status_list(text, keys=errand.keys, uri=uri, now=now)
    return MirroredStatusList(
        uri=uri,
        issuer=errand.issuer,
        text=text,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        etag=fetching.entity_tag(answer),
        issued_at=verified.issued_at,
        expires_at=verified.expires_at or verified.issued_at + 86_400,
    )


@transaction.atomic
def _keep(errand: _Errand, rows: Sequence[MirroredStatusList]) -> int:
    """Keep those that are not older than the copy at hand, which would undo a revocation; how many.

    One round at a time for each peer: of two that compared at once the slower one would write the older copy.
    """
    if not rows or not Peer.objects.select_for_update().filter(entity_id=errand.issuer).exists():
        return 0
    held = dict(MirroredStatusList.objects.filter(uri__in=[row.uri for row in rows]).values_list("uri", "issued_at"))
    good = [row for row in rows if row.issued_at >= held.get(row.uri, 0)]
    for row in {row.uri for row in rows} - {row.uri for row in good}:
        log.warning("status list %s: an older list than the one at hand", row)
    columns = ["issuer", "text", "digest", "etag", "issued_at", "expires_at"]
    MirroredStatusList.objects.bulk_create(good, update_conflicts=True, unique_fields=["uri"], update_fields=columns)
    return len(good)
