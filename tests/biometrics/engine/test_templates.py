"""Templates: 128 bytes that mean the same as 128 floats, of one model only."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from idp.biometrics.engine import EMBEDDED_THRESHOLDS, Template
from idp.biometrics.engine.templates import STEP, compare, quantise, restore, score_of
from idp.protocol.refusals import Reason, Refusal

MODEL = "dlib-resnet-v1"
embeddings = arrays.arrays(np.float32, 128, elements=st.floats(-0.5, 0.5, width=32))


@given(embedding=embeddings)
def test_a_component_moved_by_more_than_half_a_step(embedding: np.ndarray) -> None:
    template = quantise(embedding, model=MODEL)
    assert (template.model, template.profile, len(template.data)) == (MODEL, "q8", 128)
    assert np.abs(restore(template, model=MODEL) - embedding).max() <= STEP / 2 + 1e-6


@pytest.mark.parametrize("value", [0.6, 5.0, -5.0])
def test_a_large_component_that_wraps_round(value: float) -> None:
    restored = restore(quantise(np.full(128, value, dtype=np.float32), model=MODEL), model=MODEL)
    assert np.sign(restored[0]) == np.sign(value)
    assert abs(restored[0]) == pytest.approx(127 * STEP)


@given(one=embeddings, other=embeddings)
def test_a_comparison_that_depends_on_its_order_or_form(one: np.ndarray, other: np.ndarray) -> None:
    known, probe = quantise(one, model=MODEL), quantise(other, model=MODEL)
    there, back = compare(known, probe, model=MODEL), compare(probe, known, model=MODEL)
    assert there == back
    assert there == compare(known, restore(probe, model=MODEL), model=MODEL)
    assert compare(known, known, model=MODEL).score == 1.0


@given(near=st.floats(0, 4), far=st.floats(0, 4))
def test_a_score_that_rises_with_the_distance_or_leaves_its_range(near: float, far: float) -> None:
    near, far = sorted((near, far))
    assert 0.0 <= score_of(far) <= score_of(near) <= 1.0


def test_thresholds_that_drift_from_the_distances_they_stand_for() -> None:
    assert EMBEDDED_THRESHOLDS.admit == pytest.approx(0.725)
    assert EMBEDDED_THRESHOLDS.refer == pytest.approx(0.70)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (Template("other-v1", "q8", bytes(128)), Reason.FACE_MODEL_UNSUPPORTED),
        (Template(MODEL, "q4", bytes(128)), Reason.FACE_MODEL_UNSUPPORTED),
        (Template(MODEL, "q8", bytes(127)), Reason.MALFORMED),
        (Template(MODEL, "q8", b""), Reason.MALFORMED),
    ],
)
def test_templates_compared_that_do_not_belong_together(template: Template, reason: Reason) -> None:
    sound = Template(MODEL, "q8", bytes(128))
    for one, other in ((template, sound), (sound, template)):
        with pytest.raises(Refusal) as caught:
            compare(one, other, model=MODEL)
        assert caught.value.reason is reason


@pytest.mark.parametrize("embedding", [np.zeros(127, np.float32), np.full(128, np.nan, np.float32)])
def test_an_embedding_that_is_none_made_into_a_template(embedding: np.ndarray) -> None:
    with pytest.raises(ValueError, match="128 finite"):
        quantise(embedding, model=MODEL)
