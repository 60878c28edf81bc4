"""``manage.py authority init|check``. ``manage.py`` asks for the settings of `init` before Django starts."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from idp import clock
from idp.office.findings import collecting
from idp.office.findings.finding import Finding, Level
from idp.office.founding import answers, environment, founding, next_steps
from idp.office.founding.answers import UnableToFound
from idp.office.founding.founding import Appointment


class Command(BaseCommand):
    help = (
        "Founds this authority's node, from nothing or from where an earlier run broke off; says what is wrong with it."
    )
    requires_system_checks: list[str] = []  # `check` tells them with the rest, and `init` asks for them

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        environment.add_options(actions.add_parser("init", help="make what is missing, and say what to do next"))
        check = actions.add_parser("check", help="say what is wrong and what to do; fails where there is an error")
        check.add_argument("--json", action="store_true", help="for programs")
        check.add_argument("--no-network", action="store_true", help="ask neither peers nor the public address")
        check.add_argument("--thorough", action="store_true", help="hash the whole audit record again")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['action']}")(options)

    def _init(self, options: dict[str, Any]) -> None:
        self.check()
        try:
            self._say(founding.database())
            named = self._appointments(options["file"])
            links: dict[str, str] = {}
            for done in founding.found(appointments=named, now=clock.now()):
                self._say(done)
                links |= done.links
        except UnableToFound as error:
            raise CommandError(f"{error} Mend it, and run the same command again: what is done is found.") from error
        self.stdout.write("\nWhat to do next:\n")
        for number, step in enumerate(next_steps.after_founding(links=links, environment=options["environment"]), 1):
            self.stdout.write(f"{number}. {step}\n")

    def _check(self, options: dict[str, Any]) -> None:
        found = collecting.collect(now=clock.now(), network=not options["no_network"], thorough=options["thorough"])
        if options["json"]:
            self.stdout.write(json.dumps([dataclasses.asdict(finding) for finding in found], indent=2))
        else:
            self._tell(found)
        if any(finding.level is Level.ERROR for finding in found):
            raise SystemExit(1)

    def _tell(self, found: list[Finding]) -> None:
        for finding in found:
            self.stdout.write(f"{finding.level:8} {finding.id}  {finding.text}\n{'':9}remedy: {finding.remedy}")
        errors = sum(finding.level is Level.ERROR for finding in found)
        self.stdout.write(f"{errors} errors, {len(found) - errors} warnings" if found else "Nothing is wrong.")

    def _say(self, done: founding.Done) -> None:
        self.stdout.write(f"{done.step + ':':22}{done.text}")

    def _appointments(self, path: Path | None) -> list[Appointment]:
        """From the file, or from whoever sits there; nobody is asked for while there are enough."""
        given = answers.read(path) if path is not None else {}
        if "officers" in given:
            return founding.appointments_from(given["officers"])
        missing = founding.missing_officers()
        if missing and path is not None:
            raise UnableToFound(f"{founding.WHY_TWO} Name them in the answers, as in officers = ['chan', 'lei'].")
        if missing:
            self.stderr.write(founding.WHY_TWO)
        return [Appointment(environment.ask("User name of an officer: ").strip()) for _ in range(missing)]
