"""Two sets of books: the coordinator's own, and what each authority wrote down. `compare` says how they differ."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from idp.protocol.travel_rules import local_date
from tests.simulation.day import Crossing
from tests.simulation.orders import Leave
from tests.simulation.places import NODES

OF_A_RULE = frozenset({"document_not_eligible", "stay_exceeded", "guardian_missing"})
NEVER = frozenset({"stolen", "other face", "alike", "not live", "other lane", "late"})  # no lane lets them through


@dataclass(frozen=True)
class Passing:
    """Somebody let through: a token, where, by the lane's clock when."""

    issuer: str
    jti: str
    checkpoint: str
    lane: str
    direction: str
    at: int


@dataclass(frozen=True)
class Account:
    """What one authority wrote down. Tokens and crossings are by ``jti``."""

    entries: Mapping[int, tuple[int | None, int]]  # leave: entries left, overdrawn entries that officers are told of
    leave_of: Mapping[str, int]  # token to leave
    journal: Counter[tuple[str, str, str, int]]  # checkpoint#lane, jti, decision, at
    owed: Mapping[str, tuple[str, str, int, bool]]  # token: checkpoint, direction, at, whether delivered
    received: Mapping[tuple[str, str], tuple[str, str, int]]  # sender and token: checkpoint, direction, at
    alerts: Counter[str]
    audit: tuple[str, ...]  # what is broken in the audit record
    events: int
    faults: Mapping[str, int]


@dataclass
class Counters:
    """The numbers of the last line that must be zero."""

    consumed_twice: int = 0
    lost: int = 0
    residents_blocked: int = 0
    unnoticed_double: int = 0
    disagreements: int = 0

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in asdict(self).items())


@dataclass
class Books:
    """What the coordinator saw with its own eyes at the lanes."""

    crossings: int = 0
    passings: list[Passing] = field(default_factory=list)
    verdicts: Counter[tuple[str, str, str, int]] = field(default_factory=Counter)  # as `Account.journal`
    leaves: dict[int, Leave] = field(default_factory=dict)
    blocked: list[str] = field(default_factory=list)
    through: Counter[str] = field(default_factory=Counter)  # by rule
    turned_away: Counter[str] = field(default_factory=Counter)  # by type of document
    stopped: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # what was wrong, verdict, reason
    twice: list[str] = field(default_factory=list)  # tokens that one lane let through more than once
    unexplained: list[str] = field(default_factory=list)

    def note(self, crossing: Crossing) -> None:
        """Take a crossing in."""
        leg, issuer = crossing.leg, NODES[crossing.leg.traveller.person.home]
        if leg.leave is not None:
            self.leaves[leg.leave.number] = leg.leave
        lanes = [shown.lane for shown in sorted(crossing.shown, key=lambda each: each.at)]
        for lane, seen in zip(lanes, crossing.seen, strict=True):
            self.verdicts[lane, seen.jti, seen.word, seen.at] += 1
            self.outcomes[crossing.wrong, seen.word, seen.reason] += 1
            (self.through if seen.word == "admit" else self.stopped).update(seen.rules)
            if seen.word == "admit":
                checkpoint, direction = crossing.wanted.checkpoint, crossing.wanted.direction
                self.passings.append(Passing(issuer, seen.jti, checkpoint, lane, direction, seen.at))
        self._cheated(crossing, lanes)
        self._refused(crossing)
        self.crossings += crossing.admitted

    def _cheated(self, crossing: Crossing, lanes: list[str]) -> None:
        """Who was let through though the lane could see that it must not; a token twice at the lane that knew it."""
        admitted = [(lane, seen) for lane, seen in zip(lanes, crossing.seen, strict=True) if seen.word == "admit"]
        often = Counter((lane, seen.jti) for lane, seen in admitted)
        self.twice += [f"{jti} twice at {lane}" for (lane, jti), times in often.items() if times > 1]
        if crossing.wrong in NEVER and any(seen.word == "admit" for seen in crossing.seen[: crossing.dishonest]):
            self.unexplained.append(f"{crossing.wrong} let through: {crossing.wanted.number}")

    def _refused(self, crossing: Crossing) -> None:
        """A resident on the way home whom a rule holds up; an honest traveller whom nothing explains."""
        leg, handed = crossing.leg, crossing.handed
        reasons = {seen.reason for seen in crossing.seen if seen.word != "admit"}
        if handed is not None and handed.refused:
            reasons.add(handed.refused)
            self.outcomes["", "no token", handed.refused] += 1
            if handed.refused in OF_A_RULE:
                self.turned_away[leg.traveller.person.documents[crossing.wanted.document].type] += 1
            self.stopped.update(_names(handed.detail))
        papers = leg.traveller.person.documents[crossing.wanted.document]
        place = f"{crossing.wanted} {papers} {leg.leave}: {sorted(reasons)} {handed.detail if handed else ''}"
        if not reasons & OF_A_RULE or crossing.wrong == "revoked" or _was_revoked(crossing):
            return
        doubt = leg.traveller.in_doubt(leg.target, local_date(crossing.wanted.at))
        if leg.homeward:
            self.blocked.append(place)
        elif leg.expected and not crossing.admitted and not crossing.wrong and not doubt:
            self.unexplained.append(place)


def compare(books: Books, accounts: Mapping[str, Account]) -> tuple[Counters, list[str]]:
    """How the coordinator's books and the authorities' differ; the numbers, and a line for each difference."""
    found = _Differences(books, {NODES[name]: account for name, account in accounts.items()})
    found.entries()
    found.verdicts()
    found.receipts()
    found.doubles()
    found.counters.residents_blocked = len(books.blocked)
    return found.counters, [*found.lines, *(f"blocked: {each}" for each in books.blocked)]


class _Differences:
    def __init__(self, books: Books, accounts: Mapping[str, Account]) -> None:
        self.books, self.accounts = books, accounts
        self.counters, self.lines = Counters(), list[str]()

    def entries(self) -> None:
        """What was used of each leave is what was entered under it; what was too much, officers are told."""
        entered: Counter[int] = Counter()
        tokens = {(each.issuer, each.jti) for each in self.books.passings if each.direction == "entry"}
        for issuer, jti in tokens:
            leave = self.accounts[issuer].leave_of.get(jti)
            if leave is not None:
                entered[leave] += 1
        for number, leave in self.books.leaves.items():
            left, overdrawn = self.accounts[NODES["CHN"]].entries[number]
            if leave.entries is None:
                continue
            expected = min(leave.entries, entered[number])
            used = leave.entries - (left or 0)
            wrong = abs(used - expected) + abs(overdrawn - max(0, entered[number] - leave.entries))
            self._count(
                "consumed_twice", wrong, f"leave {number}: {entered[number]} entered, {used} used, {overdrawn} too many"
            )

    def verdicts(self) -> None:
        """Every verdict is in a journal, and every event in the audit record."""
        journal: Counter[tuple[str, str, str, int]] = Counter()
        for account in self.accounts.values():
            journal.update(account.journal)
            self._count("lost", len(account.audit), f"audit: {account.audit}")
        missing = self.books.verdicts - journal
        self._count("lost", missing.total(), f"not in a journal: {list(missing)[:5]}")
        invented = journal - self.books.verdicts
        self._count("disagreements", invented.total(), f"in a journal, and nobody saw it: {list(invented)[:5]}")

    def receipts(self) -> None:
        """What one side let through on the other's tokens, said, and what the other heard: the same, once each."""
        passed: dict[tuple[str, str, str], set[tuple[str, str, int]]] = {}
        for each in self.books.passings:
            here = each.checkpoint.rpartition("/checkpoints/")[0]
            if here != each.issuer:
                passed.setdefault((here, each.issuer, each.jti), set()).add((each.checkpoint, each.direction, each.at))
        heard = {
            (sender, issuer, jti): said
            for issuer, account in self.accounts.items()
            for (sender, jti), said in account.received.items()
        }
        for key, facts in passed.items():
            sent = self.accounts[key[0]].owed.get(key[2])
            if key not in heard:
                self._count("lost", 1, f"a receipt never came: {key}")
            elif heard[key] not in facts or sent is None or sent[:3] != heard[key] or not sent[3]:
                self._count("disagreements", 1, f"{key}: sent {sent}, heard {heard[key]}, happened {facts}")
        self._count("disagreements", len(heard.keys() - passed.keys()), "receipts for what never happened")

    def doubles(self) -> None:
        """A token that was let through more than once is under an officer's eyes, once for each time too many."""
        self._count("unnoticed_double", len(self.books.twice), f"at one lane: {self.books.twice[:5]}")
        often = Counter((each.checkpoint.rpartition("/checkpoints/")[0], each.jti) for each in self.books.passings)
        for (here, jti), times in often.items():
            missing = times - 1 - self.accounts[here].alerts[jti]
            self._count("unnoticed_double", max(0, missing), f"{jti} was let through {times} times")
            self._count("disagreements", max(0, -missing), f"{jti}: an alert too many")

    def _count(self, name: str, number: int, line: str) -> None:
        if number:
            setattr(self.counters, name, getattr(self.counters, name) + number)
            self.lines.append(f"{name}: {line}")


def _names(detail: str) -> list[str]:
    """The rules that `idp.border.eligibility` names in its refusal."""
    inside = detail.partition("(")[2].partition(")")[0]
    return [name.strip(" '") for name in inside.split(",") if name.strip(" '")]


def _was_revoked(crossing: Crossing) -> bool:
    """The register says so until the next day."""
    return crossing.handed is not None and "not a valid document" in crossing.handed.detail


def summary(values: Mapping[str, Any]) -> str:
    """Name and number, as the last line has them."""
    return " ".join(f"{name}={value}" for name, value in values.items())
