"""``python -m tests.simulation``: a year at the border in some minutes. docs/simulation.md says what of it is real."""

import argparse
import resource
import secrets
import sys
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tests.simulation import coverage, report
from tests.simulation.books import Counters, compare, summary
from tests.simulation.year import Plan, Year, running


def main(arguments: list[str]) -> int:
    """Run it; 0 when every book agrees and enough crossed."""
    plan = _plan(arguments)
    console, begun = Console(highlight=False), time.monotonic()
    console.print(f"seed {plan.seed}, {plan.travellers} travellers, {plan.days} days")
    columns = (TextColumn("crossings"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with running(plan) as processes, Progress(*columns, console=console) as bar:
        task = bar.add_task("crossings", total=plan.crossings)
        outcome = Year(plan, processes).live(lambda crossings: bar.advance(task, crossings))
    counters, lines = compare(outcome.books, outcome.accounts)
    used = sum(resource.getrusage(who).ru_utime for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    times = {"seconds": round(time.monotonic() - begun, 1), "processor_seconds": round(used, 1)}
    own = resource.getrusage(resource.RUSAGE_SELF)
    times |= {"processor_seconds_of_planning": round(own.ru_utime + own.ru_stime, 1)}
    times |= {f"seconds_of_{name}": round(spent, 1) for name, spent in processes.seconds.items()}
    times |= {f"processor_seconds_of_{name}": round(spent, 1) for name, spent in processes.processor_seconds.items()}
    kept = report.write(outcome, counters, lines, times)
    for line in [*lines[:20], *outcome.books.unexplained[:20]]:
        console.print(line, soft_wrap=True)
    missing = coverage.missing(outcome.books)
    console.print(f"{times['seconds']} s, {times['processor_seconds']} s of processors")
    console.print(f"{coverage.words(outcome.books)}; report and plots beside {kept}")
    head = {
        "crossings": outcome.books.crossings,
        "faults": outcome.faults.total(),
        "offline_hours": outcome.offline_hours,
    }
    console.print(f"{summary(head)} {counters}", soft_wrap=True)
    clean = counters == Counters() and not missing and not outcome.books.unexplained
    return int(not clean or outcome.books.crossings < plan.crossings)


def _plan(arguments: list[str]) -> Plan:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", default="", help="the same histories again; the bytes of keys and tokens are others")
    parser.add_argument("--travellers", type=int, default=Plan.travellers)
    parser.add_argument("--crossings", type=int, default=Plan.crossings, help="at least so many are let through")
    parser.add_argument("--days", type=int, default=Plan.days)
    options = parser.parse_args(arguments)
    return Plan(options.seed or secrets.token_hex(4), options.travellers, options.crossings, options.days)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
