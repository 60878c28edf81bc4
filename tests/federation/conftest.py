"""A node with keys, an issuer's metadata, and two peers on loopback."""

from collections.abc import Iterator

import pytest
from django.test import Client

from idp import conf
from idp.federation import entities, fetching, peering, signing
from tests.conftest import NOW
from tests.federation.peers import Peers, running

NODE = "http://hk.localhost:8002"
OFFICER = "officer-7"


@pytest.fixture
def node(db: None, now: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """This node, with every key, and as an issuer of border tokens whatever other rooms are loaded."""

    def issuer() -> dict[str, object]:
        return {
            "jwks": signing.published("border").jwks(),
            "status_jwks": signing.published("status").jwks(),
            "status_list_aggregation_endpoint": conf.authority().url("/status/aggregation"),
        }

    monkeypatch.setattr(entities, "_providers", {"border_token_issuer": issuer})
    signing.ensure_keys()
    return conf.authority().entity_id


@pytest.fixture
def peers(node: str) -> Iterator[Peers]:
    with running(NOW, node) as world:
        yield world
    fetching.client().close()


@pytest.fixture
def http(node: str) -> Client:
    """Whoever asks this node over HTTP."""
    return Client(headers={"host": "hk.localhost"})


@pytest.fixture
def cn(peers: Peers) -> str:
    """The mainland, recognised."""
    peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    return peers.cn.entity_id
