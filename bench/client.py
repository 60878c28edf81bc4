"""A client of an authorization server, and its requests made ahead: each is good once."""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from bench import load
from idp.protocol import client_assertion, dpop, jws, keys, pkce

CLIENT_ID = "https://client.example"
CALLBACK = "https://client.example/callback"
VERIFIER = "v" * 43
FORM = "application/x-www-form-urlencoded"


@dataclass
class Party:
    """One client of the server ``issuer``, with its key and one DPoP key. ``paths``: endpoint to path."""

    issuer: str
    paths: dict[str, str]
    key: keys.PrivateKey = field(default_factory=keys.generate)
    phone: keys.PrivateKey = field(default_factory=keys.generate)
    nonce: str | None = None  # for proofs, as the server gave it (RFC 9449 §8)

    @property
    def metadata(self) -> dict[str, Any]:
        """RFC 7591 §2."""
        return {
            "client_id": CLIENT_ID,
            "client_name": "Measured",
            "grant_types": ["client_credentials", "authorization_code"],
            "response_types": ["code"],
            "redirect_uris": [CALLBACK],
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": "ES256",
            "id_token_signed_response_alg": "ES256",
            "dpop_bound_access_tokens": True,
            "jwks": keys.KeySet([self.key.public]).jwks(),
        }

    def token_request(self, **form: str) -> bytes:
        """Client credentials, or another grant that ``form`` names."""
        return self.post("token", {"grant_type": "client_credentials", **form}, proof=True)

    def push(self, **more: str) -> bytes:
        """A pushed authorization request (RFC 9126), with the parameters ``more``."""
        form = {
            **more,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "openid",
            "state": secrets.token_urlsafe(8),
            "nonce": secrets.token_urlsafe(16),
            "code_challenge": pkce.challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        return self.post("par", form)

    def authorize(self, request_uri: str, *, cookie: str) -> bytes:
        """What the traveller's browser asks for, who is logged in and has agreed before."""
        query = urlencode({"client_id": CLIENT_ID, "request_uri": request_uri})
        return message("GET", self.issuer, f"{self.paths['authorize']}?{query}", {"Cookie": cookie})

    def redeem(self, code: str, **more: str) -> bytes:
        """The token request for ``code``."""
        grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return self.post("token", {**grant, **more}, proof=True)

    def userinfo(self, token: str) -> bytes:
        """A request for userinfo with a proof for ``token``."""
        proof = self.proof("userinfo", method="GET", access_token=token)
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
        return message("GET", self.issuer, self.paths["userinfo"], headers)

    def post(self, endpoint: str, form: dict[str, str], *, proof: bool = False) -> bytes:
        return self.written(endpoint, {**self.authentication(), **form}, self.proof(endpoint) if proof else None)

    def written(self, endpoint: str, form: dict[str, str], proof: str | None) -> bytes:
        headers = {"Content-Type": FORM, **({} if proof is None else {"DPoP": proof})}
        return message("POST", self.issuer, self.paths[endpoint], headers, urlencode(form))

    def authentication(self) -> dict[str, str]:
        """``private_key_jwt`` (RFC 7523 §2.2)."""
        assertion = client_assertion.sign(
            client_id=CLIENT_ID, issuer=self.issuer, now=_now(), jti=secrets.token_urlsafe(16), signer=self.key
        )
        kind = client_assertion.ASSERTION_TYPE
        return {"client_id": CLIENT_ID, "client_assertion_type": kind, "client_assertion": assertion}

    def proof(self, endpoint: str, *, method: str = "POST", access_token: str | None = None) -> str:
        url, jti = self.issuer + self.paths[endpoint], secrets.token_urlsafe(16)
        said = {"access_token": access_token, "nonce": self.nonce}
        return dpop.prove(method=method, url=url, now=_now(), jti=jti, key=self.phone, **said)

    def learn(self, answer: bytes) -> None:
        """Take the nonce for the next proofs from an answer, if one is there."""
        self.nonce = next(iter(load.header(answer, "dpop-nonce")), self.nonce)

    def first(self, request: Callable[[], bytes], *, port: int) -> bytes:
        """The body of the good answer to ``request``, made once more where the server asks for a nonce."""
        answer = load.spend([request()], port=port, status=None).answers[0]
        self.learn(answer)
        if self.nonce is not None and not answer.startswith(b"HTTP/1.1 200"):
            answer = load.spend([request()], port=port).answers[0]
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"answered {answer!r}")
        return load.body(answer)


def check_token(answer: bytes, party: Party, *, audience: str, key: keys.PublicKey) -> None:
    """What a token endpoint answered is what was meant to be measured; raises `RuntimeError` or `Refusal`."""
    body = json.loads(answer)
    kind = jws.TokenType("at+jwt", required=("iss", "exp", "aud", "sub", "client_id", "iat", "jti", "cnf"))
    parsed = jws.parse_unverified(body["access_token"], kind)
    jws.verify_with(parsed, kind, key, now=_now())
    bound = parsed.claims["cnf"]["jkt"] == party.phone.public.thumbprint
    found = (body["token_type"], parsed.header["alg"], parsed.claims["aud"], bound)
    if found != ("DPoP", "ES256", audience, True):
        raise RuntimeError(f"another kind of token: {parsed.header} {parsed.claims}")


def message(method: str, base: str, target: str, headers: dict[str, str], body: str = "") -> bytes:
    """An HTTP/1.1 request to be sent as it is."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {urlsplit(base).netloc}", "Accept: */*"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def _now() -> int:
    return int(time.time())
