from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.db import IntegrityError, transaction

from idp import conf
from idp.audit.models import AuditEvent
from idp.federation import bundles, entities, key_files, marks, peering, revision, signing, statements, tasks
from idp.federation.models import SigningKey
from idp.protocol import jws
from idp.protocol.entity_statements import ENTITY_STATEMENT, parse_entity_configuration
from idp.protocol.refusals import Unavailable
from tests.conftest import NOW

PATH = "checkpoints/lok-ma-chau"
Callback = Callable[..., AbstractContextManager[object]]


def test_every_use_has_a_key_of_its_own(node: str) -> None:
    kids = [signing.signer(use).kid for use in signing.NODE_USES]
    assert len(set(kids)) == len(signing.NODE_USES)
    assert signing.signer("oidc", algorithm="RS256").algorithm == "RS256"
    assert signing.signer("oidc").algorithm == "ES256"


def test_keys_are_made_once(node: str) -> None:
    assert signing.ensure_keys() == []


def test_a_private_key_file_is_readable_by_its_owner_alone(node: str) -> None:
    kid = signing.signer("border").kid
    path = conf.authority().key_dir / "border" / f"{kid}.jwk"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_nothing_private_is_published_or_stored_in_a_row(node: str) -> None:
    for row in SigningKey.objects.all():
        assert "d" not in row.jwk
    for use in signing.NODE_USES:
        assert all("d" not in jwk for jwk in signing.published(use).jwks()["keys"])


def test_a_node_without_keys_is_unavailable_and_not_broken(db: None) -> None:
    with pytest.raises(Unavailable):
        signing.signer("border")


def _next(use: str, owner: str = "") -> SigningKey:
    return SigningKey.objects.get(use=use, owner=owner, algorithm="ES256", state="next")


def test_a_next_key_is_published_from_the_first_day(node: str) -> None:
    """A key that is made when it is needed is known to nobody when it signs."""
    for use in signing.NODE_USES:
        for algorithm in signing.ALGORITHMS[use]:
            states = SigningKey.objects.filter(use=use, algorithm=algorithm).values_list("state", flat=True)
            assert sorted(states) == ["active", "next"]
        assert len(signing.published(use).keys) == 2 * len(signing.ALGORITHMS[use])


def test_a_hosted_entity_has_a_next_key_in_its_statement_and_its_configuration(node: str) -> None:
    hosted = entities.host(path=PATH, metadata={"oauth_resource": {"resource": "x"}}, now=NOW)
    kid = _next("hosted", PATH).kid
    assert kid in str(parse_entity_configuration(statements.hosted_configuration(hosted, NOW), now=NOW).keys.jwks())
    assert kid in str(jws.parse_unverified(statements.subordinate_statement(hosted.entity_id, NOW), ENTITY_STATEMENT))


def test_the_hourly_task_makes_up_for_a_next_key_that_is_missing(node: str) -> None:
    """A node of an earlier version has none; hosted entities have theirs, too."""
    entities.host(path=PATH, metadata={"oauth_resource": {"resource": "x"}}, now=NOW)
    SigningKey.objects.filter(state="next").delete()
    tasks.renew()
    assert SigningKey.objects.filter(state="next").count() == SigningKey.objects.filter(state="active").count()
    made = AuditEvent.objects.filter(kind="federation.key.made").count()
    tasks.renew()
    assert AuditEvent.objects.filter(kind="federation.key.made").count() == made


@pytest.mark.parametrize("use", [use for use, seconds in signing.AHEAD.items() if seconds])
def test_a_key_does_not_sign_before_everybody_can_know_it(node: str, use: str) -> None:
    """Invalid solely because of one second."""
    owner = PATH if use == "hosted" else ""
    if owner:
        entities.host(path=PATH, metadata={"oauth_resource": {"resource": "x"}}, now=NOW)
    ahead, soonest = _next(use, owner), NOW + signing.AHEAD[use]
    with pytest.raises(signing.UnableToRoll, match="1 more second"):
        signing.activate_next(use=use, owner=owner, now=soonest - 1)
    assert signing.activate_next(use=use, owner=owner, now=soonest).kid == ahead.kid
    assert signing.signer(use, owner=owner).kid == ahead.kid


def test_a_key_is_published_for_as_long_as_what_was_published_before_it_is_gone_by() -> None:
    """The waits are promises about other documents' lives; whoever makes those longer has to look here."""
    wait = signing.AHEAD
    assert wait["federation"] >= peering.PIN_AFTER + statements.STATEMENT_LIFETIME
    assert wait["hosted"] >= statements.STATEMENT_LIFETIME
    assert min(wait["border"], wait["status"]) >= statements.CONFIGURATION_LIFETIME
    longest = max(statements.STATEMENT_LIFETIME, marks.LIFETIME, statements.CONFIGURATION_LIFETIME, bundles.LIFETIME)
    assert longest + signing.DAY <= signing.OVERLAP
    assert statements.CONFIGURATION_LIFETIME - statements.RENEW_AFTER > bundles.LIFETIME, "a lane cut off for a day"


def test_in_an_emergency_the_next_key_signs_at_once(node: str) -> None:
    ahead = _next("border")
    assert signing.activate_next(use="border", now=NOW, emergency=True).kid == ahead.kid
    assert AuditEvent.objects.get(kind="federation.key.activated").data["emergency"] is True


def test_a_roll_over_keeps_the_old_key_for_a_while_and_has_another_next_at_once(node: str) -> None:
    old, ahead = signing.signer("border").kid, _next("border").kid
    assert signing.prepare_next(use="border").kid == ahead, "a second call makes no second key"
    at = NOW + signing.AHEAD["border"]
    signing.activate_next(use="border", now=at)
    assert {key.kid for key in signing.published("border", now=at).keys} == {old, ahead, _next("border").kid}
    assert _next("border").kid != ahead
    assert signing.published("border", now=at + signing.OVERLAP - 1).find(old) is not None
    assert signing.published("border", now=at + signing.OVERLAP).find(old) is None


def test_a_node_without_a_next_key_says_so(node: str) -> None:
    SigningKey.objects.filter(use="border", state="next").delete()
    with pytest.raises(signing.UnableToRoll, match="no next"):
        signing.activate_next(use="border", now=NOW, emergency=True)


def test_a_killed_key_is_published_nowhere_and_the_next_one_signs_at_once(node: str) -> None:
    """Negative case 75: a revoked kid is refused at once. The key in its place was published before."""
    old, ahead = signing.signer("border").kid, _next("border").kid
    signing.kill(kid=old, now=NOW)
    assert signing.signer("border").kid == ahead
    assert {key.kid for key in signing.published("border", now=NOW).keys} == {ahead, _next("border").kid}


def test_a_killed_next_key_is_replaced_and_the_active_one_signs_on(node: str) -> None:
    active, ahead = signing.signer("border").kid, _next("border").kid
    signing.kill(kid=ahead, now=NOW)
    assert signing.signer("border").kid == active
    assert {key.kid for key in signing.published("border", now=NOW).keys} == {active, _next("border").kid}


def test_a_node_without_a_next_key_kills_as_well(node: str) -> None:
    SigningKey.objects.filter(use="border", state="next").delete()
    old = signing.signer("border").kid
    signing.kill(kid=old, now=NOW)
    assert signing.signer("border").kid != old


def test_a_key_is_killed_twice_and_its_place_filled_twice(node: str) -> None:
    kid = signing.signer("border").kid
    signing.kill(kid=kid, now=NOW)
    now_active = signing.signer("border").kid
    with pytest.raises(signing.UnableToRoll, match="killed before"):
        signing.kill(kid=kid, now=NOW + 5)
    assert signing.signer("border").kid == now_active


def test_a_withdrawn_key_verifies_on_or_signs_again(node: str, django_capture_on_commit_callbacks: Callback) -> None:
    old = signing.signer("border").kid
    signing.activate_next(use="border", now=NOW, emergency=True)
    with django_capture_on_commit_callbacks(execute=True):
        signing.withdraw(kid=old, now=NOW + 5, actor="account:8")
    assert signing.published("border", now=NOW + 5).find(old) is None
    assert not key_files.path_of("border", old).exists()
    assert AuditEvent.objects.get(kind="federation.key.withdrawn").actor == "account:8"


@pytest.mark.parametrize("state", ["active", "next", "killed", "withdrawn", "over"])
def test_another_than_an_old_key_that_is_published_can_be_withdrawn(node: str, state: str) -> None:
    """An active one would leave the node without a voice."""
    kid, at = (_next("border").kid if state == "next" else signing.signer("border").kid), NOW
    if state == "killed":
        signing.kill(kid=kid, now=NOW)
    if state in ("withdrawn", "over"):
        signing.activate_next(use="border", now=NOW, emergency=True)
    if state == "withdrawn":
        signing.withdraw(kid=kid, now=NOW)
    if state == "over":
        at = NOW + signing.OVERLAP
    with pytest.raises(signing.UnableToRoll):
        signing.withdraw(kid=kid, now=at)


# Private files


def test_a_killed_keys_file_is_destroyed_when_the_kill_is_settled_and_not_before(
    node: str, django_capture_on_commit_callbacks: Callback
) -> None:
    kid = signing.signer("border").kid
    file = key_files.path_of("border", kid)
    with pytest.raises(RuntimeError, match="undone"), transaction.atomic():
        signing.kill(kid=kid, now=NOW)
        raise RuntimeError("undone")
    assert file.exists(), "the kill was undone, and the key is still needed"
    assert signing.signer("border").kid == kid
    with django_capture_on_commit_callbacks(execute=True):
        signing.kill(kid=kid, now=NOW, actor="officer-7")
    assert not file.exists()
    assert AuditEvent.objects.get(kind="federation.key.destroyed", subject=kid).actor == "officer-7"


def test_spent_keys_are_destroyed_and_no_others(node: str) -> None:
    """A node that stopped between the kill and the deletion makes up for it within the hour."""
    killed, old = signing.signer("border").kid, signing.signer("status").kid
    signing.kill(kid=killed, now=NOW)  # without its callback, as after a crash
    signing.activate_next(use="status", now=NOW, emergency=True)
    assert signing.destroy_spent(NOW + signing.OVERLAP - 1) == 1
    assert not key_files.path_of("border", killed).exists()
    assert key_files.path_of("status", old).exists(), "still published"
    assert signing.destroy_spent(NOW + signing.OVERLAP) == 1
    assert not key_files.path_of("status", old).exists()
    assert signing.destroy_spent(NOW + signing.OVERLAP) == 0, "and it is not said again"
    assert AuditEvent.objects.filter(kind="federation.key.destroyed").count() == 2
    living = SigningKey.objects.filter(state__in=["active", "next"])
    assert all(key_files.path_of(row.use, row.kid).exists() for row in living)


def test_a_file_that_cannot_be_deleted_is_not_said_to_be_destroyed(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    signing.kill(kid=signing.signer("border").kid, now=NOW)

    def fail(use: str, kid: str) -> None:
        raise PermissionError(kid)

    monkeypatch.setattr(key_files, "destroy", fail)
    with pytest.raises(PermissionError):
        signing.destroy_spent(NOW)
    assert not AuditEvent.objects.filter(kind="federation.key.destroyed").exists()


def test_making_and_killing_keys_is_recorded(node: str) -> None:
    kid = signing.signer("bundle").kid
    signing.kill(kid=kid, now=NOW, actor="officer-7")
    assert AuditEvent.objects.filter(kind="federation.key.made", subject=kid).exists()
    assert AuditEvent.objects.get(kind="federation.key.killed", subject=kid).actor == "officer-7"


def test_two_active_keys_of_one_use_are_refused_by_the_database(node: str) -> None:
    with pytest.raises(IntegrityError, match=r"federation_key_one_active|UNIQUE"), transaction.atomic():
        SigningKey.objects.create(
            use="border", algorithm="ES256", kid="other", jwk={}, state="active", made_at=NOW, activated_at=NOW
        )


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("federation_key_retired_when_done", {"use": "border", "state": "old", "activated_at": NOW}),
        ("federation_key_activated_before_it_signs", {"use": "border", "state": "old", "retired_at": NOW}),
        ("federation_key_activated_before_it_signs", {"use": "border", "state": "next", "activated_at": NOW}),
        ("federation_key_withdrawn_when_retired", {"use": "border", "state": "killed", "retired_at": NOW}),
        ("federation_key_withdrawn_when_retired", {"use": "border", "state": "next", "withdrawn_at": NOW}),
        (
            "federation_key_withdrawn_when_retired",
            {"use": "border", "state": "killed", "retired_at": NOW, "withdrawn_at": NOW - 1},
        ),
        ("federation_key_takes_over_once_published", {"use": "border", "state": "next", "takes_over_at": NOW - 1}),
        (
            "federation_key_takes_over_once_published",
            {"use": "border", "state": "killed", "retired_at": NOW, "withdrawn_at": NOW, "takes_over_at": NOW},
        ),
        ("federation_key_retired_when_done", {"use": "border", "state": "next", "retired_at": NOW}),
        ("federation_key_owner_of_hosted", {"use": "hosted", "state": "next"}),
        ("federation_key_owner_of_hosted", {"use": "border", "state": "next", "owner": "checkpoints/lok-ma-chau"}),
    ],
)
def test_a_key_in_an_impossible_state_is_refused_by_the_database(
    node: str, name: str, values: dict[str, object]
) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        SigningKey.objects.create(algorithm="ES256", kid="other", jwk={}, made_at=NOW, **values)


def test_a_key_kept_by_revision_is_never_an_old_one(node: str, now: int) -> None:
    """A memory that outlives a change goes on signing with a key that was killed."""
    first = signing.signer("oidc", revision=revision.current())
    assert signing.signer("oidc", revision=revision.current()).kid == first.kid
    signing.kill(kid=first.kid, now=now)
    second = signing.signer("oidc", revision=revision.current())
    assert second.kid == signing.signer("oidc").kid != first.kid


def test_a_key_kept_by_revision_is_not_another_uses(node: str) -> None:
    """invalid solely because use or algorithm is another."""
    number = revision.current()
    found = {
        (use, algorithm): signing.signer(use, algorithm=algorithm, revision=number).kid
        for use, algorithm in (("oidc", "ES256"), ("oidc", "RS256"), ("border", "ES256"))
    }
    assert found == {key: signing.signer(key[0], algorithm=key[1]).kid for key in found}
    assert len(set(found.values())) == 3


def test_a_missing_key_is_not_remembered_as_missing(db: None) -> None:
    number = revision.current()
    with pytest.raises(Unavailable):
        signing.signer("bundle", revision=number)
    signing.ensure_key(use="bundle")
    assert signing.signer("bundle", revision=number).kid
