"""The world of these tests, made once: a node behind TLS, relying parties that an officer registered, a traveller."""

from collections.abc import Iterator, Mapping

import pytest

from idp.demo.authenticator import Authenticator
from tests.conformance import wire
from tests.conformance.browsing import Visitor
from tests.conformance_oidc import aging, clients, parties, plans, relying, traveller
from tests.conformance_oidc.aging import Aged
from tests.conformance_oidc.cast import Cast, second_clients
from tests.conformance_oidc.certificates import CertificateAuthority
from tests.conformance_oidc.node import Node
from tests.conformance_oidc.parties import Party, Site
from tests.conformance_oidc.plans import Plan
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
    return parties.make(node, clients.wanted(sites))


@pytest.fixture(scope="session")
def authenticator(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Authenticator:
    """The traveller's passkey."""
    return traveller.arrive(node, tmp_path_factory.mktemp("traveller"))


@pytest.fixture(scope="session")
def cast(node: Node, registered: Mapping[str, Party], server: Server, sites: dict[str, Site]) -> Cast:
    """Who plays in the Foundation's plans."""
    return Cast({**registered, **second_clients(node, sites)}, server, sites)


@pytest.fixture(scope="session")
def aged(node: Node, authenticator: Authenticator, cast: Cast, sites: dict[str, Site]) -> Aged:
    """What takes time, begun before anybody browses."""
    return aging.begin(Visitor(node.issuer, authenticator), cast, sites[clients.RP])


@pytest.fixture
def visitor(node: Node, authenticator: Authenticator, aged: Aged) -> Visitor:
    """The traveller with a browser in which nobody is logged in yet."""
    return Visitor(node.issuer, authenticator)


@pytest.fixture(scope="session")
def server(node: Node) -> Server:
    """The node as discovery describes it."""
    return relying.server(node.issuer)


@pytest.fixture(autouse=True)
def plan() -> Plan:
    """The plan that is judged by; a test's mark says another. Every test has it, so that every test can be marked."""
    return plans.BASIC


@pytest.fixture
def client(plan: Plan, cast: Cast) -> Client:
    """The client of the plan."""
    return cast.first(plan)


@pytest.fixture
def other(plan: Plan, cast: Cast) -> Client:
    """Another client, of another site."""
    return cast.second(plan)
