"""Lanes: how they are let in, how they say who they are, and what their bundle says."""

from typing import Any

import pytest

from idp.audit.models import AuditEvent
from idp.border import bundling, checkpoints
from idp.border.models import Checkpoint, Lane
from idp.federation import signing
from idp.federation.models import HostedEntity
from idp.protocol import keys, strict_json
from idp.protocol.trust_bundle import TrustBundle, load_bundle
from tests.border.world import CODE, NODE, OFFICER, Gate, World, lane_body, problem_of

BUNDLE = f"/border/v1/checkpoints/{CODE}/bundle"


def enrol(world: World, **changes: Any) -> Any:
    """``POST /border/v1/lanes/enrol`` of a second lane within the same gate."""
    invitation = changes.pop("invitation", None) or world.invite(world.checkpoint, "2", "entry")
    body = {
        "checkpoint": CODE,
        "lane": "2",
        "code": invitation["code"],
        **lane_body(keys.generate(), world.gate.sealing),
        **changes,
    }
    return world.post("/border/v1/lanes/enrol", body)


def published(world: World) -> list[str]:
    """The sealing keys in the checkpoint's metadata, by thumbprint."""
    resource = HostedEntity.objects.get(pk=world.checkpoint.hosted_id).metadata["oauth_resource"]
    return [key.thumbprint for key in keys.parse_jwks(resource["jwks"]).keys]


def thumbprints(sealing: list[keys.PrivateKey]) -> list[str]:
    return [key.public.thumbprint for key in sealing]


def rotate(world: World, gate: Gate, *sealing: keys.PrivateKey, code: str = CODE) -> Any:
    body = strict_json.dumps({"sealing_jwks": {"keys": [key.public.jwk() for key in sealing]}})
    path = f"/border/v1/checkpoints/{code}/sealing-keys"
    return world.machine.put(path, body, content_type="application/json", headers=gate.headers(world.now))


# --- enrolment ----------------------------------------------------------------------------------------------------


def test_an_invitation_pins_the_federation_keys_and_keeps_no_code(world: World) -> None:
    invitation = world.invite(world.checkpoint, "2", "entry")
    assert invitation["anchor_jwks"] == signing.published("federation").jwks()
    assert invitation["code"] not in str(Lane.objects.values())
    answer = enrol(world, invitation=invitation)
    assert answer.status_code == 201 and answer.json() == {
        "lane": f"{world.checkpoint.entity_id}#2",
        "direction": "entry",
    }
    assert AuditEvent.objects.filter(kind="lane.enrolled").count() == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "x"},
        {"code": "é"},
        {"lane": "3"},
        {"lane": "2\x00"},
        {"checkpoint": "elsewhere"},
        {"checkpoint": "\x00"},
    ],
)
def test_a_wrong_code_lane_or_checkpoint_enrols_nothing(world: World, changes: dict[str, str]) -> None:
    """invalid solely because the code is not that of this lane."""
    assert problem_of(enrol(world, **changes)) == (403, "forbidden")
    assert Lane.objects.exclude(jwk=None).count() == 1


def test_a_code_works_once(world: World) -> None:
    """invalid solely because the code was used."""
    invitation = world.invite(world.checkpoint, "2", "entry")
    assert enrol(world, invitation=invitation).status_code == 201
    before = Lane.objects.get(name="2").jwk
    assert problem_of(enrol(world, invitation=invitation)) == (403, "forbidden")
    assert Lane.objects.get(name="2").jwk == before


def test_a_code_of_yesterday_does_not_work(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """invalid solely because the code has expired."""
    invitation = world.invite(world.checkpoint, "2", "entry")
    monkeypatch.setattr("idp.clock.now", lambda: world.now + checkpoints.CODE_LIFETIME)
    assert problem_of(enrol(world, invitation=invitation)) == (403, "forbidden")


def test_a_second_invitation_replaces_the_first(world: World) -> None:
    """invalid solely because the officer has made another file since."""
    first, second = world.invite(world.checkpoint, "2", "entry"), world.invite(world.checkpoint, "2", "entry")
    assert problem_of(enrol(world, invitation=first)) == (403, "forbidden")
    assert enrol(world, invitation=second).status_code == 201


def test_the_code_of_a_revoked_lane_changes_nothing(world: World) -> None:
    """invalid solely because the lane was revoked before it was enrolled; its sealing keys must not be taken either."""
    invitation = world.invite(world.checkpoint, "2", "entry")
    checkpoints.revoke_lane(lane=Lane.objects.get(name="2"), officer=OFFICER, now=world.now)
    assert problem_of(enrol(world, invitation=invitation)) == (403, "forbidden")


@pytest.mark.parametrize("revoked", [False, True])
def test_a_lane_that_was_enrolled_is_not_invited_again(world: World, revoked: bool) -> None:
    """invalid solely because the name has a journal: a new key would fork it, and the old gate fall silent."""
    if revoked:
        checkpoints.revoke_lane(lane=world.gate.lane, officer=OFFICER, now=world.now)
    with pytest.raises(checkpoints.UnableToEnrolLane) as refused:
        world.invite(world.checkpoint, "1", "exit")
    assert refused.value.code == "conflict"


@pytest.mark.parametrize(("lane", "direction"), [("3", "sideways"), ("", "exit"), ("a b", "exit"), ("x" * 21, "exit")])
def test_a_lane_without_a_place_is_not_invited(world: World, lane: str, direction: str) -> None:
    """invalid solely because of its direction or name."""
    with pytest.raises(checkpoints.UnableToEnrolLane):
        world.invite(world.checkpoint, lane, direction)


# --- the checkpoint's sealing keys ----------------------------------------------------------------------------------


def test_other_sealing_keys_of_a_second_lane_are_a_conflict(world: World) -> None:
    """invalid solely because the first lane could open nothing that is sealed from now on."""
    strange = [keys.generate(), keys.generate()]
    assert problem_of(enrol(world, **lane_body(keys.generate(), strange))) == (409, "conflict")
    assert published(world) == thumbprints(world.gate.sealing)
    assert Lane.objects.get(name="2").code_hash, "the code is still good for the right keys"


def test_a_key_that_only_bears_the_name_is_a_conflict(world: World) -> None:
    """invalid solely because the keys have the announced ``kid`` and another content."""
    sealing = [{**keys.generate().public.jwk(), "kid": key.kid} for key in world.gate.sealing]
    assert problem_of(enrol(world, sealing_jwks={"keys": sealing})) == (409, "conflict")


def test_a_second_lane_may_bring_the_rotation(world: World) -> None:
    """Lanes share their keys; the one that enrols may be the first to show the next ones."""
    following, newest = world.gate.sealing[1], keys.generate()
    assert enrol(world, **lane_body(keys.generate(), [following, newest])).status_code == 201
    assert published(world) == thumbprints([following, newest])


def test_a_second_lane_without_a_common_face_model_is_a_conflict(world: World) -> None:
    """invalid solely because no token could be compared at both lanes."""
    other = lane_body(keys.generate(), world.gate.sealing, models=["licensed-v3"])
    assert problem_of(enrol(world, **other)) == (409, "conflict")
    both = lane_body(keys.generate(), world.gate.sealing, models=["licensed-v3", "dlib-resnet-v1"])
    assert enrol(world, **both).status_code == 201
    assert Checkpoint.objects.get().face_models == ["dlib-resnet-v1"]


def test_a_new_gate_brings_new_keys_when_all_lanes_were_revoked(world: World) -> None:
    checkpoints.revoke_lane(lane=world.gate.lane, officer=OFFICER, now=world.now)
    gate = world.enrol(world.checkpoint, "2")
    assert published(world) == thumbprints(gate.sealing)


def test_the_next_key_becomes_the_current_one_and_a_repetition_is_harmless(world: World) -> None:
    current, following = world.gate.sealing
    newest = keys.generate()
    for _ in range(2):
        assert rotate(world, world.gate, following, newest).status_code == 204
    assert published(world) == thumbprints([following, newest])
    assert problem_of(rotate(world, world.gate, current, following)) == (409, "conflict")


def test_keys_that_were_never_announced_are_a_conflict(world: World) -> None:
    """invalid solely because the first key is a stranger: wallets would seal to it at once."""
    assert problem_of(rotate(world, world.gate, keys.generate(), world.gate.sealing[1])) == (409, "conflict")
    assert problem_of(rotate(world, world.gate, world.gate.sealing[0], keys.generate())) == (409, "conflict")


@pytest.mark.parametrize("sealing", [[], [keys.generate() for _ in range(3)], [keys.generate("EdDSA")]])
def test_sealing_keys_of_another_number_or_kind_are_refused(world: World, sealing: list[keys.PrivateKey]) -> None:
    """invalid solely because there are none, three, or one that nothing can be sealed to."""
    assert problem_of(rotate(world, world.gate, *sealing)) == (400, "invalid_request")


def test_another_checkpoints_lane_rotates_nothing(world: World) -> None:
    """invalid solely because the lane is of another checkpoint."""
    gate = world.enrol(world.register("other"), "1")
    assert problem_of(rotate(world, gate, *world.gate.sealing)) == (403, "forbidden")


# --- who asks -----------------------------------------------------------------------------------------------------


def test_a_lane_is_known_by_its_key(world: World) -> None:
    assert world.machine.get(BUNDLE, headers=world.gate.headers(world.now)).status_code == 200
    assert Lane.objects.get().last_seen == world.now


@pytest.mark.parametrize(
    "changes",
    [
        {"lane_key": keys.generate()},
        {"audience": "https://idp.cn.example"},
        {"now": 1_800_000_000 - 75},
        {"now": 1_800_000_000 + 75},
        {"lane_id": f"{NODE}/checkpoints/{CODE}#9"},
        {"lane_id": f"{NODE}/checkpoints/{CODE}#\x00"},
        {"lane_id": f"{NODE}/checkpoints/else#1"},
    ],
)
def test_an_assertion_of_another_key_lane_time_or_for_another_node_is_refused(
    world: World, changes: dict[str, Any]
) -> None:
    """invalid solely because of its key, audience, time or lane."""
    facts = {"now": world.now, **changes}
    answer = world.machine.get(BUNDLE, headers=world.gate.headers(**facts))
    assert problem_of(answer) == (401, "invalid_token")
    assert answer["WWW-Authenticate"] == "Lane"


def test_an_assertion_is_used_once(world: World) -> None:
    """invalid solely because it was used before."""
    headers = world.gate.headers(world.now)
    assert world.machine.get(BUNDLE, headers=headers).status_code == 200
    assert problem_of(world.machine.get(BUNDLE, headers=headers)) == (401, "invalid_token")


def test_another_lanes_key_does_not_speak_for_this_one(world: World) -> None:
    """invalid solely because a neighbour signed for lane 1."""
    neighbour = world.enrol(world.checkpoint, "2", sealing=world.gate.sealing)
    headers = world.gate.headers(world.now, lane_key=neighbour.key)
    assert problem_of(world.machine.get(BUNDLE, headers=headers)) == (401, "invalid_token")


def test_a_revoked_lane_gets_nothing(world: World) -> None:
    """invalid solely because an officer revoked the lane."""
    checkpoints.revoke_lane(lane=world.gate.lane, officer=OFFICER, now=world.now)
    assert problem_of(world.machine.get(BUNDLE, headers=world.gate.headers(world.now))) == (401, "invalid_token")
    assert AuditEvent.objects.filter(kind="lane.revoked").count() == 1


# --- the bundle ---------------------------------------------------------------------------------------------------


def bundle_of(world: World, now: int) -> TrustBundle:
    built = strict_json.dumps(bundling.build(checkpoint=Checkpoint.objects.get(), now=now))
    pinned = signing.published("federation")
    return load_bundle(built, pinned=pinned, anchor=NODE, checkpoint=world.checkpoint.entity_id, now=now)


def test_a_bundle_is_sent_once_and_then_named(world: World) -> None:
    first = world.machine.get(BUNDLE, headers=world.gate.headers(world.now))
    tag = first["ETag"]
    assert first.json().keys() == {"keys", "bundle", "watchlist"} and "no-cache" in first["Cache-Control"]
    for offered, status in ((tag, 304), (f'"x", {tag}', 304), ('"x"', 200), ("nonsense", 200)):
        headers = {**world.gate.headers(world.now), "If-None-Match": offered}
        again = world.machine.get(BUNDLE, headers=headers)
        assert again.status_code == status and again["ETag"] == tag
        assert status == 200 or not again.content


def test_another_checkpoints_lane_gets_no_bundle_of_this_one(world: World) -> None:
    """invalid solely because the lane is of another checkpoint."""
    gate = world.enrol(world.register("other"), "1")
    assert problem_of(world.machine.get(BUNDLE, headers=gate.headers(world.now))) == (403, "forbidden")


def test_a_gate_can_read_what_the_officers_decided(world: World) -> None:
    world.checkpoint.policy = {"max_age": {"status": 60}, "modes": ["challenge"], "liveness": False}
    checkpoints.configure(checkpoint=world.checkpoint, changed=["policy"], officer=OFFICER, now=world.now)
    bundle = bundle_of(world, world.now)
    assert (bundle.policy.max_status_age, bundle.policy.max_bundle_age) == (60, 86_400)
    assert bundle.checkpoint.modes == {"challenge"} and not bundle.checkpoint.liveness
    assert bundle.left_out == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"policy": {"max_age": 5}},
        {"policy": {"on_stale_status": "admit"}},
        {"policy": {"modes": []}},
        {"policy": []},
        {"opening": [{"days": [8], "from": "06:30", "until": "24:00"}]},
        {"opening": [["06:30", "24:00"]]},
    ],
)
def test_what_a_gate_could_not_read_is_not_kept(world: World, changes: dict[str, Any]) -> None:
    """invalid solely because every bundle of the checkpoint would be refused by its lanes."""
    for name, value in changes.items():
        setattr(world.checkpoint, name, value)
    with pytest.raises(Exception, match="malformed"):
        checkpoints.configure(checkpoint=world.checkpoint, changed=list(changes), officer=OFFICER, now=world.now)
    assert Checkpoint.objects.get().policy == {}


def test_the_gates_of_a_closed_checkpoint_admit_nobody(world: World) -> None:
    world.checkpoint.active = False
    checkpoints.configure(checkpoint=world.checkpoint, changed=["active"], officer=OFFICER, now=world.now)
    bundle = bundle_of(world, world.now)
    assert not bundle.policy.face and bundle.opening
