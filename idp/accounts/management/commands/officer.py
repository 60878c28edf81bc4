"""``manage.py officer invite|create|grant|revoke|disable NAME …``.

The console acts at once and alone.
"""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from idp import clock
from idp.accounts import granting, invitations, officers
from idp.accounts.models import Account
from idp.accounts.roles import Role

ACTOR = "console"


class Command(BaseCommand):
    help = "Makes an officer, gives and takes roles, or closes an officer's account."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        invite = actions.add_parser("invite", help="make an officer, or find one, and print a link, good once")
        invite.add_argument("name")
        create = actions.add_parser("create", help="make an officer; secrets are printed once")
        create.add_argument("name")
        create.add_argument("--totp", action="store_true", help="with a one-time password secret: needed to log in")
        create.add_argument("--password-file", type=Path, help="the password is in this file; else one is made")
        for action in (invite, create):
            action.add_argument("--role", action="append", choices=Role.values, help="may be repeated; else all roles")
        create.add_argument("--superuser", action="store_true", help="with every permission, whatever the roles say")
        for name, text in (("grant", "give a role"), ("revoke", "take a role away")):
            change = actions.add_parser(name, help=f"{text}, at once")
            change.add_argument("name")
            change.add_argument("role", choices=Role.values)
        disable = actions.add_parser("disable", help="close an officer's account")
        disable.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['action']}")(options)

    def _invite(self, options: dict[str, Any]) -> None:
        account = _found(options["name"])
        if account is not None and options["role"]:
            raise CommandError("This officer is there already: use grant and revoke.")
        try:
            with transaction.atomic():
                if account is None:
                    roles = [Role(role) for role in options["role"] or Role.values]
                    account = officers.create_without_password(username=options["name"], actor=ACTOR, roles=roles)
                link = invitations.invite(account=account, actor=ACTOR, now=clock.now())
        except (officers.UnableToAppoint, invitations.UnableToEnrol) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"officer: {account.username}")
        self.stdout.write(f"link: {link}")
        self.stdout.write("Good once, for 24 hours. Whoever opens it makes the passkey: hand it over in person.")

    def _create(self, options: dict[str, Any]) -> None:
        path: Path | None = options["password_file"]
        password = path.read_text().rstrip("\r\n") if path else secrets.token_urlsafe(15)
        held = [Role(role) for role in options["role"] or Role.values]
        facts = {"roles": held, "superuser": options["superuser"], "actor": ACTOR}
        try:
            account = officers.create(username=options["name"], password=password, **facts)
        except officers.UnableToAppoint as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"officer: {account.username}")
        self.stdout.write(f"roles: {' '.join(held)}")
        if path is None:
            self.stdout.write(f"password: {password}")
        if options["totp"]:
            factor = officers.give_second_factor(account=account, actor=ACTOR)
            self.stdout.write(f"secret: {factor.secret}")
            self.stdout.write(f"otpauth: {factor.otpauth_uri}")

    def _grant(self, options: dict[str, Any]) -> None:
        self._changed(granting.grant, options)

    def _revoke(self, options: dict[str, Any]) -> None:
        self._changed(granting.end, options)

    def _changed(self, change: Callable[..., Any], options: dict[str, Any]) -> None:
        account = _officer(options["name"])
        try:
            change(account=account, role=Role(options["role"]), actor=ACTOR, now=clock.now())
        except granting.UnableToChangeRole as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"roles: {' '.join(granting.roles_of(account))}")

    def _disable(self, options: dict[str, Any]) -> None:
        try:
            officers.disable(account=_officer(options["name"]), actor=ACTOR, now=clock.now())
        except granting.UnableToChangeRole as error:
            raise CommandError(str(error)) from error
        self.stdout.write("disabled")


def _found(name: str) -> Account | None:
    known = Account.objects.filter(username=Account.normalize_username(name), kind=Account.Kind.OFFICER)
    return known.first()


def _officer(name: str) -> Account:
    account = _found(name)
    if account is None:
        raise CommandError("There is no officer of this name.")
    return account
