from typing import Any

import pytest

from idp.audit.models import AuditEvent
from idp.federation import entities, peering, resolution, signing, statements
from idp.federation.entities import UnableToHost
from idp.protocol import keys
from idp.protocol.entity_statements import parse_entity_configuration
from idp.protocol.refusals import Refusal
from tests.conftest import NOW
from tests.federation.peers import Peers
from tests.simulators.federation import AuthoritySimulator

RESOURCE = {"oauth_resource": {"resource": "http://hk.localhost:8002/checkpoints/lok-ma-chau"}}


def test_a_checkpoint_has_a_key_of_its_own_and_a_chain_to_the_node(node: str) -> None:
    hosted = entities.host(path="checkpoints/lok-ma-chau", metadata=RESOURCE, now=NOW)
    assert hosted.entity_id == f"{node}/checkpoints/lok-ma-chau"
    configuration = parse_entity_configuration(statements.hosted_configuration(hosted, NOW), now=NOW)
    assert configuration.authority_hints == (node,)
    assert not {key.kid for key in configuration.keys.keys} & {key.kid for key in signing.published("federation").keys}
    chain = resolution.resolve(hosted.entity_id, now=NOW, entity_type="oauth_resource")
    assert chain.path == (hosted.entity_id, node)
    assert chain.entity("oauth_resource") == RESOURCE["oauth_resource"]


def test_hosting_again_changes_the_metadata_at_once_and_keeps_the_key(node: str) -> None:
    first = resolution.resolve(entities.host(path="checkpoints/a", metadata=RESOURCE, now=NOW).entity_id, now=NOW)
    entities.host(path="checkpoints/a", metadata={"oauth_resource": {"resource": "other"}}, now=NOW + 1)
    second = resolution.resolve(f"{node}/checkpoints/a", now=NOW + 1)
    assert second.entity("oauth_resource") == {"resource": "other"}
    assert second.keys.jwks() == first.keys.jwks()


@pytest.mark.parametrize(
    "path", ["", "/x", "x/", "../x", "a//b", "federation/x", "admin", "status/1", ".well-known/x", "A"]
)
def test_a_path_that_would_shadow_an_endpoint_is_refused(node: str, path: str) -> None:
    """Invalid solely because of the path."""
    with pytest.raises(UnableToHost):
        entities.host(path=path, metadata=RESOURCE, now=NOW)


def test_a_hosted_entity_cannot_be_an_issuer(node: str) -> None:
    """Invalid solely because a checkpoint claims to be a border token issuer."""
    with pytest.raises(UnableToHost):
        entities.host(path="checkpoints/a", metadata={"border_token_issuer": {}}, now=NOW)


def test_the_messenger_resolves_once_it_is_registered_and_not_before(node: str, peers: Peers) -> None:
    relying_party = {"redirect_uris": ["http://messenger.localhost/cb"]}
    messenger = peers.authority("messenger", node, openid_relying_party=relying_party)
    with pytest.raises(Refusal):
        resolution.resolve(messenger.entity_id, now=NOW)
    entities.register_subordinate(
        entity_id=messenger.entity_id, jwks=messenger.keys.jwks(), entity_types=["openid_relying_party"], now=NOW
    )
    chain = resolution.resolve(messenger.entity_id, now=NOW, entity_type="openid_relying_party")
    assert chain.entity("openid_relying_party")["redirect_uris"] == relying_party["redirect_uris"]


def test_a_subordinates_type_that_was_not_registered_is_taken_away(node: str, peers: Peers) -> None:
    """Invalid solely because the entity says more about itself than it was registered for (negative case 18)."""
    messenger = peers.authority("messenger", node, openid_relying_party={}, oauth_resource={})
    entities.register_subordinate(
        entity_id=messenger.entity_id, jwks=messenger.keys.jwks(), entity_types=["openid_relying_party"], now=NOW
    )
    chain = resolution.resolve(messenger.entity_id, now=NOW)
    assert "oauth_resource" not in chain.metadata


def test_an_ended_subordinate_is_refused_at_once(node: str, peers: Peers) -> None:
    messenger = peers.authority("messenger", node, openid_relying_party={})
    entities.register_subordinate(
        entity_id=messenger.entity_id, jwks=messenger.keys.jwks(), entity_types=["openid_relying_party"], now=NOW
    )
    resolution.resolve(messenger.entity_id, now=NOW)
    entities.end_subordinate(entity_id=messenger.entity_id, now=NOW, actor="officer-7")
    with pytest.raises(Refusal):
        resolution.resolve(messenger.entity_id, now=NOW)
    assert AuditEvent.objects.filter(kind="federation.subordinate.ended", actor="officer-7").exists()


def test_a_peer_or_the_node_itself_cannot_be_registered_as_subordinate(node: str, peers: Peers) -> None:
    """Invalid solely because the entity has another standing already: a subordinate could claim a peer's place."""
    peering.propose(peers.cn.entity_id)
    hosted = entities.host(path="checkpoints/a", metadata=RESOURCE, now=NOW)
    for taken in (peers.cn.entity_id, node, hosted.entity_id):
        with pytest.raises(UnableToHost):
            entities.register_subordinate(
                entity_id=taken, jwks=peers.cn.keys.jwks(), entity_types=["oauth_client"], now=NOW
            )


def test_a_private_key_in_a_registration_is_refused(node: str) -> None:
    """Invalid solely because the key set has private members."""
    jwks = {"keys": [keys.generate().jwk()]}
    with pytest.raises(Refusal):
        entities.register_subordinate(entity_id="https://x.example", jwks=jwks, entity_types=["oauth_client"], now=NOW)


def test_no_room_may_write_the_federation_metadata(node: str) -> None:
    with pytest.raises(RuntimeError):
        entities.contribute("federation_entity", dict)


@pytest.mark.parametrize(
    "metadata",
    [
        {"oauth_resource": {"resource": "x", "federation_fetch_endpoint": "https://x.example/fetch"}},
        {"oauth_resource": {"resource": "x", "federation_list_endpoint": "https://x.example/list"}},
        {"federation_entity": {"federation_fetch_endpoint": "https://x.example/fetch"}, "oauth_resource": {}},
    ],
    ids=str,
)
def test_a_hosted_entity_publishes_no_endpoint_of_a_superior(node: str, metadata: dict[str, dict[str, str]]) -> None:
    """Invalid solely because a leaf has nobody to fetch or list (Federation §5.1.1)."""
    with pytest.raises(UnableToHost):
        entities.host(path="checkpoints/a", metadata=metadata, now=NOW)
    assert not entities.HostedEntity.objects.exists()


def _register(messenger: AuthoritySimulator, **more: Any) -> None:
    entities.register_subordinate(
        entity_id=messenger.entity_id,
        jwks=messenger.keys.jwks(),
        entity_types=["openid_relying_party"],
        now=NOW,
        **more,
    )


def test_what_we_state_about_a_subordinate_wins_over_what_it_says(node: str, peers: Peers) -> None:
    """Federation §3.1.1: the immediate superior's metadata, then the policy."""
    says = {"client_name": "mine", "contacts": ["a@x.example"], "grant_types": ["authorization_code", "implicit"]}
    messenger = peers.authority("messenger", node, openid_relying_party=says)
    policy = {"openid_relying_party": {"grant_types": {"subset_of": ["authorization_code"]}}}
    _register(messenger, metadata={"openid_relying_party": {"client_name": "ours"}}, metadata_policy=policy)
    resolved = resolution.resolve(messenger.entity_id, now=NOW).entity("openid_relying_party")
    assert resolved == {**says, "client_name": "ours", "grant_types": ["authorization_code"]}
    _register(messenger)
    assert resolution.resolve(messenger.entity_id, now=NOW).entity("openid_relying_party") == says


@pytest.mark.parametrize(
    "bad",
    [
        {"metadata": {"openid_relying_party": {"client_name": None}}},
        {"metadata": {"openid_relying_party": "x"}},
        {"metadata": {"oauth_client": {}}},
        {"metadata_policy": {"oauth_client": {}}},
        {"metadata_policy": {"openid_relying_party": {"scope": {"one_of": ["a"], "add": ["b"]}}}},
    ],
    ids=str,
)
def test_metadata_or_policy_that_no_resolver_would_take_is_not_registered(
    node: str, peers: Peers, bad: dict[str, Any]
) -> None:
    """Invalid solely because of the one value: the statement could never be signed, or would break every chain."""
    with pytest.raises((UnableToHost, Refusal)):
        _register(peers.authority("messenger", node, openid_relying_party={}), **bad)
    assert not entities.Subordinate.objects.exists()
