"""Keys behind a URL, keys that roll over, and keys that somebody made up."""

import json
from typing import Any

import pytest

from idp.federation import fetching
from idp.oidc import client_keys
from idp.oidc.models import Client
from idp.outbound import Response
from idp.protocol import jwk_set, keys
from idp.protocol.refusals import Reason, Refusal, Unavailable
from tests.oidc.relying_party import RelyingParty, client, enter, kept
from tests.oidc.test_authorize import code_on
from tests.oidc.world import World, error_of
from tests.simulators.federation import REMOVE

URL = "https://rp.example/keys"
OLD, NEW = keys.generate(), keys.generate()


class Server:
    """What stands at the relying party's key URL, and how often it was asked for."""

    def __init__(self, world: World, rp: RelyingParty) -> None:
        self.world, self.rp, self.keys, self.asked, self.down = world, rp, [OLD], 0, False
        self.signer, self.claims = rp.entity.key, {}
        self.text: str | None = None

    def get(self, url: str, **options: Any) -> Response:
        if url != URL:
            return self.world.get(url)
        self.asked += 1
        if self.down:
            raise Unavailable("down")
        jwks = keys.KeySet([key.public for key in self.keys]).jwks()
        if options["media_type"] == "application/json":
            assert options["also"] == "application/jwk-set+json"
            return Response(200, {}, (self.text or json.dumps(jwks)).encode())
        assert options["media_type"] == "application/jwk-set+jwt"
        now, owner = self.world.now, self.rp.client_id
        claims = {"iss": owner, "sub": owner, "iat": now, "exp": now + 600, **jwks, **self.claims}
        text = jwk_set.jws.sign(jwk_set.JWK_SET, {k: v for k, v in claims.items() if v is not REMOVE}, self.signer)
        return Response(200, {}, text.encode())


@pytest.fixture(params=["jwks_uri", "signed_jwks_uri"])
def server(world: World, rp: RelyingParty, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Server:
    rp.key = OLD
    rp.says(jwks=REMOVE, **{request.param: URL})
    made = Server(world, rp)
    monkeypatch.setattr(fetching, "get", made.get)
    return made


def at(world: World, later: int, monkeypatch: pytest.MonkeyPatch) -> None:
    world.now = world.messenger.now = world.federation.now = later
    monkeypatch.setattr("idp.clock.now", lambda: later)


def test_keys_behind_a_url_are_fetched_once(world: World, rp: RelyingParty, server: Server) -> None:
    """A provider that asks at each request is a nuisance, one that does not ask at all is deaf."""
    kept(enter(world))
    kept(enter(world))
    assert world.push().status_code == 201
    assert server.asked == 1 and client().fetched_jwks is not None


def test_new_key_is_noticed_and_made_up_ones_cost_nothing(
    world: World, rp: RelyingParty, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A roll-over must not lock the client out; a stranger who invents key identifiers must not make us fetch."""
    kept(enter(world))
    at(world, world.now + 60, monkeypatch)
    server.keys, rp.key = [OLD, NEW], NEW
    kept(enter(world))
    assert server.asked == 2
    for _ in range(3):
        assert code_on(enter(world, rp.signed(signer=keys.generate()))) == "invalid_request_object"
    assert server.asked == 2


def test_key_that_was_taken_back_is_forgotten(
    world: World, rp: RelyingParty, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """invalid solely because the client does not publish the key any more, and an hour has passed."""
    kept(enter(world))
    server.keys = [NEW]
    kept(enter(world))
    at(world, world.now + 3600, monkeypatch)
    assert code_on(enter(world)) == "invalid_request_object"


def test_known_keys_serve_while_the_server_is_down_and_not_for_ever(
    world: World, rp: RelyingParty, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage of a key server must not end every login at once, nor may old keys live on."""
    kept(enter(world))
    server.down = True
    start = world.now
    signed = "signed_jwks_uri" in client().metadata
    at(world, start + 590, monkeypatch)
    kept(enter(world))
    at(world, start + (600 if signed else 86_400), monkeypatch)  # the set's own end, or a day
    page = enter(world)
    assert (page.status_code, code_on(page)) == (503, "temporarily_unavailable")


def test_without_keys_nothing_is_believed(world: World, rp: RelyingParty, server: Server) -> None:
    """invalid solely because the keys cannot be had: another time, and not a search at each request."""
    server.down = True
    assert code_on(enter(world)) == "temporarily_unavailable"
    assert error_of(world.push()) == (503, "temporarily_unavailable")
    assert server.asked == 1


@pytest.mark.parametrize(
    "text", ["[]", "{}", "nonsense", '{"keys": []}', '{"keys": [{"kty": "oct", "k": "AA", "kid": "x"}]}']
)
def test_key_document_that_is_none_is_refused(world: World, rp: RelyingParty, server: Server, text: str) -> None:
    """invalid solely because what stands at the URL is no set of sound public keys."""
    server.text = text
    server.claims = {"keys": json.loads(text)["keys"] if text.startswith('{"') else text}
    assert code_on(enter(world)) == "invalid_request_object"
    assert client().fetched_jwks is None


@pytest.mark.parametrize("claims", [{"iss": "https://b.example"}, {"sub": "https://b.example"}, {"sub": REMOVE}])
def test_signed_keys_of_somebody_else_are_refused(world: World, rp: RelyingParty, server: Server, claims: Any) -> None:
    """invalid solely because issuer and owner are not the client."""
    server.claims = claims
    if "jwks_uri" in rp.entity.metadata["openid_relying_party"]:
        return  # an unsigned set says nothing of its owner
    assert code_on(enter(world)) == "invalid_request_object"


def test_signed_keys_need_the_federation_key(world: World, rp: RelyingParty, server: Server) -> None:
    """invalid solely because a key for this protocol signed the set: it would vouch for itself."""
    server.signer = OLD
    if "jwks_uri" in rp.entity.metadata["openid_relying_party"]:
        kept(enter(world))
    else:
        assert code_on(enter(world)) == "invalid_request_object"


def test_other_url_means_other_keys(world: World, rp: RelyingParty, server: Server) -> None:
    """invalid solely because the keys were fetched from where the client kept them before."""
    from idp.federation import entities

    kept(enter(world))
    source = "jwks_uri" if "jwks_uri" in client().metadata else "signed_jwks_uri"
    rp.says(jwks=REMOVE, **{source: f"{URL}?new"})
    entities.forget(rp.client_id)
    assert code_on(enter(world)) in ("invalid_request_object", "temporarily_unavailable")
    assert client().fetched_jwks is None


def test_inline_key_that_is_new_is_noticed_at_once(
    world: World, rp: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that rolls its keys waits for nobody's cache; an invented key costs one search a minute."""
    kept(enter(world))
    rp.key = NEW
    rp.says()
    at(world, world.now + 61, monkeypatch)
    kept(enter(world))
    asked = len(world.federation.fetched)
    for _ in range(3):
        assert code_on(enter(world, rp.signed(signer=keys.generate()))) == "invalid_request_object"
    assert len(world.federation.fetched) == asked
    rp.key = OLD  # within the minute nobody looks
    rp.says()
    assert code_on(enter(world)) == "invalid_request_object"
    assert error_of(world.push()) == (401, "invalid_client")


def test_client_that_moves_its_keys_to_a_url_is_followed(
    world: World, rp: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A roll-over and a move at once."""
    kept(enter(world))
    rp.key = OLD
    rp.says(jwks=REMOVE, jwks_uri=URL)
    monkeypatch.setattr(fetching, "get", Server(world, rp).get)
    at(world, world.now + 61, monkeypatch)
    kept(enter(world))
    assert "jwks" not in client().metadata


def test_keys_of_an_officers_client_are_as_the_officer_wrote_them(world: World, rp: RelyingParty) -> None:
    """invalid solely because the key is another: nobody resolves a chain for this client."""
    held = Client(client_id="plain", registration="admin", profile="federation", metadata=rp.metadata())
    known = client_keys.for_document(held, kid="made-up", now=world.now)
    assert [key.kid for key in known.keys] == [rp.key.kid] and world.federation.fetched == []


def test_keys_that_were_read_before_are_not_those_of_new_metadata() -> None:
    """A row that a worker remembers keeps its keys as read; other metadata in it means other keys."""
    held = Client(registration="admin", metadata={"jwks": keys.KeySet([OLD.public]).jwks()})
    for _ in range(2):
        assert client_keys.for_document(held, kid=None, now=0).find(OLD.kid) is not None
    held.metadata = {"jwks": keys.KeySet([NEW.public]).jwks()}
    assert client_keys.for_document(held, kid=None, now=0).find(OLD.kid) is None


def test_client_without_sound_keys_is_refused(db: None) -> None:
    """invalid solely because the metadata's key set is none."""
    with pytest.raises(Refusal) as caught:
        client_keys.for_document(Client(metadata={"jwks": 5}), kid=None, now=0)
    assert caught.value.reason is Reason.MALFORMED
