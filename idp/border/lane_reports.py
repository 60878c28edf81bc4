"""A lane's word about itself, which it sends in a header of its request for a bundle (protocol.md, Trust bundle)."""

import logging

from idp.border.models import Lane, LaneReport
from idp.border.models.reports import CAMERAS
from idp.protocol import strict_json
from idp.protocol.refusals import Reason, Refusal

log = logging.getLogger(__name__)

HEADER = "Lane-Report"
MAX_REPORT = 512  # bytes
_NUMBERS = ("bundle", "clock", "pending", "sealing")
_MOST = 1 << 40


def take(*, lane: Lane, text: str | None, now: int) -> None:
    """Keep the report, if there is one that can be read: a lane gets its bundle whatever it says of itself."""
    if not text:
        return
    try:
        facts = parse(text)
    except Refusal as refusal:
        log.warning("%s reports what cannot be read: %s", lane, refusal)
        return
    found = {
        "at": now,
        "camera": facts["camera"],
        "version": facts["version"],
        "bundle_serial": facts["bundle"],
        "clock_offset": facts["clock"] - now,
        "pending": facts["pending"],
        "sealing_at": facts["sealing"],
    }
    LaneReport.objects.update_or_create(lane=lane, defaults=found)


def parse(text: str) -> dict[str, int | str]:
    """``{"bundle", "camera", "clock", "pending", "sealing", "version"}``; raises `Refusal` (malformed)."""
    value = strict_json.loads_object(text, max_bytes=MAX_REPORT)
    numbers = {name: strict_json.integer(value, name) for name in _NUMBERS}
    words = {name: value.get(name, "") for name in ("camera", "version")}
    version = words["version"]
    known = words["camera"] in CAMERAS and isinstance(version, str) and len(version) <= 32 and version.isprintable()
    if not known or not all(0 <= number < _MOST for number in numbers.values()):
        raise Refusal(Reason.MALFORMED, "a lane's report has a value that cannot be")
    return {**numbers, **words}


def refused(*, lane: Lane, code: str, now: int) -> None:
    """An upload of the lane's journal does not continue what is recorded."""
    LaneReport.objects.update_or_create(lane=lane, defaults={"refused_at": now, "refused": code[:32]})
