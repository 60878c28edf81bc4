"""Where the simulated year happens: three authorities, and the places at which two of them stand side by side."""

from dataclasses import dataclass
from datetime import UTC, datetime

NODES = {
    "CHN": "https://cn.causeway.example",
    "HKG": "https://hk.causeway.example",
    "MAC": "https://mo.causeway.example",
}
START = int(datetime(2026, 12, 31, 16, tzinfo=UTC).timestamp())  # midnight of New Year's Day 2027 in Hong Kong
DAY = 86_400
LANES = 2  # for each checkpoint and direction


@dataclass(frozen=True)
class Place:
    """Two checkpoints, one of each authority, by the code that each of them gave it."""

    codes: dict[str, str]

    def checkpoint(self, territory: str) -> str:
        """The entity id of the checkpoint that stands in ``territory``."""
        return f"{NODES[territory]}/checkpoints/{self.codes[territory]}"


PLACES = (
    Place({"CHN": "luohu", "HKG": "lo-wu"}),
    Place({"CHN": "futian", "HKG": "lok-ma-chau"}),
    Place({"CHN": "gongbei", "MAC": "portas-do-cerco"}),
    Place({"CHN": "hengqin", "MAC": "lotus"}),
    Place({"HKG": "bridge-hong-kong", "MAC": "bridge-macau"}),
)


def between(one: str, other: str) -> list[Place]:
    """The places where one crosses from ``one`` territory to the ``other``."""
    return [place for place in PLACES if {one, other} == place.codes.keys()]


def lane_id(checkpoint: str, direction: str, number: int) -> str:
    """As `idp.border.models.Lane.lane_id` has it."""
    return f"{checkpoint}#{direction}-{number}"
