"""Figures of enrolments are what the jobs say, and tell nothing by which a score could be somebody's."""

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.accounts.models import TravelDocument, Traveller
from idp.biometrics import figures
from idp.biometrics.figures import BINS
from idp.biometrics.models import Job
from tests.conftest import NOW

HOUR = 3600
JOBS = st.lists(
    st.tuples(
        st.integers(-2 * HOUR, 5 * HOUR - 1),
        st.sampled_from(["done", "failed", "review", "cancelled"]),
        st.sampled_from(["link", "renew"]),
        st.booleans(),
        st.sampled_from(["", "face_no_face", "face_mismatch"]),
        st.none() | st.floats(0, 1),
        st.sampled_from(["", "a", "b"]),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=JOBS)
def test_a_job_is_counted_elsewhere_than_it_belongs(
    holder: Traveller, named: TravelDocument, facts: list[tuple[int, str, str, bool, str, float | None, str]]
) -> None:
    Job.objects.all().delete()
    for number, (at, state, kind, asked, reason, score, model) in enumerate(facts):
        Job.objects.create(
            traveller=holder,
            document=named,
            kind=kind,
            model=str(number),
            state=state,
            challenge=["turn"] if asked else [],
            reason=reason,
            score=score,
            score_model=model,
            created_at=NOW + at,
            finished_at=None if state == "review" else NOW + at,
        )
    since, until = NOW, NOW + 4 * HOUR
    within = [each for each in facts if 0 <= each[0] < 4 * HOUR]
    before = [each for each in within if each[2] == "link" or each[3]]
    found = figures.outcomes(since=since, until=until, step=HOUR)
    assert dict(found) == Counter((each[0] // HOUR, each[1]) for each in before)
    endings = {tuple(key): count for *key, count in figures.endings(since=since, until=until)}
    assert endings == Counter((each[2], each[1], each[4]) for each in before if each[1] in ("done", "failed"))
    scores = figures.scores(since=since, until=until)
    for model in ("", "a", "b"):
        for state, counts in (("done", "accepted"), ("failed", "rejected")):
            mine = [each[5] for each in within if each[6] == model and each[1] == state and each[5] is not None]
            bins = Counter(min(BINS - 1, int(score * BINS)) for score in mine)
            kept = getattr(scores[model], counts) if model in scores else [0] * BINS
            assert kept == [bins[number] for number in range(BINS)]
