"""Checkpoints and lanes from the command line."""

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from idp import clock
from idp.border import checkpoints, revocation, watching
from idp.border.commands import explain, reconcile, retain, rules, statement, unmatched
from idp.border.models import Checkpoint, RevocationReason

COMMANDS = {
    "explain": explain,
    "rules": rules,
    "reconcile": reconcile,
    "retain": retain,
    "statement": statement,
    "unmatched": unmatched,
}
_FAULTS = (checkpoints.UnableToRegister, checkpoints.UnableToEnrolLane, revocation.UnableToRevoke)


class Command(BaseCommand):
    help = "Checkpoints and lanes, the watch list, border tokens to take back, what travel rules say, books compared."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        add = actions.add_parser("checkpoint", help="register a checkpoint")
        add.add_argument("code")
        add.add_argument("--name", action="append", required=True, help="LANGUAGE=NAME, en at least")
        add.add_argument("--neighbour", required=True, choices=["CHN", "HKG", "MAC"])
        add.add_argument("--direction", action="append", required=True, choices=["entry", "exit"])
        add.add_argument("--policy", default="{}", help="JSON; what differs from the authority's policy")
        invite = actions.add_parser("lane", help="write the enrolment file of a lane")
        invite.add_argument("checkpoint")
        invite.add_argument("lane")
        invite.add_argument("--direction", required=True, choices=["entry", "exit"])
        invite.add_argument("--out", type=Path, required=True)
        actions.add_parser("list", help="checkpoints and lanes")
        watch = actions.add_parser("watch", help="read document numbers, one a line, from a file onto the watch list")
        unwatch = actions.add_parser("unwatch", help="take the document numbers in a file off the watch list")
        for action in (watch, unwatch):
            action.add_argument("file", type=Path)  # not an argument each: those stand in the shell's history
        tokens = [
            actions.add_parser(act, help=f"{act} the living border tokens of somebody or something")
            for act in revocation.ACTS
        ]
        for action in tokens:
            action.add_argument("what", choices=[*revocation.WHICH])
            action.add_argument("which", help="its identifier, as tokens have it")
            action.add_argument("--reason", type=RevocationReason, choices=[*RevocationReason])
        for name, command in COMMANDS.items():
            command.add_arguments(actions.add_parser(name, help=command.__doc__))
        for action in (add, invite, watch, unwatch, *tokens):
            action.add_argument("--officer", default="console")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            action = options["action"]
            if action in COMMANDS:
                COMMANDS[action].handle(self.stdout, options)
                return
            (self._change_tokens if action in revocation.ACTS else getattr(self, f"_{action}"))(options)
        except (*_FAULTS, OSError, ValueError) as error:
            raise CommandError(str(error)) from error

    def _checkpoint(self, options: dict[str, Any]) -> None:
        name = dict(item.partition("=")[::2] for item in options["name"])
        if not name.get("en"):
            raise CommandError("a name in English (en=…) is needed")
        checkpoint = checkpoints.register(
            code=options["code"],
            name=name,
            neighbour=options["neighbour"],
            directions=options["direction"],
            policy=json.loads(options["policy"]),
            officer=options["officer"],
            now=clock.now(),
        )
        self.stdout.write(checkpoint.entity_id)

    def _lane(self, options: dict[str, Any]) -> None:
        checkpoint = Checkpoint.objects.filter(code=options["checkpoint"]).first()
        if checkpoint is None:
            raise CommandError("there is no such checkpoint")
        invitation = checkpoints.invite_lane(
            checkpoint=checkpoint,
            name=options["lane"],
            direction=options["direction"],
            officer=options["officer"],
            now=clock.now(),
        )
        out: Path = options["out"]
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.fchmod(descriptor, 0o600)  # a file that was there before keeps its mode otherwise
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(invitation, file, ensure_ascii=False, indent=1)
        self.stdout.write(f"{out}: hand it to the gate; its code works once, within 24 hours")

    def _watch(self, options: dict[str, Any]) -> None:
        for number in options["file"].read_text(encoding="utf-8").split():
            watching.watch(document_number=number, officer=options["officer"], now=clock.now())

    def _unwatch(self, options: dict[str, Any]) -> None:
        for number in options["file"].read_text(encoding="utf-8").split():
            if not watching.unwatch(document_number=number, officer=options["officer"], now=clock.now()):
                self.stderr.write("one of the numbers was not on the list")

    def _change_tokens(self, options: dict[str, Any]) -> None:
        count = revocation.carry_out(
            act=options["action"],
            what=options["what"],
            which=options["which"],
            actor=options["officer"],
            reason=options["reason"],
            now=clock.now(),
        )
        self.stdout.write(f"{count} border tokens")

    def _list(self, options: dict[str, Any]) -> None:
        for checkpoint in Checkpoint.objects.prefetch_related("lanes"):
            self.stdout.write(checkpoint.entity_id)
            for lane in checkpoint.lanes.all():
                state = "revoked" if lane.revoked_at else "enrolled" if lane.jwk else "invited"
                self.stdout.write(f"  {lane.name} {lane.direction} {state} bundle {lane.bundle_serial}")
