"""The phone: what the traveller can do with it, apart from how the page and the interface look.

It talks to the authority and to the lane itself. Everything that can go wrong ends in `UnableTo`, whose code has words
for the traveller in every language of the page.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from idp.outbound import Outbound
from idp.protocol import authorization_details, strict_json
from idp.protocol.refusals import Refusal, Unavailable
from idp.wallet import authorize, groups, obtain, present, trust
from idp.wallet.client_authentication import ClientAuthentication
from idp.wallet.config import Crossing, PhoneConfig, Step
from idp.wallet.errors import UnableTo
from idp.wallet.keys import Keyring
from idp.wallet.speaking import Speaker
from idp.wallet.store import Grant, Pending, Store, StoredToken
from idp.wallet.trust import Provider

log = logging.getLogger(__name__)

PROVIDER_CACHE = 300  # seconds; a recognition that ended is noticed after that (and by the gate, in a minute)
FORMS = {"qr": "cwt", "link": "jwt"}  # protocol.md, Presentation: a JWT does not fit into a QR code


class Phone:
    """One traveller's phone over its directory; keys are made on first use. Safe for threads."""

    def __init__(self, *, config: PhoneConfig, directory: Path, outbound: Outbound | None = None) -> None:
        self.config = config
        self.keyring = Keyring(directory / "keys")
        self.store = Store(directory)
        self._outbound = outbound or Outbound(insecure_loopback_http=config.insecure_loopback_http)
        self._speaker = Speaker(outbound=self._outbound, device=self.keyring.device)
        self._client = ClientAuthentication(config=config, speaker=self._speaker)
        self._provider: tuple[int, Provider] | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the phone's connections."""
        self._outbound.close()

    def provider(self, *, now: int) -> Provider:
        """The home authority, its trust chain verified now or a moment ago. Raises `UnableTo`."""
        with self._lock:
            if self._provider is not None and now < self._provider[0]:
                return self._provider[1]
            fetch = trust.fetcher(self._outbound)
            provider = trust.resolve(self.config.home, anchors=self.config.anchors, fetch=fetch, now=now)
            self._provider = (min(now + PROVIDER_CACHE, provider.expires_at), provider)
            return provider

    def authorize(
        self, *, crossing: str = "", children: int = 0, details: Sequence[Mapping[str, Any]] | None = None, now: int
    ) -> authorize.Started:
        """Begin: ask the home authority for a crossing of the configuration, or for ``details``. Raises `UnableTo`.

        ``children`` is how many come along who have no phone.
        """
        if not 0 <= children <= authorization_details.MAX_WARDS:
            raise UnableTo("invalid_request", "more children than can be asked for together")
        wanted = details
        if wanted is None:
            wanted = authorize.details_for(self.crossing(crossing), children=children, now=now)
        try:
            for detail in authorization_details.parse(list(wanted)):
                authorization_details.parse_border_crossing(detail, now=now)
        except Refusal as error:
            raise UnableTo("invalid_request", str(error)) from error
        return authorize.start(
            config=self.config,
            provider=self.provider(now=now),
            details=wanted,
            crossing=crossing,
            speaker=self._speaker,
            client=self._client,
            store=self.store,
            now=now,
        )

    def finish(self, query: Mapping[str, str], *, now: int) -> Grant:
        """The traveller is back: check the answer and fetch the access token. Raises `UnableTo`."""
        pending, code = authorize.check_answer(query, store=self.store, now=now)
        return self._redeem(pending, code, now=now)

    def _redeem(self, pending: Pending, code: str, *, now: int) -> Grant:
        return authorize.redeem(
            config=self.config,
            provider=self.provider(now=now),
            pending=pending,
            code=code,
            speaker=self._speaker,
            client=self._client,
            store=self.store,
            now=now,
        )

    def fetch(
        self, *, checkpoint: str, direction: str, form: str, document: str | None = None, now: int
    ) -> StoredToken:
        """Fetch a border token (``form`` jwt or cwt) with a grant that covers it. Raises `UnableTo`."""
        if form not in FORMS.values() or direction not in authorization_details.DIRECTIONS:
            raise UnableTo("invalid_request", "no such form or direction")
        grants = self.store.grants(now=now)
        grant, found = obtain.find_grant(grants, checkpoint=checkpoint, direction=direction, document=document, now=now)
        return obtain.fetch_token(
            checkpoint=checkpoint,
            direction=direction,
            document=found,
            form=form,
            provider=self.provider(now=now),
            grant=grant,
            keyring=self.keyring,
            speaker=self._speaker,
            store=self.store,
            now=now,
        )

    def fetch_group(self, *, checkpoint: str, direction: str, form: str, now: int) -> list[StoredToken]:
        """Fetch a token for everybody whom the newest grant for this gate names. Raises `UnableTo`."""
        if form not in FORMS.values() or direction not in authorization_details.DIRECTIONS:
            raise UnableTo("invalid_request", "no such form or direction")
        place = {"checkpoint": checkpoint, "direction": direction}
        grant, _ = obtain.find_grant(self.store.grants(now=now), **place, document=None, now=now)
        return groups.fetch(
            **place,
            form=form,
            provider=self.provider(now=now),
            grant=grant,
            keyring=self.keyring,
            speaker=self._speaker,
            store=self.store,
            now=now,
        )

    def code(self, token_id: str, *, challenge: str | None = None, now: int) -> present.Code:
        """The QR code for a token, with a proof made now. Raises `UnableTo`."""
        return present.qr(self.token(token_id), keyring=self.keyring, now=now, challenge=challenge)

    def link(self, token_id: str, *, challenge: str | None = None, now: int) -> dict[str, str]:
        """What goes over a lane's local link, with a proof made now. Raises `UnableTo`."""
        return present.link(self.token(token_id), keyring=self.keyring, now=now, challenge=challenge)

    def send(self, token_id: str, *, lane: str, language: str = "en", now: int) -> Mapping[str, Any]:
        """Present a token at ``lane`` (a URL) over its local link; what the lane answers. Raises `UnableTo`."""
        try:
            challenge = self._challenge(lane)
            body = strict_json.dumps(self.link(token_id, challenge=challenge, now=now))
            url = f"{lane.rstrip('/')}/present?{urlencode({'lang': language})}"
            response = self._outbound.request("POST", url, headers={"Content-Type": "application/json"}, content=body)
            answer = strict_json.loads_object(response.body) if response.status == 200 else {}
        except (Refusal, Unavailable) as error:
            raise UnableTo("lane_unreachable", str(error)) from error
        if response.status != 200:
            raise UnableTo("lane_refused", f"status {response.status}")
        return answer

    def token(self, token_id: str) -> StoredToken:
        """A token of this phone. Raises `UnableTo` (not_found)."""
        token = self.store.token(token_id)
        if token is None:
            raise UnableTo("not_found", "no such token")
        return token

    def crossing(self, crossing_id: str) -> Crossing:
        """A crossing of the configuration. Raises `UnableTo` (not_found)."""
        for crossing in self.config.crossings:
            if crossing.id == crossing_id:
                return crossing
        raise UnableTo("not_found", "no such crossing")

    def state(self, *, now: int) -> dict[str, Any]:
        """All that the page shows, as JSON; times in seconds since 1970. Asks nobody: it must work at the gate."""
        grants, tokens = self.store.grants(now=now), self.store.tokens(now=now)
        return {
            "now": now,
            "renew_seconds": present.RENEW_SECONDS,
            "home": self.config.home,
            "crossings": [
                {
                    "id": crossing.id,
                    "title": dict(crossing.title),
                    "steps": [_step_state(step, grants, tokens, now=now) for step in crossing.steps],
                }
                for crossing in self.config.crossings
            ],
        }

    def provider_state(self, *, now: int) -> dict[str, Any]:
        """The home authority as the page shows it: its names, or the code of what stands in the way."""
        try:
            provider = self.provider(now=now)
        except UnableTo as error:
            log.info("home authority: %s", error)
            return {"entity_id": self.config.home, "names": {}, "error": error.code}
        return {"entity_id": provider.entity_id, "names": dict(provider.names), "error": None}

    def _challenge(self, lane: str) -> str | None:
        """The lane's challenge where its policy knows that mode; None (404) where the time mode is the only one."""
        response = self._outbound.request("GET", f"{lane.rstrip('/')}/challenge")
        if response.status == 404:
            return None
        if response.status != 200:
            raise Unavailable(f"the lane answers {response.status}")
        return strict_json.string(strict_json.loads_object(response.body), "challenge", max_length=2048)


def token_state(token: StoredToken) -> dict[str, Any]:
    """A token as the page and the orchestrator see it: nothing of its content but where and until when."""
    names = ("id", "checkpoint", "direction", "format", "document_type", "issued_at", "expires_at", "group", "name")
    return {name: getattr(token, name) for name in names}


def _step_state(step: Step, grants: Sequence[Grant], tokens: Sequence[StoredToken], *, now: int) -> dict[str, Any]:
    place = {"checkpoint": step.checkpoint, "direction": step.direction}
    try:
        grant, _ = obtain.find_grant(grants, **place, document=None, now=now)
        going = len(groups.people(grant, **place, now=now))
    except UnableTo:
        going = 0
    own = [token for token in tokens if (token.checkpoint, token.direction) == (step.checkpoint, step.direction)]
    return {
        "checkpoint": step.checkpoint,
        "direction": step.direction,
        "name": dict(step.name),
        "lane": step.lane,
        "granted": going > 0,
        "people": going,
        "tokens": {token.format: token_state(_first(token, own)) for token in own},  # of each form the newest
    }


def _first(token: StoredToken, among: Sequence[StoredToken]) -> StoredToken:
    """Where one begins to show: with the first of the group, if there is one."""
    return next(other for other in among if other is token or (token.group and other.group == token.group))
