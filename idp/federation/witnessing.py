"""The peers' audit trees: each head that a peer signs is held against the one before (RFC 9162 §8.3).

Every minute each peer is asked for its newest head, for the proof that it continues the last one seen, for the proof
that a leaf of our choice is in it, and for the heads of others that it has seen. A head without proof is not believed;
one that contradicts an earlier one is kept as evidence and alarms the officers.
"""

import logging
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import transaction

from idp import conf
from idp.audit import events
from idp.federation import fetching, resolution, tree_heads
from idp.federation.head_models import HeldHead, WitnessedHead
from idp.federation.models import Peer
from idp.protocol import merkle, strict_json, tree_head
from idp.protocol.keys import KeySet, parse_jwks
from idp.protocol.refusals import Reason, Refusal, Unavailable
from idp.protocol.tree_head import TreeHead

log = logging.getLogger(__name__)

JSON = "application/json"
TIMEOUT = 5.0  # seconds for one answer
BUDGET = 20.0  # seconds for everything that one peer is asked in a minute
SHOWN = 60  # heads of each authority that we show to the peers: an hour's
MAX_HEADS = 1000  # that one peer shows us
SILENT = 3600  # seconds without a proven head after which a peer is reported


@dataclass(frozen=True)
class _Errand:
    """What one peer has to be asked, and what of it is known."""

    authority: str
    keys: KeySet
    endpoint: str
    last: WitnessedHead | None


@dataclass(frozen=True)
class _Answer:
    """A peer's newest head with its proofs, and the heads of others that it has seen."""

    head: TreeHead
    consistency: Sequence[bytes]
    seen: Sequence[str]


def witness(now: int) -> int:
    """Ask every recognised peer; for how many all is well."""
    errands = [errand for peer in Peer.objects.recognised(now) if (errand := _errand(peer.entity_id, now)) is not None]
    answers = fetching.together({errand.authority: partial(_ask, errand, now) for errand in errands})
    well = 0
    for errand in errands:
        answer = answers[errand.authority]
        if isinstance(answer, Exception):
            log.warning("the audit tree of %s: %s", errand.authority, answer)
            continue
        well += _take(errand, answer, now)
        held = _compare(answer.seen, {other.authority: other.keys for other in errands}, now)
        _keep_held(errand.authority, held, now)
    return well


def shown() -> list[str]:
    """The heads of others that we show to whoever asks, the newest of each authority first."""
    found: list[str] = []
    for authority in WitnessedHead.objects.order_by("authority").values_list("authority", flat=True).distinct():
        heads = WitnessedHead.objects.filter(authority=authority).order_by("-size")
        found += heads.values_list("text", flat=True)[:SHOWN]
    return found


def findings(now: int) -> Iterator[str]:
    """What officers must know, one line each: contradictions that nobody has resolved, peers that prove nothing."""
    for row in WitnessedHead.objects.filter(contradicts=True, resolved_at=None).order_by("pk"):
        yield f"{row.authority} signed a head over {row.size} events that contradicts an earlier one: {row.why}"
    for peer in Peer.objects.recognised(now):
        last = _last(peer.entity_id)
        if last is not None and last.seen_at < now - SILENT:
            yield f"{peer.entity_id} has proven no tree head for {now - last.seen_at} seconds"


def thin_out(now: int) -> int:
    """Let go of what was seen long ago, but for one head of each day and all that contradicts; how many went."""
    authorities = WitnessedHead.objects.order_by("authority").values_list("authority", flat=True).distinct()
    rows = WitnessedHead.objects.filter(contradicts=False)
    return sum(tree_heads.thin_out(rows.filter(authority=authority), now) for authority in authorities)


@transaction.atomic
def resolve(row: WitnessedHead, *, officer: str, now: int) -> None:
    """An officer has looked into a contradiction; it stays as evidence, and the next one alarms again."""
    if WitnessedHead.objects.filter(pk=row.pk, contradicts=True, resolved_at=None).update(resolved_at=now):
        events.record(kind="audit.contradiction_resolved", actor=officer, subject=row.authority[:255])


def _last(authority: str) -> WitnessedHead | None:
    return WitnessedHead.objects.filter(authority=authority, contradicts=False).order_by("-size").first()


def _errand(authority: str, now: int) -> _Errand | None:
    try:
        metadata = resolution.resolve(authority, now=now, immediate=True, at_hand=True).entity("federation_entity")
        endpoint, keys = strict_json.string(metadata, "audit_endpoint"), parse_jwks(metadata.get("audit_jwks"))
    except (Refusal, Unavailable) as error:
        log.warning("the audit tree of %s: %s", authority, error)
        return None
    if not endpoint.startswith(f"{authority}/"):
        log.warning("the audit tree of %s: an endpoint elsewhere", authority)
        return None
    return _Errand(authority, keys, endpoint, _last(authority))


def _ask(errand: _Errand, now: int) -> _Answer:
    """The network's part; raises `Refusal` for what cannot be believed and `Unavailable`."""
    end = time.monotonic() + BUDGET

    def get(path: str, media_type: str = JSON) -> bytes:
        left = end - time.monotonic()
        if left <= 0:
            raise Unavailable("the time for this peer's tree is used up")
        url = f"{errand.endpoint}/{path}"
        return fetching.get(url, media_type=media_type, timeout=min(TIMEOUT, left)).body

    text = get("head", tree_head.MEDIA_TYPE)
    head = tree_head.verify_tree_head(text, keys=errand.keys, issuer=errand.authority, now=now)
    consistency: list[bytes] = []
    if errand.last is not None and head.size > errand.last.size:
        found = strict_json.loads_object(get(f"consistency?first={errand.last.size}&second={head.size}"))
        consistency = tree_head.parse_proof(found.get("proof"))
    index = secrets.randbelow(head.size)
    _check_leaf(strict_json.loads_object(get(f"inclusion?index={index}&size={head.size}")), index, head)
    return _Answer(head, consistency, _texts(strict_json.loads_object(get("witnessed"))))


def _check_leaf(found: Mapping[str, Any], index: int, head: TreeHead) -> None:
    """A tree of which nobody can show a leaf is none."""
    merkle.verify_inclusion(
        leaf=tree_head.parse_hash(found.get("leaf")),
        index=index,
        size=head.size,
        proof=tree_head.parse_proof(found.get("proof")),
        root=head.root,
    )


def _texts(found: Mapping[str, Any]) -> list[str]:
    heads = found.get("heads")
    if not isinstance(heads, list) or not all(isinstance(text, str) for text in heads):
        raise Refusal(Reason.MALFORMED, "heads are a list of texts")
    return heads[:MAX_HEADS]


def _take(errand: _Errand, answer: _Answer, now: int) -> bool:
    head, last = answer.head, errand.last
    if last is not None and head.iat < last.at:
        return True  # an older copy says nothing new
    fault = None if last is None else _fault(last, head, answer.consistency)
    if fault is not None:
        _alarm(head, fault, now)
        return False
    facts = {"root": head.root, "at": head.iat, "seen_at": now, "text": head.text}
    WitnessedHead.objects.update_or_create(authority=head.iss, size=head.size, contradicts=False, defaults=facts)
    return True


def _fault(last: WitnessedHead, head: TreeHead, proof: Sequence[bytes]) -> str | None:
    if head.size < last.size:
        return f"over {last.size} events before, and fewer later"
    try:
        merkle.verify_consistency(
            first=last.size, second=head.size, first_root=bytes(last.root), second_root=head.root, proof=proof
        )
    except Refusal as refusal:
        return f"it does not continue the head over {last.size} events: {refusal.detail}"
    return None


def _compare(texts: Sequence[str], known: Mapping[str, KeySet], now: int) -> list[TreeHead]:
    """Heads that a peer has seen of us and of others: whoever shows each of us another past is found here.

    Those of ours that are of our tree come back.
    """
    ours = []
    for text in texts:
        try:
            author = tree_head.unverified_issuer(text)
            own = author == conf.authority().entity_id
            keys = tree_heads.keys(now) if own else known.get(author)
            if keys is None:
                continue
            head = tree_head.verify_tree_head(text, keys=keys, issuer=author, now=now)
        except Refusal:
            continue  # by a key that is let go, or nobody's word
        fault = tree_heads.contradiction(head) if own else _other_root(head)
        if fault is not None:
            _alarm(head, fault, now)
        elif own:
            ours.append(head)
    return ours


def _keep_held(holder: str, heads: Sequence[TreeHead], now: int) -> None:
    """What officers are shown of how far a peer has witnessed us."""
    if heads:
        newest = max(heads, key=lambda head: head.size)
        facts = {"size": newest.size, "at": newest.iat, "told_at": now}
        HeldHead.objects.update_or_create(holder=holder, defaults=facts)


def _other_root(head: TreeHead) -> str | None:
    ours = WitnessedHead.objects.filter(authority=head.iss, size=head.size, contradicts=False).first()
    if ours is None or bytes(ours.root) == head.root:
        return None
    return "a peer was shown another root over as many events than we were"


@transaction.atomic
def _alarm(head: TreeHead, why: str, now: int) -> None:
    """Keep the evidence and tell the officers: once, until they have resolved it."""
    log.critical("the audit tree of %s contradicts itself: %s", head.iss, why)
    if WitnessedHead.objects.filter(authority=head.iss, contradicts=True, resolved_at=None).exists():
        return
    _, is_new = WitnessedHead.objects.get_or_create(
        authority=head.iss,
        size=head.size,
        root=head.root,
        defaults={"at": head.iat, "seen_at": now, "text": head.text, "contradicts": True, "why": why[:200]},
    )
    if is_new:
        events.record(
            kind="audit.head_contradicted", actor="node", subject=head.iss[:255], data={"size": head.size, "why": why}
        )
