"""One real node behind TLS, with a worker, led by the operator's commands alone."""

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from idp.demo.processes import Processes, UnableToStart
from idp.demo.world import ROOT, Authority, World
from tests.conformance import wire
from tests.conformance.nodes import environment, free_ports, manage, server
from tests.conformance_oidc.certificates import CertificateAuthority

START_SECONDS = 120.0
# manage.py, several times over.
MANY = """
import json, sys
import django
from django.core.management import call_command
django.setup()
for words in json.loads(sys.argv[1]):
    call_command(*words)
"""


class Secure(Authority):
    """A node whose identifier is https."""

    @property
    def entity_id(self) -> str:
        return f"https://{self.code}.localhost:{self.port}"


class Node:
    """Hong Kong as an OpenID provider."""

    def __init__(self, directory: Path, authority: CertificateAuthority) -> None:
        (port,) = free_ports(1)
        self._authority = Secure("hk", "HKG", port, {"en": "Hong Kong Specimen Authority"})
        self._world = World(directory, (self._authority,), (), (), 0)
        self._directory = directory
        self._certificate, self._key = authority.certify("hk.localhost")
        self._processes = Processes(directory / "logs")
        self._environment = {
            **environment(self._world, self._authority),
            "SSL_CERT_FILE": str(authority.file),
            "CAUSEWAY_DYNAMIC_REGISTRATION": "open",
            "CAUSEWAY_DPOP_NONCE": '["border", "federation"]',
        }

    @property
    def issuer(self) -> str:
        return self._authority.entity_id

    def start(self) -> None:
        """Found it, serve it, and let its worker work."""
        home = self._world.node_directory(self._authority.code)
        home.mkdir(parents=True)
        self.manage("migrate", "--verbosity", "0")
        self.manage("federation", "init")
        tls = ("--ssl-certificate", str(self._certificate), "--ssl-keyfile", str(self._key))
        self._processes.start("web", server(self._authority, *tls), self._environment)
        worker = [
            *("-m", "celery", "-A", "idp.celery", "worker", "--pool", "solo", "-B", "--schedule", str(home / "beat")),
            *("--loglevel", "WARNING", "--without-gossip", "--without-mingle", "-n", "hk@localhost"),
        ]
        self._processes.start("worker", worker, self._environment)
        self._wait()

    def register(self, client_id: str, profile: str, metadata: Mapping[str, Any], *more: str) -> str:
        """Have an officer register a client; its secret, or an empty text where it needs none."""
        self.manage(*self._registration(client_id, profile, metadata, *more))
        return self._secret(client_id).read_text("utf-8").strip()

    def register_all(self, clients: Iterable[tuple[str, str, Mapping[str, Any], Sequence[str]]]) -> list[str]:
        """The same for many, by the same command, without a process for each."""
        wanted = list(clients)
        commands = [self._registration(*client[:3], *client[3]) for client in wanted]
        environment = {**self._environment, "DJANGO_SETTINGS_MODULE": "idp.settings", "PYTHONPATH": str(ROOT)}
        told = (sys.executable, "-c", MANY, json.dumps(commands))
        run = subprocess.run(told, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert run.returncode == 0, run.stderr
        return [self._secret(client[0]).read_text("utf-8").strip() for client in wanted]

    def _registration(self, client_id: str, profile: str, metadata: Mapping[str, Any], *more: str) -> tuple[str, ...]:
        described = self._directory / f"{client_id}.json"
        described.write_text(json.dumps(metadata), "utf-8")
        files = ("--metadata", str(described), "--secret-file", str(self._secret(client_id)))
        return ("oidc", "client", "add", client_id, "--profile", profile, *files, *more)

    def _secret(self, client_id: str) -> Path:
        return self._directory / f"{client_id}.secret"

    def vouch_for(self, entity_id: str, jwks: Mapping[str, Any]) -> None:
        """Have an officer register a relying party below the node, with keys handed in on paper."""
        keys = self._directory / f"subordinate-{len(list(self._directory.glob('subordinate-*')))}.json"
        keys.write_text(json.dumps(jwks), "utf-8")
        types = ("--types", "openid_relying_party")
        self.manage("federation", "subordinate", "add", entity_id, "--jwks", str(keys), *types)

    def manage(self, *command: str) -> str:
        """What the operator says to the node; the answer."""
        return manage(self._environment, *command)

    def stop(self) -> None:
        """End it."""
        self._processes.stop_all()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            if "web" not in self._processes.alive() or time.monotonic() > deadline:
                raise UnableToStart(self._processes.tail("web"))
            try:
                if wire.get(f"{self.issuer}/.well-known/openid-configuration").status == 200:
                    return
            except OSError:
                time.sleep(0.1)
