"""One thing that is wrong."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """An error keeps the node from its work, now or soon; a warning does not yet."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """``id`` is stable and stands in docs/operations.md; ``text`` says what is wrong and ``remedy`` what to do."""

    id: str
    level: Level
    text: str
    remedy: str


def error(number: int, text: str, remedy: str) -> Finding:
    """``idp.E…``."""
    return Finding(f"idp.E{number}", Level.ERROR, text, remedy)


def warning(number: int, text: str, remedy: str) -> Finding:
    """``idp.W…``."""
    return Finding(f"idp.W{number}", Level.WARNING, text, remedy)
