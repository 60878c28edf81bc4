"""An order of movements cannot be chosen: neither by beginning again, nor by asking through somebody else."""

from functools import partial

import pytest
from django.db import transaction

from idp.accounts.models import TravelDocument, Traveller
from idp.biometrics import jobs, orders
from idp.biometrics.engine.challenge import Instruction
from idp.biometrics.models import Job
from tests.biometrics.world import document, traveller
from tests.conftest import NOW
from tests.oidc.test_races import race

WORKERS, ROUNDS = 6, 8
TRIES = 30  # of six orders: all the same by chance once in 6^29


def drawn(paper: TravelDocument) -> list[str]:
    with transaction.atomic():
        return orders.draw(document=paper)


def test_an_order_drawn_again_by_cancelling(holder: Traveller, named: TravelDocument) -> None:
    seen = set()
    for number in range(TRIES):
        job = jobs.begin(traveller=holder, document=named, now=NOW + number)
        seen.add(tuple(job.challenge))
        jobs.cancel(job=job, now=NOW + number)
    assert len(seen) == 1 and sorted(*seen) == sorted(Instruction)


def test_an_order_drawn_again_through_many_accounts(named: TravelDocument) -> None:
    people = [traveller(f"t{number}") for number in range(TRIES)]
    assert len({tuple(jobs.begin(traveller=one, document=named, now=NOW).challenge) for one in people}) == 1


@pytest.mark.parametrize("state", [Job.State.FAILED, Job.State.DONE])
def test_an_order_that_stays_when_it_was_judged(holder: Traveller, named: TravelDocument, state: Job.State) -> None:
    """Else a recording of the last try would do for the next."""
    job = jobs.begin(traveller=holder, document=named, now=NOW)
    Job.objects.filter(pk=job.pk).update(state=state, finished_at=NOW)
    assert len({tuple(drawn(named)) for _ in range(TRIES)}) > 1


@pytest.mark.parametrize("state", orders.UNJUDGED)
def test_an_order_that_a_job_without_an_outcome_loses(
    holder: Traveller, named: TravelDocument, state: Job.State
) -> None:
    job = jobs.begin(traveller=holder, document=named, now=NOW)
    over = state in (Job.State.CANCELLED, Job.State.DEAD)
    Job.objects.filter(pk=job.pk).update(state=state, finished_at=NOW if over else None)
    assert {tuple(drawn(named)) for _ in range(TRIES)} == {tuple(job.challenge)}


def test_one_documents_order_asked_of_another(holder: Traveller, named: TravelDocument) -> None:
    jobs.begin(traveller=holder, document=named, now=NOW)
    other = document("B7654321", person=None)
    assert len({tuple(drawn(other)) for _ in range(TRIES)}) > 1


def test_a_renewal_from_the_portrait_that_takes_the_challenge_away(holder: Traveller, named: TravelDocument) -> None:
    """It asks for nothing, and is the document's last job."""
    Job.objects.create(traveller=holder, document=named, kind=Job.Kind.RENEW, model="m", created_at=NOW)
    assert sorted(jobs.begin(traveller=holder, document=named, now=NOW).challenge) == sorted(Instruction)


@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=True)
def test_orders_drawn_at_once_by_many_accounts(now: int) -> None:
    """Each sees that there is no other job before any has made its own."""
    people = [traveller(f"t{number}") for number in range(WORKERS)]
    for number in range(ROUNDS):
        paper = document(f"C{number:07}", person=None)
        race(*[partial(begun, who, paper) for who in people])
        found = Job.objects.filter(document=paper).values_list("challenge", flat=True)
        assert len(found) == WORKERS and len({tuple(order) for order in found}) == 1


def begun(who: Traveller, paper: TravelDocument) -> int:
    jobs.begin(traveller=who, document=paper, now=NOW)
    return 0
