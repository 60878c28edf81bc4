"""The embedded broker: kombu's filesystem transport, mended in one place.

kombu 5.7 creates a message's file under its final name and then writes it, so that a worker can take it while it is
empty, and dies of what it reads. Here a message appears whole, by a rename.
"""

import os
import uuid
from pathlib import Path
from time import monotonic
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.encoding import str_to_bytes
from kombu.utils.json import dumps


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
