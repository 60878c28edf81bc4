"""Proofs that events are in the record, against a signed head: made here, checked by `protocol.audit_proof`."""

from typing import Any

from idp import conf
from idp.audit import sealing, tree
from idp.audit.models import AuditEvent
from idp.federation.models import SignedHead
from idp.protocol import jws, tree_head
from idp.protocol.strict_json import b64encode


class UnableToProve(Exception):
    """Not sealed yet, or after the head. The message is for officers."""


def head_at(at: int | None) -> SignedHead | None:
    """The head that was signed last by the time ``at`` (seconds since 1970); the newest of all for None."""
    heads = SignedHead.objects.order_by("-size")
    return (heads if at is None else heads.filter(at__lte=at)).first()


def proof(event: AuditEvent, head: SignedHead) -> dict[str, Any]:
    """The proof of one event, with the head. Raises `UnableToProve`."""
    return {"authority": conf.authority().entity_id, **inclusion(event, head.size), "head": head.text}


def text_of(event: AuditEvent) -> str:
    """What is hashed of an event."""
    return sealing.leaf_data(event).decode()


def inclusion(event: AuditEvent, size: int, prove: tree.Prover | None = None) -> dict[str, Any]:
    """The event's text, its place in the tree of ``size`` leaves and the way to the root. Raises `UnableToProve`.

    ``prove`` is the tree's prover for this size, where many events are proven.
    """
    sealed = getattr(event, "sealed", None)
    if sealed is None or sealed.index >= size:
        raise UnableToProve("the event came after this head")
    path = (prove or tree.prover(size))(sealed.index)
    return {"event": text_of(event), "index": sealed.index, "proof": [b64encode(item) for item in path]}


def root_of(head: SignedHead) -> str:
    """The root that a head of ours says, hex."""
    claims = jws.parse_unverified(head.text, tree_head.TREE_HEAD).claims
    return tree_head.parse_hash(claims["root"]).hex()
