"""A node with a checkpoint; the mainland recognised both ways with a client below it, Macau away."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from idp.accounts import granting
from idp.accounts.models import Account
from idp.accounts.roles import Role
from idp.federation import failures, marks, peering, resolution, sync
from idp.protocol import keys
from idp.protocol.refusals import Unavailable
from tests.border.conftest import peers, strangers
from tests.border.world import NODE, World, browser
from tests.federation.peers import Page, Peers
from tests.simulators.federation import AuthoritySimulator

__all__ = ["peers", "strangers"]

RP = {
    "redirect_uris": ["https://shop.example/cb"],
    "client_name": "Ferry tickets",
    "jwks": keys.KeySet([keys.generate().public]).jwks(),
    "token_endpoint_auth_method": "private_key_jwt",
}


@dataclass
class Trusted:
    """The world around the node, and whom of it the tests name."""

    world: World
    peers: Peers
    cn: str
    mo: str
    client: AuthoritySimulator

    @property
    def now(self) -> int:
        return self.world.now


@pytest.fixture
def trusted(world: World, peers: Peers) -> Trusted:
    cn, mo = peers.cn.entity_id, peers.mo.entity_id
    mark_type = marks.border_issuer(NODE)
    peers.cn.carry(marks.issued(mark_type=mark_type, subject=cn, now=world.now), mark_type)
    their = marks.border_issuer(cn)
    peers.pages[f"{cn}/federation/trust-mark?trust_mark_type={_quoted(their)}&sub={_quoted(NODE)}"] = Page(
        "application/trust-mark+jwt", peers.cn.mark(NODE, their)
    )
    client = peers.authority("shop", openid_relying_party=RP)
    peers.cn.recognise(client)
    sync.sync(world.now)
    resolution.resolve(client.entity_id, now=world.now)
    peering.propose(mo)
    failures.keep(mo, failures.Act.CHAIN, Unavailable("nobody answers"), now=world.now - 7200)
    return Trusted(world, peers, cn, mo, client)


def officer_with(role: Role) -> Any:
    """The browser of an officer who holds one role."""
    account = Account.objects.create_user(f"{role.value}", kind="officer", is_staff=True)
    granting.grant(account=account, role=role, actor="console", now=5)
    return browser(account)


@pytest.fixture
def trust_officer(trusted: Trusted) -> Any:
    return officer_with(Role.TRUST)


@pytest.fixture
def outsider(trusted: Trusted) -> Any:
    """A biometric officer has no business with peers."""
    return officer_with(Role.BIOMETRIC)


def _quoted(text: str) -> str:
    return quote(text, safe="")
