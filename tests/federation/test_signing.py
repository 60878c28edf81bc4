import pytest
from django.db import IntegrityError, transaction

from idp import conf
from idp.audit.models import AuditEvent
from idp.federation import signing
from idp.federation.models import SigningKey
from idp.protocol.refusals import Unavailable
from tests.conftest import NOW


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


def test_a_roll_over_publishes_first_and_keeps_the_old_key_for_a_while(node: str) -> None:
    old = signing.signer("border").kid
    ahead = signing.prepare_next(use="border")
    assert signing.prepare_next(use="border").kid == ahead.kid, "a second call makes no second key"
    assert signing.signer("border").kid == old
    assert {key.kid for key in signing.published("border").keys} == {old, ahead.kid}
    signing.activate_next(use="border", now=NOW)
    assert signing.signer("border").kid == ahead.kid
    assert signing.published("border", now=NOW + signing.OVERLAP - 1).find(old) is not None
    assert signing.published("border", now=NOW + signing.OVERLAP).find(old) is None


def test_a_killed_key_is_published_nowhere_and_another_signs_at_once(node: str) -> None:
    """Negative case 75: a revoked kid is refused at once."""
    old = signing.signer("border").kid
    signing.kill(kid=old, now=NOW)
    assert signing.signer("border").kid != old
    assert signing.published("border", now=NOW).find(old) is None


def test_making_and_killing_keys_is_recorded(node: str) -> None:
    kid = signing.signer("bundle").kid
    signing.kill(kid=kid, now=NOW, actor="officer-7")
    assert AuditEvent.objects.filter(kind="federation.key.made", subject=kid).exists()
    assert AuditEvent.objects.get(kind="federation.key.killed", subject=kid).actor == "officer-7"


def test_two_active_keys_of_one_use_are_refused_by_the_database(node: str) -> None:
    row = SigningKey.objects.get(use="border", state="active")
    with pytest.raises(IntegrityError, match=r"federation_key_one_active|UNIQUE"), transaction.atomic():
        SigningKey.objects.create(
            use="border", algorithm="ES256", kid="other", jwk=row.jwk, state="active", made_at=NOW
        )


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("federation_key_retired_when_done", {"use": "border", "state": "old"}),
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
