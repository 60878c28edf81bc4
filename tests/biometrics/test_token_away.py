"""The token with the authority's key is away: nobody is admitted, nothing is lost, and nothing half written."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from idp.accounts.models import TravelDocument, Traveller
from idp.biometrics import jobs, moves, token_keys
from idp.biometrics.models import Capture, Job, Portrait
from idp.biometrics.tasks import compare, sweep
from idp.protocol.refusals import Reason
from tests.biometrics.softhsm import LIBRARY, Token, needs_softhsm
from tests.biometrics.world import browser, burst, document, officer, portrait, submitted, unchallenged
from tests.conftest import NOW
from tests.looks import look

pytestmark = needs_softhsm


@pytest.fixture
def key(token: Token, settings: Any) -> Token:
    """The authority's key is in the token."""
    settings.IDP_FACE_KEY = token.make("one")
    return token


@pytest.fixture
def named(holder: Traveller, key: Token) -> TravelDocument:
    return document()


def unplug(key: Token) -> None:
    key.store.rename(key.store.with_name("away"))
    key.store.mkdir()
    token_keys._library(Path(str(LIBRARY))).forget()  # SoftHSM looks for tokens when it begins


def plug_in(key: Token) -> None:
    key.store.rmdir()
    key.store.with_name("away").rename(key.store)


def test_a_job_waits_for_the_token_and_is_done_then(
    key: Token, holder: Traveller, named: TravelDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three lost attempts end a job; a token may be away for longer than three leases."""
    job = submitted(holder, named, burst(0), NOW)
    unplug(key)
    monkeypatch.setattr("idp.biometrics.waking.send", lambda job_id: compare(job_id))
    for round_ in range(6):
        monkeypatch.setattr("idp.clock.now", lambda round_=round_: NOW + round_ * 60)
        sweep()
    job.refresh_from_db()
    assert (job.state, job.attempts, Capture.objects.count()) == ("running", 0, 3)
    named.refresh_from_db()
    assert named.traveller is None, "nobody was admitted"
    plug_in(key)
    monkeypatch.setattr("idp.clock.now", lambda: NOW + 600)
    sweep()
    job.refresh_from_db()
    assert (job.state, Capture.objects.count()) == ("done", 0)


def test_pictures_are_not_taken_while_they_cannot_be_sealed(
    key: Token, holder: Traveller, named: TravelDocument
) -> None:
    """The traveller may send them again: the job has not moved."""
    client = browser("mei")
    job = unchallenged(jobs.begin(traveller=holder, document=named, now=NOW))
    unplug(key)
    files = {"frame-0": [SimpleUploadedFile("0.jpg", frame) for frame in burst(0)]}
    answer = client.post(f"/account/faces/{job.pk}/frames", files)
    assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
    job.refresh_from_db()
    assert job.state == "awaiting" and not Capture.objects.exists()


def test_a_portrait_is_not_taken_while_it_cannot_be_sealed(
    key: Token, holder: Traveller, named: TravelDocument, tmp_path: Path, capsys: Any
) -> None:
    """The operator is told of each file, and the old portrait stays."""
    before = bytes(Portrait.objects.get().sealed)
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "hkid-A1234563.jpg").write_bytes(portrait(0))
    unplug(key)
    with pytest.raises(CommandError, match="1 of 1"):
        call_command("portraits", "import", str(tmp_path / "faces"))
    assert "token" in capsys.readouterr().err
    assert bytes(Portrait.objects.get().sealed) == before


def test_an_officer_is_told_that_the_pictures_cannot_be_opened(
    key: Token, holder: Traveller, named: TravelDocument
) -> None:
    job = submitted(holder, named, burst(0), NOW)
    claimed = jobs.claim(job_id=str(job.pk), now=NOW)
    assert claimed is not None
    jobs.finish(job=claimed, move=moves.REFER, now=NOW, reason=Reason.FACE_UNCERTAIN, score=0.5)
    kim = officer("kim", "view_job", "review_job")
    unplug(key)
    answer = look(kim, f"/admin/biometrics/job/{job.pk}/review/")
    assert "cannot be opened just now" in answer.content.decode()
    assert Job.objects.get().state == "review"


def test_no_border_token_is_issued(key: Token, db: None, now: int) -> None:
    """invalid solely because the token is away; the wallet is told to come back."""
    from idp.federation import signing
    from tests.border.world import World, problem_of

    signing.ensure_keys()
    world = World(NOW)
    assert world.ask().status_code == 201
    unplug(key)
    assert problem_of(world.ask()) == (503, "temporarily_unavailable")
    plug_in(key)
    assert world.ask().status_code == 201
