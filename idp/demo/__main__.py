"""``python -m idp.demo play`` plays the world once and reports; ``python -m idp.demo up`` keeps it running.

``python -m idp.demo specimen`` writes a traveller's document, portrait and pictures for a node that is set up by hand.
"""

import argparse
import signal
import sys
import threading
import time
from pathlib import Path

from idp.demo import keep, specimen, staging, world
from idp.demo.play import perform
from idp.demo.progress import Progress


def play(directory: Path) -> int:
    """The demonstration; 0 only if every expectation held."""
    progress, begun = Progress(), time.monotonic()
    staging.clear(directory)
    report = perform(world.build(directory), progress)
    progress.table(report)
    seconds = time.monotonic() - begun
    progress.console.print(f"\n{directory}/report.html, {directory}/report.json · {seconds:.0f} s")
    if not report.ok:
        progress.console.print("[red]Not every expectation held.[/]")
    return 0 if report.ok else 1


def up(directory: Path) -> int:
    """The same world, until Ctrl-C."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    staging.clear(directory)
    keep.keep_up(world.build(directory), Progress(), stop)
    return 0


COMMANDS = {
    "play": (play, Path("var/demo")),
    "up": (up, Path("var/up")),
    "specimen": (specimen.write, Path("var/specimen")),
}


def main(arguments: list[str]) -> int:
    """Run one command; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m idp.demo", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--directory", type=Path, help="where the world keeps its things")
    options = parser.parse_args(arguments)
    command, usual = COMMANDS[options.command]
    try:
        return command(options.directory or usual)
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
