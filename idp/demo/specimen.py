"""``python -m idp.demo specimen``: a traveller for nodes that were set up by hand (docs/first-authorities.md)."""

import json
from pathlib import Path

from idp.biometrics.engine.challenge import Instruction
from idp.demo import photographs, world
from idp.demo.prepare import dated
from idp.demo.takes import takes
from idp.demo.world import Traveller

SEED = 7


def write(directory: Path) -> int:
    """``register.json`` and ``portraits`` for the two imports, and ``pictures`` of the face; 0 when done."""
    traveller = world.specimens(0)[0]
    for name in ("portraits", "pictures"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    document = {name: value for name, value in traveller.document.items() if name != "issued_by"}
    content = {"documents": [{**document, "endorsements": dated(traveller.endorsements)}]}
    (directory / "register.json").write_text(json.dumps(content, ensure_ascii=False, indent=1), "utf-8")
    portrait = photographs.jpeg(photographs.portrait(traveller.person))
    (directory / "portraits" / f"{document['type']}-{document['number']}.jpg").write_bytes(portrait)
    pictures(directory / "pictures", traveller)
    return 0


def pictures(directory: Path, traveller: Traveller) -> None:
    """The takes of a challenge as files ``KEY-TAKE-NUMBER.jpg``."""
    names = ["straight", *Instruction]
    for name, frames in zip(names, takes(traveller.person, SEED, names[1:]), strict=True):
        for number, frame in enumerate(frames):
            (directory / f"{traveller.key}-{name}-{number}.jpg").write_bytes(frame)
