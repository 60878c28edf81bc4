"""Any interleaving of traveller, workers, officer and clock: one result at most, an end in time, no picture left."""

from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from idp.accounts.models import TravelDocument, Traveller
from idp.audit.models import AuditEvent
from idp.biometrics import attempts, jobs, moves, reviews
from idp.biometrics.jobs import NotOurs, UnableToEnrol
from idp.biometrics.models import OPEN_STATES, OVER_STATES, Capture, Job
from idp.protocol.refusals import Reason
from tests.biometrics import world
from tests.conftest import NOW

ENDS = ("done", "failed", "cancelled")  # dead is none: an officer may retry


class Life(RuleBasedStateMachine):
    """One job and what may befall it; the machine knows nothing of `moves` and looks at the rows only."""

    now: int
    job: Job
    workers: list[Job]

    @initialize(renewal=st.booleans())
    def begin(self, renewal: bool) -> None:
        self.now, self.workers = NOW, []
        holder = Traveller.objects.get()
        self.job = jobs.begin(traveller=holder, document=TravelDocument.objects.get(), now=NOW)
        if renewal:
            self.job.kind, self.job.model = Job.Kind.RENEW, "m"
            self.job.save(update_fields=["kind", "model"])

    @rule()
    def hand_in(self) -> None:
        before = self._state()
        try:
            with transaction.atomic():
                jobs.queue(job=self.job, now=self.now)
                Capture.objects.bulk_create(Capture(job=self.job, number=number, sealed=b"s") for number in range(3))
        except UnableToEnrol:
            assert before != "awaiting"
        else:
            assert before == "awaiting"

    @rule()
    def claim(self) -> None:
        before = self._row()
        claimed = jobs.claim(job_id=str(self.job.pk), now=self.now)
        free = before and (before.state == "queued" or (before.state == "running" and before.lease_until < self.now))
        assert (claimed is not None) == bool(free and before.attempts < jobs.MAX_ATTEMPTS)
        self.workers += [claimed] if claimed else []

    @precondition(lambda self: self.workers)
    @rule(data=st.data(), stage=st.sampled_from(["portrait", "faces"]))
    def go_on(self, data: Any, stage: str) -> None:
        worker = data.draw(st.sampled_from(self.workers))
        if self._belongs_to(worker):
            jobs.progress(job=worker, stage=stage)
            assert self._row().stage == stage
        else:
            with pytest.raises(NotOurs):
                jobs.progress(job=worker, stage=stage)

    @precondition(lambda self: self.workers)
    @rule(data=st.data(), move=st.sampled_from([moves.SUCCEED, moves.FAIL, moves.REFER]))
    def finish(self, data: Any, move: moves.Move) -> None:
        worker = data.draw(st.sampled_from(self.workers))
        ours = self._belongs_to(worker)
        try:
            jobs.finish(job=worker, move=move, now=self.now, reason=Reason.FACE_UNCERTAIN, score=0.5)
        except NotOurs:
            assert not ours
        else:
            assert ours

    @rule(minutes=st.sampled_from([1, 2, 60, 25 * 60, 73 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.now += minutes * 60

    @rule()
    def sweep(self) -> None:
        jobs.sweep(now=self.now)

    @rule()
    def cancel(self) -> None:
        before = self._state()
        try:
            jobs.cancel(job=self.job, now=self.now)
        except UnableToEnrol:
            assert before not in ("awaiting", "queued", "running")
        else:
            assert before in ("awaiting", "queued", "running") and not Capture.objects.exists()

    @rule()
    def retry(self) -> None:
        before = self._state()
        try:
            jobs.retry(job=self.job, officer="account:7", now=self.now)
        except UnableToEnrol:
            assert before != "dead" or self.now > NOW + jobs.RETENTION
        else:
            assert before == "dead" and self._row().attempts == 0 and Capture.objects.count() == 3

    @precondition(lambda self: self.job.kind == Job.Kind.RENEW)
    @rule()
    def approve(self) -> None:
        """Of a link, the officer's confirmation is an end."""
        before = self._state()
        try:
            reviews.confirm(job=self.job, officer="account:7", note="the same", now=self.now)
        except UnableToEnrol:
            assert before != "review"
        else:
            assert before == "review" and self._row().attempts == 0 and Capture.objects.count() == 3

    @rule()
    def deny(self) -> None:
        before = self._state()
        try:
            reviews.deny(job=self.job, officer="account:7", note="somebody else", now=self.now)
        except UnableToEnrol:
            assert before != "review"
        else:
            assert before == "review"

    @invariant()
    def one_result_at_most(self) -> None:
        ends = AuditEvent.objects.filter(kind__in=[f"face_job.{state}" for state in ENDS]).count()
        assert ends == (1 if self._state() in ENDS else 0)

    @invariant()
    def pictures_are_where_somebody_may_need_them(self) -> None:
        state = self._state()
        if state in ("done", "failed", "cancelled", "awaiting", ""):
            assert not Capture.objects.exists() or (state == "failed" and self.now > NOW + jobs.RETENTION)
        assert Capture.objects.count() in (0, 3)

    @invariant()
    def only_what_is_over_is_finished(self) -> None:
        for row in Job.objects.all():
            assert row.state in (OVER_STATES if row.finished_at is not None else OPEN_STATES)

    def teardown(self) -> None:
        """Whatever happened: three days and a few sweeps later it is over, and there are no pictures."""
        for _ in range(jobs.MAX_ATTEMPTS + 1):
            self.now += jobs.RETENTION + 1
            jobs.sweep(now=self.now)
        assert self._state() in (*OVER_STATES, "") and not Capture.objects.exists()
        if self._state() in ENDS:
            assert attempts.wait(traveller=self.job.traveller, document=self.job.document, now=self.now) == 0

    def _row(self) -> Any:
        return Job.objects.filter(pk=self.job.pk).first()  # None: it waited for pictures for a day

    def _state(self) -> str:
        row = self._row()
        return row.state if row else ""

    def _belongs_to(self, worker: Job) -> bool:
        return worker is self.workers[-1] and self._state() == "running"


def test_no_interleaving_loses_a_job_or_ends_it_twice(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    world.document(person=None)
    world.traveller("mei")

    class Undone(Life):
        def __init__(self) -> None:
            super().__init__()
            self.point = transaction.savepoint()
            monkeypatch.setattr("idp.clock.now", lambda: getattr(self, "now", NOW))

        def teardown(self) -> None:
            try:
                super().teardown()
            finally:
                transaction.savepoint_rollback(self.point)

    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    run_state_machine_as_test(
        Undone, settings=settings(max_examples=40, stateful_step_count=25, suppress_health_check=checks)
    )


def test_a_zombie_of_the_life_before_a_retry_ends_nothing(holder: Traveller, named: TravelDocument) -> None:
    """Its number of attempts is that of the worker who has the job now; its turn is not."""
    job = jobs.begin(traveller=holder, document=named, now=NOW)
    jobs.queue(job=job, now=NOW)
    at, zombies = NOW, []
    for _ in range(jobs.MAX_ATTEMPTS):
        zombies.append(jobs.claim(job_id=str(job.pk), now=at))
        at += jobs.LEASE + 1
    jobs.sweep(now=at)
    jobs.retry(job=job, officer="account:7", now=at)
    mine = jobs.claim(job_id=str(job.pk), now=at)
    assert mine is not None and zombies[0] is not None and mine.attempts == zombies[0].attempts
    with pytest.raises(NotOurs):
        jobs.finish(job=zombies[0], move=moves.FAIL, now=at, reason=Reason.FACE_MISMATCH)
    jobs.finish(job=mine, move=moves.FAIL, now=at, reason=Reason.FACE_MISMATCH)


def test_every_state_has_a_way_out_or_is_an_end() -> None:
    every = [value for name, value in vars(moves).items() if isinstance(value, moves.Move)]
    assert set(every) == set(moves.ALL)
    left = {state for move in every for state in move.before if move.after != state}
    assert left == {*Job.State} - {Job.State.DONE, Job.State.FAILED, Job.State.CANCELLED}
