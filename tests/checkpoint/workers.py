"""What tests let other processes do. A module of its own, so that those processes can import it."""

import resource
import sys
from pathlib import Path
from typing import Any

from idp.checkpoint.joint_store import admit_both
from idp.checkpoint.sealing_keys import rotate_if_due
from idp.checkpoint.store import AlreadyAdmitted, Store
from idp.protocol.joint import SIDES, Side
from idp.protocol.refusals import Unavailable
from tests.simulators.gate import CHECKPOINT, CN, NOW


def fields(number: int = 0, **changes: Any) -> dict[str, Any]:
    """Of an admission."""
    return {
        "checkpoint": CHECKPOINT,
        "lane": "1",
        "at": NOW,
        "jti": f"token-{number}",
        "iss": CN,
        "sub": "pairwise",
        "direction": "entry",
        "decision": "admit",
        "reason": "",
        "score_band": "high",
        "bundle_serial": 7,
        **changes,
    }


def refused(number: int = 0, **changes: Any) -> dict[str, Any]:
    """Of a refusal."""
    return fields(number, decision="refuse", reason="face_mismatch", **changes)


def admit_all(path: Path, numbers: range) -> list[int]:
    """The numbers that this process admitted; the others were admitted before."""
    store, won = Store(path, lambda: NOW), []
    for number in numbers:
        try:
            store.admit(fields(number))
            won.append(number)
        except AlreadyAdmitted:
            pass
    store.close()
    return won


def rotate(directory: Path, now: int) -> str:
    """The current key's ``kid`` after a rotation that was due."""
    return rotate_if_due(directory, now=now).current.kid


def admit_and_say(path: Path, most: int, limit: int | None) -> None:
    """Admit one after the other and say each number when it is done; ``limit``, in bytes, is the system's for files."""
    store = Store(path, lambda: NOW)
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        for number in range(most):
            store.admit(fields(number))
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
    except Unavailable:
        sys.stdout.write("unavailable\n")


def joint_stores(directory: Path) -> dict[Side, Store]:
    """The two files of a joint gate."""
    return {side: Store(directory / f"{side}.sqlite3", lambda: NOW, rollback=True) for side in SIDES}


def admit_both_and_say(directory: Path) -> None:
    """Admit at both sides, one after the other, and say each number when it is done."""
    stores = joint_stores(directory)
    for number in range(100_000):
        admit_both(stores, {"exit": (fields(number, direction="exit"), None), "entry": (fields(number), None)})
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1] == "joint":
        admit_both_and_say(Path(sys.argv[2]))
    else:
        admit_and_say(Path(sys.argv[1]), 100_000, int(sys.argv[2]) if len(sys.argv) > 2 else None)
