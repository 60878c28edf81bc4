"""A federation of a size that a region might have, in memory: it signs on demand and counts what is asked for.

Three anchors that recognise each other; a hundred intermediates below each, in rings that vouch for one another; a
hundred leaves below each intermediate, some of them below an intermediate of another anchor too.
"""

import random
import time
from urllib.parse import urlsplit

from idp.protocol.keys import KeySet
from idp.protocol.refusals import Unavailable
from tests.simulators.federation import AuthoritySimulator, Federation

ANCHORS, INTERMEDIATES, LEAVES = 3, 300, 30_000
LEAF = {"openid_relying_party": {"redirect_uris": ["https://rp.example/cb"], "client_name": "A service"}}
POLICY = {
    "openid_relying_party": {"client_name": {"essential": True}, "grant_types": {"default": ["authorization_code"]}}
}


class Graph(Federation):
    """The simulated network, found by host name; leaves come to life when they are first asked for."""

    def __init__(self, now: int, *, seed: int = 7) -> None:
        super().__init__(now)
        self.fetching = 0.0  # seconds spent in here: the others' work, not the resolver's
        self._random = random.Random(seed)
        self._hosts: dict[str, AuthoritySimulator] = {}
        self.roots = [self._entity(f"a{place}.example") for place in range(ANCHORS)]
        self.middle = [self._entity(f"i{place}.example") for place in range(INTERMEDIATES)]
        for superior in self.roots:
            for other in self.roots:
                if superior is not other:
                    superior.recognise(other)
        for place, entity in enumerate(self.middle):
            self.roots[place % ANCHORS].recognise(entity, metadata_policy=POLICY)
            self.middle[place - ANCHORS].recognise(entity)  # the neighbour below the same anchor: a ring
            if place % 5 == 0:  # and one below another anchor
                self.middle[place - 1].recognise(entity)

    def leaf(self, place: int) -> str:
        """The identifier of leaf number ``place``."""
        return f"https://l{place}.example"

    def anchors(self, *authorities: AuthoritySimulator) -> dict[str, KeySet]:
        return super().anchors(*(authorities or self.roots[:1]))

    def fetch(self, url: str) -> str:
        begun = time.perf_counter()
        try:
            self.fetched.append(url)
            text = self._host(urlsplit(url).netloc).answer(url)
            if text is None:
                raise Unavailable("not found")
            return text
        finally:
            self.fetching += time.perf_counter() - begun

    def _host(self, host: str) -> AuthoritySimulator:
        if host not in self._hosts:
            self._born(int(host.removeprefix("l").removesuffix(".example")))
        return self._hosts[host]

    def _born(self, place: int) -> None:
        entity = self._entity(f"l{place}.example", **LEAF)
        self.middle[place % INTERMEDIATES].recognise(entity)
        if place % 4 == 0:
            self.middle[self._random.randrange(INTERMEDIATES)].recognise(entity)

    def _entity(self, host: str, **metadata: dict[str, object]) -> AuthoritySimulator:
        entity = self._hosts[host] = self.authority(f"https://{host}", **metadata)
        return entity
