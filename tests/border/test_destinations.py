"""Which checkpoints border tokens can be for: ours, and those of a peer that we recognise ourselves."""

from typing import Any

import pytest
from django.db import transaction

from idp.border import checkpoints, destinations
from idp.federation import peering
from idp.protocol import keys
from idp.protocol.refusals import Reason, Refusal
from tests.border.world import OFFICER, World
from tests.conftest import NOW
from tests.federation.peers import Peers
from tests.simulators.federation import REMOVE, AuthoritySimulator


def place(
    peers: Peers, superior: AuthoritySimulator, *, below: AuthoritySimulator | None = None, **changes: Any
) -> str:
    """A checkpoint ``superior``/checkpoints/luohu, stated by ``below`` (else its superior); its identifier."""
    entity_id = f"{superior.entity_id}/checkpoints/luohu"
    resource = {
        "resource": entity_id,
        "resource_name": "Luohu",
        "jwks": keys.KeySet([keys.generate().public]).jwks(),
        "face_models_supported": ["dlib-resnet-v1"],
        "border_jurisdiction": "CHN",
        "border_neighbour": "HKG",
        "border_directions": ["exit", "entry"],
        **changes,
    }
    kept = {name: value for name, value in resource.items() if value is not REMOVE}
    entity = peers.federation.authority(entity_id, oauth_resource=kept)
    (below or superior).recognise(entity)
    return entity_id


def test_a_peers_checkpoint_is_found_with_its_keys(world: World, peers: Peers) -> None:
    found = destinations.resolve(place(peers, peers.cn), now=NOW)
    assert (found.authority, found.jurisdiction) == (peers.cn.entity_id, "CHN")
    assert found.leg("entry") == ("HKG", "CHN") and found.leg("exit") == ("CHN", "HKG")
    assert len(found.sealing_keys) == 1 and found.title("pt") == "Luohu"


def test_a_token_for_a_peers_checkpoint_is_issued(world: World, peers: Peers) -> None:
    entity_id = place(peers, peers.cn)
    permit = world.give(world.traveller, "H12345678", type="hrp")
    grant = world.grant(world.detail(locations=[entity_id], directions=["entry"], document=str(permit.pk)))
    answer = world.ask(grant=grant, checkpoint=entity_id, direction="entry", document=str(permit.pk), format="cwt")
    assert answer.status_code == 201, answer.content


def test_recognition_is_not_transitive(world: World, peers: Peers) -> None:
    """invalid solely because Macau is recognised by the mainland and not by us."""
    peers.cn.recognise(peers.mo)
    entity_id = place(peers, peers.mo, border_jurisdiction="MAC")
    with pytest.raises(Refusal):
        destinations.resolve(entity_id, now=NOW)


def test_a_peer_vouches_for_its_own_checkpoints_only(world: World, peers: Peers) -> None:
    """invalid solely because the mainland states something about a checkpoint of Macau."""
    entity_id = place(peers, peers.mo, below=peers.cn)
    with pytest.raises(Refusal) as refused:
        destinations.resolve(entity_id, now=NOW)
    assert refused.value.reason is Reason.UNTRUSTED_ISSUER


def test_an_ended_peers_checkpoint_is_no_destination(world: World, peers: Peers) -> None:
    """invalid solely because recognition has ended; that it was found a moment ago must not help."""
    entity_id = place(peers, peers.cn)
    destinations.resolve(entity_id, now=NOW)
    peering.end(peering.Peer.objects.get(), officer=OFFICER)
    with pytest.raises(Refusal):
        destinations.resolve(entity_id, now=NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"border_jurisdiction": "HKG", "border_neighbour": "CHN"},
        {"border_jurisdiction": "MAC"},
        {"border_jurisdiction": ["CHN"]},
        {"border_neighbour": "CHN"},
        {"border_neighbour": REMOVE},
        {"resource": "https://elsewhere.example"},
        {"resource_name": REMOVE},
        {"border_directions": "exit"},
        {"face_models_supported": [1]},
        {"jwks": {"keys": [keys.generate("PS256").public.jwk()]}},
        {"jwks": {"keys": [keys.generate().public.jwk() for _ in range(3)]}},
    ],
)
def test_a_peers_checkpoint_that_lies_or_is_unsound_is_refused(
    world: World, peers: Peers, changes: dict[str, Any]
) -> None:
    """invalid solely because of one member: another's territory, no name, a key that nothing can be sealed to …"""
    with pytest.raises(Refusal):
        destinations.resolve(place(peers, peers.cn, **changes), now=NOW)


@pytest.mark.parametrize("path", ["", "/checkpoints", "/elsewhere/lo-wu"])
def test_what_is_not_a_checkpoint_of_ours_is_refused(world: World, path: str) -> None:
    """invalid solely because nothing of that name is a checkpoint."""
    with pytest.raises(Refusal):
        destinations.resolve(f"http://hk.localhost:8002{path}", now=NOW)


@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=True)
def test_what_is_held_is_gone_at_once_when_anything_changes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token sealed to yesterday's key, or for a checkpoint that an officer has just closed."""
    entity_id, gate, looked = world.checkpoint.entity_id, world.gate, list[str]()
    found = destinations._found

    def counted(entity_id: str, *, now: int) -> Any:
        looked.append(entity_id)
        return found(entity_id, now=now)

    monkeypatch.setattr(destinations, "_found", counted)
    first = destinations.resolve(entity_id, now=NOW)
    assert destinations.resolve(entity_id, now=NOW + 29) is first and len(looked) == 1
    destinations.resolve(entity_id, now=NOW + 30)
    assert len(looked) == 2
    following = [gate.sealing[1].public, keys.generate().public]
    checkpoints.rotate_sealing_keys(lane=gate.lane, sealing=following, now=NOW)
    assert destinations.resolve(entity_id, now=NOW + 31).sealing_keys[0].thumbprint == following[0].thumbprint
    with transaction.atomic():
        destinations.resolve(entity_id, now=NOW + 31)  # a transaction may see what nobody else ever will
    assert len(looked) == 4
    world.checkpoint.active = False
    checkpoints.configure(checkpoint=world.checkpoint, changed=["active"], officer=OFFICER, now=NOW)
    with pytest.raises(Refusal):
        destinations.resolve(entity_id, now=NOW + 31)
