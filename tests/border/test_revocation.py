"""Border tokens taken back, and that a gate hears of it."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from idp.accounts.models import Device
from idp.audit.models import AuditEvent
from idp.border import revocation
from idp.border.models import IssuedToken, RevocationReason
from idp.federation import signing, status_lists
from idp.federation.models import StatusEntry
from idp.protocol.status_list import INVALID, verify_status_list
from tests.border.world import World, problem_of


def status(world: World, token: IssuedToken) -> int:
    """What the published list says, read as a gate reads it."""
    text = status_lists.published(token.status_uri, world.now)
    verified = verify_status_list(text, keys=signing.published("status"), uri=token.status_uri, now=world.now)
    return verified.get(token.status_idx)


@pytest.fixture
def token(world: World) -> IssuedToken:
    assert world.ask().status_code == 201
    row = IssuedToken.objects.get()
    assert status(world, row) == 0
    return row


def test_a_revoked_token_is_so_in_the_list_that_gates_read(world: World, token: IssuedToken) -> None:
    for count in (1, 0):
        assert revocation.revoke(tokens=IssuedToken.objects.all(), actor="account:7", now=world.now) == count
    assert status(world, token) == INVALID
    token.refresh_from_db()
    assert (token.revoked_at, token.revoked_by) == (world.now, "account:7")
    assert AuditEvent.objects.get(kind="border_token.revoked").actor == "account:7"


def test_a_dead_token_needs_no_revocation(world: World, token: IssuedToken) -> None:
    assert revocation.revoke(tokens=IssuedToken.objects.all(), actor="x", now=token.expires_at) == 0


def test_the_traveller_revokes_their_own(world: World, token: IssuedToken) -> None:
    path = f"/border/v1/tokens/{token.jti}/revoke"
    answer = world.machine.post(path, headers=world.authorized(path, world.access_token()))
    assert answer.status_code == 204
    assert status(world, token) == INVALID


@pytest.mark.parametrize("jti", ["A" * 22, "x"])
def test_a_token_that_is_not_there_is_not_found(world: World, jti: str) -> None:
    """invalid solely because there is no such token."""
    path = f"/border/v1/tokens/{jti}/revoke"
    assert problem_of(world.machine.post(path, headers=world.authorized(path, world.access_token()))) == (
        404,
        "not_found",
    )


def test_another_travellers_token_is_not_found(world: World, token: IssuedToken) -> None:
    """invalid solely because the token is another traveller's."""
    IssuedToken.objects.update(traveller=world.person("siu", "B7654321")[0])
    path = f"/border/v1/tokens/{token.jti}/revoke"
    assert problem_of(world.machine.post(path, headers=world.authorized(path, world.access_token()))) == (
        404,
        "not_found",
    )
    assert status(world, token) == 0


@pytest.mark.parametrize("reason", [*RevocationReason])
def test_why_and_by_whom_stand_in_the_row_and_in_the_audit(
    world: World, token: IssuedToken, reason: RevocationReason
) -> None:
    revocation.revoke(tokens=IssuedToken.objects.all(), actor="account:7", reason=reason, now=world.now)
    event = AuditEvent.objects.get(kind="border_token.revoked")
    assert (event.actor, event.subject, event.data) == ("account:7", token.jti, {"reason": reason.value})
    token.refresh_from_db()
    assert (token.revoked_by, token.revoked_for) == ("account:7", reason.value)


def test_a_thousand_tokens_are_taken_back_in_parts_and_all(world: World, token: IssuedToken, settings: Any) -> None:
    """By an authority: one token left over would be one too many, and one statement for each one too slow."""
    for number in range(1100):
        uri, idx = status_lists.allocate(expires_at=token.expires_at, now=world.now)
        IssuedToken.objects.create(**{**_facts(token), "jti": f"t{number}", "status_uri": uri, "status_idx": idx})
    with CaptureQueriesContext(connection) as queries:
        count = revocation.carry_out(
            act="revoke", what="authority", which=token.authority, actor="account:7", now=world.now
        )
    assert count == 1101
    assert not IssuedToken.objects.filter(revoked_at=None).exists()
    assert {*IssuedToken.objects.values_list("revoked_for", flat=True)} == {"authority"}
    assert StatusEntry.objects.filter(value=1).count() == 1101
    assert len([query for query in queries if "UPDATE" in query["sql"]]) < 20
    assert AuditEvent.objects.filter(kind="border_token.revoked").count() == 1101


@pytest.mark.parametrize("what", [*revocation.WHICH])
def test_tokens_are_taken_back_by_whatever_they_stand_on(world: World, what: str) -> None:
    """And those that stand on another of its kind stay."""
    _given(world)
    token = IssuedToken.objects.get()
    other, other_document = world.person("siu", "B7654321")
    uri, idx = status_lists.allocate(expires_at=token.expires_at, now=world.now)
    changes = {
        "jti": "x" * 22,
        "traveller": other,
        "document": other_document,
        "endorsement": None,
        "device_jkt": "j" * 43,
        "authority": "https://mo.example",
        "status_uri": uri,
        "status_idx": idx,
    }
    IssuedToken.objects.create(**{**_facts(token), **changes})
    column = {"traveller": "traveller_id", "document": "document_id", "endorsement": "endorsement_id"}
    value = getattr(token, column.get(what, revocation.WHICH[what]))
    which = str(getattr(value, "pk", value))
    for count in (1, 0):
        assert revocation.carry_out(act="revoke", what=what, which=which, actor="account:7", now=world.now) == count
    assert [*IssuedToken.objects.filter(revoked_at=None).values_list("jti", flat=True)] == ["x" * 22]
    assert status(world, token) == INVALID


def test_a_phone_whose_tokens_are_taken_back_fetches_no_new_ones(world: World, token: IssuedToken) -> None:
    """A lost phone: the finder would have another token within the second."""
    which = world.phone.public.thumbprint
    revocation.carry_out(act="revoke", what="device", which=which, actor="account:7", now=world.now)
    assert Device.objects.get().revoked_at is not None
    assert problem_of(world.ask()) == (403, "device_revoked")


@pytest.mark.parametrize(
    ("what", "which"),
    [
        ("token", "nowhere"),
        ("traveller", "no uuid"),
        ("endorsement", "no number"),
        ("document", "\0"),
        ("colour", "red"),
    ],
)
def test_what_no_token_stands_on_is_not_found(world: World, token: IssuedToken, what: str, which: str) -> None:
    """invalid solely because there is no such thing, or because it is no identifier."""
    with pytest.raises(revocation.UnableToRevoke) as refused:
        revocation.carry_out(act="revoke", what=what, which=which, actor="account:7", now=world.now)
    assert refused.value.code == "not_found"
    assert status(world, token) == 0


def test_a_token_is_suspended_and_reinstated(world: World, settings: Any) -> None:
    settings.IDP_STATUS_BITS = 2
    assert world.ask().status_code == 201
    token = IssuedToken.objects.get()
    for act, count, value in (("suspend", 1, 2), ("suspend", 0, 2), ("reinstate", 1, 0), ("reinstate", 0, 0)):
        tokens = IssuedToken.objects.all()
        assert revocation.ACTS[act](tokens=tokens, actor="account:7", now=world.now) == count
        assert status(world, token) == value
    kinds = ("border_token.suspended", "border_token.reinstated")
    assert [AuditEvent.objects.filter(kind=kind).count() for kind in kinds] == [1, 1]


def test_what_is_revoked_is_neither_suspended_nor_reinstated(world: World, settings: Any) -> None:
    """And what is suspended can be revoked: then no reinstatement brings it back."""
    settings.IDP_STATUS_BITS = 2
    assert world.ask().status_code == 201
    token, tokens = IssuedToken.objects.get(), IssuedToken.objects.all()
    revocation.suspend(tokens=tokens, actor="account:7", now=world.now)
    assert revocation.revoke(tokens=tokens, actor="account:7", now=world.now) == 1
    assert revocation.reinstate(tokens=tokens, actor="account:7", now=world.now) == 0
    assert revocation.suspend(tokens=tokens, actor="account:7", now=world.now) == 0
    assert status(world, token) == INVALID


def test_a_list_of_one_bit_suspends_nothing_and_nobody_with_it(world: World, settings: Any) -> None:
    """invalid solely because one of the two tokens stands in a list of one bit; the other is not suspended either."""
    settings.IDP_STATUS_BITS = 2
    assert world.ask().status_code == 201
    token = IssuedToken.objects.get()
    settings.IDP_STATUS_BITS = 1
    uri, idx = status_lists.allocate(expires_at=token.expires_at, now=world.now + 3600)
    IssuedToken.objects.create(**{**_facts(token), "jti": "y" * 22, "status_uri": uri, "status_idx": idx})
    with pytest.raises(revocation.UnableToRevoke) as refused:
        revocation.suspend(tokens=IssuedToken.objects.all(), actor="account:7", now=world.now)
    assert refused.value.code == "conflict"
    assert status(world, token) == 0
    assert not IssuedToken.objects.exclude(suspended_at=None).exists()


def _facts(token: IssuedToken) -> dict[str, Any]:
    return {field.name: getattr(token, field.name) for field in token._meta.concrete_fields if field.name != "id"}


def _given(world: World) -> None:
    """A token that stands on everything that one can stand on."""
    permit = world.endorse(world.document)
    assert world.ask().status_code == 201
    IssuedToken.objects.update(endorsement=permit)
