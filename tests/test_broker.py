"""The embedded broker: a reader that comes while a message is being written."""

from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection

from idp import broker


class Payload:
    """While it is turned into JSON, a reader looks for messages."""

    def __init__(self, look: object) -> None:
        self._look = look
        self.seen: list[object] = []

    def __json__(self) -> dict[str, int]:
        self.seen.append(self._look())  # type: ignore[operator]
        return {"number": 7}


def test_no_reader_sees_a_message_before_it_is_whole(tmp_path: Path) -> None:
    """A worker died of an empty file when it looked between its creation and its content."""
    broker.install()
    folders = {name: tmp_path / name for name in ("data_folder_in", "control_folder", "processed_folder")}
    for folder in folders.values():
        folder.mkdir()
    options = {name: str(folder) for name, folder in folders.items()}
    options |= {"data_folder_out": options["data_folder_in"], "store_processed": True}
    with Connection("filesystem://", transport_options=options) as connection:
        channel = connection.default_channel

        def look() -> object:
            try:
                return channel._get("work")
            except Empty:
                return None

        payload = Payload(look)
        channel._put("work", payload)
        assert payload.seen == [None]
        assert channel._get("work") == {"number": 7}
        with pytest.raises(Empty):
            channel._get("work")


@pytest.mark.parametrize("url", ["redis://h/0", "rediss://h/0", "amqp://h//", "amqps://h//", "filesystem://"])
def test_every_broker_that_operators_are_told_of_has_its_options(url: str, tmp_path: Path) -> None:
    """Without them a message is lost by RabbitMQ unnoticed, or given out twice by Redis while its task runs."""
    options = broker.transport_options(url, tmp_path)
    assert {"visibility_timeout", "confirm_publish", "data_folder_in"} & {*options}
    assert url == "filesystem://" or broker.hasty_options(url)
    assert (tmp_path / "messages").is_dir() == (url == "filesystem://")


def test_the_application_asks_for_late_acknowledgement_and_one_message_at_a_time() -> None:
    """A message that is acknowledged first is lost with its worker; one fetched ahead waits behind a slow one."""
    from idp.celery import app

    assert app.conf.task_acks_late and app.conf.worker_prefetch_multiplier == 1
    assert app.conf.task_ignore_result and app.conf.result_backend is None
    assert app.conf.broker_connection_max_retries is None, "a worker would end when the broker is down for long"
