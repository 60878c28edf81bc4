"""What works in the background: worker, beat, broker, and the sealing of the record."""

import os
from collections.abc import Iterator

from django.conf import settings
from kombu import Connection

from idp import broker, conf
from idp.audit import sealing, tree, verification
from idp.audit.models import Sealer
from idp.office import pulse
from idp.office.findings.finding import Finding, error

_START = "celery -A idp.celery worker, and exactly one celery -A idp.celery beat; see their logs."


def background(now: int) -> Iterator[Finding]:
    """idp.E206: beat sends nothing, or no worker takes it. They are told apart by their logs only."""
    last = pulse.last()
    if last is None:
        yield error(206, "No worker has ever run a task here.", f"Start {_START}")
    elif now - last > pulse.SILENT_AFTER:
        yield error(206, f"No worker has run a task for {now - last} seconds.", f"Start {_START}")


def messages() -> Iterator[Finding]:
    """idp.E207: the broker does not take messages."""
    url, options = settings.CELERY_BROKER_URL, settings.CELERY_BROKER_TRANSPORT_OPTIONS
    remedy = "See whether the broker runs, and what CELERY_BROKER_URL or CELERY_BROKER_URL_FILE says."
    if url.startswith("filesystem://"):
        folder = conf.authority().data_dir / "broker" / "messages"
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            yield error(
                207, "The broker's folder cannot be written.", f"See whose {folder} is: the node has to own it."
            )
        return
    hasty = {**options, **broker.hasty_options(url)}
    try:
        with Connection(url, transport_options=hasty, connect_timeout=broker.PATIENCE) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=broker.PATIENCE)
    except Exception as fault:  # each transport has errors of its own
        yield error(207, f"The broker does not answer: {type(fault).__name__}.", remedy)


def record(now: int, *, thorough: bool) -> Iterator[Finding]:
    """idp.E208: events wait for their seal. idp.E209: the record is not what was sealed; ``thorough``: all of it."""
    if late := sealing.overdue(now):
        text = f"Audit events have waited for their seal for {late + sealing.ALARM_AFTER} seconds."
        yield error(208, text, f"The task audit.seal does it every second. Start {_START}")
    broken = list(verification.findings(now)) if thorough else list(_newest())
    broken = [line for line in broken if not line.startswith("unsealed events")]
    if broken:
        text = f"The audit record is broken in {len(broken)} places: {broken[0]}."
        remedy = (
            "Keep the database as it is, see manage.py audit verify, and compare with the heads that peers witnessed."
        )
        yield error(209, text, remedy)


def _newest() -> Iterator[str]:
    """Whether the newest head is that of the stored subtrees, and of the place where the sealer stands."""
    head, size = tree.newest_head(), tree.size()
    sealer = Sealer.objects.filter(pk=1).first()
    if head is None:
        if size or (sealer is not None and sealer.size):
            yield "there is no tree head"
        return
    if not head.size == size == (sealer.size if sealer is not None else 0):
        yield f"head, leaves and sealer stand at {head.size}, {size} and {sealer.size if sealer is not None else 0}"
    elif tree.root_at(head.size) != bytes(head.root):
        yield f"tree head {head.size} does not match the subtrees"
