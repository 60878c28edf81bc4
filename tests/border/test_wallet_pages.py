"""The page of the wallets: whose tokens are counted, on which day, and who may look."""

import datetime
import uuid
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Permission

from idp.accounts.models import Account
from idp.border import wallet_counting
from idp.border.models import IssuedToken
from idp.oidc import client_metadata
from idp.oidc.models import Client, Grant
from tests.border.test_admin import browser
from tests.border.world import World

PAGE = "/admin/parties/wallets/"
DAY = 86_400
WALLET = {"client_name": "Messenger", "authorization_details_types": ["border_crossing"]}


@pytest.fixture
def wallet(world: World) -> Client:
    Client.objects.filter(pk=world.client.pk).update(metadata=WALLET)
    world.client.refresh_from_db()
    return world.client


def tokens(world: World, count: int, **changes: Any) -> None:
    """More tokens like the one that was issued, of the same grant."""
    like = IssuedToken.objects.order_by("pk").last()
    assert like is not None
    for _ in range(count):
        facts = {**changes, "pk": None, "jti": uuid.uuid4().hex}
        last = IssuedToken.objects.order_by("-status_idx").first()
        assert last is not None
        made = IssuedToken.objects.get(pk=like.pk)
        for name, value in {**facts, "status_idx": last.status_idx + 1}.items():
            setattr(made, name, value)
        made.save(force_insert=True)


def test_tokens_are_counted_on_another_day_or_for_another_wallet(
    transactional_db: None, world: World, wallet: Client
) -> None:
    """A day begins at midnight in Hong Kong and not in Greenwich, and a grant is written with dashes or without.

    With ``transactional_db``, so that both databases are asked: they write a UUID and divide each in its own way.
    """
    assert world.ask().status_code == 201
    midnight = datetime.datetime.fromtimestamp(world.now, tz=ZoneInfo("Asia/Hong_Kong")).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    start = int(midnight.timestamp())
    tokens(world, 1, issued_at=start, expires_at=start + DAY)
    tokens(world, 2, issued_at=start - 1, expires_at=start)
    tokens(world, 1, issued_at=start - 6 * DAY, expires_at=start)
    tokens(world, 1, issued_at=start - 6 * DAY - 1, expires_at=start)
    other = Client.objects.create(
        client_id="other", profile="border", registration="admin", metadata=WALLET, sector="o", created_at=1
    )
    Grant.objects.create(traveller=world.traveller, client=other, acr="x", auth_time=1, created_at=1)
    found = wallet_counting.of(wallet, now=world.now)
    assert [count for _, count in found.days] == [2, 2, 0, 0, 0, 0, 1]
    assert found.days[0][0] == midnight.date()
    assert [count for _, count in wallet_counting.of(other, now=world.now).days] == [0] * 7


def test_the_search_for_the_first_token_of_the_week_passes_over_some(world: World, wallet: Client) -> None:
    """Numbers that went to nobody, and one that was under way while later ones were stored."""
    assert world.ask().status_code == 201
    IssuedToken.objects.update(issued_at=1_000, expires_at=2_000)
    tokens(world, 3, issued_at=50_000, expires_at=60_000)
    tokens(world, 1, issued_at=47_000, expires_at=60_000)
    tokens(world, 2, issued_at=90_000, expires_at=99_000)
    rows = list(IssuedToken.objects.order_by("pk"))
    rows[2].delete()
    assert wallet_counting._first(0) == rows[0].pk
    assert wallet_counting._first(50_000) <= rows[1].pk
    assert wallet_counting._first(90_001) == rows[5].pk
    IssuedToken.objects.all().delete()
    assert wallet_counting._first(5) == 0


def test_a_phone_or_token_that_has_ended_is_counted(world: World, wallet: Client) -> None:
    assert world.ask().status_code == 201
    Grant.objects.update(jkt=world.phone.public.thumbprint)
    assert (wallet_counting.of(wallet, now=world.now).phones, wallet_counting.of(wallet, now=world.now).living) == (
        1,
        1,
    )
    later = IssuedToken.objects.get().expires_at
    assert wallet_counting.of(wallet, now=later).living == 0
    IssuedToken.objects.update(revoked_at=world.now, revoked_for="officer", revoked_by="account:7")
    world.traveller.devices.update(revoked_at=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    assert (wallet_counting.of(wallet, now=world.now).phones, wallet_counting.of(wallet, now=world.now).living) == (
        0,
        0,
    )


@pytest.mark.parametrize("method", client_metadata.AUTHENTICATION["border"])
def test_how_a_wallet_proves_itself_is_not_told(world: World, wallet: Client, method: str) -> None:
    Client.objects.update(metadata={**WALLET, "token_endpoint_auth_method": method})
    officer = browser(Account.objects.create_superuser("first", "x"))
    page = officer.get(PAGE)
    assert page.status_code == 200 and "Messenger" in page.content.decode()
    assert page.context["entries"][0]["method"]


def test_a_server_is_called_a_wallet(world: World) -> None:
    page = browser(Account.objects.create_superuser("first", "x")).get(PAGE)
    assert "No wallet is known here yet" in page.content.decode()


def test_who_may_see_no_clients_sees_wallets(world: World) -> None:
    clerk = Account.objects.create_user("clerk", kind="officer", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_checkpoint", "view_issuedtoken"]))
    assert browser(clerk).get(PAGE).status_code == 403
