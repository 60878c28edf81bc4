"""Many comparisons at once give what one gives."""

import numpy as np
import pytest

from idp.biometrics.engine.evaluation.gallery import DISTANCES, Gallery
from idp.biometrics.engine.profiles import PROFILES, Q4, Q8
from idp.biometrics.engine.templates import Template, compare
from idp.protocol.refusals import Refusal


def template(profile: str, seed: int, *, model: str = "m") -> Template:
    random = np.random.default_rng(seed)
    return Template(model, profile, random.bytes(PROFILES[profile].size))


@pytest.mark.parametrize("profile", PROFILES)
def test_scores_are_those_of_one_comparison(profile: str) -> None:
    """A score that an evaluation sees and a gate does not makes its thresholds those of another engine."""
    size = PROFILES[profile].size
    extremes = [Template("m", profile, byte * size) for byte in (b"\x81", b"\x7f", b"\x01")]
    kept = [*(template(profile, seed) for seed in range(20)), *extremes]
    places = np.arange(len(kept))
    many = Gallery(kept, model="m", profile=profile).scores(places, places)
    one = [[compare(row, column, model="m").score for column in kept] for row in kept]
    assert np.abs(many - np.array(one)).max() < 1e-7
    near = kept[0].data[:-1] + bytes([kept[0].data[-1] ^ 1])
    pair = [kept[0], Template("m", profile, near)]
    found = Gallery(pair, model="m", profile=profile).scores(np.array([0]), np.array([1]))[0, 0]
    assert found == pytest.approx(compare(*pair, model="m").score, abs=1e-7)


def test_every_profile_can_be_evaluated() -> None:
    """A new layout of templates whose thresholds nobody could find."""
    assert set(DISTANCES) == set(PROFILES)


def test_places_are_those_of_the_pictures() -> None:
    """After a picture without a template every row was one off."""
    one, other = template("q8", 1), template("q8", 2)
    gallery = Gallery([None, one, None, other, one], model="m", profile="q8")
    assert gallery.acquired.tolist() == [False, True, False, True, True]
    scores = gallery.scores(np.array([1]), np.array([3, 4]))
    assert scores[0, 1] > 1 - 1e-7 and scores[0, 0] < 0.9


@pytest.mark.parametrize("found", [template("q8", 1, model="other"), template("q4", 1)])
def test_templates_of_another_engine_are_not_compared(found: Template) -> None:
    with pytest.raises(Refusal):
        Gallery([template("q8", 1), found], model="m", profile=Q8.name)


def test_no_template_at_all_is_no_error() -> None:
    assert not Gallery([None, None], model="m", profile=Q4.name).acquired.any()
