"""What a page is told while it waits: every change once, the end, and never for longer than a thread may be held."""

import json
from typing import Any

import pytest
from django.test import Client

from idp.accounts.models import TravelDocument, Traveller
from idp.audit.models import AuditEvent
from idp.biometrics import following, jobs
from idp.biometrics.models import Capture, Job
from tests.biometrics.world import HOST, browser
from tests.conftest import NOW


@pytest.fixture
def mine(holder: Traveller, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(following, "TICK", 0)
    return browser("mei")


@pytest.fixture
def job(holder: Traveller, named: TravelDocument) -> Job:
    return jobs.begin(traveller=holder, document=named, now=NOW)


def opened(client: Client, job: Job, **headers: str) -> Any:
    return client.get(f"/account/faces/{job.pk}/events", headers=headers)


def told(chunk: bytes) -> dict[str, str]:
    assert chunk.startswith(b"data: ") and chunk.endswith(b"\n\n")
    return dict(json.loads(chunk[6:]))


def test_each_change_is_told_and_the_end_ends_the_stream(mine: Client, job: Job) -> None:
    answer = opened(mine, job)
    assert (answer["Content-Type"], answer["Cache-Control"]) == ("text/event-stream", "no-store")
    chunks = iter(answer.streaming_content)
    assert next(chunks) == b"retry: 500\n\n"
    assert told(next(chunks)) == {"state": "awaiting"}
    for changes, expected in (
        ({"state": "queued"}, {"state": "queued"}),
        ({"state": "running"}, {"state": "running"}),
        ({"stage": "liveness"}, {"state": "running", "stage": "liveness", "text": "Checking that you are there…"}),
        ({"stage": "comparison"}, {"state": "running", "stage": "comparison", "text": "Comparing…"}),
    ):
        Job.objects.update(**changes)
        assert told(next(chunks)) == expected
    Job.objects.update(state="done", finished_at=NOW, score=0.9)
    assert told(next(chunks)) == {"state": "done"}
    with pytest.raises(StopIteration):
        next(chunks)


def test_a_review_ends_the_stream_and_says_that_an_officer_looks(mine: Client, job: Job) -> None:
    Job.objects.update(state="review", reason="face_uncertain", score=0.5)
    (_, news) = opened(mine, job).streaming_content
    assert told(news) == {
        "state": "review",
        "text": "An officer will look at your pictures. You need not wait on this page.",
    }


def test_a_stream_without_news_ends_in_time_with_a_sign_of_life_now_and_then(mine: Client, job: Job) -> None:
    """A thread of the server must not be held for as long as a job waits."""
    answer = opened(mine, job)
    chunks = list(answer.streaming_content)
    assert len(chunks) < following.TICKS and chunks[2:] == [b": still here\n\n"] * 3
    assert Job.objects.get().state == "awaiting"


def test_a_job_that_is_forgotten_ends_the_stream(mine: Client, job: Job) -> None:
    chunks = iter(opened(mine, job).streaming_content)
    assert next(chunks) and next(chunks)
    Job.objects.all().delete()
    assert list(chunks) == []


def test_what_is_streamed_is_in_the_travellers_language(mine: Client, job: Job) -> None:
    Job.objects.update(state="failed", finished_at=NOW, reason="face_mismatch")
    (_, news) = opened(mine, job, **{"accept-language": "zh-hant"}).streaming_content
    assert "未能" in told(news)["text"] or "無法" in told(news)["text"]


def test_more_streams_than_threads_are_turned_away_and_places_come_back(mine: Client, job: Job) -> None:
    """A place must come back however a stream ends: read to its end, left in the middle, or never begun."""
    for _ in range(3):
        held = [opened(mine, job) for _ in range(following.STREAMS)]
        refused = opened(mine, job)
        assert (refused.status_code, refused["Retry-After"]) == (503, "1")
        assert mine.get(f"/account/faces/{job.pk}/state").json() == {"state": "awaiting"}, "the page asks instead"
        list(held[0].streaming_content)
        next(iter(held[-1].streaming_content))
        for answer in held:
            answer.close()
            answer.close()
    opened(mine, job).close()


def test_a_traveller_stops_a_job_and_the_pictures_are_gone(mine: Client, job: Job) -> None:
    jobs.queue(job=job, now=NOW)
    Capture.objects.create(job=job, number=0, sealed=b"s")
    worker = jobs.claim(job_id=str(job.pk), now=NOW)
    answer = mine.post(f"/account/faces/{job.pk}/cancel")
    assert answer.json() == {"state": "cancelled", "text": "You have stopped this. The pictures have been deleted."}
    assert not Capture.objects.exists()
    assert AuditEvent.objects.get(kind="face_job.cancelled").actor == f"traveller:{job.traveller_id}"
    assert worker is not None
    with pytest.raises(jobs.NotOurs):  # the worker that had it is told at its next step
        jobs.progress(job=worker, stage="comparison")


@pytest.mark.parametrize("state", ["review", "done", "dead"])
def test_what_an_officer_has_or_what_is_over_is_not_stopped(mine: Client, job: Job, state: str) -> None:
    """invalid solely because of the job's state."""
    Job.objects.update(state=state, finished_at=None if state == "review" else NOW)
    answer = mine.post(f"/account/faces/{job.pk}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert Job.objects.get().state == state


def test_stopping_needs_the_pages_own_token(mine: Client, job: Job) -> None:
    """invalid solely because the request comes without the token that the page holds."""
    strict = Client(enforce_csrf_checks=True, headers={"host": HOST})
    strict.cookies = mine.cookies
    assert strict.post(f"/account/faces/{job.pk}/cancel").status_code == 403
    assert Job.objects.get().state == "awaiting"
