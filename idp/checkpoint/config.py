"""What a gate knows of itself: its enrolment, its keys, and where they lie.

A lane's directory holds ``lane.json`` (what the officer's enrolment file pinned), ``lane-key.jwk``, ``gate.sqlite3``
and the officers' log. The sealing keys belong to the checkpoint: lanes of one checkpoint share their directory.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from idp.protocol import keys, strict_json
from idp.protocol.lane_assertion import split_lane_id
from idp.protocol.refusals import Reason, Refusal

LANE_FILE = "lane.json"
LANE_KEY = "lane-key.jwk"
DATABASE = "gate.sqlite3"
TEXTS = ("node", "checkpoint", "checkpoint_code", "lane", "direction")
INSECURE_CLOCK_OFFSET = "INSECURE_CLOCK_OFFSET"
INSECURE_LOOPBACK_HTTP = "INSECURE_LOOPBACK_HTTP"
INSECURE_STILL_PICTURES = "INSECURE_STILL_PICTURES"
MIN_WATCH_KEY = 16  # bytes; a key that can be guessed tells whom an authority looks for
_ON = ("1", "true", "True")


@dataclass(frozen=True)
class LaneConfig:
    """One lane: whom it trusts and what it is called. ``anchor_keys`` are those that the officer's file pinned."""

    directory: Path
    sealing_directory: Path
    node: str  # entity identifier of its authority: the one trust anchor
    checkpoint: str  # entity identifier
    checkpoint_code: str
    names: Mapping[str, str]
    lane: str
    direction: str
    anchor_keys: keys.KeySet
    watch_key: bytes = field(repr=False)

    @property
    def lane_id(self) -> str:
        return f"{self.checkpoint}#{self.lane}"


@dataclass(frozen=True)
class Insecure:
    """Switches for a demonstration on one machine; each is refused unless DEBUG is set."""

    clock_offset: int = 0  # seconds added to the clock
    loopback_http: bool = False  # http://*.localhost instead of https
    still_pictures: bool = False  # one picture file instead of a live burst; liveness is then not looked at


def insecure(environment: Mapping[str, str]) -> Insecure:
    """Read the switches; raises RuntimeError where one is set without DEBUG, or is no number."""
    try:
        offset = int(environment.get(INSECURE_CLOCK_OFFSET) or "0")
    except ValueError as error:
        raise RuntimeError(f"{INSECURE_CLOCK_OFFSET} is a number of seconds") from error
    chosen = Insecure(
        clock_offset=offset,
        loopback_http=environment.get(INSECURE_LOOPBACK_HTTP, "") in _ON,
        still_pictures=environment.get(INSECURE_STILL_PICTURES, "") in _ON,
    )
    if chosen != Insecure() and environment.get("DEBUG", "") not in _ON:
        raise RuntimeError("an INSECURE_ switch is set without DEBUG")
    return chosen


def load(directory: Path, sealing_directory: Path | None = None) -> LaneConfig:
    """The lane enrolled in ``directory``; raises RuntimeError where there is none."""
    path = directory / LANE_FILE
    if not path.exists():
        raise RuntimeError(f"no lane is enrolled in {directory}")
    try:
        return parse(strict_json.loads_object(path.read_bytes()), directory, sealing_directory)
    except Refusal as refusal:
        raise RuntimeError(f"{path} cannot be read: {refusal}") from refusal


def parse(value: Mapping[str, Any], directory: Path, sealing_directory: Path | None = None) -> LaneConfig:
    """Read an enrolment; raises `Refusal` (malformed)."""
    texts = {name: strict_json.string(value, name, max_length=255) for name in TEXTS}
    if texts["direction"] not in ("exit", "entry"):
        raise Refusal(Reason.MALFORMED, "direction is neither exit nor entry")
    split_lane_id(f"{texts['checkpoint']}#{texts['lane']}")
    names = value.get("checkpoint_name")
    if not isinstance(names, dict) or not all(isinstance(text, str) for text in names.values()) or "en" not in names:
        raise Refusal(Reason.MALFORMED, "checkpoint_name has no English")
    watch_key = strict_json.b64decode(strict_json.string(value, "watch_key", max_length=88))
    if len(watch_key) < MIN_WATCH_KEY:
        raise Refusal(Reason.MALFORMED, f"watch_key has fewer than {MIN_WATCH_KEY} bytes")
    return LaneConfig(
        directory=directory,
        sealing_directory=sealing_directory or directory / "sealing",
        names=names,
        anchor_keys=keys.parse_jwks(value.get("anchor_jwks")),
        watch_key=watch_key,
        **texts,
    )


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user may read, whole or not at all, and on the disk when this returns.

    One writer at a time for each path: the callers see to that.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)  # one left by a crash may be readable by others
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make names that were added, replaced or removed in ``directory`` survive a loss of power."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_key(path: Path) -> keys.PrivateKey:
    """A private key of ours from its file; raises RuntimeError."""
    try:
        return keys.parse_private(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, Refusal) as error:
        raise RuntimeError(f"{path.name} cannot be read") from error
