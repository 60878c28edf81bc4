"""Everything that is wrong, what keeps the node from its work first."""

from collections.abc import Iterator

from django.utils import translation

from idp.office.findings import configuration, machinery, people, storage, trust
from idp.office.findings.finding import Finding, Level


def collect(*, now: int, network: bool = True, thorough: bool = False) -> list[Finding]:
    """Look at all of it. Without ``network`` neither peers nor the public address are asked; ``thorough`` hashes the
    whole audit record again. What needs the database is left out while that does not answer."""
    with translation.override("en"):
        return sorted(_all(now, network, thorough), key=lambda finding: finding.level != Level.ERROR)


def _all(now: int, network: bool, thorough: bool) -> Iterator[Finding]:
    faults = list(storage.database())
    yield from faults
    yield from configuration.settings(databases=not faults)
    yield from storage.room()
    yield from storage.installed()
    yield from machinery.messages()
    if faults:
        return
    yield from storage.keys()
    yield from machinery.background(now)
    yield from machinery.record(now, thorough=thorough)
    yield from trust.own_lists(now)
    yield from trust.ends(now)
    yield from people.deciders()
    yield from people.overdue(now)
    if network:
        yield from trust.address()
        yield from trust.peers(now)
