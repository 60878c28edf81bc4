"""Border tokens for a traveller and the children who come along: asked for together, kept and shown one by one."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from idp.protocol import face_references, strict_json
from idp.protocol.authorization_details import parse_border_crossing
from idp.protocol.refusals import Refusal
from idp.wallet import obtain
from idp.wallet.errors import UnableTo
from idp.wallet.faces import STALE, Carrier
from idp.wallet.keys import Keyring
from idp.wallet.speaking import Answer, Speaker
from idp.wallet.store import Grant, Store, StoredToken
from idp.wallet.trust import Provider

MAX_NAME = 64  # characters


def people(grant: Grant, *, checkpoint: str, direction: str, now: int) -> list[str]:
    """The documents that ``grant`` names for this gate: the traveller's, then the children's as they were asked for."""
    found: dict[str, int] = {}
    for detail in grant.details:
        document = obtain.covers(detail, checkpoint, direction, None, now)
        if document is not None:
            found.setdefault(document, parse_border_crossing(detail, now=now).ward or 0)
    return sorted(found, key=lambda document: found[document])


def fetch(
    *,
    checkpoint: str,
    direction: str,
    form: str,
    provider: Provider,
    grant: Grant,
    keyring: Keyring,
    speaker: Speaker,
    store: Store,
    now: int,
) -> list[StoredToken]:
    """Ask ``provider`` for a token for each of `people`, check every one and keep all, or none. Raises `UnableTo`."""
    documents = people(grant, checkpoint=checkpoint, direction=direction, now=now)
    if not documents:
        raise UnableTo("consent_needed", "the grant names nobody for this gate")
    holder = keyring.holder(obtain.receiving_authority(checkpoint))
    asked = {"checkpoint": checkpoint, "direction": direction, "documents": documents, "format": form}

    def ask(carried: Mapping[str, Mapping[str, bytes]]) -> Answer:
        proof = obtain.possession(holder, provider, grant, now=now)
        faces = {document: face_references.wire(kept) for document, kept in carried.items() if kept}
        body = {**asked, **proof, **({"face_references": faces} if faces else {})}
        return speaker.post_json(provider.border_token_endpoint, body, access_token=grant.access_token)

    carriers = [Carrier(provider, document, grant, speaker, store) for document in documents]
    answer = _asking(carriers, ask)
    if answer.status != 201:
        obtain.refused(answer, grant, store)
    group, tokens = secrets.token_urlsafe(12), []
    for document, item in zip(documents, _items(answer, documents), strict=True):
        raw = obtain.read(item, form)
        place = {"checkpoint": checkpoint, "direction": direction}
        verified = obtain.check_token(raw, **place, provider=provider, holder=holder, now=now)
        tokens.append(obtain.stored(verified, raw, form, group=group, name=_name(item)))
        if item.get("face_references_waiting") is True:
            next(carrier for carrier in carriers if carrier.document == document).fetch()
    if len({token.id for token in tokens}) != len(tokens):
        raise UnableTo("border_token_not_for_us", "one token for two people")
    for token in tokens:
        store.keep_token(token)
    return tokens


def _asking(carriers: Sequence[Carrier], ask: Any) -> Answer:
    """As `Carrier.asking`, for all of them in one request."""
    carried = {carrier.document: carrier.kept() or carrier.fetch() for carrier in carriers}
    answer: Answer = ask(carried)
    if answer.error in STALE:
        fetched = {carrier.document: carrier.fetch() for carrier in carriers}
        if fetched != carried:
            answer = ask(fetched)
    return answer


def _items(answer: Answer, documents: Sequence[str]) -> list[Mapping[str, Any]]:
    """What was answered for each of ``documents``, in their order."""
    items = answer.value.get("tokens")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise UnableTo("border_token_untrusted", "the answer holds no tokens")
    if [item.get("document") for item in items] != list(documents):
        raise UnableTo("border_token_not_for_us", "tokens for others than were asked for")
    return items


def _name(item: Mapping[str, Any]) -> str:
    try:
        return strict_json.string(item, "name", max_length=MAX_NAME)
    except Refusal as error:
        raise UnableTo("border_token_untrusted", str(error)) from error
