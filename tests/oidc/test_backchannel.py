"""Clients hear that a session has ended (OpenID Connect Back-Channel Logout 1.0)."""

import base64
import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from idp.accounts.models import Account, Traveller
from idp.audit.models import AuditEvent
from idp.federation import fetching, signing
from idp.oidc import logout_notices, subjects, tokens
from idp.oidc.models import Client, Grant, LogoutNotice
from idp.outbound import Response
from idp.protocol import jws
from idp.protocol.refusals import Reason, Refusal, Unavailable
from tests.oidc.basic_party import BasicParty
from tests.oidc.world import NODE, World

URI = "https://messenger.example/backchannel"


class Post:
    """The network: answers with ``status``, or raises it."""

    def __init__(self) -> None:
        self.status: Any = 200
        self.sent: list[tuple[str, str, dict[str, str], str]] = []

    def request(self, method: str, url: str, *, headers: Any, content: bytes, timeout: float) -> Response:
        self.sent.append((method, url, headers, parse_qs(content.decode())["logout_token"][0]))
        if isinstance(self.status, Exception):
            raise self.status
        return Response(self.status, {}, b"")


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Post:
    made = Post()
    monkeypatch.setattr(fetching, "client", lambda: made)
    return made


@pytest.fixture
def party(basic: BasicParty) -> BasicParty:
    basic.says(backchannel_logout_uri=URI)
    return basic


def log_out(world: World) -> None:
    page = world.browser.get("/account/")
    world.browser.post("/account/logout", {"csrfmiddlewaretoken": page.context["csrf_token"]})


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def test_logout_token_says_which_session_of_whom(world: World, party: BasicParty, post: Post) -> None:
    """Subject and session are those of the id token, or the client finds nothing to end."""
    id_token = claims_of(party.tokens()["id_token"])
    log_out(world)
    assert logout_notices.deliver(now=world.now) == 1
    method, url, headers, token = post.sent[0]
    assert (method, url, headers["Content-Type"]) == ("POST", URI, "application/x-www-form-urlencoded")
    verified = jws.verify(token, logout_notices.LOGOUT_TOKEN, signing.published("oidc"), now=world.now)
    assert verified.header["alg"] == "RS256"
    claims = dict(verified.claims)
    assert len(claims.pop("jti")) == 43
    assert claims == {
        "iss": NODE,
        "aud": party.client_id,
        "sub": id_token["sub"],
        "sid": id_token["sid"],
        "iat": world.now,
        "exp": world.now + 120,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }
    assert logout_notices.deliver(now=world.now + 86_400) == 0
    assert AuditEvent.objects.filter(kind="oidc.logout_notified", subject=f"client:{party.client_id}").count() == 1


def test_logout_token_is_no_id_token_and_no_hint(world: World, party: BasicParty, post: Post) -> None:
    """invalid solely because of its typ (row 67): whoever takes one for an id token logs somebody in by a logout."""
    party.tokens()
    log_out(world)
    logout_notices.deliver(now=world.now)
    with pytest.raises(Refusal):
        jws.verify(post.sent[0][3], tokens.ID_TOKEN, signing.published("oidc"), now=world.now)
    assert world.browser.get("/oidc/logout", {"id_token_hint": post.sent[0][3]}).status_code == 400


def test_session_has_another_name_in_each_sector(world: World, party: BasicParty) -> None:
    """One name for all would link a traveller's visits at clients that have nothing to do with each other."""
    party.tokens()
    sid = Grant.objects.get().sid
    names = {subjects.session(sector=sector, sid=sid) for sector in ("a.example", "b.example")} | {sid}
    assert len(names) == 3


def test_each_client_of_the_session_is_told_once(world: World, party: BasicParty, post: Post) -> None:
    """Two visits in one session are one logout; a client of no such URI, and one of another session, hear nothing."""
    party.tokens()
    party.tokens()
    other = Client.objects.get(client_id=party.client_id)
    other.pk, other.client_id, other.metadata = None, "silent", {**other.metadata, "backchannel_logout_uri": None}
    other.save()
    Grant.objects.create(
        traveller=world.traveller,
        client=other,
        acr="x",
        auth_time=1,
        created_at=world.now,
        sid=Grant.objects.first().sid,
    )
    log_out(world)
    assert list(LogoutNotice.objects.values_list("client__client_id", flat=True)) == [party.client_id]
    world.log_in()
    log_out(world)
    assert LogoutNotice.objects.count() == 1


def test_grants_of_the_session_end_and_those_for_offline_stay(world: World, party: BasicParty) -> None:
    """§2.7: refresh tokens without offline_access die with the session."""
    online, offline = party.tokens()["refresh_token"], party.tokens(scope="openid offline_access", prompt="consent")
    log_out(world)

    def refresh(token: str) -> int:
        return party.post("/oidc/token", {"grant_type": "refresh_token", "refresh_token": token}).status_code

    assert (refresh(online), refresh(offline["refresh_token"])) == (400, 200)
    event = AuditEvent.objects.get(kind="oidc.grant_revoked")
    assert event.data == {"reason": "logged_out"}


def test_wallets_grant_outlives_the_browser(world: World) -> None:
    """A traveller at the gate has the phone with the token in it, and no browser session."""
    answer = world.tokens()
    log_out(world)
    assert world.refresh(answer["refresh_token"]).status_code == 200


def test_another_persons_login_ends_the_session(world: World, party: BasicParty) -> None:
    """Somebody took the browser over without a logout; a step-up of the same person is no end."""
    party.tokens()
    world.log_in(at=world.now + 5)
    assert not LogoutNotice.objects.exists()
    account = Account.objects.create_user("jun", "a long enough password")
    Traveller.objects.create(account=account)
    world.log_in(account=account)
    assert LogoutNotice.objects.count() == 1


@pytest.mark.parametrize("trouble", [503, 429, Unavailable("no answer")])
def test_client_that_is_down_is_told_later(world: World, party: BasicParty, post: Post, trouble: Any) -> None:
    """Later each time, with a fresh token of the same jti, and not for ever."""
    party.tokens()
    log_out(world)
    post.status = trouble
    at, waits = world.now, []
    for _ in range(logout_notices.MAX_ATTEMPTS):
        assert logout_notices.deliver(now=at) == 0
        due = LogoutNotice.objects.get().due_at
        assert logout_notices.deliver(now=due - 1) == 0
        waits.append(due - at)
        at = due
    assert waits[:3] == [10, 20, 40]
    assert waits[-1] == 3600
    assert logout_notices.deliver(now=at + 86_400) == 0
    assert len(post.sent) == logout_notices.MAX_ATTEMPTS
    assert len({claims_of(sent[3])["jti"] for sent in post.sent}) == 1
    assert len({claims_of(sent[3])["iat"] for sent in post.sent}) == logout_notices.MAX_ATTEMPTS
    assert AuditEvent.objects.filter(kind="oidc.logout_not_notified").count() == 1


@pytest.mark.parametrize("answer", [400, 302, Refusal(Reason.MALFORMED, "an address that is not public")])
def test_client_that_refuses_is_not_asked_again(world: World, party: BasicParty, post: Post, answer: Any) -> None:
    """§2.8: 400 is an answer; redirects are not followed, and an address within is never asked."""
    party.tokens()
    log_out(world)
    post.status = answer
    logout_notices.deliver(now=world.now)
    logout_notices.deliver(now=world.now + 86_400)
    assert len(post.sent) == 1


def test_two_workers_send_a_notice_once(world: World, party: BasicParty, post: Post) -> None:
    """The claim is one UPDATE: a worker that read the row before the other changed it gets nothing."""
    party.tokens()
    log_out(world)
    first, second = LogoutNotice.objects.get(), LogoutNotice.objects.get()
    assert logout_notices._claim(first, now=world.now)
    assert not logout_notices._claim(second, now=world.now)


def test_notices_are_forgotten_after_a_week(world: World, party: BasicParty) -> None:
    """Who logged out when is nobody's business for longer."""
    party.tokens()
    log_out(world)
    assert logout_notices.purge(now=world.now + logout_notices.KEEP) == 0
    assert logout_notices.purge(now=world.now + logout_notices.KEEP + 1) == 1
