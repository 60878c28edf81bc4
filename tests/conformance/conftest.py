"""The world of these tests, made once: two nodes, a few relying parties, a traveller, and what the judges say of it."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from idp.demo.authenticator import Authenticator
from tests.conformance import flows, foreign
from tests.conformance.browsing import Visitor
from tests.conformance.flows import Provider
from tests.conformance.foreign import Verdicts
from tests.conformance.nodes import Nodes
from tests.conformance.relying_parties import RelyingParty, Street, street

_SERIAL = itertools.count(1)


@pytest.fixture(scope="session")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Two nodes that recognise each other and hold no mark yet."""
    made = Nodes(tmp_path_factory.mktemp("conformance"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def parties() -> Iterator[Street]:
    """Where relying parties live."""
    with street() as made:
        yield made


@pytest.fixture(scope="session")
def party(nodes: Nodes, parties: Street) -> RelyingParty:
    """A relying party that Hong Kong vouches for."""
    return _vouched("party", nodes, parties)


@pytest.fixture
def newcomer(nodes: Nodes, parties: Street) -> RelyingParty:
    """A relying party for one test, whom no provider has ever asked for anything."""
    return _vouched(f"newcomer-{next(_SERIAL)}", nodes, parties)


@pytest.fixture(scope="session")
def world(nodes: Nodes, party: RelyingParty) -> dict[str, Any]:
    """What a foreign judge is told."""
    return {"hk": nodes.hk, "mo": nodes.mo, "rp": party.entity_id, "anchors": nodes.anchors}


@pytest.fixture(scope="session")
def core(world: dict[str, Any]) -> Verdicts:
    """The npm library's verdicts: on nodes without marks, for it knows those of old drafts only."""
    return foreign.core(world)


@pytest.fixture(scope="session")
def marked(nodes: Nodes, core: Verdicts) -> Nodes:
    """The same nodes with each other's marks and chains; made after the judge who cannot read marks has gone."""
    nodes.sync()
    return nodes


@pytest.fixture(scope="session")
def spid_cie(world: dict[str, Any], marked: Nodes) -> Verdicts:
    """The PyPI library's verdicts, marks included."""
    return foreign.spid_cie(world)


@pytest.fixture(scope="session")
def provider(nodes: Nodes) -> Provider:
    """Hong Kong as OpenID provider."""
    return flows.provider(nodes.hk)


@pytest.fixture(scope="session")
def visitor(nodes: Nodes) -> Visitor:
    """A traveller of Hong Kong with a passkey."""
    made = Visitor(nodes.hk, Authenticator(nodes.hk))
    made.register("specimen-visitor")
    return made


def _vouched(name: str, nodes: Nodes, parties: Street) -> RelyingParty:
    made = parties.open(name, superior=nodes.hk, provider=nodes.hk)
    nodes.vouch_for(made.entity_id, made.federation_key.jwks)
    return made
