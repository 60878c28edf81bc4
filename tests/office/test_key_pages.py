"""The keys' pages: every key is there with what depends on it, no secret is, and others than their roles stay out."""

from typing import Any

import pytest

from idp import conf
from idp.accounts import granting
from idp.accounts.models import Account
from idp.accounts.roles import Role
from idp.border.models import IssuedToken
from idp.federation import alarms, key_files, signing, statements
from idp.federation.columns import shown
from idp.federation.models import SigningKey
from tests.border.world import World, browser


@pytest.fixture
def operator(world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The browser of an operator, at the world's time."""
    monkeypatch.setattr("idp.clock.now", lambda: world.now)
    statements.renew(world.now)
    return officer("operator", Role.OPERATOR)


def officer(name: str, role: Role) -> Any:
    account = Account.objects.create_user(name, kind="officer", is_staff=True)
    granting.grant(account=account, role=role, actor="console", now=5)
    return browser(account)


def _cards(page: Any) -> dict[tuple[str, str], Any]:
    return {(card.place.use, card.place.algorithm): card for card in page.context["cards"]}


def test_a_key_is_not_on_the_page(operator: Any, world: World) -> None:
    signing.activate_next(use="border", now=world.now, emergency=True)
    signing.kill(kid=signing.signer("status").kid, now=world.now)
    page = operator.get("/admin/keys/")
    cards = _cards(page)
    assert set(cards) == {(use, algorithm) for use in signing.NODE_USES for algorithm in signing.ALGORITHMS[use]}
    assert [row.key.row.state for row in cards["border", "ES256"].living] == ["next", "active", "old"]
    assert [row.key.row.state for row in cards["status", "ES256"].past] == ["killed"]
    text = page.content.decode()
    assert all(f"/admin/keys/key/{kid}/" in text for kid in SigningKey.objects.values_list("kid", flat=True))
    (sealing,) = page.context["sealing"]
    assert [key.thumbprint for key in (private.public for private in world.gate.sealing)] == [
        sealing.current,
        sealing.next,
    ]


def test_a_page_shows_what_would_sign(operator: Any) -> None:
    """Neither a private key nor where the disk is mounted."""
    row = SigningKey.objects.get(use="border", state="active")
    secret = key_files.read("border", row.kid).jwk()["d"]
    for path in ("/admin/keys/", f"/admin/keys/key/{row.kid}/"):
        text = operator.get(path).content.decode()
        assert secret not in text and str(conf.authority().key_dir) not in text


def test_what_a_key_signed_is_not_counted(operator: Any, world: World) -> None:
    """Tokens in the field are those that the key signed, and no others: an officer decides by their number."""
    assert world.ask().status_code == 201
    token = IssuedToken.objects.get()
    assert _signed(operator, "border") == [f"1 × border tokens in the field, the last until {shown(token.expires_at)}"]
    signing.activate_next(use="border", now=world.now + 1, emergency=True)
    assert _signed(operator, "border", "old") and not _signed(operator, "border")
    IssuedToken.objects.update(revoked_at=world.now, revoked_for="device", revoked_by="x")
    assert not _signed(operator, "border", "old")
    ends = shown(world.now + statements.STATEMENT_LIFETIME)
    assert _signed(operator, "federation")[0].endswith(f"entity statements, the last until {ends}")


def _signed(client: Any, use: str, state: str = "active") -> list[str]:
    kid = SigningKey.objects.get(use=use, state=state).kid
    return list(client.get(f"/admin/keys/key/{kid}/").context["row"].signed)


def test_a_lost_file_looks_like_one_that_was_destroyed(operator: Any, world: World) -> None:
    """The first is an alarm, the second is how a killed key ends."""
    row = SigningKey.objects.get(use="status", state="active")
    path = key_files.path_of("status", row.kid)
    path.rename(path.with_suffix(".away"))
    try:
        page = operator.get(f"/admin/keys/key/{row.kid}/")
        assert page.context["row"].lies == f"missing: status/{row.kid}.jwk" and page.context["alarms"][0].alarm.over
        signing.kill(kid=row.kid, now=world.now)
        assert operator.get(f"/admin/keys/key/{row.kid}/").context["row"].lies == "destroyed"
    finally:
        path.with_suffix(".away").unlink()


def test_a_key_that_is_not_there_is_an_error_of_ours(operator: Any) -> None:
    assert operator.get("/admin/keys/key/none/").status_code == 404


def test_an_alarm_does_not_reach_who_has_to_act(operator: Any, world: World) -> None:
    assert operator.get("/admin/keys/").context["alarms"] == []
    kid = SigningKey.objects.get(use="border", state="active").kid
    SigningKey.objects.filter(kid=kid).update(activated_at=world.now - alarms.ROTATE_AFTER)
    for path in ("/admin/keys/", f"/admin/keys/key/{kid}/"):
        (line,) = operator.get(path).context["alarms"]
        assert line.url == f"/admin/keys/key/{kid}/" and kid[:10] in line.subject
    assert "Alarms about keys" in operator.get("/admin/").content.decode()


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.TRUST, 200), (Role.AUDITOR, 200), (Role.BORDER, 403), (Role.BIOMETRIC, 403)],
    ids=["trust", "auditor", "border", "biometric"],
)
def test_keys_are_shown_to_another_role_or_not_to_their_own(operator: Any, role: Role, status: int) -> None:
    client, kid = officer("other", role), SigningKey.objects.first().kid  # type: ignore[union-attr]
    assert client.get("/admin/keys/").status_code == status
    assert client.get(f"/admin/keys/key/{kid}/").status_code == status
