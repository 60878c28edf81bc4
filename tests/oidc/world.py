"""A messenger with real keys, and the steps of a flow with every part replaceable."""

import itertools
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, HttpResponse
from django.test import Client as Browser

from idp import conf
from idp.accounts import sessions
from idp.accounts.models import Account, Traveller
from idp.federation import entities
from idp.oidc import dpop_nonces
from idp.oidc.authorization_details import Choice, Line, NotAcceptable, Option
from idp.outbound import Response
from idp.protocol import client_assertion, dpop, jws, keys, pkce, request_object
from idp.protocol.authorization_details import parse_border_crossing
from tests.simulators.federation import REMOVE, AuthoritySimulator, Federation

NODE = "http://hk.localhost:8002"
CALLBACK = "https://messenger.example/callback"
VERIFIER = "v" * 43
_SERIAL = itertools.count()


class Crossing:
    """The handler of a border room that knows one checkpoint and two documents of everybody."""

    documents = ("permit", "card")

    def check(self, detail: Mapping[str, Any], *, client: Any, now: int) -> None:
        crossing = parse_border_crossing(detail, now=now)
        if crossing.locations != (f"{NODE}/checkpoints/lok-ma-chau",):
            raise NotAcceptable("unknown checkpoint")

    def describe(self, detail: Mapping[str, Any], traveller: Any) -> list[Line | Choice]:
        if detail.get("document", "permit") not in self.documents:
            raise NotAcceptable("another person's document")
        options = [Option(name, f"Document {name}") for name in self.documents]
        return [Line("Checkpoints", ["Lok Ma Chau"]), Choice("document", "Travel document", options)]

    def grant(
        self, detail: Mapping[str, Any], *, traveller: Any, choices: Mapping[str, str], now: int
    ) -> dict[str, Any]:
        if choices.get("document") not in self.documents:
            raise NotAcceptable("not a document of this traveller")
        return {**detail, "document": choices["document"]}


class Messenger:
    """A relying party with a federation key, a key for the protocol, and one phone."""

    def __init__(self, federation: Federation, entity_id: str, now: int) -> None:
        self.now = now
        self.key, self.phone = keys.generate(), keys.generate()
        self.entity: AuthoritySimulator = federation.authority(entity_id)
        self.entity.metadata = {"openid_relying_party": self.metadata()}
        self.entity.hints = [NODE]

    @property
    def client_id(self) -> str:
        return self.entity.entity_id

    @property
    def jkt(self) -> str:
        return self.phone.public.thumbprint

    def metadata(self, **changes: Any) -> dict[str, Any]:
        members = {
            "client_name": "Messenger",
            "client_registration_types": ["automatic"],
            "redirect_uris": [CALLBACK],
            "response_types": ["code"],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "private_key_jwt",
            "authorization_details_types": ["border_crossing"],
            "jwks": keys.KeySet([self.key.public]).jwks(),
        }
        return _kept({**members, **changes})

    def assertion(
        self, *, signer: keys.PrivateKey | None = None, headers: dict[str, Any] | None = None, **changes: Any
    ) -> str:
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": NODE,
            "iat": self.now,
            "exp": self.now + 60,
            "jti": f"assertion-{next(_SERIAL)}",
        }
        return jws.sign(client_assertion.CLIENT_ASSERTION, _kept({**claims, **changes}), signer or self.key, headers)

    def authenticated(self, **form: Any) -> dict[str, str]:
        members = {
            "client_id": self.client_id,
            "client_assertion_type": client_assertion.ASSERTION_TYPE,
            "client_assertion": self.assertion(),
        }
        return _kept({**members, **form})

    def request(self, **changes: Any) -> dict[str, Any]:
        """The parameters of an authorization request."""
        members = {
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "state": "s-1",
            "scope": "openid",
            "nonce": "n" * 64,
            "code_challenge": pkce.challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            "authorization_details": [self.detail()],
        }
        return _kept({**members, **changes})

    def detail(self, **changes: Any) -> dict[str, Any]:
        members = {
            "type": "border_crossing",
            "locations": [f"{NODE}/checkpoints/lok-ma-chau"],
            "directions": ["exit"],
            "valid_from": self.now,
            "valid_until": self.now + 86_400,
            "max_tokens": 2,
            "ahead": False,
        }
        return _kept({**members, **changes})

    def signed(
        self,
        parameters: Mapping[str, Any] | None = None,
        *,
        signer: keys.PrivateKey | None = None,
        headers: dict[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """A request object, every claim replaceable."""
        claims = {
            "iss": self.client_id,
            "client_id": self.client_id,
            "aud": NODE,
            "iat": self.now,
            "nbf": self.now,
            "exp": self.now + 60,
            "jti": f"request-{next(_SERIAL)}",
        }
        values = self.request() if parameters is None else parameters
        return jws.sign(
            request_object.REQUEST_OBJECT, _kept({**values, **claims, **changes}), signer or self.key, headers
        )

    def proof(self, path: str, *, method: str = "POST", key: keys.PrivateKey | None = None, **options: Any) -> str:
        """A DPoP proof with a fresh nonce; another one, or none, is an option like the rest."""
        said = {"url": NODE + path, "now": self.now, "jti": f"proof-{next(_SERIAL)}"}
        options = {**said, "nonce": dpop_nonces.fresh(now=self.now), **options}
        return dpop.prove(method=method, key=key or self.phone, **options)


class World:
    """The node, its messenger and a traveller with a browser."""

    def __init__(self, *, now: int, traveller: Traveller) -> None:
        self.now, self.traveller = now, traveller
        self.browser, self.machine = Browser(enforce_csrf_checks=True), Browser(enforce_csrf_checks=True)
        self.federation = Federation(now)
        self.messenger = Messenger(self.federation, "https://messenger.example", now)

    def get(self, url: str, **_: Any) -> Response:
        """The network."""
        headers = {"content-type": "application/entity-statement+jwt"}
        return Response(200, headers, self.federation.fetch(url).encode())

    def vouch_for(self, messenger: Messenger) -> None:
        entities.register_subordinate(
            entity_id=messenger.client_id,
            jwks=messenger.entity.keys.jwks(),
            entity_types=["openid_relying_party"],
            now=self.now,
        )

    def log_in(self, *, acr: str = sessions.ACR_MULTIFACTOR, account: Account | None = None, at: int = 0) -> None:
        request = HttpRequest()
        request.session = self.browser.session
        request.user = get_user(request)
        sessions.begin(
            request=request, account=account or self.traveller.account, acr=acr, amr=["hwk"], now=at or self.now
        )
        request.session.save()
        self.browser.cookies[settings.SESSION_COOKIE_NAME] = str(request.session.session_key)

    def post(self, path: str, form: Mapping[str, str], *, proof: str | None = None, **extra: Any) -> HttpResponse:
        headers = {**({} if proof is None else {"DPoP": proof}), **extra.pop("headers", {})}
        body = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in form.items())
        kind = "application/x-www-form-urlencoded"
        return self.machine.post(path, body, content_type=kind, headers=headers, **extra)

    def push(
        self, parameters: Mapping[str, Any] | None = None, *, proof: str | None = None, **form: Any
    ) -> HttpResponse:
        who = self.messenger
        return self.post("/oidc/par", who.authenticated(**{"request": who.signed(parameters), **form}), proof=proof)

    def pushed(self, parameters: Mapping[str, Any] | None = None, **options: Any) -> str:
        response = self.push(parameters, **options)
        assert response.status_code == 201, response.content
        return str(response.json()["request_uri"])

    def open(self, request_uri: str, *, client_id: str | None = None, **more: Any) -> HttpResponse:
        query = _kept({"client_id": client_id or self.messenger.client_id, "request_uri": request_uri, **more})
        return self.browser.get("/oidc/authorize", query)

    def decide(self, request_uri: str, *, decision: str = "allow", document: str = "card", **more: Any) -> HttpResponse:
        page = self.open(request_uri)
        if page.status_code == 303 and page["Location"].startswith(CALLBACK):  # agreed to before
            return page
        form = {
            "client_id": self.messenger.client_id,
            "request_uri": request_uri,
            "decision": decision,
            "choice-document": document,
            "csrfmiddlewaretoken": page.context["csrf_token"] if page.context else "none",
            **dict.fromkeys(ticks(page), "on"),
        }
        return self.browser.post("/oidc/consent", _kept({**form, **more}))

    def code(self, parameters: Mapping[str, Any] | None = None, **options: Any) -> str:
        self.log_in()
        return answer(self.decide(self.pushed(parameters, **options)))["code"]

    def redeem(self, code: str, *, proof: Any = ..., **form: Any) -> HttpResponse:
        who = self.messenger
        members = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        proof = who.proof("/oidc/token") if proof is ... else proof
        return self.post("/oidc/token", who.authenticated(**_kept({**members, **form})), proof=proof)

    def refresh(self, token: str, *, proof: Any = ..., **form: Any) -> HttpResponse:
        members = {"grant_type": "refresh_token", "refresh_token": token, **form}
        proof = self.messenger.proof("/oidc/token") if proof is ... else proof
        return self.post("/oidc/token", self.messenger.authenticated(**members), proof=proof)

    def tokens(self, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        response = self.redeem(self.code(parameters))
        assert response.status_code == 200, response.content
        return dict(response.json())

    def userinfo(
        self, token: str, *, scheme: str = "DPoP", proof: Any = ..., path: str = "/oidc/userinfo", **options: Any
    ) -> HttpResponse:
        if proof is ...:
            proof = self.messenger.proof("/oidc/userinfo", **{"method": "GET", "access_token": token, **options})
        headers = {"Authorization": f"{scheme} {token}"}
        return self.machine.get(path, headers=headers if proof is None else {**headers, "DPoP": proof})


def answer(response: HttpResponse) -> dict[str, str]:
    """The parameters of a redirect to the client."""
    assert response.status_code == 303, response.content
    parts = urlsplit(response["Location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == CALLBACK
    return dict(parse_qsl(parts.query))


def ticks(page: HttpResponse) -> list[str]:
    """The boxes of a consent page that are ticked and can be unticked."""
    return re.findall(r'<input type="checkbox" name="(claim-[a-z_/]+)" value="on" checked>', page.content.decode())


def error_of(response: HttpResponse) -> tuple[int, str]:
    """Status and OAuth error; the description is one of the constant ones, and nothing is cached."""
    assert response["Cache-Control"] == "no-store"
    body = response.json()
    assert set(body) == {"error", "error_description"}
    return response.status_code, body["error"]


def _kept(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not REMOVE}


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")


assert conf.authority().entity_id == NODE
