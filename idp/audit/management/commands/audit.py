"""``manage.py audit seal | verify [--expect SIZE:ROOT] | head | prove EVENT | check-proof|check-export FILE``."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from idp import clock
from idp.audit import sealing, tree, verification
from idp.audit.models import SealedEvent, TreeHead
from idp.protocol import audit_proof, strict_json
from idp.protocol.keys import parse_jwks
from idp.protocol.refusals import Refusal
from idp.protocol.strict_json import b64encode


class Command(BaseCommand):
    help = "Seals the audit events, verifies the whole record, or prints its head."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("seal", help="append what waits to the tree")
        verify = actions.add_parser("verify", help="compute everything again and say what is broken")
        verify.add_argument("--expect", metavar="SIZE:ROOT", help="a head that was noted elsewhere, root in hex")
        actions.add_parser("head", help="print the newest head as SIZE:ROOT, to be noted elsewhere")

        prove = actions.add_parser("prove", help="print the proof that an event is in the tree, as JSON")
        prove.add_argument("event", type=int)

        for name, what in (("check-proof", "a proof that was downloaded"), ("check-export", "an export, a ZIP file")):
            check = actions.add_parser(name, help=f"verify {what}, by public keys alone")
            check.add_argument("file", type=Path)
            check.add_argument("--keys", type=Path, required=True, help="JWK Set of the authority's audit keys")
            check.add_argument("--issuer", required=True, help="the authority's entity identifier")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['action'].replace('-', '_')}")(options)

    def _check_proof(self, options: dict[str, Any]) -> None:
        try:
            value = strict_json.loads_object(options["file"].read_bytes())
            proven = audit_proof.verify(value, **_by(options))
        except (OSError, Refusal) as error:
            raise CommandError(f"not proven: {error}") from error
        self.stdout.write(f"proven: event {proven.fields[0]} is leaf {proven.index} of {proven.head.size}")

    def _check_export(self, options: dict[str, Any]) -> None:
        try:
            with zipfile.ZipFile(options["file"]) as archive:
                lines, table = (
                    archive.open("events.jsonl"),
                    io.TextIOWrapper(archive.open("events.csv"), "utf-8", newline=""),
                )
                checked = audit_proof.check_export(lines, table, **_by(options))
        except (OSError, KeyError, ValueError, zipfile.BadZipFile, Refusal) as error:
            raise CommandError(f"not proven: {error}") from error
        self.stdout.write(f"proven: {checked.events} events, in the record of {checked.head.size}")

    def _seal(self, options: dict[str, Any]) -> None:
        self.stdout.write(f"{sealing.seal(clock.now())} events sealed")

    def _head(self, options: dict[str, Any]) -> None:
        head = TreeHead.objects.order_by("-size").first()
        if head is None:
            raise CommandError("nothing is sealed yet")
        self.stdout.write(f"{head.size}:{bytes(head.root).hex()}")

    def _prove(self, options: dict[str, Any]) -> None:
        sealed = SealedEvent.objects.select_related("event").filter(event=options["event"]).first()
        if sealed is None:
            raise CommandError("there is no such event, or it waits for its seal")
        size = tree.size()
        proof = {
            "event": sealing.leaf_data(sealed.event).decode(),
            "index": sealed.index,
            "size": size,
            "root": b64encode(tree.root_at(size)),
            "proof": [b64encode(item) for item in tree.inclusion_proof(sealed.index, size)],
        }
        self.stdout.write(json.dumps(proof, ensure_ascii=False))

    def _verify(self, options: dict[str, Any]) -> None:
        broken = list(verification.findings(clock.now(), expected=_expected(options["expect"])))
        for line in broken:
            self.stderr.write(line)
        if broken:
            raise CommandError(f"the record is broken in {len(broken)} places")
        self.stdout.write("the record is whole")


def _by(options: dict[str, Any]) -> dict[str, Any]:
    """Whose keys a check is made by."""
    keys = parse_jwks(strict_json.loads_object(options["keys"].read_bytes()))
    return {"keys": keys, "issuer": options["issuer"], "now": clock.now()}


def _expected(text: str | None) -> tuple[int, bytes] | None:
    if text is None:
        return None
    size, _, root = text.partition(":")
    try:
        return int(size), bytes.fromhex(root)
    except ValueError as error:
        raise CommandError("--expect wants SIZE:ROOT with the root in hex") from error
