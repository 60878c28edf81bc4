"""One process: an authority's node with a database of its own, the phones of its residents, the lanes at its border.

The coordinator (`tests.simulation.year`) says what to do; the peers ask over the `Mesh`. The only things here that are
not the product's are the clock, the network and the face engine.
"""

import contextlib
import logging
import os
import sys
import time
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from urllib.parse import urlsplit

from tests.simulation.mesh import Mesh
from tests.simulation.places import NODES

TEMPLATE = "tables.sqlite3"  # a database with tables and nothing in them


@dataclass(frozen=True)
class Settings:
    """What a node is told when it starts. ``loss``: chance of each fault of a message. ``defect``: see `breaking`."""

    territory: str
    folder: Path
    seed: str
    loss: float = 0.0
    kills: float = 0.0  # chance that a worker is killed at one of the points where that would hurt
    database: str = ""  # URL; empty: a SQLite file in ``folder``
    defect: str = ""


def run(settings: Settings, orders: Connection, peers: dict[str, Connection]) -> None:
    """The process's main: do what is ordered until the order is to stop."""
    _environment(settings)
    host = urlsplit(NODES[settings.territory]).netloc
    seed = f"{settings.seed}/{settings.territory}"
    mesh = Mesh(
        host, {urlsplit(NODES[name]).netloc: peer for name, peer in peers.items()}, loss=settings.loss, seed=seed
    )
    import django

    django.setup()
    from tests.simulation.authority import Authority

    logging.disable(logging.ERROR)  # faults are what this is about, and are counted
    with contextlib.suppress(EOFError):  # the coordinator or a peer has gone: so do we
        _obey(Authority(settings, mesh), orders, mesh, list(peers.values()))


def _obey(authority: object, orders: Connection, mesh: Mesh, peers: list[Connection]) -> None:
    while True:
        for ready in wait([orders, *peers]):
            if ready is not orders:
                mesh.take(ready)  # type: ignore[arg-type]
                continue
            name, arguments = orders.recv()
            if name == "stop":
                return
            begun = time.process_time()
            try:
                said = "done", getattr(authority, name)(**arguments)
            except BaseException:
                said = "failed", traceback.format_exc()
            orders.send((*said, time.process_time() - begun))


def _environment(settings: Settings) -> None:
    """A node's environment, and nothing of whoever started the simulation."""
    folder = settings.folder / settings.territory
    folder.mkdir(parents=True, exist_ok=True)
    for name in [name for name in os.environ if name.startswith(("CAUSEWAY_", "INSECURE_", "CELERY_"))]:
        del os.environ[name]
    os.environ.pop("DEBUG", None)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="idp.settings",
        CAUSEWAY_ENTITY_ID=NODES[settings.territory],
        CAUSEWAY_JURISDICTION=settings.territory,
        CAUSEWAY_DATA_DIR=str(folder),
        CAUSEWAY_STATIC_ROOT=str(folder),
        DATABASE_URL=settings.database or f"sqlite:///{folder}/node.sqlite3",
    )
    sys.setswitchinterval(0.05)
