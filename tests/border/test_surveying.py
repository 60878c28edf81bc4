"""Which models checkpoints name, of this authority and of its peers, as far as anybody can know ahead of time."""

import json
from typing import Any

import pytest

from idp.biometrics import wanted
from idp.biometrics.engine import EMBEDDED_MODEL
from idp.border import checkpoints, surveying
from idp.border.models import Checkpoint, SurveyedCheckpoint
from idp.border.tasks import survey
from idp.federation import peering
from tests.border.test_consent import asked, check
from tests.border.test_destinations import place
from tests.border.world import OFFICER, World
from tests.federation.peers import Page, Peers

OTHER = "pack-r50"


def lists(peers: Peers, *entities: str, status: int = 200, text: str | None = None) -> None:
    """The mainland answers so when it is asked for its checkpoints."""
    base = peers.cn.entity_id
    peers.cn.metadata["federation_entity"]["federation_list_endpoint"] = f"{base}/federation/list"
    body = json.dumps(list(entities)) if text is None else text
    peers.pages[f"{base}/federation/list?entity_type=oauth_resource"] = Page("application/json", body, status)


def theirs() -> dict[str, list[str]]:
    return dict(SurveyedCheckpoint.objects.values_list("entity_id", "face_models"))


def test_our_own_checkpoints_count_as_their_lanes_announced(world: World) -> None:
    Checkpoint.objects.filter(pk=world.checkpoint.pk).update(face_models=[OTHER, EMBEDDED_MODEL])
    assert [OTHER, EMBEDDED_MODEL] in surveying.named(world.now)
    assert frozenset({OTHER, EMBEDDED_MODEL}) in wanted.named(now=world.now)
    world.checkpoint.active = False
    checkpoints.configure(checkpoint=world.checkpoint, changed=["active"], officer=OFFICER, now=world.now)
    assert surveying.named(world.now) == [], "one that is closed needs no face"


def test_the_checkpoints_that_a_peer_lists_are_looked_at(world: World, peers: Peers) -> None:
    entity_id = place(peers, peers.cn, face_models_supported=[OTHER])
    lists(peers, entity_id)
    assert survey() == 1 and theirs() == {entity_id: [OTHER]}
    assert [OTHER] in surveying.named(world.now)


def test_a_checkpoint_that_nobody_lists_is_noted_when_a_wallet_asks_for_it(world: World, peers: Peers) -> None:
    entity_id = place(peers, peers.cn, face_models_supported=[OTHER])
    check(world, asked(world, locations=[entity_id], directions=["entry"]))
    assert theirs() == {entity_id: [OTHER]}
    check(world, asked(world))
    assert theirs() == {entity_id: [OTHER]}, "our own have rows of their own"


def test_a_checkpoint_that_changes_its_engine_is_noted(world: World, peers: Peers) -> None:
    entity_id = place(peers, peers.cn, face_models_supported=[OTHER])
    SurveyedCheckpoint.objects.create(
        entity_id=entity_id, authority=peers.cn.entity_id, face_models=[EMBEDDED_MODEL], seen_at=world.now
    )
    lists(peers, entity_id)
    survey()
    assert theirs() == {entity_id: [OTHER]}


def test_what_is_known_already_is_not_written_again(world: World, peers: Peers, django_assert_num_queries: Any) -> None:
    """A wallet's every request goes by here."""
    from idp.border import destinations

    found = destinations.resolve(place(peers, peers.cn, face_models_supported=[OTHER]), now=world.now)
    surveying.note(found, now=world.now)
    with django_assert_num_queries(1):
        surveying.note(found, now=world.now + 60)


@pytest.mark.parametrize(
    ("status", "text"), [(200, "{}"), (200, "[7]"), (200, "x"), (404, "[]"), (503, "[]"), (200, "[" * 99)]
)
def test_a_peer_that_answers_nonsense_ends_no_survey(world: World, peers: Peers, status: int, text: str) -> None:
    """invalid solely because of one answer; what was known of its checkpoints stays."""
    entity_id = place(peers, peers.cn, face_models_supported=[OTHER])
    lists(peers, entity_id)
    survey()
    lists(peers, status=status, text=text)
    assert survey() == 0 and theirs() == {entity_id: [OTHER]}


def test_a_peer_lists_nobody_elses_checkpoints(world: World, peers: Peers) -> None:
    """invalid solely because of what stands in the list: another's, or one that is none."""
    foreign = place(peers, peers.mo, border_jurisdiction="MAC")
    nowhere = f"{peers.cn.entity_id}/checkpoints/nowhere"
    lists(peers, foreign, nowhere, peers.cn.entity_id, f"{peers.cn.entity_id}/checkpoints/{'x' * 300}")
    assert survey() == 0 and theirs() == {}
    assert not [url for url in peers.asked if foreign in url], "nor does it send us to others"


def test_an_ended_peers_checkpoints_count_no_more(world: World, peers: Peers) -> None:
    """invalid solely because recognition has ended: nobody is enrolled for gates that no token is for."""
    lists(peers, place(peers, peers.cn, face_models_supported=[OTHER]))
    survey()
    peering.end(peering.Peer.objects.get(), officer=OFFICER)
    assert [OTHER] not in surveying.named(world.now)


def test_a_checkpoint_that_was_not_seen_for_a_month_is_forgotten(world: World, peers: Peers) -> None:
    """invalid solely because of its age."""
    for days, name in ((29, "new"), (31, "old")):
        SurveyedCheckpoint.objects.create(
            entity_id=name, authority=peers.cn.entity_id, face_models=[OTHER], seen_at=world.now - days * 86_400
        )
    survey()
    assert set(theirs()) == {"new"}
