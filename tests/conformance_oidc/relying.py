"""A relying party in action, by the standard library and `cryptography` alone: it sends whatever it is told to.

What is sent is described by values that a test can change: `Assertion`, `Proof` and the parameters of a request. A
server that asks for a DPoP nonce gets it, by one more attempt (RFC 9449 §8).
"""

import base64
import hashlib
import json
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from tests.conformance import jose, wire
from tests.conformance.browsing import Arrival, Visitor, codes
from tests.conformance.jose import Key
from tests.conformance.wire import Answer
from tests.conformance_oidc import heard, told
from tests.conformance_oidc.parties import Party

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME = 60  # seconds, of assertions
OBJECT_LIFETIME = 300  # seconds, of request objects
Claims = Mapping[str, Any]
Edit = Callable[[str], str]


def _same(text: str) -> str:
    return text


@dataclass(frozen=True)
class Assertion:
    """How a client assertion is other than it should be; a claim or header member given as None is left out."""

    claims: Claims = field(default_factory=dict)
    header: Claims = field(default_factory=dict)
    key: Key | None = None


@dataclass(frozen=True)
class Proof:
    """The same of a DPoP proof. ``edit`` changes the finished text, ``name`` is the HTTP header's."""

    claims: Claims = field(default_factory=dict)
    header: Claims = field(default_factory=dict)
    key: Key | None = None
    edit: Edit = _same
    name: str = "DPoP"


@dataclass(frozen=True)
class Server:
    """The node as discovery describes it."""

    issuer: str
    metadata: Mapping[str, Any]

    def signing_keys(self) -> list[jose.Jwk]:
        """Its signing keys at this moment."""
        found = wire.get(self.metadata["jwks_uri"])
        return [key for key in json.loads(found.body)["keys"] if key.get("use", "sig") == "sig"]


def server(issuer: str) -> Server:
    """Discover the node."""
    return Server(issuer, wire.get(f"{issuer}/.well-known/openid-configuration").json())


@dataclass(frozen=True)
class Request:
    """An authorization request and the secret behind its challenge."""

    parameters: dict[str, Any]
    verifier: str


@dataclass(frozen=True)
class Tokens:
    """A token response that passed; ``claims`` are the ID token's, which ``id_token`` is in full."""

    body: Mapping[str, Any]
    claims: Mapping[str, Any]

    @property
    def access(self) -> str:
        return str(self.body["access_token"])


class Client:
    """One registered client, with its key for proofs if tokens are bound to it; ``mode`` is how to answer it."""

    def __init__(self, party: Party, at: Server, mode: str | None = None) -> None:
        self.party, self.at, self.mode = party, at, mode
        self.bound = party.profile == "border"
        self.proof_key = jose.generate()
        self.nonce: str | None = None  # of the server's, for proofs (RFC 9449 §8)

    # What is sent

    def request(self, **changes: Any) -> Request:
        """A complete request; a parameter given as None is left out."""
        verifier = secrets.token_urlsafe(32)
        full = {
            "client_id": self.party.client_id,
            "redirect_uri": self.party.callback,
            "response_type": "code",
            "scope": "openid",
            "state": secrets.token_urlsafe(10),
            "nonce": secrets.token_urlsafe(10),
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
            "response_mode": self.mode,
            **changes,
        }
        return Request({name: value for name, value in full.items() if value is not None}, verifier)

    def signed(self, request: Request, *, key: Key | None = None, **claims: Any) -> str:
        """``request`` as a request object; a claim given as None is left out."""
        now = int(time.time())
        own = {"iss": self.party.client_id, "aud": self.at.issuer, "iat": now, "nbf": now, "exp": now + OBJECT_LIFETIME}
        full = {**request.parameters, **own, "jti": str(uuid.uuid4()), **claims}
        if "claims" in full:
            full["claims"] = json.loads(full["claims"])  # Core §6.1: a member that is JSON stands as such
        return (key or self.party.key).sign(full, typ="oauth-authz-req+jwt")

    def assertion(self, how: Assertion) -> str:
        """A client assertion (RFC 7523)."""
        now = int(time.time())
        who = {"iss": self.party.client_id, "sub": self.party.client_id, "aud": self.at.issuer}
        claims = {**who, "iat": now, "exp": now + LIFETIME, "jti": str(uuid.uuid4()), **how.claims}
        return (how.key or self.party.key).sign(claims, **how.header)

    def proof(self, method: str, url: str, how: Proof, token: str | None = None) -> str:
        """A DPoP proof for one request (RFC 9449 §4.2)."""
        key = how.key or self.proof_key
        public = {name: value for name, value in key.public.items() if name in ("kty", "crv", "x", "y", "n", "e")}
        ath = None if token is None else jose.encode(hashlib.sha256(token.encode()).digest())
        claims = {"jti": str(uuid.uuid4()), "htm": method, "htu": url, "iat": int(time.time()), "ath": ath}
        header = {"typ": "dpop+jwt", "jwk": public, "kid": None, **how.header}
        return how.edit(key.sign({**claims, "nonce": self.nonce, **how.claims}, **header))

    # What is asked

    def call(
        self,
        endpoint: str,
        form: Mapping[str, str],
        *,
        auth: Assertion | None = None,
        proof: Proof | None = None,
        method: str = "POST",
    ) -> Answer:
        """POST ``form`` to an endpoint of the metadata, authenticated as ``auth`` says (None: not at all)."""
        url = self.at.metadata[endpoint]

        def attempt() -> Answer:
            headers, members = ({}, {}) if auth is None else self._authentication(auth)
            if proof is not None:
                headers[proof.name] = self.proof(method, url, proof)
            content = urlencode({**members, **form}).encode()
            return wire.send(method, url, headers={"Content-Type": wire.FORM, **headers}, content=content)

        return self._patiently(attempt)

    def push(
        self,
        parameters: Mapping[str, Any],
        *,
        auth: Assertion | None = Assertion(),
        proof: Proof | None = None,
    ) -> Answer:
        """Push a request (RFC 9126 §2.1)."""
        return self.call("pushed_authorization_request_endpoint", parameters, auth=auth, proof=proof)

    def pushed(self, parameters: Mapping[str, Any], **how: Any) -> dict[str, str]:
        """The same where it must succeed; what the browser then brings."""
        answer = self.push(parameters, **how)
        assert answer.status == 201, answer.text
        body = answer.json()
        assert 5 <= body["expires_in"] <= 600 and len(body["request_uri"].rsplit(":", 1)[-1]) >= 22
        return {"client_id": self.party.client_id, "request_uri": body["request_uri"]}

    def go(self, visitor: Visitor, parameters: Mapping[str, Any], method: str = "GET", **how: Any) -> Arrival:
        """Send the traveller to the authorization endpoint; what came to the callback, or the page where it ended."""
        arrival = visitor.arrive(method, self.at.metadata["authorization_endpoint"], parameters, **how)
        callbacks = self.party.metadata["redirect_uris"]
        told = {"issuer": self.at.issuer, "client_id": self.party.client_id, "callbacks": callbacks}
        return heard.read(arrival, mode=self.mode, server=self.at, **told)

    def arrived(self, visitor: Visitor, request: Request, **how: Any) -> Arrival:
        """Push where the client must, and send the traveller."""
        parameters = self.pushed(self.sent(request)) if self.bound else request.parameters
        return self.go(visitor, parameters, **how)

    def sent(self, request: Request) -> Mapping[str, Any]:
        """The request as this client sends it: signed, if it promised to."""
        if self.party.metadata.get("require_signed_request_object"):
            return {"request": self.signed(request)}
        return request.parameters

    def code(self, arrival: Arrival, request: Request) -> str:
        """The code at the callback, with the state that was sent and the issuer (RFC 9207)."""
        expected = request.parameters.get("redirect_uri", self.party.callback).partition("?")[0]
        assert arrival.callback == expected, f"{arrival.status} {codes(arrival.page)[:3]}"
        assert "error" not in arrival.parameters, arrival.parameters
        assert arrival.parameters.get("state") == request.parameters.get("state")
        assert arrival.parameters["iss"] == self.at.issuer
        assert set(arrival.parameters) <= {"code", "state", "iss"}, arrival.parameters
        code = arrival.parameters["code"]
        assert len(code) >= 22 and len(set(code)) > 10, "a code of 128 bits has more characters"
        return code

    def redeem(
        self,
        code: str,
        request: Request,
        *,
        auth: Assertion | None = Assertion(),
        proof: Proof | None = Proof(),
        **changes: Any,
    ) -> Answer:
        """Ask for tokens; a form member given as None is left out."""
        verifier = request.verifier if "code_challenge" in request.parameters else None
        callback = request.parameters.get("redirect_uri", self.party.callback)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": callback, "code_verifier": verifier}
        sent = {name: value for name, value in {**form, **changes}.items() if value is not None}
        return self.call("token_endpoint", sent, auth=auth, proof=proof if self.bound else None)

    def tokens(self, answer: Answer, request: Request) -> Tokens:
        """A token response that is as it must be (OpenID Connect Core §3.1.3.3, §3.1.3.7)."""
        assert answer.status == 200, answer.text
        assert "no-store" in answer.headers["cache-control"]
        body = answer.json()
        assert body["token_type"].lower() == ("dpop" if self.bound else "bearer")
        assert isinstance(body["expires_in"], int) and body["expires_in"] > 0
        assert all(len(body[name]) >= 22 for name in ("access_token", "refresh_token") if name in body)
        if "openid" not in request.parameters["scope"].split():
            assert "id_token" not in body
            return Tokens(body, {})
        claims = self.id_token(body["id_token"], body["access_token"])
        assert claims.get("nonce") == request.parameters.get("nonce")
        asked = json.loads(request.parameters.get("claims", "{}")).get("id_token", {})
        assert told.names(claims) <= told.PROTOCOL | set(asked), claims
        return Tokens(body, claims)

    def id_token(self, text: str, access: str) -> dict[str, Any]:
        """The claims of an ID token that is as it must be, by the key that the client's algorithm asks for."""
        header = json.loads(jose.decode(text.split(".")[0]))
        default = "ES256" if self.bound else "RS256"
        assert header["alg"] == self.party.metadata.get("id_token_signed_response_alg", default)
        claims, now = jose.verified(text, self.at.signing_keys()), time.time()
        assert claims["iss"] == self.at.issuer and claims["aud"] in (self.party.client_id, [self.party.client_id])
        assert claims.get("azp", self.party.client_id) == self.party.client_id
        assert 0 < len(claims["sub"]) <= 255 and "s_hash" not in claims
        assert now - 60 < claims["iat"] < now + 10 and now < claims["exp"] < now + 86_400
        half = hashlib.sha256(access.encode()).digest()[:16]
        assert claims.get("at_hash", jose.encode(half)) == jose.encode(half)
        return claims

    def userinfo(
        self,
        access: str,
        *,
        method: str = "GET",
        proof: Proof | None = Proof(),
        scheme: str | None = None,
    ) -> Answer:
        """Ask userinfo with an access token."""
        url = self.at.metadata["userinfo_endpoint"]

        def attempt() -> Answer:
            headers = {"Authorization": f"{scheme or ('DPoP' if self.bound else 'Bearer')} {access}"}
            if self.bound and proof is not None:
                headers[proof.name] = self.proof(method, url, proof, access)
            return wire.send(method, url, headers=headers, content=b"" if method == "POST" else None)

        return self._patiently(attempt)

    def flow(self, visitor: Visitor, **changes: Any) -> Tokens:
        """The whole way, with userinfo at its end."""
        request = self.request(**changes)
        code = self.code(self.arrived(visitor, request), request)
        tokens = self.tokens(self.redeem(code, request), request)
        self.knows(tokens)
        return tokens

    def knows(self, tokens: Tokens) -> Mapping[str, Any]:
        """What userinfo says, of the same subject."""
        answer = self.userinfo(tokens.access)
        assert answer.status == 200, answer.text
        claims = told.sound(answer.json())
        assert claims["sub"] == tokens.claims["sub"]
        return claims

    def refresh(
        self,
        token: str,
        *,
        auth: Assertion | None = Assertion(),
        proof: Proof | None = Proof(),
    ) -> Answer:
        """Ask for new tokens by a refresh token."""
        form = {"grant_type": "refresh_token", "refresh_token": token}
        return self.call("token_endpoint", form, auth=auth, proof=proof if self.bound else None)

    def refreshed(self, tokens: Tokens, held: str) -> Mapping[str, Any]:
        """Refresh where it must succeed: a new access token, of the same subject (OpenID Connect Core §12.2)."""
        answer = self.refresh(held)
        assert answer.status == 200, answer.text
        again: Mapping[str, Any] = answer.json()
        assert again["access_token"] != tokens.access and self.userinfo(again["access_token"]).status == 200
        if self.bound:
            assert again.get("refresh_token", held) == held
        if "id_token" in again:
            claims = self.id_token(again["id_token"], again["access_token"])
            for name in ("sub", "auth_time", "azp"):
                assert claims.get(name) == tokens.claims.get(name), name
            assert claims.get("nonce") in (None, tokens.claims.get("nonce"))
        return again

    def _authentication(self, how: Assertion) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and form members."""
        method = self.party.metadata.get("token_endpoint_auth_method", "client_secret_basic")
        who = {"client_id": self.party.client_id}
        if method == "client_secret_basic":
            pair = f"{quote(self.party.client_id)}:{quote(self.party.secret)}"
            return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}, {}
        if method == "client_secret_post":
            return {}, {**who, "client_secret": self.party.secret}
        return {}, {**who, "client_assertion_type": ASSERTION_TYPE, "client_assertion": self.assertion(how)}

    def _patiently(self, attempt: Callable[[], Answer]) -> Answer:
        answer = attempt()
        if "dpop-nonce" in answer.headers:
            self.nonce = answer.headers["dpop-nonce"]
            asked = answer.text + answer.headers.get("www-authenticate", "")
            if answer.status in (400, 401) and "use_dpop_nonce" in asked:
                return attempt()
        return answer


def challenge(verifier: str) -> str:
    """RFC 7636 §4.2, S256."""
    return jose.encode(hashlib.sha256(verifier.encode()).digest())


def thumbprint(key: Key) -> str:
    """RFC 7638."""
    return str(key.public["kid"])


def unsigned(claims: Claims, *, typ: str = "oauth-authz-req+jwt") -> str:
    """A JWT of the algorithm ``none``."""
    parts = ({"alg": "none", "typ": typ}, claims)
    return ".".join(jose.encode(json.dumps(part).encode()) for part in parts) + "."
