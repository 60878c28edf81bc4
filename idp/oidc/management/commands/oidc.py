"""Clients that an officer registers; the table of checks; forgetting what is past."""

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from idp import clock
from idp.oidc import checks, client_registration, initial_access, tasks
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client
from idp.protocol import strict_json
from idp.protocol.refusals import Refusal

STDOUT = Path("-")


class Command(BaseCommand):
    help = "Register, show, stop and remove clients; look at the OAuth endpoints' checks; purge what is past."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("checks", help="print the table of checks")
        actions.add_parser("purge", help="forget what is past")
        invite = actions.add_parser("registration-token", help="make a token with which clients register themselves")
        invite.add_argument("--days", type=int, default=7, help="how long it is good for (7)")
        invite.add_argument("--clients", type=int, default=1, help="how many may register with it (1)")
        invite.add_argument("--token-file", type=Path, default=STDOUT, help="where it is written to; - prints it (-)")
        invite.add_argument("--officer", default="console")
        client = actions.add_parser("client", help="clients without a trust chain")
        acts = client.add_subparsers(dest="act", required=True)
        add = acts.add_parser("add", help="register a client")
        change = acts.add_parser("change", help="put other metadata in place of what is registered")
        rotate = acts.add_parser("rotate-secret", help="make another secret; the old one is good no more")
        simple = [acts.add_parser(name) for name in ("show", "disable", "enable", "remove")]
        for act in (add, change, rotate, *simple):
            act.add_argument("client_id")
            act.add_argument("--officer", default="console")
        add.add_argument("--profile", required=True, choices=Client.Profile.values)
        for act in (add, change):
            act.add_argument("--metadata", type=Path, required=True, help="JSON file (RFC 7591 §2)")
            act.add_argument("--resource", action="append", help="resource identifier that it answers for (RFC 8707)")
        for act in (add, change, rotate):
            act.add_argument("--secret-file", type=Path, help="where a new secret is written to; - prints it")
        acts.add_parser("list", help="every client")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["act"] if options["action"] == "client" else options["action"]
        try:
            getattr(self, f"_{name.replace('-', '_')}")(options)
        except OAuthError as error:
            raise CommandError(f"{error.error}: {error.detail}") from error
        except (client_registration.UnableToChange, initial_access.UnableToInvite, Refusal, OSError) as error:
            raise CommandError(str(error)) from error

    def _checks(self, options: dict[str, Any]) -> None:
        """In the order in which they run; a profile that a check is not for leaves a dash in its column."""
        for check in checks.CHECKS:
            columns = (profile if profile in check.profiles else "-" for profile in Client.Profile.values)
            profiles = " ".join(f"{column:<10}" for column in columns)
            meaning = (check.run.__doc__ or "").splitlines()[0]
            self.stdout.write(f"{check.endpoint:<14} {profiles} {check.run.__name__:<31} {meaning}")

    def _purge(self, options: dict[str, Any]) -> None:
        tasks.purge()

    def _registration_token(self, options: dict[str, Any]) -> None:
        with _SecretFile(options["token_file"], self) as file:
            made = initial_access.invite(
                lifetime=options["days"] * 86_400, uses=options["clients"], actor=options["officer"], now=clock.now()
            )
            file.write(made)

    def _add(self, options: dict[str, Any]) -> None:
        metadata = strict_json.loads_object(options["metadata"].read_bytes())
        with _SecretFile(options["secret_file"], self) as file:
            made = client_registration.register(
                client_id=options["client_id"],
                profile=options["profile"],
                registration=Client.Registration.ADMIN,
                metadata=metadata,
                resources=options["resource"] or (),
                actor=options["officer"],
                now=clock.now(),
            )
            file.write(made.secret)
        self._print(made.client)

    def _change(self, options: dict[str, Any]) -> None:
        metadata = strict_json.loads_object(options["metadata"].read_bytes())
        with _SecretFile(options["secret_file"], self) as file:
            made = client_registration.change(
                client=_client(options),
                metadata=metadata,
                resources=options["resource"],
                actor=options["officer"],
                now=clock.now(),
            )
            file.write(made.secret)
        self._print(made.client)

    def _rotate_secret(self, options: dict[str, Any]) -> None:
        with _SecretFile(options["secret_file"], self) as file:
            file.write(client_registration.rotate_secret(client=_client(options), actor=options["officer"]))

    def _show(self, options: dict[str, Any]) -> None:
        self._print(_client(options))

    def _disable(self, options: dict[str, Any]) -> None:
        client_registration.set_disabled(client=_client(options), disabled=True, actor=options["officer"])

    def _enable(self, options: dict[str, Any]) -> None:
        client_registration.set_disabled(client=_client(options), disabled=False, actor=options["officer"])

    def _remove(self, options: dict[str, Any]) -> None:
        client_registration.remove(client=_client(options), actor=options["officer"])

    def _list(self, options: dict[str, Any]) -> None:
        for client in Client.objects.order_by("client_id"):
            state = "disabled" if client.disabled else "enabled"
            self.stdout.write(f"{client.client_id} {client.profile} {client.registration} {state}")

    def _print(self, client: Client) -> None:
        shown = {
            "client_id": client.client_id,
            "profile": client.profile,
            "registration": client.registration,
            "disabled": client.disabled,
            "sector": client.sector,
            "resources": client.resources,
            "metadata": client.metadata,
        }
        self.stdout.write(json.dumps(shown, ensure_ascii=False, indent=1))


class _SecretFile:
    """Where a new secret goes. Opened before anything is done, so that no secret is made that nobody can have."""

    def __init__(self, path: Path | None, command: BaseCommand) -> None:
        self._path, self._command = path, command
        self._descriptor: int | None = None

    def __enter__(self) -> "_SecretFile":
        if self._path is not None and self._path != STDOUT:
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
            os.fchmod(self._descriptor, 0o600)  # a file that was there before keeps its mode otherwise
        return self

    def __exit__(self, *exc: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def write(self, secret: str | None) -> None:
        if secret is None:
            return
        if self._path is None:
            self._command.stderr.write("no --secret-file: the secret is lost; make another with rotate-secret")
        elif self._descriptor is None:
            self._command.stdout.write(secret)
        else:
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, f"{secret}\n".encode())


def _client(options: dict[str, Any]) -> Client:
    client = Client.objects.filter(client_id=options["client_id"]).first()
    if client is None:
        raise CommandError("there is no such client")
    return client
