"""Two resolvers that others wrote, each in its own environment: what they accept of two nodes, and what they refuse."""

from typing import Any

import pytest

from tests.conformance import documents
from tests.conformance.foreign import CORE, SPID_CIE, Verdict, Verdicts
from tests.conformance.modules import module
from tests.conformance.nodes import Nodes
from tests.conformance.relying_parties import RelyingParty

CORE_MODULES = (
    "fetches-the-entity-configurations",
    "fetches-the-subordinate-statements",
    "walks-through-an-intermediate",
    "walks-the-loop-of-mutual-recognition-once",
    "finds-no-chain-of-a-stranger",
    "refuses-a-changed-configuration",
    "refuses-a-statement-under-another-key",
)
SPID_CIE_MODULES = (
    "validates-the-entity-configurations",
    "resolves-through-an-intermediate",
    "validates-the-trust-mark",
    "finds-no-chain-of-a-stranger",
    "refuses-a-changed-configuration",
    "refuses-a-statement-under-another-key",
    "refuses-a-trust-mark-of-another-issuer",
)


@pytest.mark.parametrize("name", [pytest.param(name, marks=module(name, CORE)) for name in CORE_MODULES])
def test_core(core: Verdicts, name: str) -> None:
    """A statement or a chain of ours that others cannot read, or a judge that believes everything."""
    _passed(core.of(name))


@pytest.mark.parametrize("name", [pytest.param(name, marks=module(name, SPID_CIE)) for name in SPID_CIE_MODULES])
def test_spid_cie(spid_cie: Verdicts, name: str) -> None:
    """The same for the other judge."""
    _passed(spid_cie.of(name))


POLICY = [
    pytest.param(CORE, "resolves-a-relying-party", marks=module("resolves-a-relying-party", CORE)),
    pytest.param(CORE, "applies-the-policy-about-a-peer", marks=module("applies-the-policy-about-a-peer", CORE)),
    pytest.param(SPID_CIE, "resolves-a-relying-party", marks=module("resolves-a-relying-party", SPID_CIE)),
    pytest.param(SPID_CIE, "resolves-a-peer-under-policy", marks=module("resolves-a-peer-under-policy", SPID_CIE)),
]


@pytest.mark.parametrize(("client", "name"), POLICY)
def test_policy(core: Verdicts, spid_cie: Verdicts, marked: Nodes, party: RelyingParty, client: str, name: str) -> None:
    """Metadata that two houses read differently under the same policy, or a policy that changed nothing."""
    verdict = (core if client == CORE else spid_cie).of(name)
    _passed(verdict)
    entity_type, entity = (
        ("openid_relying_party", party.entity_id) if name.endswith("party") else ("openid_provider", marked.mo)
    )
    assert verdict.detail[entity_type]["contacts"] == ["duty@hk.example"]
    assert _unordered(verdict.detail) == _unordered(marked.resolved(entity))
    assert _unordered(verdict.detail) != _unordered(documents.configuration(entity)["metadata"])


def _passed(verdict: Verdict) -> None:
    assert verdict.passed, verdict.detail


def _unordered(value: Any) -> Any:
    """Lists of names as sets: one judge does not keep their order."""
    if isinstance(value, dict):
        return {name: _unordered(member) for name, member in value.items()}
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return frozenset(value)
    return value
