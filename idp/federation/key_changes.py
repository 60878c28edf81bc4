"""A change of a signing key by two officers, and what one does alone: killing a stolen key cannot wait for another.

A proposal's payload is ``{"act": "rotate"|"roll_over"|"call_off"|"withdraw", "kid": …}``, with ``"early": true`` for a
rotation that does not wait until everybody knows the next key, and ``"at"`` (seconds since 1970) for a roll-over.

next ──rotate, roll_over──▶ active ──the next one takes its place──▶ old ──time, withdraw──▶ gone
each of these but gone ──kill, by one officer──▶ killed
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import transaction

from idp.audit.events import record
from idp.federation import key_words, signed_documents, signing, takeovers
from idp.federation.models import SigningKey
from idp.federation.signing import UnableToRoll
from idp.proposals import reviews
from idp.proposals.executors import Unacceptable
from idp.proposals.models import Proposal

KIND = "federation.key"
KILLED = "federation.key_killed"  # a review's, as the next
ALONE = "federation.key_changed_alone"
PERMISSION = "federation.change_signingkey"

Payload = Mapping[str, Any]


class KeyChange:
    """The executor of `KIND` (`idp.proposals.executors.Executor`)."""

    label = "key"
    permission = PERMISSION

    def check(self, proposal: Proposal, *, now: int) -> None:
        looked_at(proposal.payload, now=now)

    def execute(self, proposal: Proposal, *, now: int) -> None:
        row = looked_at(proposal.payload, now=now)
        try:
            _ACTS[proposal.payload["act"]](row, proposal.payload, now, proposal.decided_by)
        except UnableToRoll as error:
            raise Unacceptable(str(error)) from error
        officers = [proposal.proposed_by, proposal.decided_by]
        data = {"act": proposal.payload["act"], "proposal": proposal.pk, "officers": officers}
        record(kind="federation.key.changed_by_two", actor=proposal.decided_by, subject=row.kid, data=data)

    def changes(self, proposal: Proposal, *, now: int) -> Sequence[str]:
        return lines(looked_at(proposal.payload, now=now), proposal.payload, now=now)


def payload(act: str, kid: str, **more: Any) -> dict[str, Any]:
    """What is to be proposed."""
    return {"act": act, "kid": kid, **more}


def looked_at(value: Payload, *, now: int) -> SigningKey:
    """The key that the change is about; raises `Unacceptable` for a change that could not be made now."""
    row = SigningKey.objects.filter(kid=value.get("kid", "")).first()
    if row is None:
        raise Unacceptable("there is no such key")
    why = {"rotate": _rotates, "roll_over": _rolls_over, "call_off": _calls_off, "withdraw": _withdraws}
    if value.get("act") not in why:
        raise Unacceptable("no such change of a key")
    problem = why[value["act"]](row, value, now)
    if problem:
        raise Unacceptable(problem)
    return row


def lines(row: SigningKey, value: Payload, *, now: int) -> list[str]:
    """What comes of it, in the officer's language."""
    living = signed_documents.by(row, now)
    return list(key_words.changed(row, value, living=living, active=_same(row, SigningKey.State.ACTIVE)))


@transaction.atomic
def kill(*, kid: str, why: str, officer: str, now: int) -> SigningKey:
    """One officer takes a key back at once; another reviews it. Raises `Unacceptable`: no reason, or killed before.

    The historical keys say ``compromised``; why is for the audit and the reviewer.
    """
    why = why.strip()
    if not why or len(why) > 400:
        raise Unacceptable("say why, in at most 400 characters")
    try:
        row = signing.kill(kid=kid, now=now, actor=officer, why=why)
    except (UnableToRoll, SigningKey.DoesNotExist) as error:
        raise Unacceptable(str(error)) from error
    reviews.record(kind=KILLED, subject=str(row), what=f"killed: {why}", officer=officer, now=now)
    return row


@transaction.atomic
def alone(act: Callable[[], SigningKey], *, what: str, officer: str, now: int) -> SigningKey:
    """What an operator with a shell does without a second officer is reviewed afterwards. Raises what ``act`` does."""
    row = act()
    reviews.record(kind=ALONE, subject=str(row), what=what, officer=officer, now=now)
    return row


def successor(row: SigningKey) -> SigningKey | None:
    """The next key of the same use, owner and algorithm; itself if it is that."""
    return _same(row, SigningKey.State.NEXT)


def _same(row: SigningKey, state: str) -> SigningKey | None:
    same = SigningKey.objects.filter(use=row.use, owner=row.owner, algorithm=row.algorithm)
    return same.filter(state=state).first()


def _rotates(row: SigningKey, value: Payload, now: int) -> str:
    if row.state != SigningKey.State.NEXT:
        return "it is no next key any more"
    if takeovers.earliest(row) > now and value.get("early") is not True:
        return "somebody may not know the key yet: say that it shall not wait, or plan a roll-over"
    return ""


def _rolls_over(row: SigningKey, value: Payload, now: int) -> str:
    at = value.get("at")
    if row.state != SigningKey.State.NEXT:
        return "it is no next key any more"
    return takeovers.problem(row, at, now) if isinstance(at, int) else "a roll-over has a time"


def _calls_off(row: SigningKey, value: Payload, now: int) -> str:
    planned = row.state == SigningKey.State.NEXT and row.takes_over_at is not None
    return "" if planned else "no take-over is planned"


def _withdraws(row: SigningKey, value: Payload, now: int) -> str:
    old = row.state == SigningKey.State.OLD and signing.is_published(row, now)
    return "" if old else "it is no old key that is published"


def _rotate(row: SigningKey, value: Payload, now: int, officer: str) -> None:
    place = {"use": row.use, "algorithm": row.algorithm, "owner": row.owner, "kid": row.kid}
    signing.activate_next(**place, now=now, actor=officer, emergency=value.get("early") is True)


def _roll_over(row: SigningKey, value: Payload, now: int, officer: str) -> None:
    takeovers.plan(kid=row.kid, at=value["at"], now=now, actor=officer)


def _call_off(row: SigningKey, value: Payload, now: int, officer: str) -> None:
    takeovers.call_off(kid=row.kid, actor=officer)


def _withdraw(row: SigningKey, value: Payload, now: int, officer: str) -> None:
    signing.withdraw(kid=row.kid, now=now, actor=officer)


_ACTS = {"rotate": _rotate, "roll_over": _roll_over, "call_off": _call_off, "withdraw": _withdraw}
