"""A face's pose from either layout of five landmarks: a head of known angles is projected and must be read back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.biometrics.engine.detection import ENROLMENT_SIDE, GATE_SIDE, Detector
from idp.biometrics.engine.embedded import EmbeddedEngine
from idp.biometrics.engine.face import CENTRES, CORNERS, Box, Face, Layout
from idp.biometrics.engine.pictures import decode
from idp.demo.photographs import live_capture, people
from idp.protocol.refusals import Reason, Refusal

from .frames import jpeg

BOX = Box(0, 0, 400, 400)


def head(layout: Layout) -> np.ndarray:
    """Landmarks of an average head, (5, 3): right, down and towards the camera, in inter-eye distances."""
    points = np.zeros((5, 3))
    for rows, x in ((layout.left, -0.5), (layout.right, 0.5)):
        for row, shift in zip(rows, (-0.15, 0.15), strict=False):
            points[row] = (x + (shift if len(rows) == 2 else 0.0), 0.0, 0.0)
    points[layout.nose] = (0.0, *layout.nose_at)
    for row, x in zip(layout.mouth, (-0.4, 0.4), strict=False):
        points[row] = (x, *layout.mouth_at)
    return points


def seen(layout: Layout, *, yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0, scale: float = 120.0) -> Face:
    y, p, r = np.radians([yaw, pitch, roll])
    turn = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    nod = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    lean = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return Face(box=BOX, points=(head(layout) @ (lean @ nod @ turn).T)[:, :2] * scale + 200.0, layout=layout)


@pytest.mark.parametrize("layout", [CORNERS, CENTRES])
@given(yaw=st.floats(-40, 40), roll=st.floats(-30, 30), scale=st.floats(40, 400))
def test_a_turned_head_read_as_another_angle(layout: Layout, yaw: float, roll: float, scale: float) -> None:
    face = seen(layout, yaw=yaw, roll=roll, scale=scale)
    assert face.yaw == pytest.approx(yaw, abs=0.1)
    assert face.roll == pytest.approx(roll, abs=0.1)
    assert face.inter_eye_px == pytest.approx(scale * np.cos(np.radians(yaw)), rel=1e-6)


@given(pitch=st.floats(-35, 35), roll=st.floats(-30, 30), scale=st.floats(40, 400))
def test_a_nod_read_as_another_angle(pitch: float, roll: float, scale: float) -> None:
    face = seen(CENTRES, pitch=pitch, roll=roll, scale=scale)
    assert face.pitch == pytest.approx(pitch, abs=0.1)
    assert face.yaw == pytest.approx(0.0, abs=0.1)


def test_a_nod_claimed_where_no_mouth_was_found() -> None:
    assert seen(CORNERS, pitch=20).pitch is None


def test_a_side_of_the_head_taken_for_the_other(detector: Detector) -> None:
    pixels = decode(people()[1].jpeg)
    face, mirrored = (
        detector.faces(np.ascontiguousarray(picture), long_side=ENROLMENT_SIDE)[0]
        for picture in (pixels, pixels[:, ::-1])
    )
    assert face.yaw * mirrored.yaw < 0 or abs(face.yaw) + abs(mirrored.yaw) < 6


def test_a_look_that_is_not_what_the_comparison_sees(engine: EmbeddedEngine, detector: Detector) -> None:
    frame = live_capture(2, seed=5)[0]
    sight = engine.look(frame)
    expected = detector.faces(decode(frame), long_side=GATE_SIDE)[0]
    assert np.array_equal(sight.face.points, expected.points)
    assert sight.picture.shape[:2] == (720, 1280)
    assert sight.quality.inter_eye_px == pytest.approx(expected.inter_eye_px)
    assert engine.passive(sight) is None


def test_a_look_at_nobody(engine: EmbeddedEngine) -> None:
    with pytest.raises(Refusal) as caught:
        engine.look(jpeg(np.full((720, 1280, 3), 140, dtype=np.uint8)))
    assert caught.value.reason is Reason.FACE_NO_FACE


def test_a_change_of_persons_within_a_sitting(engine: EmbeddedEngine) -> None:
    one, again, other = (engine.look(live_capture(*who)[0]) for who in ((0, 1), (0, 2), (3, 1)))
    assert engine.same_person(one, again)
    assert not engine.same_person(one, other)
