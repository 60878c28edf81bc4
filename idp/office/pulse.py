"""The pulse of the background: beat sends a task every few seconds, a worker runs it, and the time is kept."""

from idp.office.models import Pulse

SILENT_AFTER = 60  # seconds; four beats (`idp.office.schedule`): a worker may be at a job that takes some


def beat(*, now: int) -> None:
    """Keep that a worker was here at ``now``. Nothing was decided, so nothing of it is in the audit."""
    Pulse.objects.update_or_create(pk=1, defaults={"at": now})


def last() -> int | None:
    """When that was; None: never."""
    found: int | None = Pulse.objects.values_list("at", flat=True).first()
    return found
