"""The servers that `bench.token` measures: ours, oidc-provider and django-oauth-toolkit, each as its package serves."""

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bench import client, load, pinned
from bench.client import Party
from bench.peers import install
from idp.protocol import keys

OURS, NODE, TOOLKIT = 8641, 8642, 8643  # ports
URL = os.environ.get("BENCH_DATABASE_URL", "postgres://root@127.0.0.1:5432/postgres")
RESOURCE = "https://api.example"  # oidc-provider's JWT access tokens are for a resource (RFC 8707)
PEERS = Path(".venv-bench")  # made by `make bench`


@dataclass
class Contender:
    """A server that is measured, and how to make a fresh request for a token of the client credentials grant."""

    server: pinned.Server
    request: Callable[[], bytes]
    party: Party | None = None
    log_in: Callable[[], str] = str  # a traveller who has agreed; gives the browser's cookies
    more: Mapping[str, str] = field(default_factory=dict)  # to be named in a flow for a JWT access token
    environment: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def ours(directory: Path) -> Iterator[Contender]:
    """Our node on a database of its own, with a client of the profile ``border``."""
    paths = {"token": "/oidc/token", "par": "/oidc/par", "userinfo": "/oidc/userinfo", "authorize": "/oidc/authorize"}
    party = Party(f"http://hk.localhost:{OURS}", paths)
    with pinned.database(URL, "bench_token_ours") as url:
        environment = {
            "DEBUG": "0",
            "INSECURE_LOOPBACK_HTTP": "1",
            "CAUSEWAY_DATA_DIR": str(directory),
            "CAUSEWAY_ENTITY_ID": party.issuer,
            "DJANGO_SETTINGS_MODULE": "idp.settings",
            "DATABASE_URL": url,
        }
        made = subprocess.run(
            [sys.executable, "-m", "bench.node_setup"],
            env={**os.environ, **environment, "CLIENT": json.dumps(party.metadata)},
            check=True,
            stdout=subprocess.PIPE,
        )
        known = json.loads(made.stdout)
        command = pinned.granian(Path(sys.executable), "idp.wsgi", port=OURS)
        with pinned.server(command, port=OURS, environment=environment) as server:
            first = party.first(party.token_request, port=OURS)
            client.check_token(first, party, audience=party.issuer, key=keys.parse_public(known["key"]))
            yield Contender(server, party.token_request, party, lambda: known["cookie"], environment=environment)


@contextmanager
def oidc_provider() -> Iterator[Contender]:
    """oidc-provider with its memory adapter; its requests need no nonce, which makes them cheaper than ours."""
    paths = {"token": "/token", "par": "/request", "userinfo": "/me", "authorize": "/auth"}
    party, key = Party(f"http://127.0.0.1:{NODE}", paths), keys.generate()
    environment = {
        "PORT": str(NODE),
        "CLIENT": json.dumps(party.metadata),
        "KEY": json.dumps(key.jwk()),
        "RESOURCE": RESOURCE,
        "NODE_ENV": "production",
    }
    program = shutil.copy(
        "bench/peers/oidc_provider.mjs", PEERS / "oidc_provider.mjs"
    )  # Node looks for packages beside the program
    more = {"resource": RESOURCE}
    with pinned.server([str(install.node()), program], port=NODE, environment=environment) as server:
        first = party.first(lambda: party.token_request(**more), port=NODE)
        client.check_token(first, party, audience=RESOURCE, key=key.public)
        yield Contender(server, lambda: party.token_request(**more), party, lambda: _log_in(party, more), more)


@contextmanager
def django_oauth_toolkit() -> Iterator[Contender]:
    """django-oauth-toolkit on a database of its own; one request, as a client secret can be sent again."""
    secret = secrets.token_urlsafe(32)
    form = f"grant_type=client_credentials&client_id=measured&client_secret={secret}"
    request = client.message("POST", f"http://127.0.0.1:{TOOLKIT}", "/token", {"Content-Type": client.FORM}, form)
    python = (PEERS / "bin" / "python").absolute()
    with pinned.database(URL, "bench_token_toolkit") as url:
        environment = {"DATABASE_URL": url, "SECRET": secret}
        subprocess.run(
            [python, "-c", "import bench.peers.oauth_toolkit"],
            env={**os.environ, **environment, "PREPARE": "1"},
            check=True,
        )
        command = pinned.granian(python, "bench.peers.oauth_toolkit", port=TOOLKIT)
        with pinned.server(command, port=TOOLKIT, environment=environment) as server:
            yield Contender(server, lambda: request)


def _log_in(party: Party, more: Mapping[str, str]) -> str:
    """Walk from a pushed request to the callback as a browser does; the cookies that it has then."""
    port, cookies = urlsplit(party.issuer).port or 80, dict[str, str]()
    pushed = load.spend([party.push(**more)], port=port, status=201).answers[0]
    request = party.authorize(json.loads(load.body(pushed))["request_uri"], cookie="")
    for _ in range(8):
        answer = load.spend([request], port=port, status=303).answers[0]
        for cookie in load.header(answer, "set-cookie"):
            name, _, value = cookie.split(";", 1)[0].partition("=")
            cookies[name] = value
        kept = "; ".join(f"{name}={value}" for name, value in cookies.items() if value)
        location = load.header(answer, "location")[0]
        if location.startswith(client.CALLBACK):
            return kept
        request = client.message("GET", party.issuer, location.removeprefix(party.issuer), {"Cookie": kept})
    raise RuntimeError("the login goes round in circles")
