"""Relying parties with real keys behind a real HTTP server, each under a name of its own, as the suite plays them.

Their metadata is what the suite publishes: keys by ``jwks_uri``, one redirect URI, and no client authentication method.
"""

import json
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.conformance import jose

WELL_KNOWN = "/.well-known/openid-federation"
STATEMENT = "application/entity-statement+jwt"
STATEMENT_TYP = "entity-statement+jwt"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME = 300  # seconds, of request objects and assertions


@dataclass
class RelyingParty:
    """One relying party below ``superior``. ``overlay`` replaces claims of its configuration; ``asked`` are paths."""

    entity_id: str
    superior: str
    provider: str
    federation_key: jose.Key = field(default_factory=jose.generate)
    key: jose.Key = field(default_factory=lambda: jose.generate("RS256"))
    overlay: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    initiate_login_uri: str | None = None

    @property
    def callback(self) -> str:
        return f"{self.entity_id}/callback"

    def configuration(self) -> str:
        """Its entity configuration, signed at this moment."""
        now = int(time.time())
        metadata: dict[str, Any] = {
            "client_registration_types": ["automatic"],
            "response_types": ["code"],
            "redirect_uris": [self.callback],
            "jwks_uri": f"{self.entity_id}/jwks",
        }
        if self.initiate_login_uri is not None:
            metadata["initiate_login_uri"] = self.initiate_login_uri
        claims = {
            "iss": self.entity_id,
            "sub": self.entity_id,
            "iat": now,
            "exp": now + LIFETIME,
            "jwks": self.federation_key.jwks,
            "authority_hints": [self.superior],
            "metadata": {"federation_entity": {}, "openid_relying_party": metadata},
        }
        return self.federation_key.sign({**claims, **self.overlay}, typ=STATEMENT_TYP)

    def request(self, **claims: Any) -> dict[str, Any]:
        """The claims of an authorization request; one given as None is left out when it is signed."""
        return {
            "client_id": self.entity_id,
            "scope": "openid",
            "response_type": "code",
            "redirect_uri": self.callback,
            "iss": self.entity_id,
            "aud": self.provider,
            "jti": str(uuid.uuid4()),
            "exp": int(time.time()) + LIFETIME,
            **claims,
        }

    def signed(
        self, claims: Mapping[str, Any], *, chain: Sequence[str] | None = None, key: jose.Key | None = None
    ) -> str:
        """A request object; ``chain`` goes into its header."""
        return (key or self.key).sign(claims, trust_chain=None if chain is None else list(chain))

    def authentication(self) -> dict[str, str]:
        """The form members that authenticate it: the provider is the assertion's only audience."""
        now = int(time.time())
        who = {"iss": self.entity_id, "sub": self.entity_id, "aud": self.provider}
        assertion = self.key.sign({**who, "iat": now, "exp": now + 60, "jti": str(uuid.uuid4())})
        return {
            "client_id": self.entity_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }

    def page(self, path: str) -> tuple[str, str] | None:
        """Content type and text at ``path``."""
        if path == WELL_KNOWN:
            return STATEMENT, self.configuration()
        if path == "/jwks":
            return "application/json", json.dumps(self.key.jwks)
        return None


class Street:
    """Relying parties by host name, all on one port."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._by_host: dict[str, RelyingParty] = {}

    def open(self, name: str, *, superior: str, provider: str) -> RelyingParty:
        """A new relying party."""
        host = f"{name}.localhost:{self._port}"
        self._by_host[host] = RelyingParty(f"http://{host}", superior, provider)
        return self._by_host[host]

    def answer(self, host: str, target: str) -> tuple[str, str] | None:
        party, path = self._by_host.get(host), target.partition("?")[0]
        if party is None:
            return None
        party.asked.append(path)
        return party.page(path)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that had enough closes; that is no news."""


@contextmanager
def street() -> Iterator[Street]:
    """Serve relying parties while it lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found = there.answer(self.headers["Host"], self.path)
            content_type, text = found or ("application/json", '{"error":"not_found","error_description":"-"}')
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args: Any) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    there = Street(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield there
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
