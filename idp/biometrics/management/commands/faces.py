"""Face engines: which there are, whether a pack is sound, and how often one errs."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from idp.biometrics.commands import (
    check_pack,
    evaluate,
    install_pack,
    list_engines,
    renew,
    retire,
    revoke,
    rewrap,
    trust_pack,
)

COMMANDS = {
    "list": list_engines,
    "check": check_pack,
    "install": install_pack,
    "trust": trust_pack,
    "evaluate": evaluate,
    "renew": renew,
    "retire": retire,
    "revoke": revoke,
    "rewrap": rewrap,
}


class Command(BaseCommand):
    help = "List, check, install and measure face engines; renew, retire and destroy references."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        for name, command in COMMANDS.items():
            command.add_arguments(actions.add_parser(name, help=command.__doc__))

    def handle(self, *args: Any, **options: Any) -> None:
        COMMANDS[options["action"]].handle(self.stdout, options)
