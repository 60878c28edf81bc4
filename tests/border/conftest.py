"""A node with a checkpoint and a traveller, and its peers where a test asks for them."""

from collections.abc import Iterator
from typing import Any

import pytest

from idp import conf
from idp.federation import fetching, peering, signing
from tests.biometrics.traces import everything  # noqa: F401  a fixture
from tests.border.world import NODE, OFFICER, Receiver, World, receiving
from tests.conftest import NOW
from tests.federation.peers import Peers, running
from tests.oidc.conftest import shared_database  # noqa: F401  a fixture


@pytest.fixture
def world(db: None, now: int, settings: Any) -> World:
    settings.STATIC_ROOT = conf.authority().data_dir  # the middleware that serves files warns of a missing folder
    signing.ensure_keys()
    return World(now)


@pytest.fixture
def strangers(world: World) -> Iterator[Peers]:
    """The mainland and Macau, whom nobody has recognised yet."""
    with running(NOW, NODE) as peers:
        for authority, jurisdiction in ((peers.cn, "CHN"), (peers.mo, "MAC")):
            authority.metadata["border_token_issuer"]["jurisdiction"] = jurisdiction
        yield peers
    fetching.client().close()


@pytest.fixture
def receiver(strangers: Peers) -> Iterator[Receiver]:
    """The mainland's receipts endpoint."""
    with receiving("cn.localhost") as place:
        strangers.cn.metadata["border_token_issuer"]["crossing_receipt_endpoint"] = place.url
        yield place


@pytest.fixture
def peers(strangers: Peers) -> Peers:
    """The mainland is recognised; Macau is not."""
    peer = peering.recognise(peering.propose(strangers.cn.entity_id, officer=OFFICER), officer=OFFICER)
    peering.accept_recognition(peer, officer=OFFICER)
    return strangers
