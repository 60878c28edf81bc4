"""One authority's node as the coordinator sees it: each public method is an order."""

import gc
import shutil
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.db import connection

import idp.clock
from idp.audit import sealing, verification
from idp.biometrics.engine import EMBEDDED_MODEL
from idp.border import checkpoints, confirmation, destinations
from idp.border import tasks as border_tasks
from idp.border.models import Checkpoint
from idp.checkpoint import sync as lane_sync
from idp.federation import chain_cache, fetching, issuers, peering, signing, statements, status_lists, tasks
from idp.federation.serving import Front
from idp.federation.sync import sync
from idp.machines import MachineHandler, Switch
from tests.simulation import accounts, breaking
from tests.simulation.books import Account
from tests.simulation.gates import Clock, Gate
from tests.simulation.mesh import Killed, Mesh
from tests.simulation.node import TEMPLATE, Settings
from tests.simulation.orders import Handed, Leave, Person, Seen, Shown, Wanted
from tests.simulation.phones import Phones
from tests.simulation.places import LANES, NODES, PLACES, START, lane_id

OFFICER = "account:1"


class Authority:
    """The node, its residents' phones, its lanes, its clock."""

    def __init__(self, settings: Settings, mesh: Mesh) -> None:
        self.settings, self.mesh, self.clock = settings, mesh, Clock()
        self.clock.now = START - 86_400
        idp.clock.now = lambda: self.clock.now
        fetching.client = lambda: mesh  # type: ignore[assignment, return-value]
        fetching.together = _one_by_one  # type: ignore[assignment]
        self.gates: dict[str, Gate] = {}

    def tables(self) -> None:
        """Make the tables, for the others to copy where that is a file: it is the longest part of the beginning."""
        call_command("migrate", verbosity=0)
        connection.close()
        if not self.settings.database:
            shutil.copy(connection.settings_dict["NAME"], self.settings.folder / TEMPLATE)

    def begin(self) -> None:
        """Tables, keys, checkpoints."""
        template = self.settings.folder / TEMPLATE
        if template.exists():
            shutil.copy(template, connection.settings_dict["NAME"])
        else:
            call_command("migrate", verbosity=0)
        self.mesh.application = Front(
            Switch(machines=MachineHandler(), pages=get_wsgi_application()), monotonic=lambda: float(self.clock.now)
        )  # as `idp.wsgi` has it, with this node's clock
        self.mesh.restart = self.restart
        connection.settings_dict.update(CONN_MAX_AGE=None, CONN_HEALTH_CHECKS=False)
        signing.ensure_keys()
        for place in PLACES:
            if self.settings.territory in place.codes:
                self._register(place.codes)
        self.phones = Phones(self.restart)
        breaking.install(self.settings, self.mesh)

    def meet(self) -> None:
        """Recognise the peers."""
        for territory in NODES.keys() - {self.settings.territory}:
            peer = peering.recognise(peering.propose(NODES[territory], officer=OFFICER), officer=OFFICER)
            peering.accept_recognition(peer, officer=OFFICER)

    def exchange(self) -> list[str]:
        """Marks, keys, chains and status lists of the peers."""
        return sync(self.clock.now)

    def register(self, people: Sequence[Person]) -> None:
        """Residents; with them the year begins, and its faults."""
        self.mesh.calm = False
        self.phones.register(people, now=self.clock.now)
        gc.collect()
        gc.freeze()  # what was made so far lives as long as the process, as in `idp.wsgi`

    def morning(self, *, now: int, down: Sequence[str], lanes: Sequence[str], last: AbstractSet[str]) -> None:
        """What a node does by itself from day to day; who of ``lanes`` has something left to upload exchanges with it.

        ``last``: lanes that exchange too, and are cut off then. ``down``: hosts of the peers that cannot be reached.
        """
        self.clock.now, self.mesh.down = now, frozenset(down)
        tasks.renew()
        tasks.sync()
        border_tasks.lapse()
        border_tasks.match()
        for name in lanes:
            self.mesh.answer()
            if name in last or self.gates[name].lane.store.pending(1):
                self.gates[name].exchange.once()

    def issue(
        self, *, now: int, leaves: Sequence[Leave], wanted: Sequence[Wanted], down: Sequence[str]
    ) -> list[Handed]:
        """What the register gets, and what the phones ask for.

        What the node states is signed again before, as it is each hour: the three clocks run apart within this order,
        and no peer may be told by one that is ahead.
        """
        self.clock.now, self.mesh.down = now, frozenset(down)
        statements.renew(now)
        self.phones.endorse(leaves)
        self.phones.consent(wanted)
        return [self._issue(each) for each in sorted(wanted, key=lambda each: each.at)]

    def spread(self, *, now: int, revoked: Sequence[tuple[int, int]], restored: Sequence[tuple[int, int]]) -> None:
        """Documents are revoked, the tokens on them follow, and the peers' status lists are fetched."""
        self.clock.now = now
        for person, document in restored:
            self.phones.mark_document(person, document, revoked=False, now=now)
        for person, document in revoked:
            self.phones.mark_document(person, document, revoked=True, now=now)
        if revoked:
            border_tasks.revoke_orphans()

    def refresh(self, *, now: int, lanes: Sequence[str], restarted: Sequence[str], skews: dict[str, int]) -> None:
        """Mirror the peers' lists; then each lane that is online exchanges with the node."""
        self.clock.now = now
        status_lists.mirror(now)
        for name in restarted:
            self.gates[name].restart()
        for name, skew in skews.items():
            self.gates[name].skew = skew
        for name in lanes:
            self.mesh.answer()
            self.gates[name].exchange.once()

    def prove(self, shown: Sequence[tuple[int, int]]) -> dict[int, bytes | str]:
        """What phones show that are shown once more: number of what was wanted, and when."""
        return {number: self.phones.prove(number, at) for number, at in shown}

    def watch(self, shown: Sequence[Shown]) -> list[Seen]:
        """Travellers come to the lanes."""
        return [self._see(each) for each in sorted(shown, key=lambda each: each.at)]

    def evening(self, *, now: int, lanes: Sequence[str], restarted: Sequence[str]) -> dict[str, int]:
        """Lanes upload; how much still waits."""
        self.clock.now = now
        for name in restarted:
            self.gates[name].restart()
        for name in lanes:
            self.mesh.answer()
            self.gates[name].exchange._attempt("journal", self.gates[name].exchange.upload)
        self.mesh.deliver_late()
        entries = sum(len(gate.lane.store.pending()) for gate in self.gates.values())
        bundles = [gate.lane.trust._bundle for gate in self.gates.values()]
        oldest = max((now - bundle.issued_at for bundle in bundles if bundle is not None), default=0)
        return {"entries": entries, "bundle_age": oldest}

    def close(self, *, now: int) -> None:
        """Everything is online and calm: upload and send until nothing is left."""
        self.clock.now, self.mesh.calm, self.mesh.down = now, True, frozenset()
        for gate in self.gates.values():
            gate.skew = 0
            gate.exchange.upload()
        self.mesh.deliver_late()

    def deliver(self, *, now: int) -> int:
        """Send the receipts that are due, seal the events; how many receipts still wait."""
        self.clock.now = now
        try:
            confirmation.deliver(now=now)
        except Killed:  # somewhere between two receipts; a later beat goes on
            self.restart()
        self.mesh.answer()
        sealing.seal(now)
        return accounts.waiting()

    def account(self) -> Account:
        """Everything that this side has written down."""
        broken = list(verification.findings(self.clock.now))
        return accounts.account(leaves=self.phones.leaves, faults=self.mesh.faults, audit=broken)

    def restart(self) -> None:
        """A worker process ends and another takes its place: what it held in memory is gone."""
        self.mesh.faults["worker killed"] += 1
        for held in (chain_cache._held, destinations._held, issuers._chains, issuers._held, statements._held):
            held.clear()  # type: ignore[attr-defined]
        signing._active_at.cache_clear()
        signing._sound_at.cache_clear()

    def _issue(self, wanted: Wanted) -> Handed:
        self.mesh.answer()
        self.clock.now = wanted.at
        return self.phones.obtain(wanted)

    def _see(self, shown: Shown) -> Seen:
        self.clock.now = shown.at
        return self.gates[shown.lane].see(shown)

    def _register(self, codes: dict[str, str]) -> None:
        here = self.settings.territory
        (neighbour,) = codes.keys() - {here}
        checkpoint = checkpoints.register(
            code=codes[here],
            name={"en": codes[here]},
            neighbour=neighbour,
            directions=["exit", "entry"],
            officer=OFFICER,
            now=self.clock.now,
        )
        for direction in ("exit", "entry"):
            for number in range(LANES):
                self._enrol(checkpoint, direction, number)

    def _enrol(self, checkpoint: Checkpoint, direction: str, number: int) -> None:
        invitation = checkpoints.invite_lane(
            checkpoint=checkpoint,
            name=f"{direction}-{number}",
            direction=direction,
            officer=OFFICER,
            now=self.clock.now,
        )
        folder: Path = self.settings.folder / self.settings.territory / checkpoint.code
        directory, keys = folder / f"{direction}-{number}", folder / "sealing"
        directory.mkdir(parents=True)
        lane_sync.enrol(
            invitation,
            directory,
            face_models=[EMBEDDED_MODEL],
            outbound=self.mesh,  # type: ignore[arg-type]
            now=self.clock.now,
            sealing_directory=keys,
        )
        self.gates[lane_id(checkpoint.entity_id, direction, number)] = Gate(directory, keys, self.clock, self.mesh)


def _one_by_one(jobs: dict[str, Any]) -> dict[str, Any]:
    """In place of threads: the pipes are one thread's."""
    return {name: fetching.attempt(job) for name, job in jobs.items()}
