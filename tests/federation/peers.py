"""The simulated authorities behind a real HTTP server on loopback, so that this node's own way out is what runs.

`tests.simulators.federation` makes their statements. What is not a statement (marks, status lists, nonsense) stands in
``pages``, by full URL: content type and text, or the bytes to send as they are.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from idp.protocol import keys
from idp.protocol.keys import PrivateKey
from idp.protocol.refusals import Unavailable
from tests.simulators.federation import AuthoritySimulator, Federation

STATEMENT = "application/entity-statement+jwt"


@dataclass
class Page:
    content_type: str
    text: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Peers:
    """Two other authorities, with the keys that they use."""

    federation: Federation
    cn: AuthoritySimulator
    mo: AuthoritySimulator
    border_keys: dict[str, PrivateKey]
    status_keys: dict[str, PrivateKey]
    pages: dict[str, Page]
    asked: list[str]
    port: int

    def url(self, name: str, path: str = "") -> str:
        return f"http://{name}.localhost:{self.port}{path}"

    def authority(self, name: str, *superiors: str, **metadata: Any) -> AuthoritySimulator:
        """One more entity; ``superiors`` are its hints."""
        entity = self.federation.authority(self.url(name), **metadata)
        entity.hints.extend(superiors)
        return entity


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that had enough closes; that is no news."""


@contextmanager
def running(now: int, node: str) -> Iterator[Peers]:
    """Start the server, and the mainland and Macau as peers who accept ``node``'s recognition."""
    federation, pages, asked = Federation(now), {}, []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = f"http://{self.headers['Host']}{self.path}"
            asked.append(url)
            page = pages.get(url) or _statement(federation, url)
            body = page.text.encode()
            unchanged = page.headers.get("ETag") is not None and self.headers["If-None-Match"] == page.headers["ETag"]
            self.send_response(304 if unchanged else page.status)
            for name, value in {"Content-Type": page.content_type, **page.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0" if unchanged else str(len(body)))
            self.end_headers()
            if not unchanged:
                self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield _world(federation, pages, asked, server.server_address[1], node)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _statement(federation: Federation, url: str) -> Page:
    try:
        return Page(STATEMENT, federation.fetch(url))
    except Unavailable as error:
        down = str(error) == "down"
        return Page("application/json", '{"error":"not_found","error_description":"-"}', 503 if down else 404)


def _world(federation: Federation, pages: dict[str, Page], asked: list[str], port: int, node: str) -> Peers:
    border = {name: keys.generate() for name in ("cn", "mo")}
    status = {name: keys.generate() for name in ("cn", "mo")}
    made = {}
    for name in ("cn", "mo"):
        base = f"http://{name}.localhost:{port}"
        made[name] = federation.authority(
            base,
            federation_entity={
                "organization_name": name.upper(),
                "federation_fetch_endpoint": f"{base}/federation/fetch",
                "federation_trust_mark_endpoint": f"{base}/federation/trust-mark",
            },
            border_token_issuer={
                "jwks": {"keys": [border[name].public.jwk()]},
                "status_jwks": {"keys": [status[name].public.jwk()]},
                "status_list_aggregation_endpoint": f"{base}/status/aggregation",
                "border_token_endpoint": f"{base}/border/v1/tokens",
            },
            openid_provider={"issuer": base, "id_token_signing_alg_values_supported": ["ES256"]},
        )
        made[name].hints.append(node)
    return Peers(federation, made["cn"], made["mo"], border, status, pages, asked, port)
