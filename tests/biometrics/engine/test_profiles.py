"""512 components at 4 bits: what is lost, and that nothing else is."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from idp.biometrics.engine import Template
from idp.biometrics.engine.profiles import LEVELS, Q4, UNIT_STEP
from idp.biometrics.engine.templates import compare, compare_many, compare_raw, quantise, restore
from idp.protocol.refusals import Reason, Refusal

MODEL = "tiny-000000000000"
CLIP = UNIT_STEP * LEVELS / 2

seeds = st.integers(0, 2**32 - 1)
vectors = arrays.arrays(np.float32, 512, elements=st.floats(-100, 100, width=32)).filter(
    lambda one: np.abs(one).max() > 1e-3
)


def unit(seed: int, *, near: int | None = None, cosine: float = 0.0) -> np.ndarray:
    """A random direction, or one at ``cosine`` from another's."""
    made = np.random.default_rng(seed).standard_normal(512)
    made /= np.linalg.norm(made)
    if near is not None:
        other = unit(near).astype(np.float64)
        made -= (made @ other) * other
        made = cosine * other + math.sqrt(1 - cosine**2) * made / np.linalg.norm(made)
    return np.asarray(made, dtype=np.float32)


def made(embedding: np.ndarray) -> Template:
    return quantise(embedding, model=MODEL, profile="q4")


@given(seed=seeds, length=st.floats(0.1, 100))
def test_a_component_moved_by_more_than_half_a_step(seed: int, length: float) -> None:
    """Before the restored vector is brought to length 1 again, which moves all by one factor."""
    embedding = unit(seed)
    template = made(embedding * np.float32(length))
    assert (template.profile, len(template.data)) == ("q4", 256)
    restored = restore(template, model=MODEL).astype(np.float64)
    within = np.abs(embedding) < CLIP
    factor = UNIT_STEP / 2 / float(np.abs(restored).min())  # the lowest level is half a step
    assert np.abs(restored[within] * factor - embedding[within]).max() <= UNIT_STEP / 2 + 1e-6
    assert np.linalg.norm(restored) == pytest.approx(1.0, abs=1e-6)


@given(seed=seeds)
def test_a_random_face_that_is_not_itself_any_more(seed: int) -> None:
    """The quantiser's error is 1.15 % of the power, so the cosine is the root of 98.85 %."""
    embedding = unit(seed)
    assert 0.985 < 1 - compare(made(embedding), embedding, model=MODEL).distance < 0.999


@given(embedding=vectors)
def test_a_large_component_that_wraps_round(embedding: np.ndarray) -> None:
    restored = restore(made(embedding), model=MODEL)
    decided = np.abs(embedding) > 1e-3 * np.linalg.norm(embedding)
    assert np.array_equal(np.sign(restored[decided]), np.sign(embedding[decided]))


@given(embedding=vectors, factor=st.floats(0.015625, 64, width=32))
def test_a_template_that_knows_how_good_the_picture_was(embedding: np.ndarray, factor: float) -> None:
    """The length of the embedding is no part of the face; a rounding at the edge of a step may move a component."""
    one, other = made(embedding), made(embedding * np.float32(factor))
    assert compare(one, other, model=MODEL).score > 0.999


@given(one=vectors, other=vectors)
def test_a_comparison_that_depends_on_its_order_or_leaves_its_range(one: np.ndarray, other: np.ndarray) -> None:
    known, probe = made(one), made(other)
    there, back = compare(known, probe, model=MODEL), compare(probe, known, model=MODEL)
    assert there == back
    assert 0.0 <= there.score <= 1.0
    assert there.score == pytest.approx((2 - there.distance) / 2)
    assert compare(known, known, model=MODEL).score == pytest.approx(1.0, abs=1e-6)
    assert compare_many(known, [probe, known], model=MODEL) == pytest.approx([there.score, 1.0], abs=1e-6)


@given(seed=seeds, cosines=st.lists(st.integers(-9, 9), min_size=2, max_size=2, unique=True))
def test_a_score_that_does_not_rise_with_likeness(seed: int, cosines: list[int]) -> None:
    far, near = sorted(cosines)
    reference = made(unit(seed))
    scores = [compare(reference, unit(seed + 1, near=seed, cosine=one / 10), model=MODEL).score for one in (far, near)]
    assert scores[0] < scores[1]


@given(seed=seeds, cosine=st.floats(-0.9, 0.95))
def test_a_score_moved_further_than_the_quantiser_explains(seed: int, cosine: float) -> None:
    """Both quantised: a cosine loses a hundredth of itself, and noise of a fiftieth at most is added."""
    one, other = unit(seed), unit(seed + 1, near=seed, cosine=cosine)
    raw = compare_raw(one, other, profile="q4")
    both = compare(made(one), made(other), model=MODEL)
    assert (1 - raw.distance) == pytest.approx(cosine, abs=1e-5)
    assert abs((1 - both.distance) - (1 - raw.distance)) < 0.04


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (Template("tiny-111111111111", "q4", bytes(256)), Reason.FACE_MODEL_UNSUPPORTED),
        (Template(MODEL, "q8", bytes(128)), Reason.FACE_MODEL_UNSUPPORTED),
        (Template(MODEL, "q2", bytes(128)), Reason.FACE_MODEL_UNSUPPORTED),
        (Template(MODEL, "q4", bytes(255)), Reason.MALFORMED),
        (Template(MODEL, "q4", bytes(512)), Reason.MALFORMED),
    ],
)
def test_templates_compared_that_do_not_belong_together(template: Template, reason: Reason) -> None:
    sound = made(unit(1))
    for one, other in ((template, sound), (sound, template)):
        with pytest.raises(Refusal) as caught:
            compare(one, other, model=MODEL, profile="q4")
        assert caught.value.reason is reason
    with pytest.raises(Refusal) as caught:
        compare_many(sound, [sound, template], model=MODEL)
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    "embedding", [np.zeros(512, np.float32), np.full(512, np.inf, np.float32), np.ones(128, np.float32)]
)
def test_what_is_no_embedding_made_into_a_template(embedding: np.ndarray) -> None:
    with pytest.raises(ValueError, match="embedding"):
        made(embedding)
    with pytest.raises(ValueError, match="embedding"):
        compare(made(unit(1)), embedding, model=MODEL)


def test_a_step_that_is_not_the_best_for_a_normal_component() -> None:
    """A tenth more or less must cost more: the figure was typed in, and one digit would be a silent loss."""
    components = np.random.default_rng(3).standard_normal(200_000)

    def error(step: float) -> float:
        levels = np.clip(np.floor(components / step) + LEVELS // 2, 0, LEVELS - 1) - (LEVELS - 1) / 2
        return float(np.mean((levels * step - components) ** 2))

    step = UNIT_STEP * math.sqrt(Q4.dimensions)
    assert error(step) == pytest.approx(0.01154, rel=0.02)
    assert error(step) < min(error(step * 0.9), error(step * 1.1))
