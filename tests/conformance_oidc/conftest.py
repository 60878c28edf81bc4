"""The world of these tests, made once: a node behind TLS, relying parties that an officer registered, a traveller."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from idp.demo.authenticator import Authenticator
from tests.conformance import wire
from tests.conformance.browsing import Arrival, Visitor
from tests.conformance.foreign import Verdicts
from tests.conformance_oidc import aging, clients, dialogue, parties, relying
from tests.conformance_oidc.aging import Aged
from tests.conformance_oidc.certificates import CertificateAuthority
from tests.conformance_oidc.node import Node
from tests.conformance_oidc.parties import Party, Site
from tests.conformance_oidc.relying import Client, Server


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """Who certifies every server here."""
    made = CertificateAuthority(tmp_path_factory.mktemp("certificates"))
    wire.trust(str(made.file))
    return made


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory, authority: CertificateAuthority) -> Iterator[Node]:
    """A node that nobody knows yet."""
    made = Node(tmp_path_factory.mktemp("node"), authority)
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def sites(authority: CertificateAuthority) -> Iterator[dict[str, Site]]:
    """Where relying parties live."""
    with parties.sites(authority) as made:
        yield made


@pytest.fixture(scope="session")
def registered(node: Node, sites: dict[str, Site]) -> Mapping[str, Party]:
    """Every client that an officer registered, by its identifier."""
    wanted = clients.wanted(sites)
    with ThreadPoolExecutor(max_workers=2) as pool:
        made = pool.map(lambda it: parties.make(node, it.client_id, it.profile, it.metadata, *it.options), wanted)
        return {party.client_id: party for party in made}


@pytest.fixture(scope="session")
def authenticator(node: Node) -> Authenticator:
    """The traveller's passkey."""
    made = Authenticator(node.issuer)
    Visitor(node.issuer, made).register("specimen-visitor")
    return made


@pytest.fixture(scope="session")
def aged(
    node: Node, authenticator: Authenticator, registered: Mapping[str, Party], server: Server, sites: dict[str, Site]
) -> Aged:
    """What takes time, begun before anybody browses."""
    clients_of_old = (Client(registered["border"], server), Client(registered["basic"], server))
    return aging.begin(Visitor(node.issuer, authenticator), *clients_of_old, server, sites[clients.RP])


@pytest.fixture
def visitor(node: Node, authenticator: Authenticator, aged: Aged) -> Visitor:
    """The traveller with a browser in which nobody is logged in yet."""
    return Visitor(node.issuer, authenticator)


@pytest.fixture(scope="session")
def server(node: Node) -> Server:
    """The node as discovery describes it."""
    return relying.server(node.issuer)


@pytest.fixture
def border(registered: Mapping[str, Party], server: Server) -> Client:
    """A FAPI 2.0 client."""
    return Client(registered["border"], server)


@pytest.fixture
def other(registered: Mapping[str, Party], server: Server) -> Client:
    """Another FAPI 2.0 client."""
    return Client(registered["border-other"], server)


@pytest.fixture
def signing(registered: Mapping[str, Party], server: Server) -> Client:
    """A FAPI 2.0 client that signs its requests."""
    return Client(registered["border-signing"], server)


@pytest.fixture
def basic(registered: Mapping[str, Party], server: Server) -> Client:
    """A conventional client with a secret."""
    return Client(registered["basic"], server)


@pytest.fixture
def basic_post(registered: Mapping[str, Party], server: Server) -> Client:
    """One that sends its secret in the form."""
    return Client(registered["basic-post"], server)


@pytest.fixture
def basic_key(registered: Mapping[str, Party], server: Server) -> Client:
    """One that authenticates by a key."""
    return Client(registered["basic-key"], server)


@pytest.fixture
def basic_other(registered: Mapping[str, Party], server: Server) -> Client:
    """Another with a secret."""
    return Client(registered["basic-other"], server)


@pytest.fixture(scope="session")
def world(node: Node, authority: CertificateAuthority, registered: Mapping[str, Party]) -> dict[str, Any]:
    """What a foreign client is told."""
    told = {client_id: party.told() for client_id, party in registered.items()}
    return {"issuer": node.issuer, "authority": str(authority.file), "clients": told}


@pytest.fixture(scope="session")
def visit(node: Node, authenticator: Authenticator, aged: Aged) -> dialogue.Visit:
    """The traveller's way, for a foreign client: logged in where asked."""
    traveller = Visitor(node.issuer, authenticator)

    def go(url: str, decision: str) -> Arrival:
        return traveller.arrive("GET", url, {}, decision=decision)

    return go


@pytest.fixture(scope="session")
def openid_client(world: dict[str, Any], visit: dialogue.Visit) -> Verdicts:
    """What openid-client says."""
    return dialogue.npm("openid_client", world, visit)


@pytest.fixture(scope="session")
def oauth4webapi(world: dict[str, Any], visit: dialogue.Visit) -> Verdicts:
    """What oauth4webapi says."""
    return dialogue.npm("oauth4webapi", world, visit)
