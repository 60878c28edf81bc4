"""What proposals can be about: each room registers an executor for its kind of change in ``AppConfig.ready``."""

from collections.abc import Collection, Sequence
from typing import Protocol, runtime_checkable

from idp.proposals.models import Proposal


class Unacceptable(Exception):
    """The change cannot be made: not as it was written, or not any more. The message is for officers."""


class Executor(Protocol):
    """One kind of change."""

    label: str  # what an officer calls it
    permission: str  # "app.codename": who may propose such a change, and who may decide on one

    def check(self, proposal: Proposal, *, now: int) -> None:
        """Raises `Unacceptable` for a change that could not be made now."""

    def execute(self, proposal: Proposal, *, now: int) -> None:
        """Make the change, in the approval's transaction, with an audit event of its own. Raises `Unacceptable`.

        What the approver is to be given once, such as a link, is put into ``proposal.handed_over``.
        """

    def changes(self, proposal: Proposal, *, now: int) -> Sequence[str]:
        """What would be different, in lines for the officer who decides. Changes nothing."""


@runtime_checkable
class AboutOfficers(Protocol):
    """What an executor has besides, where its changes are about officers."""

    def concerned(self, proposal: Proposal) -> Collection[str]:
        """Those whom the change is about ("account:7"): they neither propose it nor decide on it."""


_EXECUTORS: dict[str, Executor] = {}


def register(kind: str, executor: Executor) -> None:
    """Let changes of this ``kind`` ("room.what") be proposed."""
    _EXECUTORS[kind] = executor


def of(kind: str) -> Executor:
    """The executor for ``kind``; raises `Unacceptable`."""
    if kind not in _EXECUTORS:
        raise Unacceptable("no change of this kind is known")
    return _EXECUTORS[kind]


def known() -> dict[str, Executor]:
    """Those registered, by kind."""
    return dict(_EXECUTORS)


def concerned(proposal: Proposal) -> frozenset[str]:
    """The officers whom a proposal is about. Raises `Unacceptable`."""
    executor = of(proposal.kind)
    return frozenset(executor.concerned(proposal)) if isinstance(executor, AboutOfficers) else frozenset()
