"""The pages on which a document is linked: whose they are, and that nothing sent to them breaks them."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.accounts.models import Account, TravelDocument, Traveller
from idp.biometrics import following, views
from idp.biometrics.models import Attempts, Capture, FaceReference, Job, Portrait
from idp.biometrics.tasks import compare
from tests.biometrics.world import browser, burst, document, portrait, takes, traveller
from tests.conftest import NOW

LINK = "/account/documents/link"
FACTS = {"type": "hkid", "number": "A123456(3)", "birth_date": "1990-01-01", "expires_on": ""}


@pytest.fixture
def mine(named: TravelDocument) -> Client:
    return browser("mei")


def begun(client: Client, **changes: str) -> str:
    answer = client.post(LINK, {**FACTS, **changes})
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def pictures(frames: Any) -> dict[str, Any]:
    """For a job that asks for these alone."""
    return handed_in([frames])


def handed_in(takes: Any) -> dict[str, Any]:
    return {
        f"frame-{take}": [SimpleUploadedFile(f"{number}.jpg", data) for number, data in enumerate(frames)]
        for take, frames in enumerate(takes)
    }


def test_a_document_is_named_pictures_are_sent_and_it_is_linked(mine: Client, named: TravelDocument) -> None:
    page = begun(mine)
    assert "camera" in mine.get(page).content.decode()
    assert mine.get(f"{page}/state").json() == {"state": "awaiting"}
    done = handed_in(takes(0, *Job.objects.get().challenge))
    answer = mine.post(f"{page}/frames", done)
    assert (answer.status_code, answer.json()) == (202, {"state": "queued"})
    compare(str(Job.objects.get().pk))
    state = mine.get(f"{page}/state")
    assert state.json() == {"state": "done"} and state["Cache-Control"] == "no-store"
    assert mine.get(page).status_code == 200
    again = mine.post(f"{page}/frames", handed_in(takes(0, *Job.objects.get().challenge)))
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    "changes",
    [{"number": "B7654321"}, {"birth_date": "1990-01-02"}, {"expires_on": "2030-01-01"}, {"type": "eep"}],
)
def test_a_document_that_is_not_there_is_answered_alike(mine: Client, changes: dict[str, str]) -> None:
    """invalid solely because one fact differs; the page does not say which."""
    answer = mine.post(LINK, {**FACTS, **changes})
    assert answer.status_code == 422 and "No document of this authority matches" in answer.content.decode()


@pytest.mark.parametrize(
    "changes", [{"number": ""}, {"number": "\x00"}, {"number": "x" * 99}, {"birth_date": "soon"}, {"type": "visa"}]
)
def test_facts_that_cannot_be_are_an_error_at_the_field(mine: Client, changes: dict[str, str]) -> None:
    """invalid solely because of one field."""
    answer = mine.post(LINK, {**FACTS, **changes})
    assert answer.status_code == 422 and "errorlist" in answer.content.decode()


def test_too_many_failures_are_said(mine: Client, holder: Traveller, named: TravelDocument) -> None:
    """invalid solely because of five failures in a row; when to come back is said for machines."""
    page = begun(mine)
    Attempts.objects.create(document=named, failures=5, not_before=NOW + 30)
    answer = mine.post(LINK, FACTS)
    assert (answer.status_code, answer["Retry-After"]) == (429, "30")
    assert "Too many attempts" in answer.content.decode()
    answer = mine.post(f"{page}/frames", pictures(burst(0)))
    assert (answer.status_code, answer["Retry-After"], answer.json()["code"]) == (429, "30", "rate_limited")


def test_who_is_not_logged_in_is_sent_to_the_login(mine: Client) -> None:
    """invalid solely because nobody is logged in, or an officer of the admin site, who is no traveller."""
    page = begun(mine)
    officer = Client(headers={"host": "hk.localhost"})
    officer.force_login(Account.objects.create_superuser("o", "x"), backend="django.contrib.auth.backends.ModelBackend")
    for client in (browser(None), officer):
        for path in (LINK, page):
            answer = client.get(path)
            assert answer.status_code == 302 and answer["Location"].startswith("/account/login")
        for answer in (
            client.get(f"{page}/state"),
            client.get(f"{page}/events"),
            client.post(f"{page}/cancel"),
            client.post(f"{page}/frames", pictures(burst(0))),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert not Capture.objects.exists()


def test_another_travellers_job_is_not_found(mine: Client) -> None:
    """invalid solely because the job is another's."""
    page = begun(mine)
    traveller("siu")
    other = browser("siu")
    for path in (page, f"{page}/state", f"{page}/events"):
        assert other.get(path).status_code == 404
    for answer in (other.post(f"{page}/frames", pictures(burst(0))), other.post(f"{page}/cancel")):
        assert answer.status_code == 404
    assert Job.objects.get().state == "awaiting"
    assert not Capture.objects.exists()


def test_pictures_need_the_pages_own_token(mine: Client) -> None:
    """invalid solely because the request comes without the token that the page holds (row 73)."""
    page = begun(mine)
    strict = Client(enforce_csrf_checks=True, headers={"host": "hk.localhost"})
    strict.cookies = mine.cookies
    assert strict.post(f"{page}/frames", pictures(burst(0))).status_code == 403
    assert not Capture.objects.exists()


@pytest.mark.parametrize("length", [str(views.MAX_BODY + 1), "many"])
def test_a_body_that_is_too_large_is_not_read(mine: Client, length: str) -> None:
    """invalid solely because of its length."""
    answer = mine.post(
        f"{begun(mine)}/frames", b"", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH=length
    )
    assert answer.status_code in (400, 413) and answer["Content-Type"] == "application/problem+json"


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=300)
    | st.binary(max_size=99).map(lambda data: b"--x\r\nContent-Disposition: form-data; " + data),
    kind=st.sampled_from(["multipart/form-data; boundary=x", "multipart/form-data", "application/json", "", "é"]),
)
def test_garbage_for_pictures_is_refused(mine: Client, body: bytes, kind: str) -> None:
    answer = mine.generic("POST", f"{begun(mine)}/frames", body, content_type=kind)
    assert 400 <= answer.status_code < 500
    assert not Capture.objects.exists()


@pytest.mark.parametrize(
    ("reason", "hint", "text"),
    [
        ("face_low_quality", "too_dark", "It is too dark. Turn towards the light."),
        ("face_many_faces", "", "Only one person may be in the picture."),
        ("face_not_live", "no such hint", "did not show a person"),
        ("face_mismatch", "", "could not be confirmed"),
        ("face_uncertain", "", "could not be confirmed"),
        ("document_not_eligible", "no_portrait", "could not be confirmed"),
        ("malformed", "a picture of 9 bytes", "could not be confirmed"),
    ],
)
def test_a_traveller_is_told_only_what_helps(mine: Client, reason: str, hint: str, text: str) -> None:
    """Never a score, and a mismatch reads as an uncertainty does."""
    page = begun(mine)
    Job.objects.update(state="failed", finished_at=NOW, reason=reason, hint=hint, score=0.123)
    answer = mine.get(f"{page}/state").json()
    assert set(answer) == {"state", "text"} and text in answer["text"]
    assert "0.123" not in json.dumps(answer)


def test_every_hint_of_the_engine_has_its_text() -> None:
    from idp.biometrics.engine import challenge, quality

    assert {
        *quality.ADVICE.values(),
        "too_bright",
        *challenge.Instruction,
        *challenge.LOST.values(),
        "move_slowly",
    } == set(following.HINTS)


def test_officers_see_jobs_and_no_faces(mine: Client, named: TravelDocument, holder: Traveller) -> None:
    from django_otp.plugins.otp_totp.models import TOTPDevice

    account = Account.objects.create_superuser("officer-7", "x")
    client = Client(headers={"host": "hk.localhost"})
    client.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/admin/biometrics/job/").status_code == 302, "not without the second factor"
    session = client.session
    session["otp_device_id"] = TOTPDevice.objects.create(user=account, name="a", confirmed=True).persistent_id
    session.save()
    begun(mine)
    FaceReference.objects.create(
        traveller=holder, document=named, model="m", profile="q8", sealed=b"secret", enrolled_at=1
    )
    job, face = Job.objects.get(), FaceReference.objects.get()
    for path in ("job/", f"job/{job.pk}/change/", "facereference/", f"facereference/{face.pk}/change/"):
        page = client.get(f"/admin/biometrics/{path}")
        assert page.status_code == 200 and "secret" not in page.content.decode()
    for path in ("job/add/", f"job/{job.pk}/delete/", "facereference/add/"):
        assert client.post(f"/admin/biometrics/{path}", {"post": "yes"}).status_code == 403
    for path in ("portrait/", "capture/"):
        assert client.get(f"/admin/biometrics/{path}").status_code == 404


def test_portraits_are_imported_and_one_bad_file_holds_up_none(db: None, now: int, tmp_path: Path, capsys: Any) -> None:
    document(person=None)
    (tmp_path / "hkid-A123456(3).jpg").write_bytes(portrait(0))
    (tmp_path / "a-readme.txt").write_text("no portrait")
    with pytest.raises(CommandError, match="1 of 2"):
        call_command("portraits", "import", str(tmp_path))
    assert Portrait.objects.count() == 1
    assert "a-readme.txt" in capsys.readouterr().err
    (tmp_path / "a-readme.txt").unlink()
    call_command("portraits", "import", str(tmp_path))
    with pytest.raises(CommandError):
        call_command("portraits", "import", str(tmp_path / "nowhere"))


def test_a_number_that_two_authorities_gave_takes_no_portrait(db: None, now: int, tmp_path: Path, capsys: Any) -> None:
    """invalid solely because it is not clear whose face it is."""
    for issuer in ("HKG", "MAC"):
        document(person=None, issued_by=issuer)
    (tmp_path / "hkid-A1234563.jpg").write_bytes(portrait(0))
    with pytest.raises(CommandError):
        call_command("portraits", "import", str(tmp_path))
    assert not Portrait.objects.exists()
