"""Kill workers and brokers while face jobs are done: ``python -m tests.faults.run``, with options.

Each broker gets a node of its own (SQLite, or ``--database`` with the URL of an empty one), workers and a beat as an
operator starts them, and real comparisons of small pictures. A worker is killed with SIGKILL after every few jobs,
wherever it is; the broker is killed with all that it holds, and comes back after a while. What was lost is a job that
did not come to its end; what was done twice has two records of its end, or two references.
Prints one line for each broker, and fails where either is not 0.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random

from tests.faults import brokers

ENTITY = "http://hk.localhost:8002"


def environment(folder: Path, url: str, database: str | None = None) -> dict[str, str]:
    """Of a node in ``folder``, whatever that of the caller says of another node."""
    data = folder / "data"
    data.mkdir(exist_ok=True)
    return {
        "DEBUG": "0",
        "CAUSEWAY_ENTITY_ID": "https://hk.example",
        "CAUSEWAY_DATA_DIR": str(data),
        "DATABASE_URL": database or f"sqlite:///{data}/node.sqlite3",
        "DJANGO_SETTINGS_MODULE": "idp.settings",
        "CELERY_BROKER_URL": url,
        "OMP_NUM_THREADS": "1",
    }


def play(name: str, *, jobs: int, seed: int, database: str | None = None) -> dict[str, object]:
    """One broker's run, in this process, which becomes a process of the node."""
    with tempfile.TemporaryDirectory(prefix=f"causeway-faults-{name}-") as place:
        broker = brokers.EVERY[name](Path(place))
        os.environ.update(environment(Path(place), broker.url, database))
        broker.start()
        try:
            from tests.faults.mayhem import mayhem

            return {"broker": name, **mayhem(broker, folder=Path(place), jobs=jobs, random=Random(seed)), "seed": seed}
        finally:
            broker.kill()


def line(found: dict[str, object]) -> str:
    return ", ".join(
        f"{value} {key.replace('_', ' ')}" for key, value in found.items() if key not in ("broker", "seed")
    )


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--broker", action="append", choices=sorted(brokers.EVERY))
    options.add_argument("--jobs", type=int, default=500)
    options.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)))
    options.add_argument("--database", help="for one broker")
    options.add_argument("--json", action="store_true", help="one broker, in this process")
    given = options.parse_args()
    names = given.broker or list(brokers.EVERY)
    if given.json:
        print(json.dumps(play(names[0], jobs=given.jobs, seed=given.seed, database=given.database)))  # noqa: T201
        return 0
    failed = 0
    for name in names:
        if not brokers.EVERY[name].installed():
            print(f"{name}: not installed", flush=True)  # noqa: T201
            continue
        found = in_a_process(name, jobs=given.jobs, seed=given.seed, database=given.database)
        print(f"{name}: {line(found)} (seed {given.seed})", flush=True)  # noqa: T201
        failed += bool(found["lost"] or found["done_twice"])
    return failed


def in_a_process(name: str, *, jobs: int, seed: int, database: str | None = None) -> dict[str, object]:
    """As `play`: Django is set up once in a process."""
    command = [sys.executable, "-m", "tests.faults.run", "--json", "--broker", name]
    command += ["--jobs", str(jobs), "--seed", str(seed), *(["--database", database] if database else [])]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    sys.exit(main())
