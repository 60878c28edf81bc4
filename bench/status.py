"""What a status list costs to publish and to read, and what it costs to find tokens that lost what they stand on.

A list of one bit of which 1 % are set is read from PostgreSQL, packed, signed in both of its forms, and kept; beside it
the bare cost, in turns: zlib's highest level over the same array, and one signature over what came of it. Rows of
indexes that are not set are not read and left out; ``--full`` has them all. A gate verifies the list when its bundle
comes, and looks an index up for each token. The look for orphans is taken at a time when a hundred phones were revoked
of which no token lives, among more and more tokens that do.
"""

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

from bench import contenders, pinned, plots

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
TOKENS = (10_000, 100_000, 1_000_000)


def run(*, full: bool = False) -> dict[str, Any]:
    """``{"figures", "ratios"}``: milliseconds by number of entries, and the bare cost over ours."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, pinned.database(contenders.URL, "bench_status") as url:
        environment = {
            "DEBUG": "0",
            "INSECURE_LOOPBACK_HTTP": "1",
            "CAUSEWAY_DATA_DIR": name,
            "CAUSEWAY_ENTITY_ID": "http://hk.localhost:8661",
            "DJANGO_SETTINGS_MODULE": "idp.settings",
            "DATABASE_URL": url,
            "SIZES": json.dumps({"lists": SIZES, "tokens": TOKENS, "full": full}),
        }
        done = subprocess.run(
            [sys.executable, "-m", "bench.status_node"],
            env={**os.environ, **environment},
            check=True,
            stdout=subprocess.PIPE,
        )
    return _told(json.loads(done.stdout))


def run_full() -> dict[str, Any]:
    """`run` with a row for every index that was given out."""
    return run(full=True)


def _told(found: dict[str, Any]) -> dict[str, Any]:
    lists, looks = found["lists"], found["looks"]
    names = ("publish", "bare", "verify", "lookup")
    series = {name: [times[f"{name}_ms"] for times in lists] for name in names}
    plots.growth("status", SIZES, series, title="A status list, 1 % set", x="entries of one bit", y="milliseconds")
    plots.growth("orphans", TOKENS, {"look": looks}, title="A look for orphans", x="living tokens", y="milliseconds")
    figures = {f"list_{size}": times for size, times in zip(SIZES, lists, strict=True)}
    figures["orphans_ms"] = {str(count): value for count, value in zip(TOKENS, looks, strict=True)}
    pairs = zip(SIZES, lists, strict=True)
    ratios = {f"publish_vs_bare_{size}": round(times["bare_ms"] / times["publish_ms"], 3) for size, times in pairs}
    return {"figures": figures, "ratios": ratios}


if __name__ == "__main__":
    print(run())
