"""Every way to pass a gate that asks for a mark, without one that its anchor stands behind (row 19)."""

from typing import Any

import pytest

from idp.protocol.entity_statements import parse_entity_configuration
from idp.protocol.keys import generate
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.trust_chain import TrustChain, require_mark, verify_chain
from tests.simulators.federation import AuthoritySimulator, Federation, chain

NOW = 1_800_000_000
KIND = "https://hk.example/trust-marks/border-issuer"


class World:
    """The anchor hk with two immediate subordinates: mo, who wants the mark, and cn, who may issue some."""

    def __init__(self) -> None:
        self.federation = Federation(NOW)
        self.hk = self.federation.authority("https://hk.example")
        self.cn = self.federation.authority("https://cn.example")
        self.mo = self.federation.authority("https://mo.example")
        self.hk.recognise(self.cn)
        self.hk.recognise(self.mo)
        self.anchors = self.federation.anchors(self.hk)

    def verify(self, statements: list[str]) -> TrustChain:
        return verify_chain(statements, anchors=self.anchors, now=NOW)


@pytest.fixture
def world() -> World:
    return World()


def marked(world: World, *marks: str) -> TrustChain:
    for mark in marks:
        world.mo.carry(mark, KIND)
    return world.verify(chain(world.mo, world.hk))


def require(world: World, found: TrustChain, **options: Any) -> str:
    configuration = options.pop("configuration", None) or world.hk.configuration()
    anchor = parse_entity_configuration(configuration, now=NOW)
    return require_mark(found, KIND, anchor_configuration=anchor, **{"now": NOW, **options}).iss


def test_mark_of_the_anchor_is_found_among_bad_ones(world: World) -> None:
    """An expired mark beside a good one must not hide it."""
    old = world.hk.mark(world.mo.entity_id, KIND, exp=NOW - 100)
    found = marked(world, old, world.hk.mark(world.mo.entity_id, KIND))
    assert require(world, found) == world.hk.entity_id


@pytest.mark.parametrize(
    ("marks", "reason"),
    [
        ([], Reason.POLICY_VIOLATION),
        ([{"exp": NOW - 10}], Reason.EXPIRED),
        ([{"sub": "https://cn.example"}], Reason.POLICY_VIOLATION),
        ([{"iss": "https://cn.example"}], Reason.UNTRUSTED_ISSUER),
        ([{"signer": generate()}], Reason.BAD_SIGNATURE),
    ],
)
def test_required_mark_that_is_not_good_is_refused(world: World, marks: list[dict[str, Any]], reason: Reason) -> None:
    """invalid solely because the one mark is missing, late, another's or forged (row 19)."""
    found = marked(world, *(world.hk.mark(world.mo.entity_id, KIND, **claims) for claims in marks))
    with pytest.raises(Refusal) as caught:
        require(world, found)
    assert caught.value.reason is reason


def test_mark_that_the_subject_gave_itself_is_refused(world: World) -> None:
    """invalid solely because the anchor lists nobody but itself."""
    found = marked(world, world.mo.mark(world.mo.entity_id, KIND))
    with pytest.raises(Refusal) as caught:
        require(world, found, issuers=[found])
    assert caught.value.reason is Reason.UNTRUSTED_ISSUER


def test_listed_issuer_needs_a_chain_to_the_same_anchor(world: World) -> None:
    """invalid solely because the listed issuer's chain is missing, elsewhere or past (row 19, Federation §7.3)."""
    world.hk.configuration_claims = {"trust_mark_issuers": {KIND: [world.cn.entity_id]}}
    found = marked(world, world.cn.mark(world.mo.entity_id, KIND))
    issuer = world.verify(chain(world.cn, world.hk))
    assert require(world, found, issuers=[issuer]) == world.cn.entity_id
    short = world.verify([world.cn.configuration(), world.hk.statement(world.cn, exp=NOW + 5)])
    elsewhere = verify_chain(
        [world.cn.configuration()], anchors=world.federation.anchors(world.cn), now=NOW
    )  # its own anchor
    for issuers, now in (([], NOW), ([elsewhere], NOW), ([short], NOW + 5), ([found], NOW)):
        with pytest.raises(Refusal) as caught:
            require(world, found, issuers=issuers, now=now)
        assert caught.value.reason is Reason.UNTRUSTED_ISSUER


def test_configuration_of_an_impostor_lists_no_issuers(world: World) -> None:
    """invalid solely because the anchor's configuration is not signed by the pinned key, or is another entity's."""
    found = marked(world, world.hk.mark(world.mo.entity_id, KIND))
    impostor = AuthoritySimulator(world.hk.entity_id, federation=Federation(NOW))
    for configuration, reason in (
        (impostor.configuration(), Reason.BAD_SIGNATURE),
        (world.cn.configuration(), Reason.UNTRUSTED_ISSUER),
    ):
        with pytest.raises(Refusal) as caught:
            require(world, found, configuration=configuration)
        assert caught.value.reason is reason


def test_mark_of_an_owned_type_needs_its_owners_delegation(world: World) -> None:
    """invalid solely because the type has an owner who delegated nothing (row 19)."""
    owner = world.federation.authority("https://owner.example")
    world.hk.configuration_claims = {"trust_mark_owners": {KIND: {"sub": owner.entity_id, "jwks": owner.keys.jwks()}}}
    found = marked(world, world.hk.mark(world.mo.entity_id, KIND))
    with pytest.raises(Refusal) as caught:
        require(world, found)
    assert caught.value.reason is Reason.UNTRUSTED_ISSUER
    delegation = owner.delegation(world.hk.entity_id, KIND)
    found = marked(world, world.hk.mark(world.mo.entity_id, KIND, delegation=delegation))
    assert require(world, found) == world.hk.entity_id
