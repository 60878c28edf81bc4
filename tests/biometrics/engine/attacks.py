"""*Synthetic* attack sequences: what one photograph gives whoever holds it before the camera, or in place of it.

They guard against regressions. No APCER and no BPCER is claimed from them: nobody printed anything or filmed a screen.
Each takes a challenge and gives the takes of a session, as a traveller's browser would hand them in.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType

import cv2
import numpy as np

from idp.demo import takes as simulated
from idp.demo.photographs import live_capture

from .frames import BGR, image, jpeg

Takes = list[list[bytes]]
Attack = Callable[[Sequence[str]], Takes]

TILT = {"turn_left": 40.0, "turn_right": -40.0}  # degrees of a plane about its upright axis
STRAIGHT = (0.0,) * 3
DISTANCE = 2.5  # of the plane from the camera, in picture widths


@cache
def session(person: int, seed: int, *challenge: str) -> Takes:
    """The simulated traveller who obeys."""
    return simulated.takes(person, seed, challenge)


@cache
def still() -> BGR:
    return image(live_capture(0, 1)[0])


def printed_photo(challenge: Sequence[str]) -> Takes:
    """A hand holds a print, tilts it for a turn of the head and brings it nearer."""
    return _held(still(), challenge, wobble=6.0)


def screen_replay(challenge: Sequence[str]) -> Takes:
    """The same on a screen: its bezel is in the picture, and its pixels beat with the camera's."""
    rows, columns = still().shape[:2]
    y, x = np.mgrid[0:rows, 0:columns]
    beat = 1.0 + 0.08 * np.sin(x / 2.3 + y / 7.1) + 0.05 * np.sin(y / 1.9)
    shown = np.clip(still() * beat[:, :, None], 0, 255).astype(np.uint8)
    cv2.rectangle(shown, (120, 20), (columns - 120, rows - 20), (18, 18, 18), 40)
    return _held(shown, challenge, wobble=4.0)


def cut_out(challenge: Sequence[str]) -> Takes:
    """Only the head, cut out of a print, moved and turned in its plane before a wall that stands still."""
    return _held(still(), challenge, wobble=8.0, wall=(150, 142, 138), roll=12.0)


def frozen_video(challenge: Sequence[str]) -> Takes:
    """A camera that has stopped: the same picture, with the noise of a sensor for each frame."""
    random = np.random.default_rng(3)
    return _all(challenge, lambda _: jpeg(_noisy(still(), random)))


def injected_file(challenge: Sequence[str]) -> Takes:
    """One file in place of the camera."""
    return _all(challenge, lambda _: jpeg(still()))


def recompressed_file(challenge: Sequence[str]) -> Takes:
    """One file, compressed anew for each frame."""
    return _all(challenge, lambda number: jpeg(still(), 95 - 2 * number))


def stills_of_each_pose(challenge: Sequence[str]) -> Takes:
    """One photograph looking straight and one for each instruction, moved a little: what an album gives."""
    takes = session(0, 1, *challenge)
    random = np.random.default_rng(4)
    straight = image(takes[0][0])
    pairs = [(straight, image(take[-1])) for take in takes[1:]]
    asked = [[straight] * 2 + [pose] * 4 for _, pose in pairs]
    return [[jpeg(_shaken(one, random)) for one in take] for take in [[straight] * 3, *asked]]


def other_session(challenge: Sequence[str]) -> Takes:
    """A recording of a session that obeyed another challenge."""
    return session(0, 1, *challenge[1:], challenge[0])


def another_person(challenge: Sequence[str]) -> Takes:
    """The holder looks straight, somebody else does what is asked."""
    return [session(0, 1, *challenge)[0], *session(5, 1, *challenge)[1:]]


def one_frame_of_another(challenge: Sequence[str]) -> Takes:
    """The holder's picture is put into somebody else's session once."""
    takes = [list(take) for take in session(5, 1, *challenge)]
    takes[0][1] = session(0, 1, *challenge)[0][1]
    return takes


def repeated_take(challenge: Sequence[str]) -> Takes:
    """A frame is handed in twice, to fill a take up."""
    takes = [list(take) for take in session(0, 1, *challenge)]
    takes[2][3] = takes[2][2]
    return takes


STOPPED: Mapping[str, tuple[Attack, bool]] = MappingProxyType(
    {  # attack, and whether it is an alarm for an officer
        "printed photo": (printed_photo, False),
        "screen replay": (screen_replay, False),
        "cut-out": (cut_out, False),
        "frozen video": (frozen_video, True),
        "injected file": (injected_file, True),
        "recompressed file": (recompressed_file, True),
        "stills of each pose": (stills_of_each_pose, False),
        "recording of another session": (other_session, True),
        "another person obeys": (another_person, True),
        "one frame of another": (one_frame_of_another, True),
        "a frame twice": (repeated_take, True),
    }
)

NOT_STOPPED: Mapping[str, Attack] = MappingProxyType(
    {  # known, and said in docs/operations.md
        "a program that turns a still": lambda challenge: session(0, 1, *challenge),
    }
)


def _all(challenge: Sequence[str], frame: Callable[[int], bytes]) -> Takes:
    numbers = iter(range(100))
    return [[frame(next(numbers)) for _ in range(3)]] + [[frame(next(numbers)) for _ in range(6)] for _ in challenge]


def _held(
    picture: BGR,
    challenge: Sequence[str],
    *,
    wobble: float,
    wall: tuple[int, int, int] = (70, 80, 90),
    roll: float = 2.0,
) -> Takes:
    random = np.random.default_rng(2)
    sessions = [("", STRAIGHT), *((one, simulated.PROGRESS) for one in challenge)]
    return [
        [jpeg(_noisy(_plane(picture, one, part, random, wobble, wall, roll), random)) for part in progress]
        for one, progress in sessions
    ]


def _plane(
    picture: BGR,
    instruction: str,
    part: float,
    random: np.random.Generator,
    wobble: float,
    wall: tuple[int, int, int],
    roll: float,
) -> BGR:
    """The picture as a plane in space: tilted about its upright axis, turned in itself, nearer, and a little aside."""
    rows, columns = picture.shape[:2]
    tilt = np.radians(TILT.get(instruction, 0.0) * part)
    turn = np.radians(random.uniform(-roll, roll))
    near = 1.4 if instruction == "come_closer" else 1.0
    size = 1.0 + (near - 1.0) * part
    corners = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]) * (1.0, rows / columns)
    spun = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    depth = 1.0 + spun[:, 0] * np.sin(tilt) / DISTANCE
    seen = np.stack([spun[:, 0] * np.cos(tilt), spun[:, 1]], axis=1) / depth[:, None] * size
    place = seen * columns + (columns / 2, rows / 2) + random.uniform(-wobble, wobble, 2)
    origin = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(origin, place.astype(np.float32))
    return np.asarray(cv2.warpPerspective(picture, matrix, (columns, rows), borderValue=wall), dtype=np.uint8)


def _noisy(picture: BGR, random: np.random.Generator) -> BGR:
    return np.clip(picture + random.normal(0.0, 2.0, picture.shape), 0, 255).astype(np.uint8)


def _shaken(picture: BGR, random: np.random.Generator) -> BGR:
    shift = random.uniform(-5, 5, 2)
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
    moved = cv2.warpAffine(picture, matrix, picture.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    return _noisy(np.asarray(moved, dtype=np.uint8), random)
