"""Who calls a federation endpoint: ``private_key_jwt`` by a federation key (Federation §8.8).

The keys come from a trust chain to this node, and nobody who is not authenticated yet may send the node searching for
one (§18.1): the chain is at hand, or it stands in the assertion's header, or the caller is our immediate subordinate.
"""

import hashlib
import logging

from django.db import DatabaseError, IntegrityError, transaction
from django.http import QueryDict

from idp import conf
from idp.federation import auth_methods, resolution
from idp.federation.errors import FederationError
from idp.federation.models import Peer, Subordinate, UsedAssertion
from idp.protocol import client_assertion, jws
from idp.protocol.client_assertion import ASSERTION_TYPE, Announced, ClientAssertion
from idp.protocol.refusals import Reason, Refusal, Unavailable
from idp.protocol.trust_chain import TrustChain, chain_in_header

log = logging.getLogger(__name__)

MAX_LIFETIME = 600  # seconds; an assertion is made for one request, and its jti is kept so long


def authenticate(form: QueryDict, *, now: int) -> str:
    """The entity identifier of whoever sent the form; its assertion is used up.

    Raises `FederationError` (invalid_client), or `Unavailable` when the caller's chain or the database does not answer.
    """
    try:
        announced = _announced(form, now)
        chain = _chain(announced, now)
        verified = client_assertion.verify(
            announced, client_id=chain.entity_id, keys=chain.keys, now=now, algorithms=auth_methods.ALGORITHMS
        )
        _spend(verified)
    except Refusal as refusal:
        log.warning("a caller was not authenticated: %s", refusal)
        raise FederationError("invalid_client", "the client was not authenticated") from refusal
    return verified.client_id


def purge(now: int) -> int:
    """Forget assertions that would be refused for their age by now; the number of rows."""
    return UsedAssertion.objects.filter(expires_at__lt=now).delete()[0]


def _announced(form: QueryDict, now: int) -> Announced:
    assertions, types = form.getlist("client_assertion"), form.getlist("client_assertion_type")
    if len(assertions) != 1 or types != [ASSERTION_TYPE]:  # RFC 7523 §2.2
        raise Refusal(Reason.MALFORMED, "not one assertion of the one type")
    announced = client_assertion.announce(assertions[0], issuer=conf.authority().entity_id, now=now)
    if form.getlist("client_id") not in ([], [announced.client_id]):  # RFC 7521 §4.2
        raise Refusal(Reason.UNTRUSTED_ISSUER, "client_id is not the assertion's")
    if announced.parsed.claims["exp"] > now + MAX_LIFETIME + jws.LEEWAY:
        raise Refusal(Reason.POLICY_VIOLATION, "exp is too far ahead")
    return announced


def _chain(announced: Announced, now: int) -> TrustChain:
    caller = announced.client_id
    if announced.trust_chain is not None:  # verified as it stands, nothing is fetched
        chain = chain_in_header(announced.parsed.header, subject=caller, anchors=resolution.anchors(now), now=now)
        resolution.refuse_broken(chain.path, now=now)
        return chain
    known = caller.isprintable() and (
        Peer.objects.recognised(now).filter(entity_id=caller).exists()
        or Subordinate.objects.filter(entity_id=caller, ended_at=None).exists()
    )
    if known:
        return resolution.resolve(caller, now=now)
    chain_at_hand = resolution.cached(caller, now=now) if caller.isprintable() else None
    if chain_at_hand is None:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "no chain of the caller is at hand, and it brought none")
    return chain_at_hand


def _spend(assertion: ClientAssertion) -> None:
    """Use the ``jti`` up by one INSERT, shared by all workers, committed whatever becomes of the request."""
    digest = hashlib.sha256(assertion.replay_key.encode("utf-8", "surrogatepass")).hexdigest()
    try:
        with transaction.atomic(durable=True):
            UsedAssertion.objects.create(key_hash=digest, expires_at=assertion.forget_at)
    except IntegrityError as error:
        raise Refusal(Reason.REPLAYED, "an assertion seen before") from error
    except DatabaseError as error:
        raise Unavailable("the memory of what was used") from error
