"""A grant that is found by a plain statement is the one that the ORM would give, and an ended one is not found."""

import datetime
import uuid
from collections.abc import Callable

import pytest

from idp.accounts.models import Account, Device, Traveller
from idp.oidc import grant_rows, replay
from idp.oidc.models import AuthorizationCode, Client, Grant

NOW = 1_800_000_000
JTI = "a token"


@pytest.fixture
def grant(db: None) -> Grant:
    """With another beside it that differs in everything, so that no join is too wide."""
    for name in ("other", "mei"):
        traveller = Traveller.objects.create(account=Account.objects.create_user(name, display_name=name))
        values = {"profile": "border", "registration": "admin", "sector": f"{name}.example", "created_at": NOW}
        client = Client.objects.create(client_id=f"https://{name}.example", **values)
        given = Grant.objects.create(traveller=traveller, client=client, acr="a", auth_time=NOW, created_at=NOW)
        code = {"code_hash": replay.digest(name), "redirect_uri": f"https://{name}.example/cb", "expires_at": NOW}
        AuthorizationCode.objects.create(grant=given, **code)
    return given


def check_whole(found: Grant | None, grant: Grant) -> None:
    assert found is not None and found == grant
    assert (found.client, found.traveller) == (grant.client, grant.traveller)
    assert found.client.sector == "mei.example"
    assert found.traveller.account == grant.traveller.account and found.traveller.account.display_name == "mei"


def test_living_grant_is_found_with_what_belongs_to_it(grant: Grant) -> None:
    """The columns of one table read as those of the next."""
    found, device = grant_rows.living(pk=grant.pk, jti=JTI) or (None, None)
    check_whole(found, grant)
    assert device is None


def test_phone_is_told_with_the_grant_if_it_is_the_travellers(grant: Grant) -> None:
    """Another's phone, or a revoked one, would ask with the token."""
    other = Grant.objects.exclude(pk=grant.pk).get()
    Device.objects.create(traveller=grant.traveller, jkt="a" * 43, name="phone")
    revoked_at = datetime.datetime.fromtimestamp(NOW, datetime.UTC)
    Device.objects.create(traveller=grant.traveller, jkt="b" * 43, name="lost", revoked_at=revoked_at)
    Device.objects.create(traveller=other.traveller, jkt="c" * 43, name="another's")
    found = [grant_rows.living(pk=grant.pk, jti=JTI, jkt=jkt * 43) for jkt in "abcd"]
    assert [row and row[1] for row in found] == [True, False, None, None]


def test_code_is_found_with_its_grant(grant: Grant) -> None:
    found = grant_rows.of_code("mei", client=grant.client)
    assert found is not None and found == grant.code and found.redirect_uri == "https://mei.example/cb"
    check_whole(found.grant, grant)


@pytest.mark.parametrize("code", ["other", "nobody", "", "a\x00b", "' OR ''='"])
def test_code_of_another_client_or_of_nobody_is_not_found(grant: Grant, code: str) -> None:
    """invalid solely because it is not this client's."""
    assert grant_rows.of_code(code, client=grant.client) is None


def _end_account(grant: Grant) -> None:
    Account.objects.filter(pk=grant.traveller.account_id).update(is_active=False)


ENDINGS: dict[str, Callable[[Grant], object]] = {
    "grant": lambda grant: Grant.objects.filter(pk=grant.pk).update(revoked_at=NOW),
    "client": lambda grant: Client.objects.filter(pk=grant.client_id).update(disabled=True),
    "account": _end_account,
    "token": lambda grant: replay.spend(replay.REVOKED, JTI, NOW + 9),
}


@pytest.mark.parametrize("ended", ENDINGS)
def test_ended_grant_is_not_found(transactional_db: None, grant: Grant, ended: str) -> None:
    """invalid solely because one of those on which it hangs has ended."""
    ENDINGS[ended](grant)
    assert grant_rows.living(pk=grant.pk, jti=JTI) is None


def test_what_ended_for_another_grant_or_token_ended_nothing_here(transactional_db: None, grant: Grant) -> None:
    """A condition on the wrong row."""
    other = Grant.objects.exclude(pk=grant.pk).get()
    for end in ENDINGS.values():
        end(other)
    assert grant_rows.living(pk=grant.pk, jti="another token") is not None
    assert grant_rows.living(pk=uuid.uuid4(), jti="another token") is None
