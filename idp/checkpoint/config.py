"""What a gate knows of itself: its enrolment, its keys, and where they lie.

A lane's directory holds ``lane.json`` (what the officer's enrolment file pinned), ``lane-key.jwk``, ``gate.sqlite3`` and
the officers' log. The sealing keys belong to the checkpoint: lanes of one checkpoint share their directory.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idp.protocol import keys, strict_json
from idp.protocol.refusals import Reason, Refusal

LANE_FILE = "lane.json"
LANE_KEY = "lane-key.jwk"
TEXTS = ("node", "checkpoint", "checkpoint_code", "lane", "direction")
INSECURE_CLOCK_OFFSET = "INSECURE_CLOCK_OFFSET"
INSECURE_LOOPBACK_HTTP = "INSECURE_LOOPBACK_HTTP"
INSECURE_STILL_PICTURES = "INSECURE_STILL_PICTURES"


@dataclass(frozen=True)
class LaneConfig:
    """One lane: whom it trusts and what it is called."""

    directory: Path
    sealing_directory: Path
    node: str  # entity identifier of its authority: the one trust anchor
    checkpoint: str  # entity identifier
    checkpoint_code: str
    names: Mapping[str, str]
    lane: str
    direction: str
    anchor_keys: keys.KeySet
    watch_key: bytes

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
    """Read the switches; raises RuntimeError where one is set without DEBUG."""
    chosen = Insecure(
        clock_offset=int(environment.get(INSECURE_CLOCK_OFFSET, "0")),
        loopback_http=environment.get(INSECURE_LOOPBACK_HTTP, "") in ("1", "true", "True"),
        still_pictures=environment.get(INSECURE_STILL_PICTURES, "") in ("1", "true", "True"),
    )
    if chosen != Insecure() and environment.get("DEBUG", "") not in ("1", "true", "True"):
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
    names = value.get("checkpoint_name")
    if not isinstance(names, dict) or not all(isinstance(text, str) for text in names.values()) or "en" not in names:
        raise Refusal(Reason.MALFORMED, "checkpoint_name has no English")
    return LaneConfig(
        directory=directory,
        sealing_directory=sealing_directory or directory / "sealing",
        names=names,
        anchor_keys=keys.parse_jwks(value.get("anchor_jwks")),
        watch_key=strict_json.b64decode(strict_json.string(value, "watch_key", max_length=64)),
        **texts,
    )


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user may read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_key(path: Path) -> keys.PrivateKey:
    """A private key of ours from its file; raises RuntimeError."""
    try:
        return keys.parse_private(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, Refusal) as error:
        raise RuntimeError(f"{path.name} cannot be read") from error
