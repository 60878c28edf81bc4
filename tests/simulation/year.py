"""The coordinator: three processes, a virtual clock, a year of days; and the books that it keeps itself.

A day is a handful of orders to all three at once; each waits until the others are done, so that what happens at one
authority after something at another is seen in that order. Within an order each works as fast as it can.
"""

import itertools
import multiprocessing
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.simulation.books import Account, Books
from tests.simulation.day import EVENING, REFRESH, SPREAD, Crossing, Day, Lanes
from tests.simulation.histories import History
from tests.simulation.node import TEMPLATE, Settings, run
from tests.simulation.orders import Handed, Seen, Shown
from tests.simulation.places import DAY, NODES, START

EVERY = 4  # days from one busy hour to the next: what lies between is left out
CUT_OFF = 20 * 3600  # seconds before it: a lane that is cut off then decides with what it had
THROUGH = 0.85  # of the crossings, about: some legs end before their second, and some are refused
ROUNDS = 8  # of an evening: a message that was lost is sent again after some seconds
SETTLE = 60  # rounds after the year in which receipts may still be delivered
FIRST_RETRY, LONGEST_RETRY = 10, 3600  # seconds, as `idp.border.confirmation` has them


@dataclass(frozen=True)
class Plan:
    """How large the simulation is. ``loss`` and ``kills``: see `tests.simulation.node.Settings`."""

    seed: str
    travellers: int = 10_000
    crossings: int = 100_000
    days: int = 365
    loss: float = 0.01
    kills: float = 0.002
    outages: float = 0.02  # chance that two authorities lose each other, each day
    mischief: float = 0.06  # of the crossings: somebody shows what he should not
    template: Path | None = None  # a database with tables, made by an earlier run
    defect: str = ""
    database: Mapping[str, str] = field(default_factory=dict)  # URLs by territory


@dataclass
class Outcome:
    """What came of it: the books, what each side wrote down, and a line for each day."""

    plan: Plan
    books: Books
    accounts: dict[str, Account]
    daily: list[dict[str, Any]]
    faults: Counter[str]
    offline_hours: int


class Processes:
    """The three authorities."""

    def __init__(self, orders: Mapping[str, Connection]) -> None:
        self._orders = dict(orders)
        self.seconds: Counter[str] = Counter()  # that each order took, until the last had done it
        self.processor_seconds: Counter[str] = Counter()  # of all of them in it

    def all(
        self,
        name: str,
        arguments: Callable[[str], dict[str, Any]] = lambda _: {},
        *,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> dict[str, Any]:
        """Give every process the order ``name``; what each answers. Raises RuntimeError where one fails.

        ``meanwhile`` is what the coordinator does while they are at it.
        """
        begun = time.monotonic()
        for territory, connection in self._orders.items():
            connection.send((name, arguments(territory)))
        meanwhile()
        answers, failed = {}, ""
        waiting = {connection: territory for territory, connection in self._orders.items()}
        while waiting:  # in the order in which they come: who cannot get rid of an answer answers no peer either
            for ready in wait(list(waiting)):
                territory = waiting.pop(ready)  # type: ignore[call-overload]
                kind, answers[territory], worked = ready.recv()  # type: ignore[union-attr]
                self.processor_seconds[name] += worked
                failed += f"{territory}: {answers[territory]}\n" if kind == "failed" else ""
        self.seconds[name] += time.monotonic() - begun
        if failed:
            raise RuntimeError(failed)
        return answers

    def one(self, territory: str, name: str) -> Any:
        """Give one process the order ``name``."""
        return Processes({territory: self._orders[territory]}).all(name)[territory]

    def stop(self) -> None:
        """End them."""
        for connection in self._orders.values():
            connection.send(("stop", {}))


@contextmanager
def running(plan: Plan) -> Iterator[Processes]:
    """Three authorities that recognise each other, in a folder in memory where there is one."""
    memory = Path("/dev/shm")  # noqa: S108  a lane's file is synced at every verdict, and this machine's disk is not the subject
    folder = Path(tempfile.mkdtemp(prefix="causeway-simulate-", dir=memory if memory.is_dir() else None))
    started: list[BaseProcess] = []
    try:
        found = Processes(_start(plan, folder, started))
        _tables(plan, found, folder / TEMPLATE)
        for order in ("begin", "meet", "exchange", "exchange"):
            found.all(order)
        yield found
        found.stop()
    finally:
        for process in started:
            process.join(5)
            process.kill()
            process.join()
        shutil.rmtree(folder, ignore_errors=True)


def _start(plan: Plan, folder: Path, started: list[BaseProcess]) -> dict[str, Connection]:
    """Start them, each with a pipe to each of the others and one to us."""
    context, names = multiprocessing.get_context("spawn"), list(NODES)
    pipes: dict[tuple[str, str], Connection] = {}
    for one, other in itertools.combinations(names, 2):
        pipes[one, other], pipes[other, one] = context.Pipe()
    orders = {}
    for name in names:
        orders[name], theirs = context.Pipe()
        database = plan.database.get(name, "")
        settings = Settings(name, folder, plan.seed, plan.loss, plan.kills, database, defect=plan.defect)
        peers = {other: pipes[name, other] for other in names if other != name}
        process = context.Process(target=run, args=(settings, theirs, peers), daemon=True)
        process.start()
        started.append(process)
    return orders


def _tables(plan: Plan, processes: Processes, template: Path) -> None:
    """Have the tables made once for all three, or take those of an earlier run."""
    if plan.template is not None and plan.template.exists():
        shutil.copy(plan.template, template)
        return
    processes.one("CHN", "tables")
    if plan.template is not None:
        shutil.copy(template, plan.template)


@dataclass(frozen=True)
class Planned:
    """A day that is to come. ``changed``: clocks of lanes, by territory; ``down``: hosts that each cannot reach."""

    number: int
    day: Day
    changed: Mapping[str, dict[str, int]]
    down: Mapping[str, list[str]]


class Year:
    """One run of a `Plan`."""

    def __init__(self, plan: Plan, processes: Processes) -> None:
        self.plan, self._all = plan, processes.all
        self._random = random.Random(f"{plan.seed}/days")
        self._history = History(travellers=plan.travellers, seed=plan.seed)
        self._lanes, self._books = Lanes(self._random), Books()
        self._down: dict[frozenset[str], int] = {}  # two territories, and the day on which they see each other again
        self._faults: Counter[str] = Counter()
        self._restored: list[tuple[str, int, int]] = []
        self._next = 0
        self._daily: list[dict[str, Any]] = []
        self._planned: Planned | None = None

    def live(self, progress: Callable[[int], None] = lambda crossings: None) -> Outcome:
        """All days, and then calm until everything is delivered."""
        people = [traveller.person for traveller in self._history.travellers]
        self._all("register", lambda name: {"people": [each for each in people if each.home == name]})
        offline = 0
        self._planned = self._plan(0)
        while (planned := self._planned) is not None:
            offline += 24 * EVERY * len(self._lanes.offline)
            day = self._day(planned)
            self._daily.append(day)
            progress(day["crossings"])
        accounts = self._close()
        for account in accounts.values():
            self._faults.update(account.faults)
        self._faults.update(self._lanes.faults)
        return Outcome(self.plan, self._books, accounts, self._daily, self._faults, offline)

    def _plan(self, number: int) -> Planned | None:
        """The day ``number``, known when the one before is over; None after the last."""
        if number >= self.plan.days:
            return None
        changed = self._lanes.begin(number)
        missing = 1.02 * self.plan.crossings - self._books.crossings
        wanted = missing / ((self.plan.days - number + EVERY - 1) // EVERY) / 2 / THROUGH
        legs = list(self._history.day(number, wanted))
        day = Day(number, legs, self._random, self._lanes, first=self._next, mischief=self.plan.mischief)
        self._next, self._open = day.next, {name: day.open_lanes(name) for name in NODES}
        return Planned(number, day, changed, self._outages(number))

    def _day(self, planned: Planned) -> dict[str, Any]:
        number, day, down = planned.number, planned.day, planned.down
        now = day.start
        self._all(
            "morning",
            lambda name: {
                "now": now - CUT_OFF,
                "down": down[name],
                "lanes": self._lanes.before(name),
                "last": self._lanes.newly & set(self._open[name]),
            },
        )
        self._issue(day, down)
        revoked = {name: day.revoked(name) for name in NODES}
        restored, self._restored = self._restored, [(name, *each) for name in NODES for each in revoked[name]]
        self._all(
            "spread",
            lambda name: {
                "now": now + SPREAD,
                "revoked": revoked[name],
                "restored": [each[1:] for each in restored if each[0] == name],
            },
        )
        self._refresh(day, planned.changed)
        self._watch(day)
        before, faults = self._books.crossings, sum(self._lanes.faults.values())
        waiting = self._evening(day, number)
        return {"day": number, "crossings": self._books.crossings - before, "faults": faults, **waiting}

    def _issue(self, day: Day, down: Mapping[str, list[str]]) -> None:
        given = self._history.given
        homes = {traveller.person.number: traveller.person.home for traveller in self._history.travellers}
        answers = self._all(
            "issue",
            lambda name: {
                "now": day.start,
                "leaves": [leave for leave in given if homes[leave.person] == name],
                "wanted": day.wanted(name),
                "down": down[name],
            },
        )
        handed: Handed
        for handed in (each for answer in answers.values() for each in answer):
            day.crossings[handed.number].handed = handed

    def _refresh(self, day: Day, changed: Mapping[str, dict[str, int]]) -> None:
        self._all(
            "refresh",
            lambda name: {
                "now": day.start + REFRESH,
                "lanes": self._lanes.online(self._open[name]),
                "restarted": self._lanes.restarted(name),
                "skews": changed.get(name, {}),
            },
        )

    def _watch(self, day: Day) -> None:
        """Out, in, and once more for those whom something held up that was no fault of theirs."""
        for direction in ("exit", "entry"):
            self._show(day, [(crossing, day.show(crossing)) for crossing in day.first_tries(direction)])
            held_up = [each for each in day.first_tries(direction) if not each.admitted and _is_honest(each)]
            proven = self._prove(held_up)
            self._show(day, [(crossing, day.show(crossing, proven[crossing.wanted.number])) for crossing in held_up])

    def _prove(self, crossings: list[Crossing]) -> dict[int, bytes | str]:
        """By number, what their phones show once more."""
        homes = [(each.leg.traveller.person.home, each.wanted) for each in crossings]
        answers = self._all(
            "prove",
            lambda name: {"shown": [(wanted.number, wanted.shown_at[-1]) for home, wanted in homes if home == name]},
        )
        return {number: shown for answer in answers.values() for number, shown in answer.items()}

    def _show(self, day: Day, shown: list[tuple[Crossing, list[Shown]]]) -> None:
        for crossing, presentations in shown:
            crossing.shown += presentations
        everything = [(crossing.territory, each) for crossing, presentations in shown for each in presentations]
        answers = self._all("watch", lambda name: {"shown": [each for where, each in everything if where == name]})
        seen: Seen
        for seen in (each for answer in answers.values() for each in answer):
            day.crossings[seen.number].seen.append(seen)

    def _evening(self, day: Day, number: int) -> dict[str, int]:
        answers = self._all(
            "evening",
            lambda name: {
                "now": day.start + EVENING,
                "lanes": self._lanes.online(self._open[name]),
                "restarted": self._lanes.restarted(name),
            },
            meanwhile=lambda: self._note(day, number),
        )
        return {
            "entries": sum(answer["entries"] for answer in answers.values()),
            "receipts": self._deliver(day.start + EVENING, ROUNDS, FIRST_RETRY),
            "bundle_age": max(answer["bundle_age"] for answer in answers.values()),
        }

    def _deliver(self, now: int, rounds: int, apart: int) -> int:
        """Have receipts sent until none waits, ``rounds`` times at most, ``apart`` seconds; how many still do."""
        waiting = 0
        for turn in range(rounds):
            arguments = {"now": now + apart * turn}
            waiting = sum(self._all("deliver", lambda _, arguments=arguments: arguments).values())
            if not waiting:
                break
        return waiting

    def _note(self, day: Day, number: int) -> None:
        """Into the books; what comes of it is the next day."""
        for leg, (leaving, entering) in day.legs:
            if entering.admitted:
                self._history.entered(leg, number)
            elif leaving.admitted:
                self._history.turned_back(leg)
            elif leg.homeward:
                leg.traveller.back_on = number + 1  # and tries again tomorrow
        for crossing in day.crossings.values():
            self._books.note(crossing)
        self._planned = self._plan(number + EVERY)

    def _close(self) -> dict[str, Account]:
        now = START + self.plan.days * DAY + 12 * 3600
        self._all("close", lambda _: {"now": now})
        self._deliver(now + LONGEST_RETRY, SETTLE, LONGEST_RETRY)
        accounts: dict[str, Account] = self._all("account")
        return accounts

    def _outages(self, number: int) -> dict[str, list[str]]:
        """By territory, the hosts that it cannot reach today."""
        self._down = {pair: until for pair, until in self._down.items() if until > number}
        names = list(NODES)
        for pair in (frozenset((one, other)) for one in names for other in names if one < other):
            if pair not in self._down and self._random.random() < self.plan.outages:
                self._down[pair] = number + self._random.randint(1, 2)
                self._faults["authorities apart"] += 1
        return {
            name: [urlsplit(NODES[other]).netloc for other in names if frozenset((name, other)) in self._down]
            for name in names
        }


def _is_honest(crossing: Crossing) -> bool:
    return crossing.wrong not in ("late", "revoked", "stolen")
