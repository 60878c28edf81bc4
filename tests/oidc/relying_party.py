"""A conventional relying party of the profile ``federation``: RS256 keys, no PKCE, requests by value."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.http import HttpResponse

from idp.oidc.models import Client
from idp.protocol import keys
from tests.oidc.world import Messenger, World, answer
from tests.simulators.federation import REMOVE, Federation

RSA = keys.generate("RS256")  # once: making one takes longer than the rest of a test
ENTITY = "https://rp.example"


class RelyingParty(Messenger):
    """With an RSA key for the protocol, beside its federation key."""

    def __init__(self, federation: Federation, entity_id: str, now: int) -> None:
        super().__init__(federation, entity_id, now)
        self.key = RSA
        self.entity.metadata = {"openid_relying_party": self.metadata()}

    def metadata(self, **changes: Any) -> dict[str, Any]:
        jwks = keys.KeySet([self.key.public]).jwks()
        own = {
            "authorization_details_types": REMOVE,
            "client_name": "Relying Party",
            "client_registration_types": ["automatic", "explicit"],
            "jwks": jwks,
        }
        return super().metadata(**{**own, **changes})

    def says(self, **changes: Any) -> None:
        """Publish other metadata from now on."""
        self.entity.metadata = {"openid_relying_party": self.metadata(**changes)}

    def request(self, **changes: Any) -> dict[str, Any]:
        plain = {"authorization_details": REMOVE, "code_challenge": REMOVE, "code_challenge_method": REMOVE}
        return super().request(**{**plain, **changes})

    def signed(self, parameters: Mapping[str, Any] | None = None, **options: Any) -> str:
        return super().signed(parameters, **{"nbf": REMOVE, **options})


def enter(world: World, text: str | None = None, *, method: str = "get", **query: Any) -> HttpResponse:
    """Bring a request object by value, as the relying party's page sends the browser."""
    sent = {"client_id": world.messenger.client_id, "request": text or world.messenger.signed(), **query}
    sent = {name: value for name, value in sent.items() if value is not REMOVE}
    if method == "get":
        return world.browser.get("/oidc/authorize", sent)
    kind = "application/x-www-form-urlencoded"
    return world.browser.post("/oidc/authorize", urlencode(sent), content_type=kind)


def kept(response: HttpResponse) -> str:
    """The request_uri under which a request by value was kept."""
    assert response.status_code == 303, response.content
    assert response["Location"].startswith("/oidc/authorize?"), response["Location"]
    return parse_qs(urlsplit(response["Location"]).query)["request_uri"][0]


def code(world: World, parameters: Mapping[str, Any] | None = None) -> str:
    world.log_in()
    return answer(world.decide(kept(enter(world, world.messenger.signed(parameters)))))["code"]


def tokens(world: World, parameters: Mapping[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """Code and tokens as a conventional relying party gets them: neither proof nor verifier."""
    options = {"proof": None, "code_verifier": REMOVE, **options}
    response = world.redeem(code(world, parameters), **options)
    assert response.status_code == 200, response.content
    return dict(response.json())


def client() -> Client:
    return Client.objects.get(client_id=ENTITY)
