"""Two worker processes behind one port, and the server started again: what one has spent is spent for all (row 48)."""

import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier
from urllib.parse import urlencode, urlsplit

import psycopg
import pytest

from idp.demo.processes import Processes
from idp.demo.world import Authority, World
from tests.conformance import wire
from tests.conformance.nodes import environment, free_ports, manage, server
from tests.oidc.world import NODE, Messenger
from tests.simulators.federation import Federation

WORKERS, REQUESTS = 2, 16
PATH = "/oidc/token"
Send = Callable[[], int]
pytestmark = pytest.mark.e2e


class Served:
    """A node with two workers, and a client of the profile ``border`` that may ask for tokens of its own."""

    def __init__(self, directory: Path, database: str) -> None:
        (port,) = free_ports(1)
        self._node = Authority("hk", "HKG", port, {"en": "Hong Kong Specimen Authority"})
        world = World(directory, (self._node,), (), (), 0)
        world.node_directory("hk").mkdir(parents=True)
        said = {"CAUSEWAY_ENTITY_ID": NODE, "CAUSEWAY_DPOP_NONCE": "[]", "DATABASE_URL": database}
        self._environment = {**environment(world, self._node), **said}
        self._processes = Processes(directory / "logs")
        self._client = Messenger(Federation(0), "https://messenger.example", 0)
        for command in (("migrate", "--verbosity", "0"), ("federation", "init"), self._registration(directory)):
            manage(self._environment, *command)

    def _registration(self, directory: Path) -> tuple[str, ...]:
        said, file = self._client.metadata(), directory / "client.json"
        names = ("client_name", "token_endpoint_auth_method", "jwks")
        metadata = {**{name: said[name] for name in names}, "grant_types": ["client_credentials"]}
        file.write_text(json.dumps(metadata), "utf-8")
        return ("oidc", "client", "add", self._client.client_id, "--profile", "border", "--metadata", str(file))

    def start(self) -> None:
        command = server(self._node)
        command[command.index("--workers") + 1] = str(WORKERS)
        self._processes.start("web", command, self._environment)
        self._processes.wait_for("web", f"{self._node.entity_id}/oidc/jwks")

    def stop(self) -> None:
        self._processes.stop_all()

    @property
    def client(self) -> Messenger:
        """The client at this moment."""
        self._client.now = int(time.time())
        return self._client

    def request(self, *, assertion: str = "", proof: str = "") -> Send:
        """A request for a token, with an assertion and a proof of its own unless they are given; tells the status."""
        who, named = self.client, {"client_assertion": assertion} if assertion else {}
        body = urlencode(who.authenticated(grant_type="client_credentials", **named)).encode()
        headers = {"Content-Type": wire.FORM, "DPoP": proof or who.proof(PATH, nonce=None)}
        return lambda: wire.send("POST", self._node.entity_id + PATH, headers=headers, content=body).status


@contextmanager
def database(directory: Path) -> Iterator[str]:
    """A database of its own, of the kind that these tests run on."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield f"sqlite:///{directory / 'node.sqlite3'}"
        return
    name = f"causeway_workers_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    directory = tmp_path_factory.mktemp("workers")
    with database(directory) as url:
        node = Served(directory, url)
        try:
            node.start()
            yield node
        finally:
            node.stop()


def together(requests: list[Send]) -> list[int]:
    """The statuses, sorted, of requests that are sent at one moment, each over a connection of its own."""
    barrier = Barrier(len(requests))

    def run(send: Send) -> int:
        barrier.wait()
        return send()

    with ThreadPoolExecutor(len(requests)) as pool:
        return sorted(pool.map(run, requests))


@pytest.mark.parametrize(("once", "status"), [("assertion", 401), ("proof", 400)])
def test_one_of_sixteen_requests_at_two_workers_is_answered(served: Served, once: str, status: int) -> None:
    """A worker that remembers for itself what was spent lets the other one accept it."""
    kept = {"assertion": served.client.assertion(), "proof": served.client.proof(PATH, nonce=None)}[once]
    requests = [served.request(**{once: kept}) for _ in range(REQUESTS)]
    assert together(requests) == [200] + [status] * (REQUESTS - 1)


def test_what_was_spent_stays_spent_when_the_server_is_started_again(served: Served) -> None:
    """A memory that is the process's forgets with it; both are still good for a minute."""
    assertion, proof = served.client.assertion(), served.client.proof(PATH, nonce=None)
    assert served.request(assertion=assertion, proof=proof)() == 200
    served.stop()
    served.start()
    assert served.request(assertion=assertion)() == 401
    assert served.request(proof=proof)() == 400
    assert served.request()() == 200
