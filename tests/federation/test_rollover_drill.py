"""A roll-over of every key, played for a fortnight: nothing that is valid is ever refused for it.

At every step the node signs one document of every kind. Whoever may have to verify it does, with the keys that it can
hold at that moment: published now, or so long ago as it may go by what it holds. Two lanes decide on border tokens, one
that polls and one that is cut off for all but a minute a day; a peer looks at our configuration, and pins.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from idp.federation import entities, key_files, marks, peering, signing, statements, status_lists, tasks
from idp.federation.models import Peer
from idp.federation.signing import AHEAD, DAY, OVERLAP
from idp.protocol import border_token, jws, keys
from idp.protocol.entity_statements import (
    ENTITY_STATEMENT,
    parse_entity_configuration,
)
from idp.protocol.jws import TokenType
from idp.protocol.keys import KeySet, PrivateKey
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.trust_marks import TRUST_MARK
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.gates import ADMITTED, LaneOfOurs, own_token
from tests.federation.peers import Peers

HOUR = 3600
STEP = 6 * HOUR  # a key that somebody does not know yet is unknown for a day: no step misses it
PATH = "checkpoints/lo-wu"
STATUS = TokenType("statuslist+jwt", required=("iat", "exp", "status_list"))
ANY = TokenType("test+jwt", algorithms=jws.WITH_RS256)

# When each key is rolled over, in seconds after the beginning: as soon as it may be, but one after the other.
ROLLS = {
    ("bundle", None): STEP,
    ("oidc", "ES256"): DAY,
    ("oidc", "RS256"): DAY + STEP,
    ("border", None): AHEAD["border"],
    ("status", None): AHEAD["status"] + STEP,
    ("hosted", None): AHEAD["hosted"],
    ("federation", None): AHEAD["federation"],
}
END = AHEAD["federation"] + OVERLAP + 2 * STEP


@dataclass(frozen=True)
class Published:
    """What the node says to everybody in one hour."""

    configuration: str
    federation: KeySet
    border: KeySet
    status: KeySet
    oidc: KeySet
    hosted: KeySet  # in our statement about the checkpoint
    pinned: KeySet  # by the peer


@dataclass(frozen=True)
class Kind:
    """A kind of document: who signs it, for how long it is good, and how old the keys of its verifier may be."""

    name: str
    use: str
    issue: Callable[["Drill", int], str]
    typ: TokenType
    keys: Callable[[Published], KeySet]
    life: int
    held: int


def _list(drill: "Drill", now: int) -> str:
    uri, _ = status_lists.allocate(expires_at=now + 1_800, now=now)
    return status_lists.published(uri, now)


def _mark(drill: "Drill", now: int) -> str:
    return marks.issued(mark_type=marks.border_issuer(drill.node), subject=drill.peer.entity_id, now=now)


DAY_OLD, PEERS_GATE = DAY, DAY + STEP  # a lane cut off for a day; a peer's, whose node had looked a while before
KINDS = [
    Kind("status list", "status", _list, STATUS, lambda held: held.status, DAY, PEERS_GATE),
    Kind(
        "our configuration at a lane",
        "federation",
        lambda drill, now: drill.held(0).configuration,
        ENTITY_STATEMENT,
        lambda held: held.federation,
        DAY,
        DAY_OLD,
    ),
    Kind(
        "our configuration under a statement of the peer",
        "federation",
        lambda drill, now: drill.held(0).configuration,
        ENTITY_STATEMENT,
        lambda held: held.pinned,
        DAY,
        statements.STATEMENT_LIFETIME,
    ),
    Kind(
        "statement",
        "federation",
        lambda drill, now: statements.subordinate_statement(drill.peer.entity_id, now),
        ENTITY_STATEMENT,
        lambda held: held.federation,
        statements.STATEMENT_LIFETIME - statements.RENEW_AFTER,
        DAY_OLD,
    ),
    Kind("mark", "federation", _mark, TRUST_MARK, lambda held: held.federation, 2 * DAY, DAY_OLD),
    Kind(
        "checkpoint's configuration",
        "hosted",
        lambda drill, now: statements.hosted_configuration(drill.hosted, now),
        ENTITY_STATEMENT,
        lambda held: held.hosted,
        statements.CONFIGURATION_LIFETIME - statements.RENEW_AFTER,
        statements.STATEMENT_LIFETIME - STEP,
    ),
    *[
        Kind(
            f"id token {algorithm}",
            "oidc",
            lambda drill, now, algorithm=algorithm: jws.sign(
                ANY, {"iss": drill.node, "iat": now, "exp": now + DAY}, signing.signer("oidc", algorithm=algorithm)
            ),
            ANY,
            lambda held: held.oidc,
            DAY,
            DAY,
        )
        for algorithm in signing.ALGORITHMS["oidc"]
    ],
]


class Drill:
    """The node, its peer and its lanes, hour by hour."""

    def __init__(self, node: str, peers: Peers, directory: Path) -> None:
        self.node, self.peers, self.now = node, peers, NOW
        self.history: dict[int, Published] = {}
        self.issued: dict[str, dict[int, Any]] = {kind.name: {} for kind in KINDS}
        self.tokens: dict[int, bytes | str] = {}
        self.retired: dict[tuple[str, str | None], PrivateKey] = {}

    def __call__(self) -> int:
        return self.now

    def begin(self, directory: Path) -> None:
        self.peer = peering.recognise(peering.propose(self.peers.cn.entity_id), officer=OFFICER)
        self.hosted = entities.host(path=PATH, metadata={"oauth_resource": {"resource": "x"}}, now=self.now)
        # What the peer keeps about us, pinned before there was a next key, which it therefore has to wait for.
        first = KeySet([signing.private_key("federation").public])
        self.us = Peer.objects.create(entity_id=f"{self.node}/as-the-peer-sees-it", jwks=first.jwks(), proposed_at=NOW)
        self.polling = LaneOfOurs(directory / "polling", self)
        self.cut_off = LaneOfOurs(directory / "cut off", self)
        self.publish()

    def publish(self) -> None:
        mark_type = marks.border_issuer(self.node)
        self.peers.cn.marks.clear()
        self.peers.cn.carry(marks.issued(mark_type=mark_type, subject=self.peer.entity_id, now=self.now), mark_type)
        text = statements.entity_configuration(self.now)
        configuration = parse_entity_configuration(text, now=self.now, expect=self.node)
        peering.observe(self.us, configuration, now=self.now)
        issuer = configuration.metadata["border_token_issuer"]
        about = jws.parse_unverified(
            statements.subordinate_statement(self.hosted.entity_id, self.now), ENTITY_STATEMENT
        )
        self.history[self.now] = Published(
            configuration=text,
            federation=configuration.keys,
            border=keys.parse_jwks(issuer["jwks"]),
            status=keys.parse_jwks(issuer["status_jwks"]),
            oidc=signing.published("oidc", now=self.now),
            hosted=keys.parse_jwks(about.claims["jwks"]),
            pinned=keys.parse_jwks(self.us.jwks),
        )

    def held(self, age: int) -> Published:
        """What was published ``age`` seconds ago; what was first, while the node is younger than that."""
        return self.history[max(self.now - age, NOW)]

    def step(self) -> None:
        """A step later: what is due is rolled over, everything is issued, and everybody verifies."""
        self.now += STEP
        self.peers.federation.now = self.now
        for (use, algorithm), at in ROLLS.items():
            if self.now == NOW + at:
                self.roll(use, algorithm)
        if (self.now - NOW) % (2 * STEP) == 0:
            tasks.renew()
        self.publish()
        for kind in KINDS:
            self.check(kind)
        self.check_border()

    def roll(self, use: str, algorithm: str | None) -> None:
        owner = PATH if use == "hosted" else ""
        self.retired[use, algorithm] = signing.private_key(use, algorithm=algorithm, owner=owner)
        signing.activate_next(use=use, algorithm=algorithm, owner=owner, now=self.now)

    def check(self, kind: Kind) -> None:
        of_kind = self.issued[kind.name]
        of_kind[self.now] = kind.issue(self, self.now)
        for age in (0, STEP, kind.held):
            jws.verify(of_kind[self.now], kind.typ, kind.keys(self.held(age)), now=self.now)
        for age in (STEP, kind.life - STEP):
            if text := of_kind.get(self.now - age):
                jws.verify(text, kind.typ, kind.keys(self.held(0)), now=self.now)

    def check_border(self) -> None:
        if (self.now - NOW) % DAY == STEP:
            self.cut_off.poll()
        if (self.now - NOW) % (2 * STEP) == STEP:
            self.polling.poll()
        token = self.tokens[self.now] = own_token(self.now)
        assert self.cut_off.tries(token) == ADMITTED
        assert self.polling.tries(token) == ADMITTED
        border_token.verify(token, keys=self.at_a_peers_gate(), now=self.now)
        if old := self.tokens.get(self.now - DAY):  # issued ahead
            border_token.verify(old, keys=self.held(0).border, now=self.now)

    def at_a_peers_gate(self) -> KeySet:
        """Our border keys for a lane of the peer that is cut off for a day: the chain in its bundle has to hold."""
        held = self.held(PEERS_GATE)
        configuration = parse_entity_configuration(held.configuration, now=self.now)
        assert configuration.claims["exp"] > self.now, "the chain has expired in the bundle"
        return held.border


@pytest.fixture
def drill(node: str, peers: Peers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Drill:
    issuer = entities._providers["border_token_issuer"]
    monkeypatch.setitem(entities._providers, "border_token_issuer", lambda: {**issuer(), "jurisdiction": "HKG"})
    drill = Drill(node, peers, tmp_path)
    monkeypatch.setattr("idp.clock.now", drill)
    drill.begin(tmp_path)
    return drill


def test_a_fortnight_in_which_every_key_is_rolled_over(drill: Drill, node: str) -> None:
    """Negative case 75: inside the window everything is accepted, after it nothing of the old key."""
    while drill.now < NOW + END:
        drill.step()
    assert set(drill.retired) == set(ROLLS)
    for (use, algorithm), old in drill.retired.items():
        end = NOW + ROLLS[use, algorithm] + OVERLAP
        text = jws.sign(ANY, {"iss": node, "iat": NOW, "exp": NOW + 2 * END}, old)
        owner = PATH if use == "hosted" else ""
        jws.verify(text, ANY, signing.published(use, owner=owner, now=end - 1), now=end - 1)
        with pytest.raises(Refusal) as refused:
            jws.verify(text, ANY, signing.published(use, owner=owner, now=end), now=end)
        assert refused.value.reason is Reason.BAD_SIGNATURE
        assert not key_files.path_of(use, old.kid).exists(), "nobody can sign with it again"
    assert drill.polling.tries(own_token(drill.now, key=drill.retired["border", None])) == Reason.BAD_SIGNATURE.value
    assert drill.cut_off.tries(own_token(drill.now, key=drill.retired["border", None])) == Reason.BAD_SIGNATURE.value
