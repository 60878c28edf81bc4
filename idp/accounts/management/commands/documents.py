"""``manage.py documents import FILE.json``: the register of documents that this authority issued."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from idp import conf
from idp.accounts import importing


class Command(BaseCommand):
    help = "Takes in the authority's register of travel documents (the format is described in idp/accounts/importing)."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("import", help="all of the file or nothing").add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = importing.import_register(
                content=options["file"].read_bytes(), issued_by=conf.authority().jurisdiction, actor="console"
            )
        except OSError as error:
            raise CommandError(f"The file cannot be read: {error.strerror}") from error
        except importing.UnableToImport as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{done.created} documents added, {done.updated} brought up to date")
