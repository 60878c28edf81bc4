"""The relying parties of these tests: what they register, and where they hear from the node."""

import json
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from tests.conformance.jose import Key, generate
from tests.conformance_oidc.certificates import CertificateAuthority

SITES = ("rp.localhost", "other.localhost", "federated.localhost", "explicit.localhost")
PRIVATE = ("d", "p", "q", "dp", "dq", "qi")  # members of a JWK


@dataclass
class Site:
    """A relying party's web site: pages by path, and what was posted to it."""

    origin: str
    pages: dict[str, Any] = field(default_factory=dict)  # path -> JSON
    documents: dict[str, Callable[[], tuple[str, str]]] = field(default_factory=dict)  # path -> content type and text
    posted: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Party:
    """A client that an officer registered."""

    client_id: str
    profile: str
    metadata: dict[str, Any]
    secret: str
    key: Key
    rsa: Key  # a second key that it published, for RS256
    sealing: dict[str, Any] | None = None  # the private key (JWK) that answers are encrypted to

    @property
    def callback(self) -> str:
        return str(self.metadata["redirect_uris"][0])

    def told(self) -> dict[str, Any]:
        """What a foreign client must know of itself."""
        known = {"client_id": self.client_id, "client_secret": self.secret, **self.metadata}
        return {**known, "profile": self.profile, "key": self.key.private_jwk, "sealing": self.sealing}


def described(site: str, **more: Any) -> dict[str, Any]:
    """Metadata of a client at ``site`` (RFC 7591 §2)."""
    return {
        "client_name": "Specimen Shop",
        "redirect_uris": [f"{site}/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "post_logout_redirect_uris": [f"{site}/logged-out"],
        **more,
    }


def make(node: Any, wanted: Iterable[Any]) -> dict[str, Party]:
    """Register clients; one that authenticates or signs with a key, or reads sealed answers, has its own."""
    clients = list(wanted)
    parties = [_with_keys(client.client_id, client.profile, client.metadata) for client in clients]
    described = ((party.client_id, party.profile, party.metadata) for party in parties)
    options = (client.options for client in clients)
    secrets = node.register_all((*words, more) for words, more in zip(described, options, strict=True))
    made = (replace(party, secret=secret) for party, secret in zip(parties, secrets, strict=True))
    return {party.client_id: party for party in made}


def _with_keys(client_id: str, profile: str, metadata: dict[str, Any]) -> Party:
    key, rsa = generate("ES256"), generate("RS256")
    sealing = _sealing(metadata.get("userinfo_encrypted_response_alg"))
    if not metadata.get("token_endpoint_auth_method", "client_secret_basic").startswith("client_secret"):
        published = [] if sealing is None else [{name: sealing[name] for name in sealing if name not in PRIVATE}]
        metadata = {"jwks": {"keys": [key.public, rsa.public, *published]}, **metadata}
    return Party(client_id, profile, metadata, "", key, rsa, sealing)


def _sealing(algorithm: str | None) -> dict[str, Any] | None:
    if algorithm is None:
        return None
    key = generate("RS256" if algorithm.startswith("RSA") else "ES256")
    return {**key.private_jwk, "use": "enc", "alg": algorithm}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that had enough closes; that is no news."""


@contextmanager
def sites(authority: CertificateAuthority) -> Iterator[dict[str, Site]]:
    """Serve the relying parties' sites over TLS while it lasts; by host name."""
    by_host: dict[str, Site] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site, path = self._site(), self.path.partition("?")[0]
            site.asked.append(path)
            if path in site.documents:
                kind, text = site.documents[path]()
                self._answer(200, text.encode(), kind)
            else:
                self._answer(200 if path in site.pages else 404, json.dumps(site.pages.get(path, {})).encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._site().posted.append((self.path, dict(parse_qsl(body))))
            self._answer(200, b"{}")

        def _site(self) -> Site:
            return by_host[self.headers["Host"].split(":")[0]]

        def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.certify(*SITES))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    by_host.update({name: Site(f"https://{name}:{server.server_address[1]}") for name in SITES})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield by_host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
