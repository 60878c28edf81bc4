"""What a traveller is asked to do, shown on the account page. Rooms above contribute it in ``AppConfig.ready``."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from idp.accounts.models import Traveller


@dataclass(frozen=True)
class Notice:
    """``text``, translated; ``action`` a path to post to, under a button that says ``button``; "" for none."""

    text: str
    action: str = ""
    button: str = ""


Source = Callable[[Traveller, int], Iterable[Notice]]

_sources: list[Source] = []


def contribute(source: Source) -> None:
    """Have ``source`` say what it asks of a traveller at a time."""
    _sources.append(source)


def of(*, traveller: Traveller, now: int) -> list[Notice]:
    """Everything that is asked of the traveller."""
    return [notice for source in _sources for notice in source(traveller, now)]
