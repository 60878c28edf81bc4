"""Every way to stand under an anchor that never vouched for you (rows 5 to 9, 14 to 19, 27)."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.keys import KeySet, generate
from idp.protocol.metadata_policy import MetadataRefused, PolicyRefused
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.trust_chain import TrustChain, chain_in_header, verify_chain
from tests.simulators.federation import AuthoritySimulator, Federation, chain, loop

NOW = 1_800_000_000
KIND = "https://hk.example/trust-marks/border-issuer"


class World:
    """The anchor hk over the intermediate cn over the leaf gate; mo is a direct subordinate of hk."""

    def __init__(self) -> None:
        self.federation = Federation(NOW)
        self.hk = self.federation.authority("https://hk.example")
        self.cn = self.federation.authority("https://cn.example")
        self.mo = self.federation.authority("https://mo.example", openid_provider={"issuer": "https://mo.example"})
        self.gate = self.federation.authority("https://cn.example/checkpoints/futian", oauth_resource={"scope": "a b"})
        self.hk.recognise(self.cn)
        self.hk.recognise(self.mo)
        self.cn.recognise(self.gate)
        self.anchors = self.federation.anchors(self.hk)

    def verify(self, statements: Any, **options: Any) -> TrustChain:
        return verify_chain(statements, **{"anchors": self.anchors, "now": NOW, **options})

    def refused(self, statements: Any, **options: Any) -> Reason:
        with pytest.raises(Refusal) as caught:
            self.verify(statements, **options)
        return caught.value.reason


@pytest.fixture
def world() -> World:
    return World()


# --- what holds ------------------------------------------------------------------------------------------------------


def test_sound_chains_hold_with_and_without_the_anchors_configuration(world: World) -> None:
    """A verifier that refuses everything would pass all the others."""
    for anchored in (True, False):
        found = world.verify(chain(world.gate, world.cn, world.hk, anchored=anchored))
        assert found.path == (world.gate.entity_id, world.cn.entity_id, world.hk.entity_id)
        assert (found.entity_id, found.anchor) == (world.gate.entity_id, world.hk.entity_id)
        assert found.entity("oauth_resource") == {"scope": "a b"}
        assert found.keys.jwks() == world.gate.keys.jwks()


def test_anchor_has_a_chain_of_one(world: World) -> None:
    """An authority's own gates accept their anchor as issuer (protocol.md, Entities)."""
    for immediate in (True, False):
        found = world.verify([world.hk.configuration()], immediate=immediate)
        assert found.path == (world.hk.entity_id,)
        assert found.keys.jwks() == world.hk.keys.jwks()


def test_immediate_subordinate_passes_where_only_such_may(world: World) -> None:
    """Configuration, statement by the anchor, and the anchor's configuration or not."""
    assert world.verify(chain(world.mo, world.hk), immediate=True).anchor == world.hk.entity_id
    assert world.verify(chain(world.mo, world.hk, anchored=False), immediate=True).expires_at == NOW + 3600


@pytest.mark.parametrize("place", range(4))
def test_chain_ends_with_the_first_of_its_statements(world: World, place: int) -> None:
    """A chain that outlived one statement would outlive a recognition that was not renewed."""
    makers = [
        world.gate.configuration,
        lambda **claims: world.cn.statement(world.gate, **claims),
        lambda **claims: world.hk.statement(world.cn, **claims),
        world.hk.configuration,
    ]
    statements = [make(**({"exp": NOW + 7} if index == place else {})) for index, make in enumerate(makers)]
    assert world.verify(statements).expires_at == NOW + 7
    late = [make(**({"exp": NOW - 10} if index == place else {})) for index, make in enumerate(makers)]
    assert world.refused(late) is Reason.EXPIRED
    ahead = [make(**({"iat": NOW + 11} if index == place else {})) for index, make in enumerate(makers)]
    assert world.refused(ahead) is Reason.NOT_YET_VALID


def test_mutual_recognition_resolves_both_ways() -> None:
    """Authorities that recognise each other are subject, intermediate and anchor at once (row 9)."""
    federation = Federation(NOW)
    first, second, third = loop(federation, "https://cn.example", "https://hk.example", "https://mo.example")
    for subject, anchor in itertools.permutations((first, second, third), 2):
        found = verify_chain(chain(subject, anchor), anchors=federation.anchors(anchor), now=NOW, immediate=True)
        assert found.path == (subject.entity_id, anchor.entity_id)


# --- whose keys ------------------------------------------------------------------------------------------------------


def test_chain_to_an_anchor_that_is_not_configured_is_refused(world: World) -> None:
    """invalid solely because nobody pinned the anchor (row 8)."""
    statements = chain(world.mo, world.hk)
    assert world.refused(statements, anchors={}) is Reason.UNTRUSTED_ISSUER
    assert world.refused([world.hk.configuration()], anchors={}) is Reason.UNTRUSTED_ISSUER
    renamed = {world.hk.entity_id + "/": world.hk.keys}
    assert world.refused(statements, anchors=renamed) is Reason.UNTRUSTED_ISSUER


def test_anchor_with_another_key_than_the_pinned_one_is_refused(world: World) -> None:
    """invalid solely because the key that signs for the anchor is not the pinned one (row 8, Federation §11.3)."""
    pinned = {world.hk.entity_id: KeySet([generate().public])}
    assert world.refused(chain(world.mo, world.hk, anchored=False), anchors=pinned) is Reason.BAD_SIGNATURE
    assert world.refused([world.hk.configuration()], anchors=pinned) is Reason.BAD_SIGNATURE


def test_anchors_configuration_must_be_signed_by_a_pinned_key_too(world: World) -> None:
    """invalid solely because the anchor's configuration at the end is an impostor's."""
    impostor = AuthoritySimulator(world.hk.entity_id, federation=Federation(NOW))
    statements = [*chain(world.mo, world.hk, anchored=False), impostor.configuration()]
    assert world.refused(statements) is Reason.BAD_SIGNATURE


def test_keys_that_an_intermediate_gives_itself_do_not_count(world: World) -> None:
    """invalid solely because the intermediate signed with a key that its superior does not state."""
    own = generate()
    text = world.cn.statement(world.gate, signer=own)
    statements = [world.gate.configuration(), text, world.hk.statement(world.cn)]
    assert world.refused(statements) is Reason.BAD_SIGNATURE


def test_subject_must_sign_with_a_key_that_its_superior_states(world: World) -> None:
    """invalid solely because the subject's configuration is signed by a key of its own making (Federation §4)."""
    own = generate()
    text = world.mo.configuration(signer=own, jwks=KeySet([own.public]).jwks())
    assert world.refused([text, world.hk.statement(world.mo)]) is Reason.BAD_SIGNATURE


def test_keys_beyond_those_that_the_superior_states_are_not_the_subjects(world: World) -> None:
    """An entity that adds a key to its own configuration has not been given that key."""
    own = generate()
    text = world.mo.configuration(jwks=KeySet([world.mo.key.public, own.public]).jwks())
    assert world.verify([text, world.hk.statement(world.mo)]).keys.find(own.kid) is None


@pytest.mark.parametrize("place", range(4))
def test_any_statement_signed_by_a_stranger_breaks_the_chain(world: World, place: int) -> None:
    """invalid solely because one statement has another signer."""
    stranger = generate()
    signers = [{"signer": stranger} if index == place else {} for index in range(4)]
    statements = [
        world.gate.configuration(**signers[0]),
        world.cn.statement(world.gate, **signers[1]),
        world.hk.statement(world.cn, **signers[2]),
        world.hk.configuration(**signers[3]),
    ]
    assert world.refused(statements) is Reason.BAD_SIGNATURE


# --- who about whom --------------------------------------------------------------------------------------------------


def test_superior_that_the_subject_does_not_name_is_refused(world: World) -> None:
    """invalid solely because the issuer is not in the subject's authority_hints (row 6, Federation §3.2)."""
    world.mo.hints = [world.cn.entity_id]
    assert world.refused(chain(world.mo, world.hk)) is Reason.UNTRUSTED_ISSUER
    world.mo.hints = []
    assert world.refused(chain(world.mo, world.hk)) is Reason.UNTRUSTED_ISSUER


def test_spliced_chain_is_refused(world: World) -> None:
    """invalid solely because one statement's issuer is not the next one's subject (row 7)."""
    spliced = [world.gate.configuration(), world.cn.statement(world.gate), world.hk.statement(world.mo)]
    assert world.refused(spliced) is Reason.UNTRUSTED_ISSUER
    skipped = [world.gate.configuration(), world.hk.statement(world.cn)]
    assert world.refused(skipped) is Reason.UNTRUSTED_ISSUER
    swapped = [world.gate.configuration(), world.hk.statement(world.cn), world.cn.statement(world.gate)]
    assert world.refused(swapped) is Reason.UNTRUSTED_ISSUER


def test_chain_of_another_subject_is_refused(world: World) -> None:
    """invalid solely because ES[0] is another entity's (row 27, Federation §4.3)."""
    header = {"trust_chain": chain(world.mo, world.hk)}
    options = {"anchors": world.anchors, "now": NOW}
    assert chain_in_header(header, subject=world.mo.entity_id, **options).entity_id == world.mo.entity_id
    with pytest.raises(Refusal) as caught:
        chain_in_header(header, subject=world.gate.entity_id, **options)
    assert caught.value.reason is Reason.UNTRUSTED_ISSUER
    with pytest.raises(Refusal) as caught:
        chain_in_header({"trust_chain": header["trust_chain"][0]}, subject=world.mo.entity_id, **options)
    assert caught.value.reason is Reason.MALFORMED


def test_intermediate_where_only_the_anchor_may_vouch_is_refused(world: World) -> None:
    """invalid solely because recognition is not transitive (protocol.md, Recognition)."""
    for anchored in (True, False):
        statements = chain(world.gate, world.cn, world.hk, anchored=anchored)
        assert world.refused(statements, immediate=True) is Reason.UNTRUSTED_ISSUER


def test_chain_that_visits_an_entity_twice_is_refused() -> None:
    """invalid solely because the way runs in a loop (row 9); every signature in it is good."""
    federation = Federation(NOW)
    cn, hk, mo = loop(federation, "https://cn.example", "https://hk.example", "https://mo.example")
    anchors = federation.anchors(mo)
    statements = chain(cn, hk, cn, mo)
    with pytest.raises(Refusal) as caught:
        verify_chain(statements, anchors=anchors, now=NOW)
    assert caught.value.reason is Reason.MALFORMED


def test_array_that_is_no_chain_is_refused(world: World) -> None:
    """invalid solely because of the array's length or members."""
    configuration = world.hk.configuration()
    for wrong in ([], [configuration] * 2, [configuration] * 11, configuration, [None], [7, configuration], ["x"]):
        assert world.refused(wrong) is Reason.MALFORMED
    assert world.refused([world.hk.statement(world.mo)]) is Reason.MALFORMED


def test_chain_beyond_the_bound_is_refused_unread() -> None:
    """invalid solely because it has more statements than any way that is searched (row 10)."""
    federation = Federation(NOW)
    members = [federation.authority(f"https://e{index}.example") for index in range(10)]
    for subject, superior in itertools.pairwise(members):
        superior.recognise(subject)
    anchors = federation.anchors(members[-2], members[-1])
    assert len(verify_chain(chain(*members[:-1]), anchors=anchors, now=NOW).statements) == 10
    with pytest.raises(Refusal) as caught:
        verify_chain(chain(*members), anchors=anchors, now=NOW)
    assert caught.value.reason is Reason.MALFORMED


def test_subordinate_is_no_anchor_for_itself(world: World) -> None:
    """invalid solely because a chain of one must be an anchor's."""
    assert world.refused([world.mo.configuration()]) is Reason.UNTRUSTED_ISSUER


# --- what the superiors demand ---------------------------------------------------------------------------------------


def test_path_length_of_each_superior_counts_from_that_superior(world: World) -> None:
    """invalid solely because there are more intermediates than one superior allows (row 18, Federation §6.2.1)."""
    deep = world.federation.authority("https://deep.example")
    world.gate.recognise(deep)
    for length, holds in ((2, True), (1, False)):
        world.hk.recognise(world.cn, constraints={"max_path_length": length})
        world.cn.recognise(world.gate, constraints={"max_path_length": 1})
        world.gate.recognise(deep, constraints={"max_path_length": 0})
        statements = chain(deep, world.gate, world.cn, world.hk)
        if holds:
            assert world.verify(statements).entity_id == deep.entity_id
        else:
            assert world.refused(statements) is Reason.POLICY_VIOLATION


@pytest.mark.parametrize("setter", ["hk", "cn"])
def test_every_superiors_names_hold_on_their_own(world: World, setter: str) -> None:
    """invalid solely because one superior excludes a host below it (row 18); no other superior can lift that."""
    allow = {"naming_constraints": {"permitted": ["cn.example"]}}
    refuse = {"naming_constraints": {"excluded": ["cn.example"]}}
    world.hk.recognise(world.cn, constraints=refuse if setter == "hk" else allow)
    world.cn.recognise(world.gate, constraints=refuse if setter == "cn" else allow)
    assert world.refused(chain(world.gate, world.cn, world.hk)) is Reason.POLICY_VIOLATION


def test_entity_types_that_are_not_allowed_are_removed(world: World) -> None:
    """A type that an anchor does not allow must not come through an intermediate that does (row 18)."""
    world.hk.recognise(world.cn, constraints={"allowed_entity_types": ["openid_provider"]})
    world.cn.recognise(world.gate, constraints={"allowed_entity_types": ["oauth_resource"]})
    found = world.verify(chain(world.gate, world.cn, world.hk))
    assert found.metadata.keys() == {"federation_entity"}
    with pytest.raises(Refusal) as caught:
        found.entity("oauth_resource")
    assert caught.value.reason is Reason.POLICY_VIOLATION


def test_metadata_is_resolved_in_its_order(world: World) -> None:
    """Federation §3.1.1, §6.2.3, §6.1.4: own, overlay of the direct superior, types, then the policies from the top."""
    world.gate.metadata = {"oauth_resource": {"scope": "a b", "name": "own"}, "oauth_client": {"x": 1}}
    world.hk.recognise(
        world.cn,
        metadata={"oauth_resource": {"name": "of hk"}},  # not about the gate
        metadata_policy={"oauth_resource": {"scope": {"subset_of": ["b", "c"]}}, "oauth_client": {"x": {"value": 2}}},
    )
    world.cn.recognise(
        world.gate,
        metadata={"oauth_resource": {"scope": "a b c", "name": "of cn"}, "openid_provider": {"issuer": "x"}},
        metadata_policy={"oauth_resource": {"name": {"one_of": ["of cn"]}, "logo": {"default": "l"}}},
        constraints={"allowed_entity_types": ["oauth_resource"]},
    )
    found = world.verify(chain(world.gate, world.cn, world.hk))
    assert found.entity("oauth_resource") == {"scope": "b c", "name": "of cn", "logo": "l"}
    assert found.metadata.keys() == {"federation_entity", "oauth_resource"}


def test_superior_cannot_make_its_subject_something_that_it_is_not(world: World) -> None:
    """The overlay reaches only the types that the subject itself says it is (Federation §3.1.1)."""
    world.hk.recognise(world.mo, metadata={"border_token_issuer": {"jwks": {}}})
    assert world.verify(chain(world.mo, world.hk)).metadata.keys() == {"federation_entity", "openid_provider"}


def test_policies_are_merged_from_the_anchor_down(world: World) -> None:
    """Federation §6.1.4.1: the most superior statement first; here the order of what is added shows it."""
    world.hk.recognise(world.cn, metadata_policy={"oauth_resource": {"names": {"add": ["of hk"]}}})
    world.cn.recognise(world.gate, metadata_policy={"oauth_resource": {"names": {"add": ["of cn"]}}})
    found = world.verify(chain(world.gate, world.cn, world.hk))
    assert found.entity("oauth_resource")["names"] == ["of hk", "of cn"]


def test_policies_that_contradict_each_other_end_the_chain(world: World) -> None:
    """invalid solely because the intermediate wants another value than the anchor (rows 15, 16)."""
    world.hk.recognise(world.cn, metadata_policy={"oauth_resource": {"name": {"value": "a"}}})
    world.cn.recognise(world.gate, metadata_policy={"oauth_resource": {"name": {"value": "b"}}})
    with pytest.raises(PolicyRefused):
        world.verify(chain(world.gate, world.cn, world.hk))


def test_metadata_that_breaks_the_anchors_policy_ends_the_chain(world: World) -> None:
    """invalid solely because the subject lacks what the anchor calls essential."""
    world.hk.recognise(world.cn, metadata_policy={"oauth_resource": {"name": {"essential": True}}})
    with pytest.raises(MetadataRefused):
        world.verify(chain(world.gate, world.cn, world.hk))


@pytest.mark.parametrize("setter", ["hk", "cn"])
def test_critical_operator_of_any_superior_ends_the_chain(world: World, setter: str) -> None:
    """invalid solely because one statement demands an operator that is not understood (row 14)."""
    demand = {"metadata_policy_crit": ["regexp"]}
    world.hk.recognise(world.cn, **(demand if setter == "hk" else {}))
    world.cn.recognise(world.gate, **(demand if setter == "cn" else {}))
    with pytest.raises(PolicyRefused):
        world.verify(chain(world.gate, world.cn, world.hk))


@pytest.mark.parametrize("kind", ["openid_provider", "oauth_authorization_server"])
def test_provider_under_another_name_than_its_entity_is_refused(world: World, kind: str) -> None:
    """invalid solely because issuer is not the entity identifier (Federation §5.1.3), stated or overlaid."""
    world.mo.metadata = {kind: {"issuer": "https://mo.example/"}}
    assert world.refused(chain(world.mo, world.hk)) is Reason.POLICY_VIOLATION
    world.mo.metadata = {kind: {}}
    world.hk.recognise(world.mo, metadata={kind: {"issuer": "https://hk.example"}})
    assert world.refused(chain(world.mo, world.hk)) is Reason.POLICY_VIOLATION
    world.hk.metadata = {kind: {"issuer": "https://mo.example"}}
    assert world.refused([world.hk.configuration()]) is Reason.POLICY_VIOLATION


# --- anything at all -------------------------------------------------------------------------------------------------

_WORLD = World()
_PARTS = [
    *chain(_WORLD.gate, _WORLD.cn, _WORLD.hk),
    *chain(_WORLD.mo, _WORLD.hk),
    _WORLD.cn.configuration(),
]
_GOOD = {(0, 1, 2, 3), (0, 1, 2), (4, 5, 6), (4, 5), (4, 5, 3), (0, 1, 2, 6), (3,), (6,)}


@given(st.lists(st.integers(0, len(_PARTS) - 1), max_size=5))
def test_no_other_order_of_true_statements_makes_a_chain(order: list[int]) -> None:
    """Statements that are each sound must not combine into trust that nobody gave."""
    try:
        _WORLD.verify([_PARTS[index] for index in order])
    except Refusal:
        assert tuple(order) not in _GOOD
    else:
        assert tuple(order) in _GOOD | {(7, 2), (7, 2, 3), (7, 2, 6)}


@given(st.lists(st.text(max_size=40) | st.sampled_from(_PARTS) | st.none(), max_size=5))
def test_no_array_at_all_does_more_than_refuse(statements: list[Any]) -> None:
    """An exception other than a refusal would be a 500 to whoever sent the header."""
    try:
        _WORLD.verify(statements)
    except Refusal as refusal:
        assert refusal.reason in Reason
