"""Clients that others wrote, each in its own environment: what they can do with the node, and what they refuse."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from idp.demo.authenticator import Authenticator
from tests.conformance.browsing import Arrival, Visitor
from tests.conformance.foreign import Verdicts
from tests.conformance.modules import module
from tests.conformance_oidc import clients, dialogue, federated
from tests.conformance_oidc.certificates import CertificateAuthority
from tests.conformance_oidc.judged import JUDGES
from tests.conformance_oidc.node import Node
from tests.conformance_oidc.parties import Party, Site

ROWS = [
    pytest.param(name, wanted, marks=module(wanted, judge.client))
    for name, judge in JUDGES.items()
    for wanted in judge.modules
]


@pytest.fixture(scope="session")
def world(
    node: Node, authority: CertificateAuthority, registered: Mapping[str, Party], sites: dict[str, Site]
) -> dict[str, Any]:
    """What a foreign client is told: of the node, and of the relying parties that it may be."""
    told = {client_id: party.told() for client_id, party in registered.items()}
    told["federation"] = federated.automatic(node, sites["federated.localhost"]).told()
    explicit = federated.explicit(node, sites["explicit.localhost"])
    own = {"site": sites[clients.RP].origin, "explicit": explicit}
    return {"issuer": node.issuer, "authority": str(authority.file), "clients": told, **own}


@pytest.fixture(scope="session")
def judged(
    world: dict[str, Any], node: Node, authenticator: Authenticator, sites: dict[str, Site], aged: Any
) -> Callable[[str], Verdicts]:
    """What a foreign client says, by its name; asked once. The traveller logs in where asked."""
    traveller = Visitor(node.issuer, authenticator)
    said: dict[str, Verdicts] = {}

    def visit(url: str, decision: str) -> Arrival:
        return traveller.arrive("GET", url, {}, decision=decision)

    def heard(path: str) -> list[dict[str, str]]:
        return [form for at, form in sites[clients.RP].posted if at == path]

    def ask(name: str) -> Verdicts:
        if name not in said:
            said[name] = dialogue.judge(name, JUDGES[name].environment, world, visit, heard)
            unknown = said[name].modules - set(JUDGES[name].modules)
            assert not unknown, f"modules that nobody counts: {unknown}"
        return said[name]

    return ask


@pytest.mark.parametrize(("name", "wanted"), ROWS)
def test_foreign_client(judged: Callable[[str], Verdicts], name: str, wanted: str) -> None:
    """An answer that a client of others cannot read, or one that it takes and must not take."""
    verdict = judged(name).of(wanted)
    assert verdict.passed, verdict.detail
