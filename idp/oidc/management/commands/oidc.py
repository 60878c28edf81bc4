"""``manage.py oidc checks`` prints the table of checks; ``manage.py oidc purge`` forgets what is past."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from idp.oidc import checks, tasks


class Command(BaseCommand):
    help = "Look at the OAuth endpoints' checks, or purge what is past."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["checks", "purge"])

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "purge":
            tasks.purge()
            return
        for check in checks.CHECKS:
            profiles = " ".join(sorted(check.profiles))
            meaning = (check.run.__doc__ or "").splitlines()[0]
            self.stdout.write(f"{check.endpoint:<14} {profiles:<17} {check.run.__name__:<33} {meaning}")
