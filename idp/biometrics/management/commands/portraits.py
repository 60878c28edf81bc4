"""Take portraits into the register."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from idp import clock
from idp.accounts.documents import canonical_number
from idp.accounts.models import TravelDocument
from idp.biometrics import portraits
from idp.protocol.refusals import Reason, Refusal, Unavailable


class Command(BaseCommand):
    help = "Import portraits: files named TYPE-NUMBER.jpg, for documents that stand in the register."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        importing = actions.add_parser("import")
        importing.add_argument("directory", type=Path)
        importing.add_argument("--officer", default="console")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            paths = sorted(options["directory"].iterdir())
        except OSError as error:
            raise CommandError(str(error)) from error
        refused = sum(not self._taken(path, options["officer"]) for path in paths)
        if refused:
            raise CommandError(f"{refused} of {len(paths)} portraits were not taken")

    def _taken(self, path: Path, officer: str) -> bool:
        """Import one file; whatever is wrong with it holds up none of the others."""
        kind, _, number = path.stem.partition("-")
        documents = list(TravelDocument.objects.filter(type=kind, number=canonical_number(number))[:2])
        try:
            if len(documents) != 1:
                raise Refusal(Reason.DOCUMENT_NOT_ELIGIBLE, "not exactly one document of the register")  # noqa: TRY301
            portraits.import_portrait(
                document=documents[0], picture=path.read_bytes(), officer=officer, now=clock.now()
            )
        except (Refusal, Unavailable, OSError) as error:
            self.stderr.write(f"{path.name}: {error}")
            return False
        return True
