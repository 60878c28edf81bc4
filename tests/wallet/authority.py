"""An authority as a wallet sees it, live on loopback: it verifies what it is sent and misbehaves on demand."""

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from idp import clock
from idp.inbound import DeviceServer, Problem, Request, Response, json_body, json_response
from idp.protocol import (
    border_token,
    client_assertion,
    client_attestation,
    dpop,
    face_references,
    keys,
    pkce,
    request_object,
)
from idp.protocol.entity_statements import parse_entity_configuration, sign_entity_configuration
from idp.protocol.holder_key import verify_holder_key

NAMES = {"organization_name": "Harbour Immigration", "organization_name#zh-Hans": "海港入境处"}
DOCUMENT = "0c6ce5f2-30f3-4f0a-9f0c-4f9d1c1a2b3c"
CHILDREN = [f"{place}c6ce5f2-30f3-4f0a-9f0c-4f9d1c1a2b3c" for place in range(1, 10)]
Change = Callable[[Any], Any]


@dataclass
class Pushed:
    parameters: dict[str, Any]
    code: str


class AuthoritySimulator:
    """One anchor with its provider and issuer. ``changes`` maps a stage to a function over what it would answer."""

    def __init__(self, *, host: str = "hk.localhost") -> None:
        self.federation_key, self.border_key = keys.generate("ES256"), keys.generate("ES256")
        self.sealing_key = keys.generate("ES256")
        self.changes: dict[str, Change] = {}
        self.challenge: str | None = None  # when set, it is offered, and proofs of attested phones must answer it
        self.refused: list[str] = []  # attestation errors for the next requests
        self.attested: list[str] = []  # attestations that were taken
        self.nonce: str | None = None  # when set, DPoP proofs must carry it (RFC 9449 §8)
        self.faces: dict[str, bytes] | None = None  # by model: what waits for the phone; None: the node keeps them
        self.handed_in: dict[str, bytes] | None = None  # when set, nothing else is taken
        self.pushed: dict[str, Pushed] = {}
        self.received: list[tuple[str, Any]] = []
        self.seen_jti: set[str] = set()
        self.messenger_jwks: Any = None
        routes = {
            ("GET", "/.well-known/openid-federation"): self._configuration,
            ("POST", "/oidc/par"): self._par,
            ("POST", "/oidc/token"): self._token,
            ("POST", "/oidc/attestation-challenge"): self._challenge,
            ("POST", "/border/v1/tokens"): self._border_token,
            ("POST", "/border/v1/face-references"): self._face_references,
        }
        self.server = DeviceServer(host="127.0.0.1", port=0, routes=routes, max_body=65_536)
        self.url = f"http://{host}:{self.server.port}"
        self.checkpoint = f"{self.url}/checkpoints/west"

    @property
    def anchors(self) -> dict[str, Any]:
        return {self.url: keys.KeySet([self.federation_key.public])}

    def trust_messenger(self, configuration: str) -> None:
        """What automatic registration gives: the client's keys from its entity configuration."""
        metadata = parse_entity_configuration(configuration, now=clock.now()).metadata["openid_relying_party"]
        self.messenger_jwks = keys.parse_jwks(metadata["jwks"])

    def answer(self, authorization_url: str, **changes: str | None) -> dict[str, str]:
        """The traveller consents: the query with which the browser comes back; a change to None leaves one out."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(authorization_url).query).items()}
        pushed = self.pushed[query["request_uri"]]
        answer = {"code": pushed.code, "state": pushed.parameters["state"], "iss": self.url, **changes}
        return {name: value for name, value in answer.items() if value is not None}

    def returning_url(self, authorization_url: str) -> str:
        query = parse_qs(urlsplit(authorization_url).query)["request_uri"][0]
        return f"{self.pushed[query].parameters['redirect_uri']}?{urlencode(self.answer(authorization_url))}"

    def issue(
        self, *, checkpoint: str, direction: str, holder: keys.PublicKey, form: str, **changes: Any
    ) -> str | bytes:
        """A border token; ``changes`` replace claims, ``signer`` the key."""
        now, signer = clock.now(), changes.pop("signer", self.border_key)
        claims = border_token.TokenClaims(
            iss=self.url, aud=checkpoint, exp=now + 1800, nbf=now, iat=now, jti=secrets.token_bytes(16),
            acr="urn:causeway:acr:mfa", amr=("hwk", "user"), direction=direction, origin="HKG", destination="CHN",
            document_type="hrp", face_model="test-128", face_profile="q8", status_uri=f"{self.url}/status/1",
            status_idx=7, holder=holder,
        )  # fmt: skip
        sealed = border_token.Sealed(
            sub="pairwise", document_number="H12345678", name_native="陈大文", name_latin="CHAN TAI MAN",
            birth_date="1990-01-01", sex="X", nationality="CHN", template=bytes(range(128)),
        )  # fmt: skip
        issue = border_token.issue_jwt if form == "jwt" else border_token.issue_cwt
        return issue(replace(claims, **changes), sealed, signer_key=signer, recipient=self.sealing_key.public)

    def _changed(self, stage: str, value: Any) -> Any:
        return self.changes[stage](value) if stage in self.changes else value

    def _configuration(self, request: Request) -> Response:
        now = clock.now()
        server = {
            "issuer": self.url,
            "pushed_authorization_request_endpoint": f"{self.url}/oidc/par",
            "authorization_endpoint": f"{self.url}/oidc/authorize",
            "token_endpoint": f"{self.url}/oidc/token",
        }
        if self.challenge is not None:
            server["challenge_endpoint"] = f"{self.url}/oidc/attestation-challenge"
        issuer = {
            "jwks": keys.KeySet([self.border_key.public]).jwks(),
            "border_token_endpoint": f"{self.url}/border/v1/tokens",
        }
        if self.faces is not None:
            issuer["face_reference_endpoint"] = f"{self.url}/border/v1/face-references"
        claims = {
            "iss": self.url,
            "sub": self.url,
            "iat": now,
            "exp": now + 3600,
            "jwks": keys.KeySet([self.federation_key.public]).jwks(),
            "metadata": {
                "federation_entity": {**NAMES, "federation_fetch_endpoint": f"{self.url}/federation/fetch"},
                "oauth_authorization_server": server,
                "border_token_issuer": issuer,
            },
        }
        text = sign_entity_configuration(self._changed("configuration", claims), self.federation_key)
        return Response(200, "application/entity-statement+jwt", text.encode())

    def _par(self, request: Request) -> Response:
        form = self._client(request)
        proof = self._dpop(request)
        announced = request_object.announce(form["request"], issuer=self.url, now=clock.now(), require_nbf=True)
        verified = request_object.verify(
            announced, client_id=form["client_id"], keys=self.messenger_jwks, now=clock.now()
        )
        self._once(verified.replay_key)
        assert verified.parameters["dpop_jkt"] == proof.jkt
        pkce.check_challenge(verified.parameters["code_challenge"], verified.parameters["code_challenge_method"])
        request_uri = f"urn:ietf:params:oauth:request_uri:{secrets.token_urlsafe(16)}"
        self.pushed[request_uri] = Pushed(dict(verified.parameters), secrets.token_urlsafe(16))
        return json_response(self._changed("par", {"request_uri": request_uri, "expires_in": 90}), status=201)

    def _token(self, request: Request) -> Response:
        form = self._client(request)
        self._dpop(request)
        pushed = next(item for item in self.pushed.values() if item.code == form["code"])
        pkce.verify(form["code_verifier"], pushed.parameters["code_challenge"])
        assert form["redirect_uri"] == pushed.parameters["redirect_uri"]
        details = [
            {**detail, "document": CHILDREN[detail["ward"] - 1] if "ward" in detail else DOCUMENT}
            for detail in pushed.parameters["authorization_details"]
        ]
        value = {
            "access_token": secrets.token_urlsafe(32),
            "token_type": "DPoP",
            "expires_in": 600,
            "authorization_details": details,
        }
        return json_response(self._changed("token", value))

    def _border_token(self, request: Request) -> Response:
        access_token = request.headers["authorization"].removeprefix("DPoP ")
        self._dpop(request, access_token=access_token)
        body = json_body(request)
        self.received.append(("border_token", body))
        holder = verify_holder_key(
            body["proof"],
            holder_jwk=body["holder_key"],
            audience=self.url,
            access_token=access_token,
            now=clock.now(),
        )
        if "documents" in body:
            return self._group(body, holder)
        if self.handed_in is not None and face_references.parse(body.get("face_references", [])) != self.handed_in:
            raise Problem(403, "face_not_enrolled")
        asked = {
            "checkpoint": body["checkpoint"],
            "direction": body["direction"],
            "holder": holder,
            "form": body["format"],
        }
        raw = self.issue(**self._changed("border_token", asked))
        text = raw if isinstance(raw, str) else base64.b64encode(raw).decode()
        return json_response(self._changed("issued", {"format": body["format"], "token": text}), status=201)

    def _group(self, body: dict[str, Any], holder: keys.PublicKey) -> Response:
        """A token for each document, named after its first letter."""
        if self.handed_in is not None:
            wanted = dict.fromkeys(body["documents"], self.handed_in)
            given = body.get("face_references", {})
            if {document: face_references.parse(kept) for document, kept in given.items()} != wanted:
                raise Problem(403, "face_not_enrolled")
        asked = {"checkpoint": body["checkpoint"], "direction": body["direction"], "holder": holder}
        tokens = [
            {
                "document": document,
                "name": f"Person {document[0]}",
                "format": body["format"],
                "token": base64.b64encode(bytes(self.issue(**asked, form="cwt"))).decode(),
            }
            for document in body["documents"]
        ]
        return json_response(self._changed("group", {"tokens": tokens}), status=201)

    def _face_references(self, request: Request) -> Response:
        self._dpop(request, access_token=request.headers["authorization"].removeprefix("DPoP "))
        self.received.append(("face_references", json_body(request)))
        return json_response(self._changed("faces", {"face_references": face_references.wire(self.faces or {})}))

    def _client(self, request: Request) -> dict[str, str]:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if "oauth-client-attestation" in request.headers:
            assert "client_assertion" not in form
            self._instance(request, form["client_id"])
            return form
        announced = client_assertion.announce(form["client_assertion"], issuer=self.url, now=clock.now())
        verified = client_assertion.verify(
            announced, client_id=form["client_id"], keys=self.messenger_jwks, now=clock.now()
        )
        self._once(verified.replay_key)
        return form

    def _instance(self, request: Request, client_id: str) -> None:
        text, now = request.headers["oauth-client-attestation"], clock.now()
        attestation = client_attestation.verify(
            client_attestation.announce(text, now=now), client_id=client_id, keys=self.messenger_jwks, now=now
        )
        pop = request.headers.get("oauth-client-attestation-pop")
        if pop is not None:
            proof = client_attestation.verify_pop(pop, attestation=attestation, issuer=self.url, now=now)
            self._once(f"possession {proof.replay_key}")
        else:
            proof = client_attestation.combined(self._verified_dpop(request), attestation=attestation)
        if self.refused:
            raise Problem(400, self.refused.pop(0))
        if self.challenge is not None and proof.challenge != self.challenge:
            headers = {"OAuth-Client-Attestation-Challenge": self.challenge}
            raise Problem(400, "use_attestation_challenge", headers=headers)
        self.attested.append(text)

    def _challenge(self, request: Request) -> Response:
        return json_response(self._changed("challenge", {"attestation_challenge": self.challenge}))

    def _verified_dpop(self, request: Request, *, access_token: str | None = None) -> dpop.Proof:
        return dpop.verify(
            request.headers["dpop"],
            method="POST",
            url=self.url + request.path,
            now=clock.now(),
            access_token=access_token,
        )

    def _dpop(self, request: Request, *, access_token: str | None = None) -> dpop.Proof:
        proof = self._verified_dpop(request, access_token=access_token)
        self._once(proof.replay_key)
        if self.nonce is not None and proof.nonce != self.nonce:
            raise Problem(400, "use_dpop_nonce", headers={"DPoP-Nonce": self.nonce})
        return proof

    def _once(self, key: str) -> None:
        assert key not in self.seen_jti
        self.seen_jti.add(key)
