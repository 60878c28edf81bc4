"""The local world: who is in it, under which addresses, and where each keeps its things."""

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINK = 10  # a lane's local link listens so many ports above its screen
BASE_PORT = int(os.environ.get("CAUSEWAY_DEMO_PORT", "8400"))
Names = Mapping[str, str]


@dataclass(frozen=True)
class Authority:
    """One node."""

    code: str
    jurisdiction: str
    port: int
    name: Names

    @property
    def entity_id(self) -> str:
        return f"http://{self.code}.localhost:{self.port}"


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint; ``lanes`` are (name, direction, port)."""

    authority: str
    code: str
    neighbour: str
    directions: tuple[str, ...]
    name: Names
    lanes: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Traveller:
    """A specimen: nobody's name, a face of the photograph, a document of the home authority's register."""

    key: str
    home: str
    person: int  # of `idp.demo.photographs`
    phone_port: int
    document: Mapping[str, str]
    endorsements: tuple[Mapping[str, object], ...] = ()

    @property
    def username(self) -> str:
        return f"specimen-{self.key}"


@dataclass(frozen=True)
class World:
    """Everything, with its directory (``var/demo``)."""

    directory: Path
    authorities: tuple[Authority, ...]
    checkpoints: tuple[Checkpoint, ...]
    travellers: tuple[Traveller, ...]
    messenger_port: int
    messenger_name: Names = field(
        default_factory=lambda: {"en": "Specimen Messenger", "zh-Hans": "样本通讯", "zh-Hant": "樣本通訊"}
    )

    def authority(self, code: str) -> Authority:
        return next(item for item in self.authorities if item.code == code)

    def checkpoint(self, authority: str) -> Checkpoint:
        return next(item for item in self.checkpoints if item.authority == authority)

    def checkpoint_id(self, checkpoint: Checkpoint) -> str:
        return f"{self.authority(checkpoint.authority).entity_id}/checkpoints/{checkpoint.code}"

    def traveller(self, key: str) -> Traveller:
        return next(item for item in self.travellers if item.key == key)

    @property
    def messenger(self) -> str:
        return f"http://messenger.localhost:{self.messenger_port}"

    def node_directory(self, code: str) -> Path:
        return self.directory / "nodes" / code

    def lane_directory(self, checkpoint: Checkpoint, lane: str) -> Path:
        return self.directory / "gates" / f"{checkpoint.authority}-{checkpoint.code}-{lane}"

    def sealing_directory(self, checkpoint: Checkpoint) -> Path:
        return self.directory / "gates" / f"{checkpoint.authority}-{checkpoint.code}-sealing"

    def phone_directory(self, key: str) -> Path:
        return self.directory / "phones" / key

    def phone_url(self, traveller: Traveller) -> str:
        return f"http://localhost:{traveller.phone_port}"

    def environment(self, authority: Authority | None = None) -> dict[str, str]:
        """The environment of a process of this world, of a node when ``authority`` is given."""
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        common = {
            **inherited,  # without it a dozen processes would each compile every module anew
            "DEBUG": "1",
            "INSECURE_LOOPBACK_HTTP": "1",
            "CAUSEWAY_MODEL_DIR": str(self.directory.parent / "models"),
            "PYTHONPATH": str(ROOT),
            "LOG_LEVEL": "INFO",
            "OMP_NUM_THREADS": "1",  # ten processes share the cores
        }
        if authority is None:
            return common
        directory = self.node_directory(authority.code)
        return {
            **common,
            "CAUSEWAY_ENTITY_ID": authority.entity_id,
            "CAUSEWAY_NAME": json.dumps(authority.name, ensure_ascii=False),
            "CAUSEWAY_JURISDICTION": authority.jurisdiction,
            "CAUSEWAY_FACE_STORAGE": "device" if authority.code == "mo" else "node",  # both ways are shown
            "CAUSEWAY_DATA_DIR": str(directory),
            "CAUSEWAY_KEY_DIR": str(directory / "keys"),
            "DATABASE_URL": f"sqlite:///{directory / 'node.sqlite3'}",
        }


def build(directory: Path, *, base: int | None = None) -> World:
    """The world of the demonstration, on ports from ``base`` on."""
    port = free_base(base or BASE_PORT)
    return World(
        directory=directory.resolve(),
        authorities=(
            Authority(
                "cn",
                "CHN",
                port + 1,
                _names("Mainland Exit-Entry Authority", "内地出入境机关", "內地出入境機關"),
            ),
            Authority("hk", "HKG", port + 2, _names("Hong Kong Immigration Authority", "香港入境机关", "香港入境機關")),
            Authority("mo", "MAC", port + 3, _names("Macao Border Authority", "澳门边境机关", "澳門邊境機關")),
        ),
        checkpoints=(
            Checkpoint(
                "cn",
                "shenzhen-bay",
                "HKG",
                ("exit", "entry"),
                _names("Shenzhen Bay Port (mainland)", "深圳湾口岸(内地)", "深圳灣口岸(內地)"),
                (("exit-1", "exit", port + 31),),
            ),
            Checkpoint(
                "hk",
                "shenzhen-bay",
                "CHN",
                ("entry", "exit"),
                _names("Shenzhen Bay Port (Hong Kong)", "深圳湾口岸(香港)", "深圳灣口岸(香港)"),
                (("entry-1", "entry", port + 32), ("entry-2", "entry", port + 33)),
            ),
            Checkpoint(
                "mo",
                "qingmao",
                "CHN",
                ("entry", "exit"),
                _names("Qingmao Port (Macao)", "青茂口岸(澳门)", "青茂口岸(澳門)"),
                (("entry-1", "entry", port + 34),),
            ),
        ),
        travellers=specimens(port),
        messenger_port=port + 10,
    )


def free_base(wanted: int) -> int:
    """``wanted``, or the first hundred above it whose ports are free."""
    for base in range(wanted, wanted + 2000, 100):
        if all(_free(base + offset) for offset in (1, 2, 3, 10, 21, 22, 23, 24, 31, 32, 33, 34, 41, 42, 43, 44)):
            return base
    raise RuntimeError("no free ports: is another demonstration running?")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _names(english: str, simplified: str, traditional: str) -> Names:
    return {"en": english, "zh-Hans": simplified, "zh-Hant": traditional}


def specimens(port: int) -> tuple[Traveller, ...]:
    """Specimens, with numbers whose check digits are right where a check digit exists (and nobody's)."""
    return (
        Traveller(
            "jia",
            "cn",
            0,
            port + 21,
            {
                "type": "eep",
                "number": "CA1234567",
                "name_native": "样本甲",
                "name_latin": "SPECIMEN JIA",
                "birth_date": "1990-01-01",
                "sex": "F",
                "nationality": "CHN",
                "issued_by": "CHN",
                "expires_on": "2033-01-01",
            },
            (
                {"kind": "G", "destination": "HKG", "entries_left": None, "stay_days": 7},
                {"kind": "G", "destination": "MAC", "entries_left": 2, "stay_days": 7},
            ),
        ),
        Traveller(
            "yi",
            "hk",
            5,
            port + 22,
            {
                "type": "hkid",
                "number": "A1234563",
                "name_native": "樣本乙",
                "name_latin": "SPECIMEN YUET",
                "birth_date": "1985-05-05",
                "sex": "M",
                "nationality": "CHN",
                "issued_by": "HKG",
            },
        ),
        Traveller(
            "bing",
            "mo",
            2,
            port + 23,
            {
                "type": "bir",
                "number": "12345670",
                "name_native": "樣本丙",
                "name_latin": "SPECIMEN BENG",
                "birth_date": "1979-09-09",
                "sex": "F",
                "nationality": "CHN",
                "issued_by": "MAC",
                "expires_on": "2031-09-09",
            },
        ),
    )
