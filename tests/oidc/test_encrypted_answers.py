"""Answers that a client wants to read alone: id tokens, userinfo, authorization responses and logout tokens."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from joserfc import jwe
from joserfc.jwk import ECKey, RSAKey

from idp.audit.models import AuditEvent
from idp.federation import fetching, signing
from idp.federation.models import SigningKey
from idp.oidc import (
    client_registration,
    encrypted_answers,
    encryption,
    logout_notices,
    metadata,
    responses,
    tokens,
    userinfo,
)
from idp.oidc.errors import OAuthError
from idp.oidc.models import AuthorizationCode, Client, Grant, PushedRequest, RefreshToken
from idp.outbound import Response
from idp.protocol import jws, keys, strict_json
from idp.protocol.refusals import Unavailable
from tests.oidc.basic_party import BasicParty
from tests.oidc.registrant import Registrant, refusal
from tests.oidc.relying_party import RelyingParty
from tests.oidc.relying_party import tokens as tokens_of
from tests.oidc.test_authorize import code_on
from tests.oidc.test_backchannel import URI as LOGOUT
from tests.oidc.test_backchannel import Post, log_out
from tests.oidc.test_backchannel import post as post
from tests.oidc.test_claims import give_document
from tests.oidc.test_client_keys import at
from tests.oidc.test_response_modes import posted
from tests.oidc.test_userinfo import bank_of, get
from tests.oidc.world import CALLBACK, NODE, World, answer, error_of
from tests.simulators.federation import REMOVE

SEALING: dict[str, Any] = {"RSA": RSAKey.generate_key(2048, private=True), "EC": ECKey.generate_key("P-256")}
NEXT: Any = RSAKey.generate_key(2048, private=True)
URL = "https://rp.example/keys"


def jwk(kind: str = "RSA", *, key: Any = None, **more: Any) -> dict[str, Any]:
    """The public key as the client publishes it."""
    return {**(key or SEALING[kind]).as_dict(private=False), "use": "enc", "kid": f"{kind}-1", **more}


def wants(kind: str, alg: str = "RSA-OAEP", enc: Any = REMOVE) -> dict[str, Any]:
    """The metadata of a client that wants answers of ``kind`` encrypted."""
    members = {f"{kind}_encrypted_response_alg": alg, f"{kind}_encrypted_response_enc": enc}
    return {name: value for name, value in members.items() if value is not REMOVE}


def seals(basic: BasicParty, *kinds: str, **more: Any) -> None:
    """From now on the client wants these encrypted, to a key that it registered."""
    chosen = {name: value for kind in kinds for name, value in wants(kind).items()}
    basic.says(jwks={"keys": [jwk()]}, **{**chosen, **more})


def opened(text: str, *, alg: str = "RSA-OAEP", enc: str = "A128CBC-HS256", key: Any = None) -> tuple[str, Any]:
    """What the client reads, told which algorithms it registered; and the header."""
    assert text.count(".") == 4, "in clear"
    found = jwe.decrypt_compact(text, key or SEALING["EC" if alg == "ECDH-ES" else "RSA"], algorithms=[alg, enc])
    assert found.plaintext is not None
    return found.plaintext.decode(), strict_json.loads_object(strict_json.b64decode(text.partition(".")[0]))


def inside(text: str, kind: jws.TokenType, *, now: int, **chosen: Any) -> dict[str, Any]:
    """The claims of the token that was signed, then encrypted (OpenID Connect Core §16.14)."""
    nested, header = opened(text, **chosen)
    assert header["cty"] == "JWT" and header["kid"].endswith("-1")
    return dict(jws.verify(nested, kind, signing.published("oidc"), now=now).claims)


class Server:
    """What stands at a client's key URL, and how often it was asked for."""

    def __init__(self, world: World) -> None:
        self.world, self.keys, self.asked, self.down = world, [jwk()], 0, False

    def get(self, url: str, **_: Any) -> Response:
        if url != URL:
            return self.world.get(url)
        self.asked += 1
        if self.down:
            raise Unavailable("down")
        return Response(200, {}, json.dumps({"keys": self.keys}).encode())


@pytest.fixture
def server(world: World, monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server(world)
    monkeypatch.setattr(fetching, "get", made.get)
    return made


# --- id tokens (OpenID Connect Core §2, §10.2) ---------------------------------------------------------------------


def test_id_token_is_for_the_client_alone_at_code_and_at_refresh(basic: BasicParty) -> None:
    """One of the two ways to it that stays in clear would show here. The default encryption is that of §2."""
    seals(basic, "id_token")
    got = basic.tokens()
    form = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
    again = basic.post("/oidc/token", form).json()
    for answered in (got, again):
        told = inside(answered["id_token"], tokens.ID_TOKEN, now=basic.world.now)
        assert (told["iss"], told["aud"]) == (NODE, basic.client_id)
        assert answered["access_token"].count(".") == 2  # for ourselves, and no claim of anybody's is in it
    assert got["id_token"] != again["id_token"]


def test_claims_of_the_id_token_are_inside_and_nowhere_else(basic: BasicParty) -> None:
    give_document(basic)
    seals(basic, "id_token")
    got = basic.tokens(claims=json.dumps({"id_token": {"birthdate": {"essential": True}}}))
    told = inside(got["id_token"], tokens.ID_TOKEN, now=basic.world.now)
    assert (told["birthdate"], told["nonce"]) == ("1990-01-01", "n-1")
    assert set(get(basic.world, got["access_token"]).json()) == {"sub"}


def test_fapi_client_and_relying_party_of_a_chain_get_theirs(world: World, rp: RelyingParty) -> None:
    members = {"jwks": {"keys": [*keys.KeySet([rp.key.public]).jwks()["keys"], jwk()]}}
    rp.says(**members, **wants("id_token", "RSA-OAEP-256", "A256GCM"))
    got = tokens_of(world)
    told = inside(got["id_token"], tokens.ID_TOKEN, now=world.now, alg="RSA-OAEP-256", enc="A256GCM")
    assert told["aud"] == rp.client_id
    bank = bank_of(world)
    jwks = {"keys": [*keys.KeySet([bank.key.public]).jwks()["keys"], jwk("EC")]}
    row = Client.objects.get(client_id=bank.client_id)
    row.metadata = {**row.metadata, "jwks": jwks, **wants("id_token", "ECDH-ES", "A128GCM")}
    row.save()
    got = world.tokens(bank.request(authorization_details=REMOVE))
    told = inside(got["id_token"], tokens.ID_TOKEN, now=world.now, alg="ECDH-ES", enc="A128GCM")
    assert told["aud"] == bank.client_id


def test_hint_is_the_token_that_was_inside(basic: BasicParty) -> None:
    """Core §3.1.2.1: the client takes it out of its envelope, for which we have no key."""
    seals(basic, "id_token")
    sealed = basic.tokens()["id_token"]
    assert basic.kept(id_token_hint=opened(sealed)[0])
    assert "error=invalid_request" in basic.ask(id_token_hint=sealed)["Location"]


def test_logout_token_is_encrypted_like_id_tokens(world: World, basic: BasicParty, post: Post) -> None:
    """Back-Channel Logout §2.6: whoever has id tokens encrypted should refuse one that is not."""
    seals(basic, "id_token", backchannel_logout_uri=LOGOUT)
    basic.tokens()
    log_out(world)
    assert logout_notices.deliver(now=world.now) == 1
    assert inside(post.sent[0][3], logout_notices.LOGOUT_TOKEN, now=world.now)["aud"] == basic.client_id


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


# --- userinfo (Core §5.3.2) ----------------------------------------------------------------------------------------


def test_userinfo_may_be_encrypted_without_signature(basic: BasicParty) -> None:
    give_document(basic)
    seals(basic, "userinfo")
    told = get(basic.world, basic.tokens(scope="openid profile")["access_token"])
    assert (told["Content-Type"], told["Cache-Control"]) == ("application/jwt", "no-store")
    text, header = opened(told.content.decode())
    assert "cty" not in header  # claims, and no token inside
    assert json.loads(text)["name"] == "陳大文" and json.loads(text)["sub"]


def test_userinfo_may_be_signed_and_encrypted(basic: BasicParty) -> None:
    seals(basic, "userinfo", userinfo_signed_response_alg="ES256")
    told = get(basic.world, basic.tokens()["access_token"])
    claims = inside(told.content.decode(), userinfo.RESPONSE, now=basic.world.now)
    assert (claims["iss"], claims["aud"]) == (NODE, basic.client_id)


# --- authorization responses (JARM §2.2) ---------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["jwt", "query.jwt", "form_post.jwt"])
@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_reply_is_signed_then_encrypted(basic: BasicParty, mode: str, decision: str) -> None:
    seals(basic, "authorization")
    basic.world.log_in()
    got = basic.decide(basic.kept(response_mode=mode), decision=decision)
    fields = posted(got) if mode.startswith("form") else answer(got)
    assert set(fields) == {"response"}
    claims = inside(fields["response"], responses.JARM, now=basic.world.now)
    assert (claims["iss"], claims["aud"], claims["state"]) == (NODE, basic.client_id, "s-1")
    if decision == "allow":
        assert basic.redeem(str(claims["code"])).status_code == 200
    else:
        assert claims["error"] == "access_denied"


def test_error_before_the_login_is_encrypted_too(basic: BasicParty) -> None:
    seals(basic, "authorization")
    got = answer(basic.ask(response_mode="jwt", prompt="none login"))
    assert inside(got["response"], responses.JARM, now=basic.world.now)["error"] == "invalid_request"


def test_reply_that_was_not_asked_as_a_token_is_as_ever(basic: BasicParty) -> None:
    """JARM §3: how a response is encrypted says nothing of one that is no JWT."""
    seals(basic, "authorization")
    basic.world.log_in()
    assert set(answer(basic.decide(basic.kept()))) == {"code", "state", "iss"}


def test_fapi_clients_reply_is_encrypted_and_signed_by_a_modern_algorithm(world: World) -> None:
    """FAPI 2.0 Security Profile §5.4.1, also where the client registered RS256."""
    bank = bank_of(world, authorization_signed_response_alg="RS256", **wants("authorization", "ECDH-ES", "A256GCM"))
    row = Client.objects.get(client_id=bank.client_id)
    row.metadata["jwks"]["keys"].append(jwk("EC"))
    row.save()
    world.log_in()
    got = answer(world.decide(world.pushed(bank.request(authorization_details=REMOVE, response_mode="jwt"))))
    nested, _ = opened(got["response"], alg="ECDH-ES", enc="A256GCM")
    found = jws.verify(nested, responses.JARM, signing.published("oidc"), now=world.now)
    assert (found.header["alg"], found.claims["aud"]) == ("ES256", bank.client_id)


# --- registration (OpenID Connect Registration §2) -----------------------------------------------------------------

WEAK = jwk(n=strict_json.b64encode((2**1024 - 1).to_bytes(128)))
SECRET = {**SEALING["RSA"].as_dict(private=True), "use": "enc", "kid": "private"}
SIGNING = {"keys": [keys.generate().public.jwk()]}
REFUSED: list[dict[str, Any]] = [
    *(wants("id_token", alg) for alg in ("RSA1_5", "dir", "A128KW", "ECDH-ES+A128KW", "PBES2-HS256+A128KW", "")),
    *(wants("userinfo", "RSA-OAEP", enc) for enc in ("A256CBC-HS512", "A192GCM", "none", "RSA-OAEP")),
    wants("authorization", "RSA-OAEP", "zip"),
    {"id_token_encrypted_response_enc": "A128CBC-HS256"},
    {"userinfo_encrypted_response_alg": "none", "userinfo_encrypted_response_enc": "A256GCM"},
    {"id_token_encrypted_response_alg": ["RSA-OAEP"]},
    {"id_token_encrypted_response_alg": "RSA-OAEP", "id_token_encrypted_response_enc": {}},
    wants("id_token", "ECDH-ES"),  # there is no such key
    {**wants("id_token"), "jwks": SIGNING},
    {**wants("id_token"), "jwks": {"keys": [WEAK]}},
    {**wants("id_token"), "jwks": {"keys": [SECRET]}},
    {"jwks": {"keys": [jwk(), SECRET]}},
    {**wants("id_token"), "jwks": {"keys": [jwk(use="sig")]}},
    {**wants("id_token"), "jwks": {"keys": [jwk(alg="RSA-OAEP-256")]}},
    {**wants("id_token"), "jwks": {"keys": []}},
    {**wants("id_token"), "jwks": REMOVE},
    {"introspection_encrypted_response_alg": "RSA-OAEP"},
]


@pytest.mark.parametrize("members", REFUSED, ids=range(len(REFUSED)))
def test_what_could_not_be_given_is_refused_when_a_client_registers_itself(
    anybody: Registrant, members: dict[str, Any]
) -> None:
    """invalid solely because of these members: found out by travellers, or answered in clear, it would be worse."""
    said = {"jwks": {"keys": [jwk()]}, **members}
    assert refusal(anybody.register(**said)) == (400, "invalid_client_metadata")
    assert not Client.objects.exists()


@pytest.mark.parametrize("members", REFUSED, ids=range(len(REFUSED)))
def test_what_could_not_be_given_is_refused_in_a_chain(world: World, rp: RelyingParty, members: dict[str, Any]) -> None:
    """invalid solely because of these members; the client has a key that signs beside those."""
    said = {"jwks": {"keys": [jwk()]}, **members}
    inside = said["jwks"] if said["jwks"] is not REMOVE else {"keys": []}
    both = {"keys": [*keys.KeySet([rp.key.public]).jwks()["keys"], *inside["keys"]]}
    rp.says(**{**said, "jwks": both})
    assert error_of(world.push()) == (400, "invalid_metadata")


@pytest.mark.parametrize("profile", ["border", "federation", "basic"])
def test_officer_cannot_register_what_could_not_be_given(world: World, profile: str) -> None:
    said = {"client_name": "x", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "private_key_jwt"}
    known = {"client_id": "new", "profile": profile, "registration": "admin", "actor": "account:7", "now": world.now}
    for members in (wants("id_token", "RSA1_5"), wants("authorization", "ECDH-ES")):
        with pytest.raises(OAuthError) as caught:
            client_registration.register(**known, metadata={**said, "jwks": SIGNING, **members})
        assert caught.value.error == "invalid_client_metadata"


def test_wallet_of_a_chain_cannot_ask_for_it_either(world: World) -> None:
    """invalid solely because of the algorithm; a wallet's other members are as the profile has them."""
    who = world.messenger
    who.entity.metadata = {"openid_relying_party": who.metadata(**wants("userinfo", "RSA1_5"))}
    assert error_of(world.push()) == (400, "invalid_metadata")


def test_registered_client_is_told_what_it_gets(world: World, anybody: Registrant) -> None:
    """RFC 7591 §3.2.1: with the encryption that is taken where the client names none."""
    chosen = {**wants("id_token"), **wants("userinfo", "RSA-OAEP-256", "A256GCM"), **wants("authorization", "none")}
    made = anybody.registered(jwks={"keys": [jwk()]}, **chosen)
    assert {name: made[name] for name in made if "_encrypted_" in name} == {
        "id_token_encrypted_response_alg": "RSA-OAEP",
        "id_token_encrypted_response_enc": "A128CBC-HS256",
        "userinfo_encrypted_response_alg": "RSA-OAEP-256",
        "userinfo_encrypted_response_enc": "A256GCM",
        "authorization_encrypted_response_alg": "none",
    }


def test_client_with_a_secret_may_publish_nothing_but_keys_for_encryption(anybody: Registrant) -> None:
    """Such a client signs nothing, so a key that verifies would be asked for in vain."""
    made = anybody.registered(jwks={"keys": [jwk("EC"), jwk()]}, **wants("id_token"))
    assert made["jwks"]["keys"][0]["kid"] == "EC-1"


def test_client_that_signs_needs_a_key_that_verifies(anybody: Registrant) -> None:
    """invalid solely because every key is for encryption."""
    said = {"jwks": {"keys": [jwk()]}, "token_endpoint_auth_method": "private_key_jwt", **wants("id_token")}
    assert refusal(anybody.register(**said)) == (400, "invalid_client_metadata")


# --- what the provider says of it (Discovery §3, JARM §4) ----------------------------------------------------------


def offered(kind: str) -> Iterator[tuple[str, str]]:
    said = metadata.openid_provider()
    algorithms, encryptions = (said[f"{kind}_encryption_{part}_values_supported"] for part in ("alg", "enc"))
    yield from itertools.product(algorithms, encryptions)


def told_by(kind: str) -> Callable[[BasicParty], str]:
    """How the client gets an answer of ``kind``."""

    def reply(basic: BasicParty) -> str:
        basic.world.log_in()
        return answer(basic.decide(basic.kept(response_mode="jwt")))["response"]

    return {
        "id_token": lambda basic: str(basic.tokens()["id_token"]),
        "userinfo": lambda basic: get(basic.world, basic.tokens()["access_token"]).content.decode(),
        "authorization": reply,
    }[kind]


@pytest.mark.parametrize("kind", encrypted_answers.ANSWERS)
def test_everything_that_is_offered_is_done(basic: BasicParty, kind: str) -> None:
    """Each pair of discovery's lists, through registration's check, at the real endpoint."""
    ways = list(offered(kind))
    assert len(ways) == 9
    for alg, enc in ways:
        basic.says(jwks={"keys": [jwk("RSA"), jwk("EC")]}, **wants(kind, alg, enc))
        encrypted_answers.check(basic.row.metadata)
        assert opened(told_by(kind)(basic), alg=alg, enc=enc)


def test_members_are_where_their_readers_look(world: World) -> None:
    """Those of JARM are an authorization server's (its §4), the others an OpenID provider's alone."""
    server, provider = metadata.oauth_authorization_server(), metadata.openid_provider()
    assert {name for name in server if "_encryption_" in name or name.startswith("authorization_sig")} == {
        "authorization_signing_alg_values_supported",
        "authorization_encryption_alg_values_supported",
        "authorization_encryption_enc_values_supported",
        "request_object_encryption_alg_values_supported",
        "request_object_encryption_enc_values_supported",
    }
    assert {name for name in provider if name not in server and "_alg_" in name} == {
        "id_token_signing_alg_values_supported",
        "id_token_encryption_alg_values_supported",
        "userinfo_signing_alg_values_supported",
        "userinfo_encryption_alg_values_supported",
    }


# --- who did not ask pays nothing ----------------------------------------------------------------------------------


def statements(ask: Callable[[], HttpResponse]) -> int:
    with CaptureQueriesContext(connection) as counted:
        assert ask().status_code == 200
    return len(counted)


def redeemed(basic: BasicParty) -> int:
    code = basic.code()
    return statements(lambda: basic.redeem(code))


def test_nobody_pays_for_what_others_want(basic: BasicParty) -> None:
    """An encrypted answer to a key at hand takes as many statements as one in clear, and one in clear none more."""
    redeemed(basic)  # the first one finds no consent
    plain = redeemed(basic)
    token = basic.tokens()["access_token"]
    told = statements(lambda: get(basic.world, token))
    seals(basic, "id_token", "userinfo")
    assert redeemed(basic) == plain
    assert statements(lambda: get(basic.world, token)) == told
    with CaptureQueriesContext(connection) as counted:
        for kind in encrypted_answers.ANSWERS[1:]:
            encryption.recipient(Client(metadata={}), kind, now=basic.world.now)
    assert not counted
