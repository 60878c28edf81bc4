"""Keys that answers are encrypted to: behind a URL, rolled over, and where there is none just now."""

import json
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from idp.audit.models import AuditEvent
from idp.federation import fetching
from idp.federation.models import SigningKey
from idp.oidc import logout_notices, responses
from idp.oidc.models import AuthorizationCode, Client, Grant, PushedRequest, RefreshToken
from idp.outbound import Response
from idp.protocol.refusals import Unavailable
from tests.oidc.basic_party import BasicParty
from tests.oidc.sealed import inside, jwk, opened, wants
from tests.oidc.test_authorize import code_on
from tests.oidc.test_backchannel import URI as LOGOUT
from tests.oidc.test_backchannel import Post, log_out
from tests.oidc.test_backchannel import post as post
from tests.oidc.test_claims import give_document
from tests.oidc.test_client_keys import at
from tests.oidc.test_response_modes import posted
from tests.oidc.test_userinfo import bank_of, get
from tests.oidc.world import World, answer, error_of
from tests.simulators.federation import REMOVE

NEXT: Any = RSAKey.generate_key(2048, private=True)
URL = "https://rp.example/keys"


class Server:
    """What stands at a client's key URL, and how often it was asked for."""

    def __init__(self, world: World) -> None:
        self.world, self.keys, self.asked, self.down = world, [jwk()], 0, False
        self.text: str | None = None

    def get(self, url: str, **_: Any) -> Response:
        if url != URL:
            return self.world.get(url)
        self.asked += 1
        if self.down:
            raise Unavailable("down")
        return Response(200, {}, (self.text or json.dumps({"keys": self.keys})).encode())


@pytest.fixture
def server(world: World, monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server(world)
    monkeypatch.setattr(fetching, "get", made.get)
    return made


# --- where a key cannot be had -------------------------------------------------------------------------------------


def by_url(basic: BasicParty, *kinds: str) -> None:
    chosen = {name: value for kind in kinds for name, value in wants(kind).items()}
    basic.says(jwks_uri=URL, **chosen)


def test_code_is_not_spent_when_the_key_cannot_be_had(
    basic: BasicParty, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client asks again and gets its tokens: nothing in clear, nothing half written."""
    by_url(basic, "id_token")
    code, server.down = basic.code(), True
    before = AuditEvent.objects.count()
    assert error_of(basic.redeem(code)) == (503, "temporarily_unavailable")
    assert AuthorizationCode.objects.get().used_at is None and not RefreshToken.objects.exists()
    assert AuditEvent.objects.count() == before and Grant.objects.get().revoked_at is None
    server.down = False
    assert error_of(basic.redeem(code)) == (503, "temporarily_unavailable") and server.asked == 1  # a moment ago
    Client.objects.update(jwks_asked_at=basic.world.now - 60)
    assert opened(basic.redeem(code).json()["id_token"])


def test_refresh_token_is_not_exchanged_when_the_key_cannot_be_had(
    world: World, basic: BasicParty, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_url(basic, "id_token")
    form = {"grant_type": "refresh_token", "refresh_token": basic.tokens()["refresh_token"]}
    server.down = True
    at(world, world.now + 86_400, monkeypatch)  # what was fetched serves no longer
    assert error_of(basic.post("/oidc/token", form)) == (503, "temporarily_unavailable")
    assert RefreshToken.objects.get().rotated_at is None
    server.down = False
    at(world, world.now + 60, monkeypatch)
    assert opened(basic.post("/oidc/token", form).json()["id_token"])


def test_client_without_id_token_does_not_wait_for_a_key(basic: BasicParty, server: Server) -> None:
    """invalid solely because a server is down that nobody needs: no scope openid, no id token."""
    by_url(basic, "id_token")
    server.down = True
    got = basic.tokens(scope="profile", nonce=REMOVE)
    assert "id_token" not in got and server.asked == 0


def test_userinfo_is_not_told_when_the_key_cannot_be_had(basic: BasicParty, server: Server) -> None:
    give_document(basic)
    by_url(basic, "userinfo")
    token, server.down = basic.tokens(scope="openid profile")["access_token"], True
    refused = get(basic.world, token)
    assert (refused.status_code, refused.json()["code"]) == (503, "temporarily_unavailable")
    assert refused["Access-Control-Allow-Origin"] == "*" and "陳".encode() not in refused.content
    server.down = False
    Client.objects.update(jwks_asked_at=basic.world.now - 60)
    assert get(basic.world, token)["Content-Type"] == "application/jwt"


@pytest.mark.parametrize("text", ["nonsense", "{}", '{"keys": []}', '{"keys": [{"use": "enc", "d": "AA"}]}'])
def test_key_document_that_is_none_does_not_make_answers_clear(basic: BasicParty, server: Server, text: str) -> None:
    """invalid solely because what stands at the URL is no set of sound public keys."""
    by_url(basic, "id_token", "userinfo")
    server.text = text
    assert error_of(basic.redeem(basic.code())) == (503, "temporarily_unavailable")
    assert AuthorizationCode.objects.get().used_at is None and Client.objects.get().fetched_jwks is None


def test_client_that_lost_its_keys_is_not_answered_in_clear(basic: BasicParty) -> None:
    """invalid solely because of a row that no registration would make."""
    basic.says(**wants("id_token"))
    assert error_of(basic.redeem(basic.code())) == (503, "temporarily_unavailable")
    basic.says(**wants("id_token", "dir"), jwks={"keys": [jwk()]})
    assert error_of(basic.redeem(basic.code())) == (503, "temporarily_unavailable")


@pytest.mark.parametrize("mode", ["jwt", "query.jwt", "form_post.jwt"])
@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_nothing_is_decided_when_the_reply_could_not_be_told(
    basic: BasicParty, server: Server, mode: str, decision: str
) -> None:
    """A code that nobody gets, or a request that is used up: the traveller may press the button again."""
    by_url(basic, "authorization")
    basic.world.log_in()
    request_uri, server.down = basic.kept(response_mode=mode), True
    page = basic.decide(request_uri, decision=decision)
    assert (page.status_code, code_on(page)) == (503, "temporarily_unavailable")
    assert "Location" not in page and not AuthorizationCode.objects.exists() and not Grant.objects.exists()
    assert PushedRequest.objects.get().completed_at is None
    assert not AuditEvent.objects.filter(kind="oidc.authorization_refused").exists()
    server.down = False
    Client.objects.update(jwks_asked_at=basic.world.now - 60)
    got = basic.decide(request_uri, decision=decision)
    told = posted(got) if mode.startswith("form") else answer(got)
    claims = inside(told["response"], responses.JARM, now=basic.world.now)
    assert ("code" in claims) == (decision == "allow")


def test_silent_answer_waits_too(basic: BasicParty, server: Server) -> None:
    """prompt=none: an error that cannot be told is a page, and the request stays open."""
    by_url(basic, "authorization")
    server.down = True
    page = basic.next(response_mode="jwt", prompt="none")
    assert (page.status_code, code_on(page)) == (503, "temporarily_unavailable")
    assert PushedRequest.objects.get().completed_at is None


def test_error_of_a_bad_request_is_not_told_in_clear(basic: BasicParty, server: Server) -> None:
    by_url(basic, "authorization")
    server.down = True
    page = basic.ask(response_mode="jwt", prompt="none login")
    assert (page.status_code, code_on(page)) == (503, "temporarily_unavailable") and "Location" not in page


def test_no_code_is_made_without_the_key_that_signs_the_reply(basic: BasicParty) -> None:
    """invalid solely because this node has no RS256 key: found before the decision is stored, not after it."""
    basic.world.log_in()
    request_uri = basic.kept(response_mode="jwt")
    SigningKey.objects.filter(use="oidc", algorithm="RS256").delete()
    page = basic.decide(request_uri)
    assert (page.status_code, code_on(page)) == (503, "temporarily_unavailable")
    assert not AuthorizationCode.objects.exists() and PushedRequest.objects.get().completed_at is None


def test_other_clients_hear_of_a_logout_while_one_has_no_key(
    world: World, basic: BasicParty, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """invalid solely because one client's key cannot be had: that one hears later, everybody else now."""
    basic.says(backchannel_logout_uri=LOGOUT)
    basic.tokens()
    bank = bank_of(world, backchannel_logout_uri="https://bank.example/logout", **wants("id_token"))
    world.code(bank.request(authorization_details=REMOVE))
    log_out(world)
    assert (logout_notices.deliver(now=world.now), [sent[1] for sent in post.sent]) == (1, [LOGOUT])
    row = Client.objects.get(client_id=bank.client_id)
    row.metadata["jwks"]["keys"].append(jwk())
    row.save()
    assert logout_notices.deliver(now=world.now + logout_notices.FIRST_RETRY) == 1
    assert inside(post.sent[1][3], logout_notices.LOGOUT_TOKEN, now=world.now)["aud"] == bank.client_id


# --- keys that roll over (Core §10.2.1) ----------------------------------------------------------------------------


def test_new_key_is_used_within_the_hour(
    world: World, basic: BasicParty, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_url(basic, "userinfo")
    token = basic.tokens()["access_token"]
    start = world.now
    assert opened(get(world, token).content.decode())
    server.keys = [jwk(key=NEXT, kid="RSA-2"), jwk()]
    at(world, start + 3599, monkeypatch)
    assert opened(get(world, token).content.decode())[1]["kid"] == "RSA-1" and server.asked == 1
    basic.world = world
    at(world, start + 3600, monkeypatch)
    token = basic.tokens()["access_token"]
    assert opened(get(world, token).content.decode(), key=NEXT)[1]["kid"] == "RSA-2" and server.asked == 2


def test_key_that_was_missing_is_looked_for_again_and_not_at_each_request(
    world: World, basic: BasicParty, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that publishes its key a little later would wait for an hour; one without must not make us fetch."""
    by_url(basic, "userinfo")
    server.keys = [jwk("EC")]
    token = basic.tokens()["access_token"]
    for _ in range(3):
        assert get(world, token).status_code == 503
    assert server.asked == 1
    server.keys = [jwk("EC"), jwk()]
    at(world, world.now + 60, monkeypatch)
    assert opened(get(world, token).content.decode()) and server.asked == 2


def test_old_key_serves_while_the_server_is_down(
    world: World, basic: BasicParty, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_url(basic, "id_token")
    assert opened(basic.tokens()["id_token"])
    server.down = True
    at(world, world.now + 86_399, monkeypatch)
    assert opened(basic.tokens()["id_token"])
