"""The front answers as Django would, faster, and never a moment longer than what it says is true."""

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.core.handlers.wsgi import WSGIHandler
from django.db import DatabaseError, connection

from idp.federation import peering, revision, serving, signing, statements
from idp.federation.models import Peer, SigningKey
from idp.federation.revision import Revision, Stated
from idp.federation.serving import Front
from tests.federation.conftest import OFFICER
from tests.federation.peers import Peers

WELL_KNOWN = "/.well-known/openid-federation"


class Worker:
    """One worker process: a front with a memory of its own, a count of what it passes on, and a clock."""

    def __init__(self, application: Callable[..., Any] | None = None) -> None:
        self.passed_on, self.time = 0, 1000.0
        self._django = application or WSGIHandler()
        self._front = Front(self._behind, monotonic=lambda: self.time)

    def get(
        self, path: str, query: str = "", *, method: str = "GET", **headers: str
    ) -> tuple[int, dict[str, str], str]:
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "HTTP_HOST": "hk.localhost",
            "SERVER_NAME": "hk.localhost",
            "SERVER_PORT": "8002",
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
            "wsgi.errors": BytesIO(),
            "SCRIPT_NAME": "",
            **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
        }
        seen: list[Any] = []
        body = b"".join(self._front(environ, lambda *started: seen.append(started)))
        return int(seen[0][0].split()[0]), {name.lower(): value for name, value in seen[0][1]}, body.decode()

    def statement(self, subject: str) -> tuple[int, dict[str, str], str]:
        return self.get(serving.FETCH, urlencode({"sub": subject}))

    def _behind(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        self.passed_on += 1
        return self._django(environ, start_response)


@pytest.fixture(autouse=True)
def _connection_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin and end of a request would close the connection that the test's own transaction is on."""
    monkeypatch.setattr(connection, "close_if_unusable_or_obsolete", lambda: None)


@pytest.fixture
def worker(node: str) -> Worker:
    return Worker()


def test_the_same_document_is_made_once(worker: Worker, now: int) -> None:
    first, second = worker.get(WELL_KNOWN), worker.get(WELL_KNOWN)
    assert first == second
    assert first[2] == statements.entity_configuration(now)
    assert first[1]["content-type"] == "application/entity-statement+jwt"
    assert first[1]["x-content-type-options"] == "nosniff", "what Django's stack adds is kept"
    assert worker.passed_on == 1


def test_a_suspension_shows_at_the_next_request_in_every_worker(node: str, peers: Peers) -> None:
    """Negative case of recognition: `its fetch answers 404 at once`."""
    workers = [Worker(), Worker()]
    peer = peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    assert [worker.statement(peer.entity_id)[0] for worker in workers] == [200, 200]
    peering.suspend(peer, officer=OFFICER)
    assert [worker.statement(peer.entity_id)[0] for worker in workers] == [404, 404]
    peering.resume(peer, officer=OFFICER)
    assert [worker.statement(peer.entity_id)[0] for worker in workers] == [200, 200]


def test_a_killed_key_is_out_of_the_configuration_at_the_next_request(worker: Worker, now: int) -> None:
    kid = signing.private_key("federation").kid
    before = worker.get(WELL_KNOWN)[2]
    signing.prepare_next(use="federation")
    signing.kill(kid=kid, now=now)
    assert worker.get(WELL_KNOWN)[2] != before


def test_what_changes_by_time_alone_is_looked_at_again(worker: Worker) -> None:
    worker.get(WELL_KNOWN)
    worker.time += serving.KEPT_FOR
    worker.get(WELL_KNOWN)
    assert worker.passed_on == 2


def test_an_etag_saves_the_document_and_another_does_not(worker: Worker) -> None:
    etag = worker.get(WELL_KNOWN)[1]["etag"]
    for tags in (etag, f'"x", {etag}', f"W/{etag}", "*"):
        status, headers, body = worker.get(WELL_KNOWN, if_none_match=tags)
        assert (status, body) == (304, "")
        assert headers["etag"] == etag
        assert "content-length" not in headers
    assert worker.get(WELL_KNOWN, if_none_match='"x"')[0] == 200


def test_refusals_are_not_kept(worker: Worker) -> None:
    for _ in range(2):
        assert worker.statement("https://nobody.example")[0] == 404
    assert worker.passed_on == 2


@pytest.mark.parametrize(("path", "method"), [("/federation/list", "GET"), (WELL_KNOWN, "HEAD"), (WELL_KNOWN, "POST")])
def test_everything_else_goes_to_django(worker: Worker, path: str, method: str) -> None:
    worker.get(path, method=method)
    worker.get(path, method=method)
    assert worker.passed_on == 2


def test_an_answer_for_one_host_is_not_anothers(worker: Worker) -> None:
    """Invalid solely because of the Host header, which only Django checks."""
    assert worker.get(WELL_KNOWN)[0] == 200
    assert worker.get(WELL_KNOWN, host="evil.example")[0] == 400


@pytest.mark.django_db
def test_what_is_made_for_one_visitor_is_not_kept() -> None:
    def private(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [("ETag", '"1"'), ("Set-Cookie", "session=secret")])
        return [b"yours"]

    worker = Worker(private)
    worker.get(WELL_KNOWN)
    worker.get(WELL_KNOWN)
    assert worker.passed_on == 2


def test_a_database_that_is_gone_is_djangos_to_report(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> int:
        raise DatabaseError

    worker.get(WELL_KNOWN)
    monkeypatch.setattr(revision, "current", gone)
    worker.get(WELL_KNOWN)
    assert worker.passed_on == 2


def test_a_change_during_the_answer_is_not_lost(node: str) -> None:
    """The number is read before the answer is made: an answer that is older than a change does not look current."""
    calls = 0

    def changing(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        nonlocal calls
        calls += 1
        start_response("200 OK", [("ETag", f'"{calls}"')])
        yield str(calls).encode()
        if calls == 1:
            revision.grow()

    worker = Worker(changing)
    assert [worker.get(WELL_KNOWN)[2] for _ in range(3)] == ["1", "2", "2"]


def test_the_memory_does_not_grow_without_end(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "MAX_ANSWERS", 3)
    for number in (1, 2, 3, 4, 1):
        worker.get(WELL_KNOWN, f"x={number}")
    assert worker.passed_on == 5


def test_every_model_that_statements_are_made_from_counts_its_changes() -> None:
    """A new model must be one or the other: forgetting it would serve what an officer took back."""
    products = {
        *("Statement", "ChainCache", "StatusList", "StatusEntry", "MirroredStatusList", "BundleSerial", "Revision"),
        *("UsedAssertion", "StatusChange", "SignedHead", "WitnessedHead", "HeldHead", "Failure"),
    }
    others = {model.__name__ for model in apps.get_app_config("federation").get_models()} - products
    uncounted = {name for name in others if not issubclass(apps.get_model("federation", name), Stated)}
    assert not uncounted


def test_no_way_of_writing_leaves_the_number_as_it_was(node: str, now: int) -> None:
    peer = Peer(entity_id="https://a.example", jwks={}, proposed_at=now)
    other = Peer(entity_id="https://b.example", jwks={}, proposed_at=now)
    ways: list[Callable[[], object]] = [
        peer.save,
        lambda: peer.save(update_fields=["name"]),
        lambda: Peer.objects.filter(pk=peer.pk).update(proposed_at=now + 1),
        lambda: Peer.objects.update_or_create(entity_id=peer.entity_id, defaults={"proposed_at": now}),
        lambda: Peer.objects.bulk_update([peer], ["proposed_at"]),
        lambda: Peer.objects.bulk_create([other]),
        lambda: Peer.objects.filter(pk=other.pk).delete(),
        lambda: peer.marks_issued.create(mark_type="https://a.example/m", subject=peer.entity_id, issued_at=now),
        lambda: peer.marks_issued.update(revoked_at=now),
        peer.delete,
        lambda: SigningKey.objects.filter(use="oidc").delete(),
    ]
    for place, write in enumerate(ways):
        before = revision.current()
        write()
        assert revision.current() > before, place


@pytest.mark.django_db
def test_the_number_begins_by_itself() -> None:
    Revision.objects.all().delete()
    assert revision.current() == 0
    revision.grow()
    revision.grow()
    assert revision.current() == 2
