"""Brokers: what is asked of each, and the embedded one, kombu's filesystem transport, mended in one place.

Whichever it is, a message is a hint and what has to be done stands in a row; so no broker is waited for.

kombu 5.7 creates a message's file under its final name and then writes it, so that a worker can take it while it is
empty, and dies of what it reads. Here a message appears whole, by a rename.
"""

import os
import socket
import uuid
from pathlib import Path
from time import monotonic
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.encoding import str_to_bytes
from kombu.utils.json import dumps

PATIENCE = 2  # seconds that a request waits for a broker: to connect, to write, to hear that a message was taken
VISIBLE_AGAIN = 300  # seconds; no task of ours takes longer, and until then Redis gives its message to nobody else


def transport_options(url: str, folder: Path) -> dict[str, Any]:
    """What Celery asks of the broker at ``url``; the embedded one lives in ``folder``, which is made."""
    match url.split("://")[0]:
        case "filesystem":
            return _embedded(folder)
        case "redis" | "rediss":
            waiting = {"socket_keepalive": True, "socket_keepalive_options": _keepalive()}
            return {"visibility_timeout": VISIBLE_AGAIN, "socket_connect_timeout": PATIENCE, **waiting}
        case "amqp" | "amqps" | "pyamqp":
            return {"confirm_publish": True}
    return {}


def hasty_options(url: str) -> dict[str, Any]:
    """What a request asks besides, which must not be held up by a broker that does not answer."""
    match url.split("://")[0]:
        case "redis" | "rediss":
            return {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE, "retry_on_timeout": False}
        case "amqp" | "amqps" | "pyamqp":
            return {"read_timeout": PATIENCE, "write_timeout": PATIENCE}
    return {}


def _keepalive() -> dict[int, int]:
    """A worker that waits for work asks after half a minute whether the broker's host is still there, and gives up in a
    minute: the system's own two hours are for nobody to wait. RabbitMQ has heartbeats."""
    wanted = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
    return {getattr(socket, name): value for name, value in wanted.items() if hasattr(socket, name)}


def _embedded(folder: Path) -> dict[str, Any]:
    for name in ("messages", "processed", "control"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "processed_folder": str(folder / "processed"),
        "control_folder": str(folder / "control"),
        "store_processed": False,
        "polling_interval": 0.05,  # the default of one second is all that a traveller would notice
    }


class Channel(filesystem.Channel):
    """Writes a message beside its place and moves it there."""

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:
        folder = Path(self.data_folder_out)
        name = f"{round(monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"  # as the reader expects and sorts it
        unfinished = folder / f"{name}.unfinished"
        unfinished.write_bytes(str_to_bytes(dumps(payload)))
        os.replace(unfinished, folder / name)  # noqa: PTH105  the atomic one, by name


class Transport(filesystem.Transport):
    """``filesystem://`` with the channel above."""

    Channel = Channel


def install() -> None:
    """Let ``filesystem://`` mean this transport."""
    TRANSPORT_ALIASES["filesystem"] = f"{__name__}:Transport"
