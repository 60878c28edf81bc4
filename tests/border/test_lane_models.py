"""A face model is replaced lane by lane: the checkpoint names what all its lanes can compare, and nothing else."""

from typing import Any

import pytest

from idp.audit.models import AuditEvent
from idp.biometrics.engine import EMBEDDED_MODEL
from idp.border import checkpoints
from idp.border.models import Checkpoint, Lane
from idp.federation.models import HostedEntity
from idp.protocol import strict_json
from tests.border.world import CODE, OFFICER, Gate, World, problem_of

NEW = "licensed-0123456789ab"
BOTH = [NEW, EMBEDDED_MODEL]


@pytest.fixture
def second(world: World) -> Gate:
    """Another lane of the checkpoint, which shares its sealing keys."""
    return world.enrol(world.checkpoint, "2", sealing=world.gate.sealing)


def announce(world: World, gate: Gate, models: object, code: str = CODE) -> Any:
    path = f"/border/v1/checkpoints/{code}/face-models"
    body = strict_json.dumps({"face_models": models})
    return world.machine.put(path, body, content_type="application/json", headers=gate.headers(world.now))


def named(world: World) -> list[str]:
    """What peers read in the checkpoint's metadata, and that the row says the same."""
    resource = HostedEntity.objects.get(pk=world.checkpoint.hosted_id).metadata["oauth_resource"]
    assert Checkpoint.objects.get(pk=world.checkpoint.pk).face_models == resource["face_models_supported"]
    assert resource["jwks"]["keys"]
    return list(resource["face_models_supported"])


def test_a_new_model_named_only_when_every_lane_has_it(world: World, second: Gate) -> None:
    assert announce(world, world.gate, BOTH).status_code == 204
    assert named(world) == [EMBEDDED_MODEL]
    assert announce(world, second, BOTH).status_code == 204
    assert named(world) == BOTH
    assert announce(world, world.gate, [NEW]).status_code == 204
    assert named(world) == [NEW]


def test_an_announcement_that_leaves_the_lanes_without_a_model(world: World, second: Gate) -> None:
    """invalid solely because the other lane has another model only."""
    assert problem_of(announce(world, second, [NEW])) == (409, "conflict")
    assert named(world) == [EMBEDDED_MODEL]
    assert Lane.objects.get(pk=second.lane.pk).face_models == [EMBEDDED_MODEL]
    assert not AuditEvent.objects.filter(kind="lane.models_announced").exists()


def test_a_revoked_lane_that_holds_the_new_model_up(world: World, second: Gate) -> None:
    announce(world, world.gate, BOTH)
    checkpoints.revoke_lane(lane=second.lane, officer=OFFICER, now=world.now)
    assert named(world) == BOTH


def test_a_lane_of_an_older_version_that_named_none(world: World, second: Gate) -> None:
    Lane.objects.filter(pk=second.lane.pk).update(face_models=[])
    assert announce(world, world.gate, BOTH).status_code == 204
    assert named(world) == [EMBEDDED_MODEL]
    checkpoints.revoke_lane(lane=world.gate.lane, officer=OFFICER, now=world.now)
    assert named(world) == [EMBEDDED_MODEL]


def test_an_announcement_repeated_is_recorded_once(world: World) -> None:
    for _ in range(2):
        assert announce(world, world.gate, BOTH).status_code == 204
    event = AuditEvent.objects.get(kind="lane.models_announced")
    assert (event.actor, event.data) == (world.gate.lane.lane_id, {"models": BOTH, "checkpoint": BOTH})


@pytest.mark.parametrize("models", [None, [], "x", [""], [1], ["m" * 65], ["m"] * 9, ["a\x00"]])
def test_models_that_are_none(world: World, models: object) -> None:
    """invalid solely because of the list."""
    assert problem_of(announce(world, world.gate, models))[0] == 400
    assert named(world) == [EMBEDDED_MODEL]


def test_a_lane_that_speaks_for_another_checkpoint(world: World) -> None:
    assert announce(world, world.gate, BOTH, code="elsewhere").status_code in (403, 404)
    assert named(world) == [EMBEDDED_MODEL]
