"""Take portraits into the register."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from idp import clock
from idp.accounts.models import TravelDocument
from idp.biometrics import enrolment
from idp.protocol.refusals import Refusal


class Command(BaseCommand):
    help = "Import portraits: files named TYPE-NUMBER.jpg, for documents that stand in the register."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        importing = actions.add_parser("import")
        importing.add_argument("directory", type=Path)
        importing.add_argument("--officer", default="console")

    def handle(self, *args: Any, **options: Any) -> None:
        refused = 0
        for path in sorted(options["directory"].iterdir()):
            kind, _, number = path.stem.partition("-")
            document = TravelDocument.objects.filter(type=kind, number=number).first()
            if document is None:
                raise CommandError(f"{path.name}: no such document in the register")
            try:
                enrolment.import_portrait(
                    document=document, picture=path.read_bytes(), officer=options["officer"], now=clock.now()
                )
            except Refusal as refusal:
                refused += 1
                self.stderr.write(f"{path.name}: {refusal}")
        if refused:
            raise CommandError(f"{refused} portraits were not taken")
