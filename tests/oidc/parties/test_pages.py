"""The pages of the relying parties: what is counted, by what a client is trusted, and who may look."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from idp.oidc import client_metadata, client_registration, grants
from idp.oidc.models import Client, Grant, RefreshToken
from idp.oidc.parties import counting, describing
from tests.oidc import relying_party
from tests.oidc.attested import AttestedPhone
from tests.oidc.basic_party import BasicParty
from tests.oidc.relying_party import RelyingParty
from tests.oidc.test_client_admin import signed_in
from tests.oidc.world import World

LIST = "/admin/parties/"


@pytest.fixture
def officer(world: World, monkeypatch: pytest.MonkeyPatch) -> Browser:
    monkeypatch.setattr("idp.clock.now", lambda: world.now)
    return signed_in("officer", "view_client", "change_client")


def text(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_what_a_client_has_is_counted_with_what_has_ended(basic: BasicParty, officer: Browser) -> None:
    """Two refresh tokens of one grant count the grant twice; an ended grant and a rotated token still count."""
    first = basic.tokens(scope="openid offline_access", prompt="consent")
    basic.post("/oidc/token", {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]})
    basic.tokens(scope="openid", prompt="consent")
    assert (Grant.objects.count(), RefreshToken.objects.count()) == (2, 3)
    now = basic.world.now
    use = counting.of([basic.row.pk], now=now)[basic.row.pk]
    assert (use.travellers, use.grants, use.refresh_tokens, use.last) == (1, 2, 2, now)
    for grant in Grant.objects.all():
        grants.revoke(grant=grant, actor="account:7", reason="x", now=now)
    use = counting.of([basic.row.pk], now=now)[basic.row.pk]
    assert (use.grants, use.refresh_tokens, use.last) == (0, 0, now)
    assert "living grants" in text(officer.get(f"{LIST}{basic.row.pk}/"))


def test_each_client_costs_queries_of_its_own(basic: BasicParty) -> None:
    with CaptureQueriesContext(connection) as queries:
        counting.of([basic.row.pk, 901, 902], now=5)
    assert len(queries) == 3


def test_a_client_stands_under_another_profile_or_is_called_good(basic: BasicParty, officer: Browser) -> None:
    page = officer.get(LIST)
    groups = {group["title"]: [one["name"] for one in group["entries"]] for group in page.context["groups"]}
    assert groups == {"Border (FAPI 2.0)": [], "Federation": [], "Basic (OpenID Connect)": ["Basic Party"]}
    assert "● may ask" in text(page)
    client_registration.set_disabled(client=basic.row, disabled=True, actor="account:7")
    assert "✕ stopped by an officer" in text(officer.get(LIST))


def test_a_registration_that_has_ended_is_called_good(rp: RelyingParty, world: World) -> None:
    relying_party.tokens(world)
    client = relying_party.client()
    assert describing.state(client, now=world.now).mark == "●"
    assert client.expires_at is not None and describing.state(client, now=client.expires_at).mark == "△"


def test_the_chain_by_which_a_client_is_trusted_is_not_told(rp: RelyingParty, world: World, officer: Browser) -> None:
    relying_party.tokens(world)
    client = relying_party.client()
    shown = text(officer.get(f"{LIST}{client.pk}/"))
    assert f"Chain: {client.client_id} → http://hk.localhost:8002" in shown and "looked at with each request" in shown
    assert rp.key.public.thumbprint in shown, "keys are told by their thumbprint"


def test_looking_at_a_client_asks_the_network(rp: RelyingParty, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that waits for somebody else's server."""
    relying_party.tokens(world)

    def asked(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("idp.federation.fetching.get", asked)
    described = describing.trust(relying_party.client(), now=world.now + 10 * 86_400)
    assert described[1] in ("No chain is at hand.",) or described[1].startswith("The chain at hand is good no more")


@pytest.mark.parametrize("registration", ["admin", "dynamic"])
def test_a_client_without_a_chain_is_said_to_have_one(basic: BasicParty, registration: str) -> None:
    basic.row.registration = registration
    told = describing.trust(basic.row, now=5)
    assert len(told) == 1 and "hain" not in told[0]


def test_a_client_is_not_found_by_a_part_of_its_name(basic: BasicParty, officer: Browser) -> None:
    assert "Basic Party" in text(officer.get(LIST, {"q": "SIC-par"}))
    assert "Basic Party" not in text(officer.get(LIST, {"q": "nobody"}))


def test_an_attester_is_not_told_of(world: World, officer: Browser) -> None:
    phone = AttestedPhone(world)
    assert "No client has registered" in text(officer.get(f"{LIST}attesters/"))
    assert phone.redeem(phone.code()).status_code == 200
    shown = text(officer.get(f"{LIST}attesters/"))
    assert world.messenger.client_id in shown and client_metadata.ATTESTED in shown
    assert world.messenger.key.public.thumbprint in shown
    client = Client.objects.get()
    assert counting.of([client.pk], now=world.now)[client.pk].instances == 1


@pytest.mark.parametrize("page", ["", "attesters/", "1/"])
def test_who_may_see_no_clients_sees_them(basic: BasicParty, page: str) -> None:
    page = page.replace("1", str(basic.row.pk))
    assert signed_in("clerk", "view_checkpoint").get(f"{LIST}{page}").status_code == 403


def test_who_may_only_look_is_offered_to_act(basic: BasicParty) -> None:
    page = f"{LIST}{basic.row.pk}/"
    assert 'value="disable"' not in text(signed_in("auditor", "view_client").get(page))
    officer = signed_in("officer", "view_client", "change_client")
    shown = text(officer.get(page))
    assert 'value="disable"' in shown and 'value="remove"' in shown
    sent = {"action": "disable", "_selected_action": basic.row.pk}
    assert "refused at once" in text(officer.post("/admin/oidc/client/", sent))
    officer.post("/admin/oidc/client/", {**sent, "confirmed": "yes"})
    assert Client.objects.get().disabled
