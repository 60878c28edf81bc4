"""How far a job is, told to the traveller's page: when it asks, and as events (WHATWG HTML §9.2). And stopping it.

An open stream holds one of the server's few threads. So each is short, after which the browser comes back, and few
are open at once; a page that gets none asks instead.
"""

import json
import time
from collections.abc import Generator, Iterator
from threading import BoundedSemaphore
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from idp import clock
from idp.accounts import guardians
from idp.accounts.models import Traveller
from idp.accounts.sessions import authentication
from idp.biometrics import jobs
from idp.biometrics.models import Job
from idp.problems import Problem, response
from idp.protocol.refusals import Reason

STREAMS: Final = 2  # open at once in one process, of its four to eight threads
TICK: Final = 0.25  # seconds between two looks at the row
TICKS: Final = 32  # of a stream: eight seconds
QUIET: Final = 8  # ticks, then a comment, so that nothing on the way takes the stream for dead
COME_BACK: Final = 500  # milliseconds, for the browser
AGAIN: Final = {"Retry-After": "1", "Cache-Control": "no-store"}

TOO_MANY = _("Too many attempts. Try again later, or bring the document to a counter.")
FAILED = _("The face could not be confirmed. Try again, or bring the document to a counter.")
HINTS = {
    "come_closer": _("Come closer to the camera."),
    "look_at_the_camera": _("Look straight at the camera."),
    "too_dark": _("It is too dark. Turn towards the light."),
    "too_bright": _("It is too bright. Turn away from the light."),
    "hold_still": _("Hold still."),
    "one_person_only": _("Only one person may be in the picture."),
    "move_back": _("Move back a little."),
    "move_into_the_picture": _("Move so that your whole face is in the picture."),
    "even_light": _("One side of your face is in shadow. Find even light."),
    "poor_picture": _("The picture is poor. Clean the lens, or use another camera."),
    "turn_left": _("Turn your head to your left when you are asked to, and hold it there."),
    "turn_right": _("Turn your head to your right when you are asked to, and hold it there."),
    "turn_less": _("Do not turn so far: both eyes have to stay in the picture."),
    "move_slowly": _("Move slowly and evenly when you are asked to."),
}
REASONS = {
    Reason.FACE_NO_FACE.value: _("No face was found. Look straight at the camera."),
    Reason.FACE_MANY_FACES.value: _("Only one person may be in the picture."),
    Reason.FACE_LOW_QUALITY.value: _("The pictures were not good enough. Find even light and hold still."),
    Reason.FACE_NOT_LIVE.value: _("The pictures did not show a person in front of the camera. Try again."),
    Reason.ATTEMPTS_EXCEEDED.value: TOO_MANY,
}
STATES = {
    Job.State.REVIEW: _("An officer will look at your pictures. You need not wait on this page."),
    Job.State.CANCELLED: _("You have stopped this. The pictures have been deleted."),
}
STAGES = {
    "portrait": _("Reading the portrait…"),
    "faces": _("Looking for your face…"),
    "liveness": _("Checking that you are there…"),
    "comparison": _("Comparing…"),
}
_free = BoundedSemaphore(STREAMS)


@require_GET
def state(request: HttpRequest, job_id: str) -> HttpResponse:
    """``GET /account/faces/{id}/state``: how far the job is, and what would help."""
    job = own_job(request, job_id)
    if job is None:
        return response(Problem("forbidden", "not logged in"))
    return JsonResponse(answer(job), headers={"Cache-Control": "no-store"})


@require_GET
def events(request: HttpRequest, job_id: str) -> HttpResponseBase:
    """``GET /account/faces/{id}/events``: the same as it changes, until it is over or the stream's time is."""
    job = own_job(request, job_id)
    if job is None:
        return response(Problem("forbidden", "not logged in"))
    if not _free.acquire(blocking=False):
        refused = response(Problem("temporarily_unavailable", "too many streams", headers=AGAIN))
        refused._has_been_logged = True  # type: ignore[attr-defined]  Django's mark: it happens every day, and is no error
        return refused
    stream = Stream(job, translation.get_language() or "en")
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(stream, content_type="text/event-stream", headers=headers)


@require_POST
def cancel(request: HttpRequest, job_id: str) -> HttpResponse:
    """``POST /account/faces/{id}/cancel``: the traveller stops it; the pictures are gone when this is answered."""
    job = own_job(request, job_id)
    if job is None:
        return response(Problem("forbidden", "not logged in"))
    try:
        jobs.cancel(job=job, now=clock.now())
    except jobs.UnableToEnrol as error:
        return response(Problem(error.code, str(error)))
    job.refresh_from_db()
    return JsonResponse(answer(job), headers={"Cache-Control": "no-store"})


class Stream:
    """The events of one job. Closed by the server whether or not it was read, so that its place is given back."""

    def __init__(self, job: Job, language: str) -> None:
        self._events, self._open = _told(job, language), True

    def __iter__(self) -> Iterator[str]:
        return self._events

    def close(self) -> None:
        self._events.close()
        if self._open:
            self._open = False
            _free.release()


def answer(job: Job) -> dict[str, str]:
    """What a page is told of a job: never a score, and a mismatch reads as an uncertainty does."""
    told: dict[str, Any] = {"state": job.state}
    if job.state == Job.State.RUNNING and job.stage in STAGES:
        told |= {"stage": job.stage, "text": STAGES[job.stage]}
    elif job.state in STATES:
        told["text"] = STATES[Job.State(job.state)]
    elif job.state in (Job.State.FAILED, Job.State.DEAD):
        told["text"] = HINTS.get(job.hint) or REASONS.get(job.reason) or FAILED
    return {name: str(value) for name, value in told.items()}


def own_job(request: HttpRequest, job_id: str) -> Job | None:
    """The job, of the traveller who is logged in or of a child of theirs; None for nobody. Raises Http404."""
    traveller = logged_in(request)
    if traveller is None:
        return None
    return get_object_or_404(Job, pk=job_id, traveller__in=guardians.answered_for(traveller=traveller, now=clock.now()))


def logged_in(request: HttpRequest) -> Traveller | None:
    """Who it is; None for nobody, and for an officer, who is no traveller."""
    authenticated = authentication(request)
    return authenticated.traveller if authenticated is not None else None


def _told(job: Job, language: str) -> Generator[str, None, None]:
    yield f"retry: {COME_BACK}\n\n"
    told = ""
    for tick in range(TICKS):
        with translation.override(language):
            news = json.dumps(answer(job), ensure_ascii=False)
        if news != told:
            yield f"data: {news}\n\n"
        elif tick % QUIET == 0:
            yield ": still here\n\n"
        told = news
        if job.finished_at is not None or job.state == Job.State.REVIEW:
            return
        time.sleep(TICK)
        found = Job.objects.filter(pk=job.pk).first()
        if found is None:  # forgotten meanwhile
            return
        job = found
