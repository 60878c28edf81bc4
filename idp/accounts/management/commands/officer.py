"""``manage.py officer invite NAME | create NAME --totp [--password-file FILE] | disable NAME``."""

import secrets
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from idp import clock
from idp.accounts import invitations, officers
from idp.accounts.models import Account

ACTOR = "console"


class Command(BaseCommand):
    help = "Makes an officer, or closes an officer's account."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        invite = actions.add_parser("invite", help="make an officer, or find one, and print a link, good once")
        invite.add_argument("name")
        create = actions.add_parser("create", help="make an officer; secrets are printed once")
        create.add_argument("name")
        create.add_argument("--totp", action="store_true", help="with a one-time password secret: needed to log in")
        create.add_argument("--password-file", type=Path, help="the password is in this file; else one is made")
        disable = actions.add_parser("disable", help="close an officer's account")
        disable.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['action']}")(options)

    def _invite(self, options: dict[str, Any]) -> None:
        account = self._found(options["name"])
        try:
            with transaction.atomic():
                if account is None:
                    account = officers.create_without_password(username=options["name"], actor=ACTOR)
                link = invitations.invite(account=account, actor=ACTOR, now=clock.now())
        except (officers.UnableToAppoint, invitations.UnableToEnrol) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"officer: {account.username}")
        self.stdout.write(f"link: {link}")
        self.stdout.write("Good once, for 24 hours. Whoever opens it makes the passkey: hand it over in person.")

    def _create(self, options: dict[str, Any]) -> None:
        path: Path | None = options["password_file"]
        password = path.read_text().rstrip("\r\n") if path else secrets.token_urlsafe(15)
        try:
            account = officers.create(username=options["name"], password=password, actor=ACTOR)
        except officers.UnableToAppoint as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"officer: {account.username}")
        if path is None:
            self.stdout.write(f"password: {password}")
        if options["totp"]:
            factor = officers.give_second_factor(account=account, actor=ACTOR)
            self.stdout.write(f"secret: {factor.secret}")
            self.stdout.write(f"otpauth: {factor.otpauth_uri}")

    def _disable(self, options: dict[str, Any]) -> None:
        account = self._found(options["name"])
        if account is None:
            raise CommandError("There is no officer of this name.")
        officers.disable(account=account, actor=ACTOR)
        self.stdout.write("disabled")

    def _found(self, name: str) -> Account | None:
        known = Account.objects.filter(username=Account.normalize_username(name), kind=Account.Kind.OFFICER)
        return known.first()
