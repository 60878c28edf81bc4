"""A messenger whose phones show attestations, every part of them replaceable."""

import itertools
from typing import Any

from django.http import HttpResponse

from idp.oidc import attestation, client_metadata
from idp.protocol import client_attestation, jws, keys
from tests.oidc.world import CALLBACK, NODE, VERIFIER, World
from tests.simulators.federation import REMOVE

DAY = 86_400
_SERIAL = itertools.count()


class AttestedPhone:
    """One phone of the world's messenger, which registered ``method``."""

    def __init__(self, world: World, *, method: str = client_metadata.ATTESTED) -> None:
        self.world, self.messenger, self.method = world, world.messenger, method
        self.key = self.messenger.phone
        said = self.messenger.metadata(token_endpoint_auth_method=method)
        self.messenger.entity.metadata = {"openid_relying_party": said}

    def attestation(
        self, *, signer: keys.PrivateKey | None = None, headers: dict[str, Any] | None = None, **changes: Any
    ) -> str:
        now = self.world.now
        claims = {"sub": self.messenger.client_id, "iat": now, "exp": now + DAY, "cnf": {"jwk": self.key.public.jwk()}}
        return jws.sign(
            client_attestation.ATTESTATION, _kept({**claims, **changes}), signer or self.messenger.key, headers
        )

    def pop(
        self, *, signer: keys.PrivateKey | None = None, headers: dict[str, Any] | None = None, **changes: Any
    ) -> str:
        now = self.world.now
        claims = {"aud": NODE, "jti": f"pop-{next(_SERIAL)}", "iat": now, "challenge": attestation.challenge(now=now)}
        return jws.sign(client_attestation.POP, _kept({**claims, **changes}), signer or self.key, headers)

    def headers(self, **changes: Any) -> dict[str, str]:
        """The two headers; each may be replaced or left out (REMOVE)."""
        sent = {"attestation": self.attestation, "pop": self.pop}
        names = {"attestation": attestation.HEADER, "pop": attestation.POP_HEADER}
        values = {names[name]: changes[name] if name in changes else make() for name, make in sent.items()}
        return _kept(values)

    def proof(self, path: str, **options: Any) -> str:
        """A DPoP proof; in combined mode it answers a challenge."""
        if self.method == client_metadata.ATTESTED_DPOP:
            options = {"nonce": attestation.challenge(now=self.world.now), **options}
        return self.messenger.proof(path, **{"key": self.key, **options})

    def push(self, *, proof: Any = ..., form: dict[str, Any] | None = None, **changes: Any) -> HttpResponse:
        """PAR with a signed request, in combined mode without the PoP."""
        combined = self.method == client_metadata.ATTESTED_DPOP
        changes = {**({"pop": REMOVE} if combined else {}), **changes}
        sent = {"client_id": self.messenger.client_id, "request": self.messenger.signed(), **(form or {})}
        proof = self.proof("/oidc/par") if proof is ... else proof
        return self.world.post("/oidc/par", _kept(sent), proof=proof, headers=self.headers(**changes))

    def code(self) -> str:
        pushed = self.push()
        assert pushed.status_code == 201, pushed.content
        self.world.log_in()
        location = self.world.decide(pushed.json()["request_uri"])["Location"]
        return str(location.split("code=")[1].split("&")[0])

    def token(self, *, proof: Any = ..., form: dict[str, Any], **changes: Any) -> HttpResponse:
        combined = self.method == client_metadata.ATTESTED_DPOP
        changes = {**({"pop": REMOVE} if combined else {}), **changes}
        proof = self.proof("/oidc/token") if proof is ... else proof
        sent = {"client_id": self.messenger.client_id, **form}
        return self.world.post("/oidc/token", sent, proof=proof, headers=self.headers(**changes))

    def redeem(self, code: str, **options: Any) -> HttpResponse:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        return self.token(form=form, **options)

    def refresh(self, token: str, **options: Any) -> HttpResponse:
        return self.token(form={"grant_type": "refresh_token", "refresh_token": token}, **options)


def _kept(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not REMOVE}
