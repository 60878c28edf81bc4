"""Setting the world up and taking it down: nodes founded, started, recognised; gates enrolled; phones charged."""

import base64
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from idp.demo import photographs
from idp.demo.devices import Gate, Phone
from idp.demo.processes import Processes
from idp.demo.world import LINK, Authority, Checkpoint, Traveller, World

THIEF = "thief"  # a phone that another phone's token was copied to


class Stage:
    """The running world. ``logins`` are the officers', made at run time and kept nowhere else than in its folder."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.processes = Processes(world.directory / "logs")
        self.founded: dict[str, dict[str, Any]] = {}

    # Nodes.

    def found_nodes(self) -> None:
        """Make three nodes from nothing, at once."""
        messenger_jwks = self._messenger_keys()
        portraits = photographs.people()
        for authority in self.world.authorities:
            checkpoint = self.world.checkpoint(authority.code)
            plan = {
                "register": [
                    _entry(traveller, portraits)
                    for traveller in self.world.travellers
                    if traveller.home == authority.code
                ],
                "checkpoint": {
                    "code": checkpoint.code,
                    "name": checkpoint.name,
                    "neighbour": checkpoint.neighbour,
                    "directions": checkpoint.directions,
                    "lanes": [[name, direction] for name, direction, _ in checkpoint.lanes],
                },
                # The messenger is the mainland's; the others reach it through their recognition of the mainland.
                "subordinates": {self.world.messenger: messenger_jwks} if authority.code == "cn" else {},
            }
            self._prepare("found", authority, plan)
        for authority in self.world.authorities:
            self.founded[authority.code] = self._prepared("found", authority)

    def start_nodes(self) -> None:
        """Start each node's web server and worker, and wait until it serves."""
        for authority in self.world.authorities:
            environment = self.world.environment(authority)
            self.processes.start(f"{authority.code}-web", _granian(authority), environment)
            self.processes.start(f"{authority.code}-worker", _celery(self.world, authority), environment)
        for authority in self.world.authorities:
            url = f"{authority.entity_id}/.well-known/openid-federation"
            self.processes.wait_for(f"{authority.code}-web", url)

    def stop_nodes(self) -> None:
        """Stop all three: from here on every gate is on its own."""
        self.processes.stop(*[f"{authority.code}-web" for authority in self.world.authorities])
        self.processes.dismiss(*[f"{authority.code}-worker" for authority in self.world.authorities])

    def recognise(self) -> None:
        """Each authority moves both switches for the two others."""
        anchors = {self.world.authority(code).entity_id: made["anchor_jwks"] for code, made in self.founded.items()}
        for authority in self.world.authorities:
            peers = {entity_id: jwks for entity_id, jwks in anchors.items() if entity_id != authority.entity_id}
            self._prepare("recognise", authority, {"peers": peers})
        for authority in self.world.authorities:
            self._prepared("recognise", authority)

    def end_recognition(self, code: str, peer: str) -> None:
        """One authority ends the recognition of another."""
        authority = self.world.authority(code)
        self._prepare("end", authority, {"peer": self.world.authority(peer).entity_id})
        self._prepared("end", authority)

    def revoke(self, code: str, jti: str) -> None:
        """An authority revokes a border token of its own; its peers fetch the status list."""
        authority = self.world.authority(code)
        self._prepare("revoke", authority, {"jti": jti})
        if self._prepared("revoke", authority) != {"revoked": 1}:
            raise RuntimeError("the token was not there to be revoked")
        for peer in self.world.authorities:
            if peer is not authority:
                self._prepare("mirror", peer, {})
        for peer in self.world.authorities:
            if peer is not authority:
                self._prepared("mirror", peer)

    def seen(self, *codes: str) -> dict[str, dict[str, Any]]:
        """What these authorities have recorded."""
        for code in codes:
            self._prepare("seen", self.world.authority(code), {})
        return {code: self._prepared("seen", self.world.authority(code)) for code in codes}

    # The messenger and the phones.

    def start_phones(self) -> None:
        """Start the messenger and everybody's phone."""
        self._start_device("messenger", ["messenger"], self.world.messenger_port, self._messenger_config())
        for traveller in (*self.world.travellers, self.thief()):
            directory = self.world.phone_directory(traveller.key)
            config = self._write(directory / "config.json", self._phone_config(traveller))
            self._start_device(f"phone-{traveller.key}", ["phone"], traveller.phone_port, config, directory)
        self.processes.wait_for("messenger", f"{self.world.messenger}/.well-known/openid-federation")
        for traveller in (*self.world.travellers, self.thief()):
            self.processes.wait_for(f"phone-{traveller.key}", f"{self.world.phone_url(traveller)}/api/state")

    def phone(self, traveller: Traveller) -> Phone:
        """The interface of a traveller's phone."""
        return Phone(self.world.phone_url(traveller))

    def thief(self) -> Traveller:
        """A phone of nobody's: what is copied to it is not bound to it."""
        last = self.world.travellers[-1]
        return Traveller(THIEF, "cn", 3, last.phone_port + 1, {})

    # The gates.

    def enrol_gates(self) -> None:
        """Each lane hands in its keys with its officer's file, one after the other where they share sealing keys."""
        for checkpoint in self.world.checkpoints:
            for lane, _, _ in checkpoint.lanes:
                invitation = self.founded[checkpoint.authority]["invitations"][lane]
                directory = self.world.lane_directory(checkpoint, lane)
                path = self._write(directory / "invitation.json", invitation)
                self._checkpoint("enrol", checkpoint, lane, ["--invitation", str(path)])
                path.unlink()

    def start_gates(self, *, interval: float) -> None:
        """Start every kiosk and wait until it has a bundle."""
        for checkpoint in self.world.checkpoints:
            for lane, _, _ in checkpoint.lanes:
                self.start_gate(checkpoint, lane, interval=interval)
        for checkpoint in self.world.checkpoints:
            for lane, _, _ in checkpoint.lanes:
                self.wait_for_gate(checkpoint, lane)

    def start_gate(
        self, checkpoint: Checkpoint, lane: str, *, interval: float, clock_offset: int = 0, stills: bool = False
    ) -> None:
        """Start one kiosk; ``clock_offset`` in seconds shows what time does."""
        environment = self.world.environment()
        environment["INSECURE_CLOCK_OFFSET"] = str(clock_offset)
        environment["INSECURE_STILL_PICTURES"] = "1" if stills else "0"
        command = [
            *("-m", "idp.checkpoint", "run", *self._lane_options(checkpoint, lane)),
            *("--port", str(_port(checkpoint, lane)), "--interval", str(interval)),
            *("--link-port", str(_port(checkpoint, lane) + LINK)),
        ]
        self.processes.start(_gate_name(checkpoint, lane), command, environment)

    def wait_for_gate(self, checkpoint: Checkpoint, lane: str) -> None:
        """Until the kiosk answers."""
        self.processes.wait_for(_gate_name(checkpoint, lane), f"http://localhost:{_port(checkpoint, lane)}/state")

    def stop_gate(self, checkpoint: Checkpoint, lane: str) -> None:
        """Stop one kiosk."""
        self.processes.stop(_gate_name(checkpoint, lane))

    def sync_gates(self, *lanes: tuple[Checkpoint, str]) -> None:
        """The lanes' next exchange with their nodes, now: bundles down, journals up."""
        for checkpoint, lane in lanes:
            self._start_checkpoint("sync", checkpoint, lane, [])
        for checkpoint, lane in lanes:
            self.processes.wait(f"sync-{_gate_name(checkpoint, lane)}")

    def all_lanes(self) -> list[tuple[Checkpoint, str]]:
        """Every lane."""
        return [(checkpoint, lane) for checkpoint in self.world.checkpoints for lane, _, _ in checkpoint.lanes]

    def gate(self, checkpoint: Checkpoint, lane: str) -> Gate:
        """The interface of a lane's kiosk."""
        port = _port(checkpoint, lane)
        directory = self.world.lane_directory(checkpoint, lane)
        return Gate(f"http://localhost:{port}", f"http://localhost:{port + LINK}", directory)

    # How it is done.

    def _prepare(self, stage: str, authority: Authority, plan: Mapping[str, Any]) -> None:
        path = self._write(self.world.node_directory(authority.code) / f"{stage}.json", plan)
        command = ["-m", "idp.demo.prepare", stage, str(path)]
        self.processes.start(f"{stage}-{authority.code}", command, self.world.environment(authority))

    def _prepared(self, stage: str, authority: Authority) -> dict[str, Any]:
        self.processes.wait(f"{stage}-{authority.code}")
        path = self.world.node_directory(authority.code) / f"{stage}.out.json"
        outcome: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return outcome

    def _checkpoint(self, action: str, checkpoint: Checkpoint, lane: str, options: Sequence[str]) -> None:
        self._start_checkpoint(action, checkpoint, lane, options)
        self.processes.wait(f"{action}-{_gate_name(checkpoint, lane)}")

    def _start_checkpoint(self, action: str, checkpoint: Checkpoint, lane: str, options: Sequence[str]) -> None:
        command = ["-m", "idp.checkpoint", action, *self._lane_options(checkpoint, lane), *options]
        self.processes.start(f"{action}-{_gate_name(checkpoint, lane)}", command, self.world.environment())

    def _lane_options(self, checkpoint: Checkpoint, lane: str) -> list[str]:
        directory, sealing = self.world.lane_directory(checkpoint, lane), self.world.sealing_directory(checkpoint)
        return ["--directory", str(directory), "--sealing", str(sealing)]

    def _start_device(
        self, name: str, command: Sequence[str], port: int, config: Path, directory: Path | None = None
    ) -> None:
        place = directory or self.world.directory / name
        options = ["--directory", str(place), "--config", str(config), "--port", str(port)]
        self.processes.start(name, ["-m", "idp.wallet", *command, *options], self.world.environment())

    def _messenger_config(self) -> Path:
        return self._write(
            self.world.directory / "messenger" / "config.json",
            {
                "entity_id": self.world.messenger,
                "name": self.world.messenger_name,
                "authority_hints": [self.world.authority("cn").entity_id],
                "providers": [authority.entity_id for authority in self.world.authorities],
                "redirect_uris": [
                    f"{self.world.phone_url(traveller)}/callback"
                    for traveller in (*self.world.travellers, self.thief())
                ],
            },
        )

    def _messenger_keys(self) -> dict[str, Any]:
        directory = self.world.directory / "messenger"
        command = ["-m", "idp.wallet", "messenger-keys", "--directory", str(directory)]
        command += ["--config", str(self._messenger_config())]
        self.processes.run("messenger-keys", command, self.world.environment())
        jwks: dict[str, Any] = json.loads(self.processes.tail("messenger-keys", 1))
        return jwks

    def _phone_config(self, traveller: Traveller) -> dict[str, Any]:
        return {
            "messenger": self.world.messenger,
            "home": self.world.authority(traveller.home).entity_id,
            "anchors": {
                self.world.authority(code).entity_id: made["anchor_jwks"] for code, made in self.founded.items()
            },
            "crossings": _crossings(self.world, traveller),
            "redirect_uri": f"{self.world.phone_url(traveller)}/callback",
            "insecure_loopback_http": True,
        }

    def _write(self, path: Path, value: Mapping[str, Any]) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
        return path


def clear(directory: Path) -> None:
    """Remove what an earlier run left; nothing outside ``directory``."""
    for part in ("nodes", "gates", "phones", "messenger", "logs", "evidence"):
        shutil.rmtree(directory / part, ignore_errors=True)
    directory.mkdir(parents=True, exist_ok=True)


def _entry(traveller: Traveller, portraits: Sequence[photographs.Picture]) -> dict[str, Any]:
    return {
        "document": dict(traveller.document),
        "endorsements": [dict(endorsement) for endorsement in traveller.endorsements],
        "portrait": base64.b64encode(portraits[traveller.person].jpeg).decode(),
    }


def _crossings(world: World, traveller: Traveller) -> list[dict[str, Any]]:
    """The ways that the phone offers: those that the traveller's document is good for."""
    shenzhen, hong_kong, macau = (world.checkpoint(code) for code in ("cn", "hk", "mo"))

    def step(checkpoint: Checkpoint, direction: str) -> dict[str, Any]:
        lane = next((port for _, way, port in checkpoint.lanes if way == direction), None)
        link = {} if lane is None else {"lane": f"http://localhost:{lane + LINK}"}
        return {"checkpoint": world.checkpoint_id(checkpoint), "direction": direction, "name": checkpoint.name, **link}

    to_hong_kong = {
        "id": "to-hong-kong",
        "title": {"en": "Shenzhen → Hong Kong", "zh-Hans": "深圳 → 香港", "zh-Hant": "深圳 → 香港"},
        "steps": [step(shenzhen, "exit"), step(hong_kong, "entry")],
    }
    to_macau = {
        "id": "to-macau",
        "title": {"en": "Zhuhai → Macao", "zh-Hans": "珠海 → 澳门", "zh-Hant": "珠海 → 澳門"},
        "steps": [step(macau, "entry")],
    }
    home = {
        "id": "home-to-hong-kong",
        "title": {"en": "Home to Hong Kong", "zh-Hans": "返回香港", "zh-Hant": "返回香港"},
        "steps": [step(hong_kong, "entry")],
    }
    ways: dict[str, list[dict[str, Any]]] = {"cn": [to_hong_kong, to_macau], "hk": [home], "mo": [to_macau]}
    return ways[traveller.home]


def _granian(authority: Authority) -> list[str]:
    return [
        *("-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(authority.port)),
        *("--workers", "1", "--blocking-threads", "4", "--log-level", "warning", "idp.wsgi:application"),
    ]


def _celery(world: World, authority: Authority) -> list[str]:
    schedule = world.node_directory(authority.code) / "beat-schedule"
    return [
        *("-m", "celery", "-A", "idp.celery", "worker", "--pool", "solo", "-B", "--schedule", str(schedule)),
        *("--loglevel", "WARNING", "--without-gossip", "--without-mingle", "-n", f"{authority.code}@localhost"),
    ]


def _gate_name(checkpoint: Checkpoint, lane: str) -> str:
    return f"gate-{checkpoint.authority}-{lane}"


def _port(checkpoint: Checkpoint, lane: str) -> int:
    return next(port for name, _, port in checkpoint.lanes if name == lane)
