"""What a change of terms would do: what is said before is what resolution gives after."""

import dataclasses
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from idp.federation import chain_cache, fetching, marks, peering, rehearsal, resolution, terms
from idp.federation.models import ChainCache, Peer, Statement
from idp.federation.rehearsal import Effect, Subject
from idp.federation.terms import PEER_TYPES, Terms, UnableToAgree
from idp.outbound import Response
from idp.protocol.refusals import Reason, Refusal, Unavailable
from idp.protocol.trust_chain import TrustChain, verify_chain
from tests.conftest import NOW
from tests.federation.conftest import NODE, OFFICER
from tests.simulators.federation import AuthoritySimulator, Federation

DAY = 86_400
ES256 = {"openid_provider": {"id_token_signing_alg_values_supported": {"subset_of": ["ES256"]}}}
NO_PROVIDER = tuple(name for name in PEER_TYPES if name != "openid_provider")


class World:
    """The mainland and Macau as peers in memory, a client below both, a checkpoint below the mainland."""

    def __init__(self) -> None:
        self.federation = Federation(NOW)
        self.cn, self.mo = self._authority("cn"), self._authority("mo")
        self.client = self.federation.authority("https://shop.example", openid_relying_party={"contacts": ["a"]})
        self.place = self.federation.authority("https://cn.example/checkpoints/a", oauth_resource={"resource": "x"})
        for below in (self.client, self.place):
            self.cn.recognise(below)

    def _authority(self, name: str) -> AuthoritySimulator:
        base = f"https://{name}.example"
        made = self.federation.authority(
            base,
            federation_entity={"federation_fetch_endpoint": f"{base}/federation/fetch"},
            border_token_issuer={
                "jwks": {"keys": []},
                "status_jwks": {"keys": []},
                "status_list_aggregation_endpoint": f"{base}/status/aggregation",
            },
            openid_provider={"issuer": base, "id_token_signing_alg_values_supported": ["ES256", "RS256"]},
        )
        made.hints.append(NODE)
        return made

    def get(self, url: str, **options: Any) -> Response:
        """In place of the network."""
        headers = {"content-type": options["media_type"]}
        return Response(200, headers, self.federation.fetch(url).encode())

    @property
    def peer(self) -> Peer:
        return Peer.objects.get(entity_id=self.cn.entity_id)

    def subjects(self) -> list[Subject]:
        issuer = Subject(self.cn.entity_id, True, lambda chain, find: resolution.require_issuer(chain, now=NOW))
        plain = [Subject(who.entity_id) for who in (self.cn, self.mo, self.place)]
        client = Subject(self.client.entity_id, False, lambda chain, find: chain.entity("openid_relying_party"))
        return [issuer, *plain, client]

    def preview(self, proposed: Terms, **options: Any) -> list[Effect]:
        fetch = rehearsal.documents(NOW)
        facts = {"proposed": proposed, "subjects": self.subjects(), "now": NOW, "fetch": fetch, **options}
        return rehearsal.what_would_change(self.peer, **facts)

    def resolved(self, subject: Subject) -> TrustChain | Refusal | Unavailable:
        """What the node itself makes of the subject now, asking anew."""
        ChainCache.objects.all().delete()
        chain_cache._held.clear()
        try:
            chain = resolution.resolve(subject.entity_id, now=NOW, immediate=subject.immediate, refresh=True)
            if subject.judge is not None:
                subject.judge(chain, resolution.resolve)
        except (Refusal, Unavailable) as error:
            return error
        return chain


@pytest.fixture
def world(node: str, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(fetching, "get", made.get)
    mark_type = marks.border_issuer(node)
    for authority in (made.cn, made.mo):
        peering.recognise(peering.propose(authority.entity_id), officer=OFFICER)
        authority.carry(marks.issued(mark_type=mark_type, subject=authority.entity_id, now=NOW), mark_type)
    return made


def agree(world: World, **changed: Any) -> Terms:
    return dataclasses.replace(terms.of(world.peer), **changed)


values = st.sampled_from(["ES256", "RS256", "none", "a", "b"])
arrays = st.lists(values, unique=True, max_size=3)
operators = st.fixed_dictionaries(
    {},
    optional={
        "value": st.one_of(values, arrays, st.none()),
        "add": arrays,
        "default": st.one_of(values, arrays),
        "one_of": arrays,
        "subset_of": arrays,
        "superset_of": arrays,
        "essential": st.booleans(),
    },
)
parameters = st.dictionaries(
    st.sampled_from(["contacts", "scope", "id_token_signing_alg_values_supported", "logo_uri"]), operators, max_size=2
)
policies = st.dictionaries(st.sampled_from(PEER_TYPES), parameters, max_size=3)
names = st.lists(st.sampled_from(["cn.example", ".cn.example", "shop.example", "mo.example"]), unique=True, max_size=2)
proposals = st.builds(
    Terms,
    metadata_policy=policies,
    max_path_length=st.sampled_from([0, 1]),
    naming_constraints=st.fixed_dictionaries({}, optional={"permitted": names, "excluded": names}),
    allowed_entity_types=st.one_of(st.none(), st.lists(st.sampled_from(PEER_TYPES), unique=True).map(tuple)),
    valid_from=st.sampled_from([None, NOW - DAY, NOW + DAY]),
    valid_until=st.sampled_from([None, NOW + 2 * DAY, NOW - 1]),
)
metadata = st.dictionaries(
    st.sampled_from(["openid_relying_party", "oauth_resource", "openid_provider"]),
    st.dictionaries(
        st.sampled_from(["contacts", "scope", "id_token_signing_alg_values_supported", "logo_uri"]),
        st.one_of(values, arrays),
        max_size=3,
    ),
    min_size=1,
    max_size=2,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=proposals, proposed=proposals, client=metadata, place=metadata, twice=st.booleans())
def test_the_preview_says_another_thing_than_resolution_gives(
    world: World, before: Terms, proposed: Terms, client: dict[str, Any], place: dict[str, Any], twice: bool
) -> None:
    """Whatever stood before and whatever is proposed: the change is really made, and everything looked for anew."""
    world.client.metadata, world.place.metadata = client, place
    with transaction.atomic():
        world.mo.about.clear()
        world.client.hints[:] = [world.cn.entity_id]
        if twice:
            world.mo.recognise(world.client)
        try:
            for agreed in (before, proposed):
                terms.check(agreed, entity_id=world.cn.entity_id)
        except UnableToAgree:
            assume(False)
        terms.set_terms(world.peer, terms=before, officer=OFFICER)
        effects = world.preview(proposed)
        held = [world.resolved(subject) for subject in world.subjects()]
        terms.set_terms(world.peer, terms=proposed, officer=OFFICER)
        given_then = [world.resolved(subject) for subject in world.subjects()]
        transaction.set_rollback(True)
    for effect, now_given, then_given in zip(effects, held, given_then, strict=True):
        for verdict, outcome in ((effect.before, now_given), (effect.after, then_given)):
            if isinstance(outcome, TrustChain):
                assert verdict.refused is None, (effect.subject, verdict.refused)
                assert verdict.chain is not None
                assert (verdict.chain.metadata, verdict.chain.path) == (outcome.metadata, outcome.path)
                assert verdict.chain.expires_at == outcome.expires_at
            else:
                assert str(verdict.refused) == str(outcome), effect.subject


def test_a_client_that_would_be_refused_is_missing_from_the_preview(world: World) -> None:
    """Invalid after the change solely because the mainland may no longer vouch for relying parties."""
    types = tuple(name for name in PEER_TYPES if name != "openid_relying_party")
    effects = world.preview(agree(world, allowed_entity_types=types))
    client = effects[-1]
    assert client.refused and client.changed
    assert isinstance(client.after.refused, Refusal) and client.after.refused.reason is Reason.POLICY_VIOLATION
    assert client.before.metadata["openid_relying_party"] and not client.after.metadata
    assert not effects[0].changed, "the issuer stays"


def test_metadata_that_policy_takes_away_shows_as_unchanged(world: World) -> None:
    issuer = world.preview(agree(world, metadata_policy=ES256))[1]
    before, after = (
        verdict.metadata["openid_provider"]["id_token_signing_alg_values_supported"]
        for verdict in (issuer.before, issuer.after)
    )
    assert (before, after) == (["ES256", "RS256"], ["ES256"])
    assert issuer.changed and not issuer.refused


def test_terms_that_mend_show_nobody_as_accepted(world: World) -> None:
    terms.set_terms(world.peer, terms=agree(world, max_path_length=0), officer=OFFICER)
    client = world.preview(agree(world, max_path_length=1))[-1]
    assert client.accepted and not client.refused


def test_a_period_that_is_over_leaves_chains_standing(world: World) -> None:
    effects = world.preview(agree(world, valid_until=NOW - 1))
    assert [effect.refused for effect in effects] == [True, True, False, True, True]


def test_a_preview_leaves_something_behind(world: World) -> None:
    """Neither terms nor a statement nor a chain; and what it signs nobody else believes."""
    world.preview(agree(world))  # statements of ours that nobody asked for yet are made when they are
    before = [list(model.objects.order_by("pk").values()) for model in (Peer, Statement, ChainCache)]
    (effect, *_) = world.preview(agree(world, metadata_policy=ES256))
    assert [list(model.objects.order_by("pk").values()) for model in (Peer, Statement, ChainCache)] == before
    assert effect.after.chain is not None
    with pytest.raises(Refusal) as caught:
        verify_chain(effect.after.chain.statements, anchors=resolution.anchors(NOW), now=NOW)
    assert caught.value.reason is Reason.BAD_SIGNATURE


def test_what_is_held_is_asked_for_again(world: World) -> None:
    for subject in world.subjects():
        resolution.resolve(subject.entity_id, now=NOW, immediate=subject.immediate)
    world.federation.fetched.clear()
    world.preview(agree(world, metadata_policy=ES256))
    assert world.federation.fetched == []


def test_a_document_is_read_twice_and_differs(world: World) -> None:
    """Before and after must differ by the terms, and not by what an entity published in between."""
    world.federation.fetched.clear()
    world.preview(agree(world, metadata_policy=ES256))
    urls = world.federation.fetched
    assert len(urls) == len(set(urls))


def test_terms_that_cannot_be_set_are_previewed(world: World) -> None:
    with pytest.raises(UnableToAgree):
        world.preview(agree(world, max_path_length=2))


def test_recognition_that_is_only_thought_of_is_taken_for_real(world: World) -> None:
    Peer.objects.filter(entity_id=world.cn.entity_id).update(recognised_at=None)
    assert not any(effect.changed for effect in world.preview(agree(world, metadata_policy=ES256)))
    thought = world.preview(agree(world), recognised=True)
    assert [effect.accepted for effect in thought] == [True, True, False, True, True]
