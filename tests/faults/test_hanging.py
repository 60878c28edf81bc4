"""A broker that hangs, or is gone: the request that handed in the pictures must come back, and the job is not lost."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from idp import broker
from idp.biometrics import jobs, waking
from idp.biometrics.models import Job
from idp.celery import app
from idp.protocol.refusals import Unavailable
from tests.biometrics.fixtures import holder, named  # noqa: F401  fixtures
from tests.conftest import NOW
from tests.faults import brokers

pytestmark = pytest.mark.faults
FOREVER = 60  # seconds; a publish without a limit waits for good


@pytest.fixture(params=["redis", "rabbitmq"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[brokers.Server]:
    """Running, and the application's broker."""
    kind = brokers.EVERY[request.param]
    brokers.need(request.param)
    made = kind(tmp_path)
    assert isinstance(made, brokers.Server)
    before = app.conf.broker_url, app.conf.broker_transport_options
    app.conf.update(broker_url=made.url, broker_transport_options=broker.transport_options(made.url, tmp_path))
    made.start()
    try:
        yield made
    finally:
        made.kill()
        app.conf.update(broker_url=before[0], broker_transport_options=before[1])


def outcome() -> str:
    """Of a hint, sent in a thread: "sent", "unavailable", or "hangs"."""
    found: list[str] = []

    def send() -> None:
        try:
            waking.send("00000000-0000-0000-0000-000000000000")
            found.append("sent")
        except Unavailable:
            found.append("unavailable")

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    thread.join(FOREVER)
    return found[0] if found else "hangs"


def test_no_request_hangs_with_the_broker(server: brokers.Server) -> None:
    """Neither before it was ever asked nor when connections are there; and afterwards it goes on."""
    server.freeze()
    assert outcome() == "unavailable"
    server.thaw()
    assert outcome() == "sent"
    server.freeze()
    assert outcome() == "unavailable"
    server.thaw()
    assert outcome() == "sent"
    server.kill()
    assert outcome() == "unavailable"
    server.start()
    assert outcome() == "sent"


def test_pictures_are_handed_in_while_the_broker_is_gone(
    server: brokers.Server,
    holder: Any,  # noqa: F811
    named: Any,  # noqa: F811
    django_capture_on_commit_callbacks: Any,
) -> None:
    server.kill()
    job = jobs.begin(traveller=holder, document=named, now=NOW)
    with django_capture_on_commit_callbacks(execute=True):
        jobs.queue(job=job, now=NOW)
    assert Job.objects.get().state == "queued" and jobs.sweep(now=NOW) == [str(job.pk)]
