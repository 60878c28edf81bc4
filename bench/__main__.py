"""``python -m bench [PART]``: measure, print, and keep the outcome in ``var/bench/PART.json``.

Each part's module has ``run()``, which returns ``{"figures": {name: number}, "ratios": {name: number}}``, and where it
takes long ``run_full()``, for ``--full``. A ratio is taken within one run, ours in the numerator: more is better. Times
of one machine mean nothing on another.
"""

import argparse
import importlib
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PARTS = (
    "gate",
    "admit",
    "face",
    "qr",
    "federation",
    "token",
    "journal",
    "watchlist",
    "reads",
    "status",
    "revocation",
    "issuance",
)  # bench/PART.py
OUT = Path("var/bench")


def main(arguments: list[str]) -> int:
    """Run the parts; 0 when every one gave its figures."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="; ".join(PARTS))
    parser.add_argument("--full", action="store_true", help="also those parts that take more than ten minutes")
    options = parser.parse_args(arguments)
    OUT.mkdir(parents=True, exist_ok=True)
    for part in options.part or PARTS:
        begun = time.monotonic()
        print(f"{part} …", flush=True)
        module = importlib.import_module(f"bench.{part}")
        found = getattr(module, "run_full", module.run)() if options.full else module.run()
        outcome = {kind: _flat(found[kind]) for kind in ("figures", "ratios")}
        (OUT / f"{part}.json").write_text(json.dumps(outcome, indent=1) + "\n", "utf-8")
        for kind in ("figures", "ratios"):
            for name, value in outcome[kind].items():
                print(f"  {kind[:-1]:7} {name:45} {value:.4g}")
        print(f"  {time.monotonic() - begun:.0f} s", flush=True)
    return 0


def _flat(values: Mapping[str, Any]) -> dict[str, float]:
    """Name to number: the parts of a group get the group's name before theirs."""
    flat: dict[str, float] = {}
    for name, value in values.items():
        flat |= (
            {f"{name}_{part}": number for part, number in value.items()}
            if isinstance(value, Mapping)
            else {name: value}
        )
    return flat


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
