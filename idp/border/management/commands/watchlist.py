"""The watch list from the command line: whole files, all or nothing."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from idp import clock
from idp.border import reading_watch_lists, watching


class Command(BaseCommand):
    help = "Import document numbers to watch for, and say how many are watched."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        load = actions.add_parser("import", help="read a file onto the watch list, all of it or nothing")
        load.add_argument("file", type=Path)
        load.add_argument("--replace", action="store_true", help="take off what is not in the file")
        load.add_argument("--form", choices=sorted(reading_watch_lists.FORMS), help="the file's ending tells otherwise")
        load.add_argument("--officer", default="console")
        actions.add_parser("count", help="how many numbers there are, and the digest that the bundles sign")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "count":
            found = watching.in_force(now=clock.now())
            self.stdout.write(f"{found.count} numbers, {found.sha256}")
            return
        try:
            added, removed = watching.take(
                numbers=reading_watch_lists.read(options["file"], options["form"]),
                replace=options["replace"],
                officer=options["officer"],
                now=clock.now(),
            )
        except (reading_watch_lists.UnableToRead, watching.UnableToWatch, OSError, UnicodeDecodeError) as error:
            said = "the file is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            raise CommandError(f"nothing was changed\n{said}") from error
        self.stdout.write(f"{added} added, {removed} removed")
