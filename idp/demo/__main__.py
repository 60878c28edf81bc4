"""``python -m idp.demo play`` plays the world once and reports; ``python -m idp.demo up`` keeps it running."""

import signal
import sys
import threading
import time
from pathlib import Path

from idp.demo import keep, staging, world
from idp.demo.play import perform
from idp.demo.processes import UnableToStart
from idp.demo.progress import Progress

DIRECTORY = Path("var/demo")


def play() -> int:
    """The demonstration; 0 only if every expectation held."""
    progress, begun = Progress(), time.monotonic()
    staging.clear(DIRECTORY)
    report = perform(world.build(DIRECTORY), progress)
    progress.table(report)
    progress.console.print(f"\nvar/demo/report.html, var/demo/report.json · {time.monotonic() - begun:.0f} s")
    if not report.ok:
        progress.console.print("[red]Not every expectation held.[/]")
    return 0 if report.ok else 1


def up() -> int:
    """The same world, until Ctrl-C."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    staging.clear(Path("var/up"))
    keep.keep_up(world.build(Path("var/up")), Progress(), stop)
    return 0


def main(arguments: list[str]) -> int:
    """Run one command; the exit status."""
    commands = {"play": play, "up": up}
    if len(arguments) != 1 or arguments[0] not in commands:
        sys.stderr.write("python -m idp.demo play | up\n")
        return 2
    try:
        return commands[arguments[0]]()
    except (UnableToStart, RuntimeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
