"""say what each travel rule says of a traveller at a checkpoint"""

from argparse import ArgumentParser
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, OutputWrapper

from idp import clock
from idp.audit import reading
from idp.border.rules import explaining
from idp.border.rules.explaining import Explained, UnableToExplain
from idp.protocol.travel_rules import HONG_KONG, asked


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("traveller", help="account name or id")
    parser.add_argument("checkpoint", help="code of one of ours, or entity id")
    parser.add_argument("--at", help="YYYY-MM-DDTHH:MM, in Hong Kong unless it says where; now")
    parser.add_argument("--direction", action="append", choices=["exit", "entry"], default=[])
    parser.add_argument("--document", default="", help="id or type of one document")
    parser.add_argument("--officer", default="console")
    parser.add_argument("--reason", choices=reading.WITHOUT_WORDS, required=True, help="why you look")
    parser.add_argument("--case", default="", help="a file number")


def handle(out: OutputWrapper, options: Mapping[str, Any]) -> None:
    """Raises CommandError where there is nothing to explain."""
    now = clock.now()
    at = now if options["at"] is None else moment(options["at"])
    try:
        place = explaining.place_called(options["checkpoint"], now=now)
        found = explaining.explain(
            traveller=explaining.traveller_called(options["traveller"]),
            place=place,
            at=at,
            actor=options["officer"],
            reason=options["reason"],
            case=options["case"],
            directions=options["direction"],
            document=options["document"],
        )
    except (UnableToExplain, ValueError) as error:
        raise CommandError(str(error)) from error
    out.write(f"{place.entity_id} at {datetime.fromtimestamp(at, HONG_KONG).isoformat()}")
    for item in found:
        _write(out, item)


def moment(text: str) -> int:
    """Seconds since 1970 of an ISO 8601 time; Hong Kong's where it has no offset. Raises CommandError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError("not a time as YYYY-MM-DDTHH:MM") from error
    return int((found if found.tzinfo else found.replace(tzinfo=HONG_KONG)).timestamp())


def _write(out: OutputWrapper, item: Explained) -> None:
    verdict = item.verdict
    out.write(f"\n{item.direction} {item.leg[0]} to {item.leg[1]} with {item.document.type} {item.document.pk}")
    for finding in verdict.explanation:
        why = f" ({finding.why})" if finding.why else ""
        out.write(f"  {finding.outcome:<7}{finding.rule.id}{why}")
        out.write(f"         asks    {asked(finding.rule)}")
        out.write(f"         source  {finding.rule.source}")
    if not verdict.explanation:
        out.write("  no rule is about this document on this leg at this checkpoint")
    if item.opened is False:
        out.write("  the checkpoint is closed at this time")
    out.write(f"  outcome: {_outcome(item)}")


def _outcome(item: Explained) -> str:
    verdict = item.verdict
    if verdict.reason is not None:
        return f"an officer looks: {verdict.reason.value}"
    if item.opened is False:
        return "an officer looks: checkpoint_closed"
    words = ["goes home"] if verdict.home else ["passes"]
    words += ["overstayed"] if verdict.overstay else []
    words += [f"until {verdict.stay_until}"] if verdict.stay_until else []
    return ", ".join(words + [f"with advice of {rule}" for rule in verdict.advice])
