"""list, export, propose and approve travel rules"""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, OutputWrapper
from django.db import transaction

from idp import clock
from idp.accounts.models import Account
from idp.border.commands.explain import moment
from idp.border.rules import book, changing
from idp.proposals import executors, proposing
from idp.proposals.executors import Unacceptable
from idp.proposals.models import Proposal
from idp.proposals.proposing import UnableToDecide, UnableToPropose
from idp.protocol import strict_json
from idp.protocol.refusals import Refusal
from idp.protocol.travel_rules import wire

DECIDE = "proposals.decide_proposal"
_DECISIONS: Mapping[str, Callable[..., Proposal]] = {
    "approve": proposing.approve,
    "reject": proposing.reject,
    "withdraw": proposing.withdraw,
}


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="rules", required=True)
    shown = actions.add_parser("list", help="the rules in force, and the proposals that wait")
    shown.add_argument("--at", help="YYYY-MM-DDTHH:MM, in Hong Kong unless it says where; now")
    actions.add_parser("export", help="the whole book as JSON: every rule on the days on which it counts")
    propose = actions.add_parser("propose", help="propose the change, or each of a list, in a JSON file")
    propose.add_argument("file", type=Path)
    propose.add_argument("--why", required=True)
    decide = [actions.add_parser(name, help=f"{name} a proposal") for name in _DECISIONS]
    for action in decide:
        action.add_argument("number", type=int)
    for action in (propose, *decide):
        action.add_argument("--officer", required=True, help="your user name: the other officer's is another")


def handle(out: OutputWrapper, options: Mapping[str, Any]) -> None:
    """Raises CommandError with the reason where nothing was changed."""
    action = options["rules"]
    try:
        if action in _DECISIONS:
            _decide(out, options)
        else:
            {"list": _list, "export": _export, "propose": _propose}[action](out, options)
    except (UnableToPropose, UnableToDecide, Unacceptable, Refusal, OSError) as error:
        raise CommandError(str(error)) from error


def _list(out: OutputWrapper, options: Mapping[str, Any]) -> None:
    at = clock.now() if options["at"] is None else moment(options["at"])
    for rule in book.rules(at):
        until = "" if rule.last == date.max else rule.last.isoformat()
        advice = "advice" if rule.advice or rule.kind == "note" else ""
        out.write(f"{rule.id:<32}{rule.kind:<13}{rule.first} {until:<11}{advice:<7}{rule.source}")
    for proposal in Proposal.objects.filter(kind=changing.KIND, state=Proposal.State.PROPOSED).order_by("pk"):
        out.write(f"proposal {proposal.pk}: {proposal.payload['change']} {proposal.subject}: {proposal.why}")


def _export(out: OutputWrapper, options: Mapping[str, Any]) -> None:
    out.write(json.dumps([wire(rule) for rule in book.everything()], ensure_ascii=False, indent=1))


@transaction.atomic
def _propose(out: OutputWrapper, options: Mapping[str, Any]) -> None:
    """Each change of the file is a proposal of its own; where one cannot be made, none is."""
    officer, executor = _officer(options["officer"]), executors.of(changing.KIND)
    read = strict_json.loads(options["file"].read_bytes())
    for payload in read if isinstance(read, list) else [read]:
        if not isinstance(payload, dict):
            raise CommandError("a change is an object")
        made = proposing.propose(
            kind=changing.KIND,
            subject=changing.subject_of(payload),
            payload=payload,
            why=options["why"],
            officer=officer,
            now=clock.now(),
        )
        _show(out, made, executor)
        out.write(f"proposal {made.pk} waits for another officer")


def _decide(out: OutputWrapper, options: Mapping[str, Any]) -> None:
    action = options["rules"]
    officer = _officer(options["officer"], decides=action != "withdraw")
    proposal = Proposal.objects.filter(pk=options["number"], kind=changing.KIND).first()
    if proposal is None:
        raise CommandError("there is no such proposal about travel rules")
    if action == "approve" and proposal.state == Proposal.State.PROPOSED:
        _show(out, proposal, executors.of(changing.KIND))
    made = _DECISIONS[action](proposal=proposal, officer=officer, now=clock.now())
    out.write(f"proposal {made.pk} is {made.state}")


def _show(out: OutputWrapper, proposal: Proposal, executor: executors.Executor) -> None:
    for line in executor.changes(proposal, now=clock.now()):
        out.write(f"  {line}")


def _officer(username: str, *, decides: bool = False) -> str:
    """The officer as proposals name them: the same here and in the admin site, so that nobody is two."""
    account = Account.objects.filter(
        username=Account.normalize_username(username), kind=Account.Kind.OFFICER, is_active=True
    ).first()
    needed = [executors.of(changing.KIND).permission, *([DECIDE] if decides else [])]
    if account is None or not account.has_perms(needed):
        raise CommandError("no active officer of this name may do this")
    return f"account:{account.pk}"
