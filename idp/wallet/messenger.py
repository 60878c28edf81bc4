"""The messenger's server: an OpenID Federation leaf that signs for its phones and learns nothing else.

It serves its entity configuration, takes device keys of phones (``POST /phones``), and signs (``POST /sign``) the
request object and the client assertion with which a phone goes to an authority. No code, token, document or face ever
reaches it. Wire: ``POST /sign {"audience": provider, "request": {…} | absent}`` with the header ``Phone-Proof``
answers ``{"client_id", "client_assertion", "request"?}``; without ``request`` it signs the assertion alone, which is
what the token request needs. Where phones authenticate by attestation, ``/sign`` makes no assertion, and ``POST /attest
{}`` answers ``{"client_id", "client_attestation"}``.
"""

import secrets
from collections.abc import Collection
from pathlib import Path
from typing import Any

from idp import clock
from idp.inbound import DeviceServer, Problem, Request, Response, Routes, json_body, json_response
from idp.protocol import client_assertion, client_attestation, entity_statements, request_object
from idp.protocol.keys import KeySet
from idp.protocol.refusals import Reason, Refusal
from idp.wallet import phone_proof, signing_rules
from idp.wallet.config import PRIVATE_KEY_JWT, MessengerConfig, Names
from idp.wallet.keys import load_or_make
from idp.wallet.messenger_state import MessengerState

MAX_BODY = 32 * 1024  # a request with eight checkpoints has about 3 KiB
CONFIGURATION_LIFETIME = 24 * 3600  # seconds; signed anew for every answer
# A day: a phone that was revoked here may be taken for ours so long, because nobody tells the authorities.
ATTESTATION_LIFETIME = 24 * 3600  # seconds
ENTITY_STATEMENT = "application/entity-statement+jwt"


class Messenger:
    """The messenger over its state directory; keys are made on first use."""

    def __init__(self, *, config: MessengerConfig, directory: Path) -> None:
        self.config = config
        self.state = MessengerState(directory)
        self._federation_key = load_or_make(directory / "keys" / "federation.json")
        self._client_key = load_or_make(directory / "keys" / "oidc.json")

    @property
    def federation_keys(self) -> KeySet:
        """What an authority pins when it registers the messenger as its subordinate."""
        return KeySet([self._federation_key.public])

    def routes(self) -> Routes:
        routes: Routes = {
            ("GET", "/.well-known/openid-federation"): self._serve_configuration,
            ("POST", "/phones"): self._serve_phones,
            ("POST", "/sign"): self._serve_sign,
        }
        return routes if self._asserts else {**routes, ("POST", "/attest"): self._serve_attest}

    @property
    def _asserts(self) -> bool:
        return self.config.token_endpoint_auth_method == PRIVATE_KEY_JWT

    def entity_configuration(self, *, now: int) -> str:
        """The signed Entity Configuration (OpenID Federation 1.0 §3)."""
        claims = {
            "iss": self.config.entity_id,
            "sub": self.config.entity_id,
            "iat": now,
            "exp": now + CONFIGURATION_LIFETIME,
            "jwks": self.federation_keys.jwks(),
            "authority_hints": list(self.config.authority_hints),
            "metadata": {"openid_relying_party": self._client_metadata(), "oauth_client": self._client_metadata()},
        }
        return entity_statements.sign_entity_configuration(claims, self._federation_key)

    def register_phone(self, *, proof: phone_proof.PhoneProof, now: int) -> None:
        """Take the key that signed ``proof``; raises `Problem` 403 for a revoked one."""
        self._spend(proof, now=now)
        if not self.state.register(proof.jkt, now=now):
            raise Problem(403)

    def sign(self, body: dict[str, Any], *, proof: phone_proof.PhoneProof, now: int) -> dict[str, str]:
        """Sign for a registered phone; raises `Problem` 403 or 429, or `Refusal` for what is not signed here."""
        self._admit(proof, now=now)
        audience = signing_rules.check_audience(body.get("audience"), self.config.providers)
        client_id, key = self.config.entity_id, self._client_key
        answer = {"client_id": client_id}
        if "request" in body:
            parameters = signing_rules.check_request(
                body["request"],
                client_id=client_id,
                redirect_uris=self.config.redirect_uris,
                jkt=proof.jkt,
                now=now,
            )
            answer["request"] = request_object.sign(
                parameters, client_id=client_id, issuer=audience, now=now, jti=_jti(), signer=key
            )
        if self._asserts:
            answer["client_assertion"] = client_assertion.sign(
                client_id=client_id, issuer=audience, now=now, jti=_jti(), signer=key
            )
        elif "request" not in body:
            raise Refusal(Reason.MALFORMED, "nothing to sign")
        return answer

    def attest(self, *, proof: phone_proof.PhoneProof, now: int) -> dict[str, str]:
        """Vouch for a registered phone's device key; raises `Problem` 403 or 429."""
        self._admit(proof, now=now)
        client_id = self.config.entity_id
        text = client_attestation.attest(
            client_id=client_id, key=proof.key, now=now, lifetime=ATTESTATION_LIFETIME, signer=self._client_key
        )
        return {"client_id": client_id, "client_attestation": text}

    def _admit(self, proof: phone_proof.PhoneProof, *, now: int) -> None:
        self._spend(proof, now=now)
        if not self.state.knows(proof.jkt):
            raise Problem(403, "unknown_phone", "This phone is not registered.")
        if self.state.is_busy(proof.jkt, now=now):
            raise Problem(429)

    def _client_metadata(self) -> dict[str, Any]:
        return {
            **_localised("client_name", self.config.name),
            "application_type": "native",
            "client_registration_types": ["automatic"],
            "redirect_uris": list(self.config.redirect_uris),
            "response_types": ["code"],
            "grant_types": ["authorization_code"],
            "token_endpoint_auth_method": self.config.token_endpoint_auth_method,
            **({"token_endpoint_auth_signing_alg": "ES256"} if self._asserts else {}),
            "request_object_signing_alg": "ES256",
            "require_signed_request_object": True,  # RFC 9101 §10.5
            "require_pushed_authorization_requests": True,  # RFC 9126 §6
            "dpop_bound_access_tokens": True,  # RFC 9449 §5.2
            "authorization_details_types": ["border_crossing"],  # RFC 9396 §10
            "jwks": KeySet([self._client_key.public]).jwks(),
        }

    def _spend(self, proof: phone_proof.PhoneProof, *, now: int) -> None:
        if not self.state.spend(proof.jkt, proof.jti, forget_at=proof.forget_at, now=now):
            raise Problem(403, "replayed", "This proof was used before.")

    def _serve_configuration(self, request: Request) -> Response:
        return Response(200, ENTITY_STATEMENT, self.entity_configuration(now=clock.now()).encode())

    def _serve_phones(self, request: Request) -> Response:
        now = clock.now()
        proof = self._proof(request, now=now)
        self.register_phone(proof=proof, now=now)
        return json_response({"jkt": proof.jkt}, status=201)

    def _serve_sign(self, request: Request) -> Response:
        now = clock.now()
        body = json_body(request)
        return json_response(self.sign(body, proof=self._proof(request, now=now), now=now))

    def _serve_attest(self, request: Request) -> Response:
        now = clock.now()
        return json_response(self.attest(proof=self._proof(request, now=now), now=now))

    def _proof(self, request: Request, *, now: int) -> phone_proof.PhoneProof:
        text = request.headers.get(phone_proof.HEADER.lower(), "")
        url = self.config.entity_id.removesuffix("/") + request.path  # from configuration, never from the Host header
        return phone_proof.verify(text, url=url, body=request.body, now=now)


def server(
    *, config: MessengerConfig, directory: Path, host: str, port: int, hosts: Collection[str] = ()
) -> DeviceServer:
    """The messenger's HTTP server, bound and not yet serving."""
    routes = Messenger(config=config, directory=directory).routes()
    return DeviceServer(host=host, port=port, routes=routes, max_body=MAX_BODY, hosts=hosts)


def _localised(member: str, names: Names) -> dict[str, str]:
    # OpenID Connect Registration §2.1: a language tag after "#"; the bare member is for everybody else.
    others = {f"{member}#{_tag(language)}": text for language, text in names.items() if language != "en"}
    return {member: names["en"], **others}


def _tag(language: str) -> str:
    primary, *rest = language.split("-")
    return "-".join([primary, *(part.title() if len(part) == 4 else part.upper() for part in rest)])


def _jti() -> str:
    return secrets.token_urlsafe(16)
