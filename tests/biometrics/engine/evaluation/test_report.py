"""What a report says, and what it refuses to say."""

import numpy as np
import pytest

from idp.biometrics.engine.evaluation.measuring import Counted, Measured
from idp.biometrics.engine.evaluation.report import calibrations, people_for, report

AT = {"admit": 0.6}


def counted(genuine: np.ndarray, impostor: np.ndarray) -> Counted:
    found = Counted.at(list(AT.values()))
    found.genuine.add(genuine)
    found.impostor.add(impostor)
    return found


def measured(every: Counted, **groups: Counted) -> Measured:
    return Measured("m", every, groups, {name: (10, 1) for name in groups}, 10, {"face_no_face": 1}, True, 5, 0, 0, 0)


def errors(genuine: int, impostor: int, of: int = 100) -> Counted:
    """As many errors of ``of`` comparisons of either kind."""
    return counted(np.where(np.arange(of) < genuine, 0.1, 0.9), np.where(np.arange(of) < impostor, 0.9, 0.1))


def test_worst_group_is_held_against_the_mean_of_the_groups() -> None:
    """Against the whole's rate, where comparisons across groups count, every group would look bad."""
    found = report(measured(errors(0, 0), a=errors(1, 6), b=errors(1, 0), c=errors(1, 0)), AT)["differentials"]
    assert found["fmr"]["admit"] == {
        "worst": "a",
        "mean": pytest.approx(0.02),
        "times": pytest.approx(3),
        "beyond": False,
    }
    assert found["fnmr"]["admit"]["times"] == pytest.approx(1)
    many = report(measured(errors(0, 0), a=errors(0, 300, 1000), b=errors(0, 0, 1000), c=errors(0, 0, 1000)), AT)
    assert many["differentials"]["fmr"]["admit"]["beyond"] is True


def test_groups_without_error_are_not_said_to_be_alike() -> None:
    found = report(measured(errors(0, 0), a=errors(0, 0), b=errors(0, 0)), AT)["differentials"]
    assert found["fmr"]["admit"]["times"] is None


def test_failures_to_acquire_are_a_rate_of_the_group() -> None:
    found = report(measured(errors(0, 0), a=errors(0, 0)), AT)["groups"]["a"]
    assert (found["pictures"], found["fta"]) == (10, 0.1)
    assert found["intervals"]["fta"][0] < 0.1 < found["intervals"]["fta"][1]


def test_one_group_is_held_against_nothing() -> None:
    nothing = counted(np.empty(0), np.empty(0))
    found = report(measured(errors(1, 1), a=errors(1, 1), b=nothing), AT)
    assert found["differentials"] == {"fmr": {}, "fnmr": {}}
    assert found["groups"]["b"]["fmr"] == {"admit": None}


@pytest.mark.parametrize("comparisons, people", [(3_000, 78), (30_000, 246), (1, 2), (3, 3), (4, 4)])
def test_people_give_the_comparisons_that_are_said(comparisons: int, people: int) -> None:
    """An operator collects pictures of 245 people and the claim is refused again."""
    assert people_for(comparisons) == people
    assert people * (people - 1) // 2 >= comparisons > (people - 1) * (people - 2) // 2


def test_profile_that_is_not_claimed_says_what_it_would_take() -> None:
    found = report(measured(errors(0, 0, 29_990)), AT)["profiles"]
    assert found["FMR 1e-3"]["claimed"]
    assert found["FMR 1e-4"] == {
        "claimed": False,
        "why": "30,000 impostor comparisons are needed for FMR 1e-4, there are 29,990",
        "missing": 10,
        "people": 246,
    }


def test_only_what_is_claimed_is_offered_for_calibration() -> None:
    """And the laxer one below, from which an officer looks."""
    found = calibrations(measured(errors(2, 0, 30_000)))
    assert [one["target"] for one in found] == ["1e-2", "1e-3", "1e-4"]
    assert all(0 <= one["threshold"] <= 1 and one["fmr_high"] <= float(one["target"]) for one in found)
    assert [one["threshold"] for one in found] == sorted(one["threshold"] for one in found)
    assert found[-1]["fnmr"] == 2 / 30_000
    assert calibrations(measured(errors(0, 0, 299))) == []
