"""Face references that the phone carries for its authority: fetched, kept, and handed in with each token request.

They are sealed by the authority for itself; the phone can do nothing else with them (protocol.md, Face references).
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from idp.protocol import face_references
from idp.protocol.refusals import Refusal
from idp.wallet.speaking import Answer, Speaker
from idp.wallet.store import Grant, Store
from idp.wallet.trust import Provider

log = logging.getLogger(__name__)

STALE = frozenset({"face_not_enrolled", "face_model_unsupported"})  # another reference may wait at the authority
Ask = Callable[[Mapping[str, bytes]], Answer]


@dataclass(frozen=True)
class Carrier:
    """What this phone carries of one document, and how it gets more."""

    provider: Provider
    document: str
    grant: Grant
    speaker: Speaker
    store: Store

    def asking(self, ask: Ask) -> Answer:
        """The answer to ``ask`` with the references; fetched before the first time, and once after a refusal."""
        carried = self.kept() or self.fetch()
        answer = ask(carried)
        if answer.error in STALE:
            fetched = self.fetch()
            if fetched != carried:
                answer = ask(fetched)
        if answer.value.get("face_references_waiting") is True:
            self.fetch()
        return answer

    def fetch(self) -> Mapping[str, bytes]:
        """Fetch what waits, keep it beside what there is, by model; all that is kept then.

        An authority that has none, or does not give it, is no reason to stop: what it then says of the token counts.
        """
        endpoint = self.provider.face_reference_endpoint
        if endpoint is None:
            return self.kept()
        answer = self.speaker.post_json(endpoint, {"document": self.document}, access_token=self.grant.access_token)
        try:
            found = face_references.parse(answer.value.get("face_references") if answer.status == 200 else [])
        except Refusal as error:
            log.info("face references: %s", error)
            found = {}
        self.store.keep_face_references(self.provider.entity_id, self.document, found)
        return self.kept()

    def kept(self) -> Mapping[str, bytes]:
        """What the phone has of the document, by model."""
        return self.store.face_references(self.provider.entity_id, self.document)
