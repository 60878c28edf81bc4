"""Two real nodes, processes of their own with keys and databases of their own, led by the operator's commands alone."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from idp.demo.processes import Processes
from idp.demo.world import ROOT, Authority, World

Jwks = Mapping[str, Any]
# What Hong Kong makes of others' metadata, so that there is something to disagree about. Operators that a foreign judge
# is known to read otherwise than Federation 1.0 §6.1.3 are left out: docs/conformance.md says which.
PEER_POLICY = {
    "openid_provider": {
        "contacts": {"add": ["duty@hk.example"]},
        "ui_locales_supported": {"subset_of": ["en", "pt", "fr"], "essential": True},
        "op_policy_uri": {"value": "https://hk.example/policy"},
        "service_documentation": {"default": "https://hk.example/service"},
        "token_endpoint_auth_methods_supported": {"subset_of": ["private_key_jwt", "client_secret_basic"]},
    }
}
PARTY_POLICY = {
    "openid_relying_party": {
        "contacts": {"add": ["duty@hk.example"]},
        "response_types": {"subset_of": ["code", "code id_token"], "essential": True},
        "token_endpoint_auth_method": {"default": "private_key_jwt"},
        "policy_uri": {"value": "https://hk.example/policy"},
    }
}
OURS = ("CAUSEWAY_", "DATABASE_", "DJANGO_")  # settings of whoever runs this are not a node's


class Nodes:
    """Hong Kong and Macau. Nobody syncs unless told to: no worker runs."""

    def __init__(self, directory: Path) -> None:
        hk, mo = free_ports(2)
        self._hk = Authority("hk", "HKG", hk, {"en": "Hong Kong Specimen Authority"})
        self._mo = Authority("mo", "MAC", mo, {"en": "Macao Specimen Authority"})
        self._world = World(directory, (self._hk, self._mo), (), (), 0)
        self._directory = directory
        self._processes = Processes(directory / "logs")
        self._resolved: dict[str, dict[str, Any]] = {}
        self.anchors: dict[str, Jwks] = {}  # entity identifier -> keys, brought by the second channel

    @property
    def hk(self) -> str:
        return self._hk.entity_id

    @property
    def mo(self) -> str:
        return self._mo.entity_id

    def start(self) -> None:
        """Found both, serve both, and let each recognise the other."""
        for node in self._world.authorities:
            self._world.node_directory(node.code).mkdir(parents=True)
        self._both(self._found)
        for node in self._world.authorities:
            self._processes.start(f"{node.code}-web", server(node), self._environment(node))
        for node in self._world.authorities:
            self._processes.wait_for(f"{node.code}-web", f"{node.entity_id}/.well-known/openid-federation")
        self._both(self._recognise)

    def sync(self) -> None:
        """Let both collect their marks and look for each other's chains."""
        self._both(lambda node: self._manage(node, "federation", "sync"))

    def vouch_for(self, entity_id: str, jwks: Jwks) -> None:
        """Have Hong Kong register a relying party below it, with keys handed in on paper."""
        files = ["--jwks", self._file("party", jwks), "--policy", self._file("party-policy", PARTY_POLICY)]
        types = ["--types", "openid_relying_party", "oauth_client"]
        self._manage(self._hk, "federation", "subordinate", "add", entity_id, *files, *types)

    def resolved(self, entity_id: str) -> dict[str, Any]:
        """The metadata that Hong Kong's own resolver makes of an entity, as its operator sees it; asked once."""
        if entity_id not in self._resolved:
            told = self._manage(self._hk, "federation", "resolve", entity_id)
            self._resolved[entity_id] = json.loads(told[told.index("{") :])
        return self._resolved[entity_id]

    def manage(self, code: str, *command: str) -> str:
        """What the operator of ``code`` says to the node; the answer."""
        return self._manage(self._hk if code == "hk" else self._mo, *command)

    def database(self, code: str) -> Path:
        """The file of a node's database."""
        return self._world.node_directory(code) / "node.sqlite3"

    def stop(self) -> None:
        """End both."""
        self._processes.stop_all()

    def _found(self, node: Authority) -> None:
        self._manage(node, "migrate", "--verbosity", "0")
        self._manage(node, "federation", "init")
        self.anchors[node.entity_id] = json.loads(self._manage(node, "federation", "show"))["jwks"]

    def _recognise(self, node: Authority) -> None:
        for peer, jwks in self.anchors.items():
            if peer != node.entity_id:
                files = ["--jwks", self._file(f"{node.code}-peer", jwks)]
                if node is self._hk:
                    files += ["--policy", self._file("peer-policy", PEER_POLICY)]
                self._manage(node, "federation", "recognise", peer, *files)
                self._manage(node, "federation", "accept", peer)

    def _both(self, act: Any) -> None:
        with ThreadPoolExecutor(max_workers=2) as pool:
            list(pool.map(act, self._world.authorities))

    def _manage(self, node: Authority, *command: str) -> str:
        return manage(self._environment(node), *command)

    def _environment(self, node: Authority) -> dict[str, str]:
        return environment(self._world, node)

    def _file(self, name: str, value: Jwks) -> str:
        path = self._directory / f"{name}.json"
        path.write_text(json.dumps(value), "utf-8")
        return str(path)


def manage(environment: Mapping[str, str], *command: str) -> str:
    """What the operator of a node says to it; the answer."""
    run = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *command],
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def environment(world: World, node: Authority) -> dict[str, str]:
    """The environment of a node, without the settings of whoever runs this."""
    foreign = {name: value for name, value in os.environ.items() if name.startswith(OURS)}
    wanted = world.environment(node).items()
    return {name: value for name, value in wanted if foreign.get(name) != value}


def server(node: Authority, *options: str) -> list[str]:
    """What serves a node."""
    return [
        *("-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(node.port), *options),
        *("--workers", "1", "--blocking-threads", "4", "--log-level", "warning", "idp.wsgi:application"),
    ]


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens on."""
    probes = [socket.socket() for _ in range(number)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
