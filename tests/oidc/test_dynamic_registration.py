"""Clients that register themselves (RFC 7591) and look after their registration (RFC 7592)."""

import json
from io import StringIO
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connections, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from idp.audit.models import AuditEvent
from idp.oidc import dynamic_registration, initial_access, metadata, tasks
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client, RegistrationCount, RegistrationToken
from idp.oidc.replay import digest
from tests.oidc.registrant import METADATA, Registrant, party, path, refusal
from tests.oidc.world import CALLBACK, NODE, World
from tests.simulators.federation import REMOVE


def test_registered_client_gets_tokens(world: World, anybody: Registrant) -> None:
    """A registration that is of no use: the secret in the answer is the one that opens the token endpoint."""
    made = anybody.registered()
    client = party(world, made)
    code = client.code()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    answer = client.post("/oidc/token", form, authorization=client.basic(secret=made["client_secret"]))
    assert answer.status_code == 200, answer.content


def test_answer_has_what_the_client_must_know(world: World, anybody: Registrant) -> None:
    """RFC 7591 §3.2.1, RFC 7592 §3: with every default that counts, and nothing of the secrets is kept in clear."""
    made = anybody.registered(grant_types=REMOVE, subject_type="pairwise")
    client = Client.objects.get()
    assert made == {
        **METADATA,
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
        "id_token_signed_response_alg": "RS256",
        "subject_type": "pairwise",
        "client_id": client.client_id,
        "client_id_issued_at": world.now,
        "client_secret": made["client_secret"],
        "client_secret_expires_at": 0,
        "registration_access_token": made["registration_access_token"],
        "registration_client_uri": f"{NODE}/oidc/register/{client.client_id}",
    }
    assert (client.profile, client.registration) == ("basic", "dynamic")
    assert client.secret_hash == digest(made["client_secret"])
    assert client.registration_token_hash == digest(made["registration_access_token"])
    kept = str(list(Client.objects.values())) + str(list(AuditEvent.objects.values()))
    assert made["client_secret"] not in kept and made["registration_access_token"] not in kept


def test_client_with_a_key_has_no_secret(anybody: Registrant) -> None:
    """``client_secret_expires_at`` without a secret means one that never comes."""
    made = anybody.registered(token_endpoint_auth_method="private_key_jwt", jwks_uri="https://rp.example/jwks")
    assert "client_secret" not in made and "client_secret_expires_at" not in made


@pytest.mark.parametrize("mode", ["off", "", "OPEN"])
def test_nothing_is_there_unless_it_is_on(world: World, settings: Any, mode: str) -> None:
    """An endpoint that is open because nobody thought of it, or because of a misspelt setting."""
    settings.IDP_DYNAMIC_REGISTRATION = mode
    who = Registrant(world, "token")
    assert who.register().status_code == 404
    assert who.send("GET", "/oidc/register/x").status_code == 404
    assert "registration_endpoint" not in metadata.openid_provider()
    assert not Client.objects.exists()


@pytest.mark.parametrize("mode", ["token", "open"])
def test_endpoint_is_told_where_it_is_on(world: World, settings: Any, mode: str) -> None:
    """A client that finds no way to register."""
    settings.IDP_DYNAMIC_REGISTRATION = mode
    for name in ("openid-configuration", "oauth-authorization-server"):
        told = world.machine.get(f"/.well-known/{name}").json()
        assert told["registration_endpoint"] == f"{NODE}/oidc/register"


@pytest.mark.parametrize("token", [None, "wrong", "a b", "ü"])
def test_without_a_good_token_nothing_is_registered(invited: Registrant, token: str | None) -> None:
    """Invalid solely because of the token (RFC 6750 §3.1)."""
    answer = invited.register(token=token)
    assert refusal(answer) == (401, "invalid_token")
    assert answer["WWW-Authenticate"] == ("Bearer" if token is None else 'Bearer error="invalid_token"')
    assert not Client.objects.exists()


def test_token_is_good_for_as_many_as_was_said(invited: Registrant) -> None:
    """Invalid solely because two were registered with it: a token that leaked must not last."""
    invited.registered()
    invited.registered()
    assert refusal(invited.register()) == (401, "invalid_token")
    assert Client.objects.count() == 2


def test_token_is_given_back_when_the_client_is_refused(invited: Registrant) -> None:
    """Somebody who misspelt a redirect URI twice needs no new token."""
    for _ in range(3):
        assert refusal(invited.register(redirect_uris=["http://plain.example/cb"])) == (400, "invalid_redirect_uri")
    invited.registered()
    invited.registered()


def test_token_expires(world: World, invited: Registrant) -> None:
    """Invalid solely because of its age."""
    RegistrationToken.objects.update(created_at=world.now - 10, expires_at=world.now)
    assert refusal(invited.register()) == (401, "invalid_token")


def test_token_is_recorded_and_kept_as_a_hash(world: World, invited: Registrant) -> None:
    """Who let whom in is asked years later; whoever reads the database must not be let in."""
    invited.registered()
    made, used = AuditEvent.objects.filter(kind__startswith="oidc.").order_by("pk")
    assert (made.kind, made.actor) == ("oidc.registration_token_made", "account:7")
    assert (used.kind, used.actor) == ("oidc.client_registered", made.subject)
    assert RegistrationToken.objects.get().token_hash == digest(str(invited.token))


def test_open_registration_is_counted(anybody: Registrant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who fills the database, or has us fetch from a third party again and again; refused ones count too."""
    monkeypatch.setattr(initial_access, "MAX_ATTEMPTS", 2)
    anybody.registered()
    assert anybody.register(redirect_uris=[]).status_code == 400
    answer = anybody.register()
    assert refusal(answer) == (503, "temporarily_unavailable")
    assert 0 < int(answer["Retry-After"]) <= initial_access.SPAN


def test_a_token_goes_by_the_count(world: World, anybody: Registrant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Strangers who keep those out whom an officer invited."""
    monkeypatch.setattr(initial_access, "MAX_ATTEMPTS", 0)
    token = initial_access.invite(lifetime=3600, uses=1, actor="account:7", now=world.now)
    assert anybody.register(token=token).status_code == 201
    assert refusal(anybody.register(token="wrong")) == (401, "invalid_token")


def test_count_begins_anew(world: World, anybody: Registrant, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that is never lifted; what is past is forgotten by the task."""
    RegistrationCount.objects.create(begins_at=world.now - world.now % 600 - 1200, attempts=1000)
    RegistrationToken.objects.create(token_hash="0", uses_left=1, created_at=1, expires_at=2)
    anybody.registered()
    tasks.purge()
    assert RegistrationCount.objects.get().attempts == 1
    assert not RegistrationToken.objects.exists()


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no redirect URI": ({"redirect_uris": REMOVE}, "invalid_redirect_uri"),
    "plain http": ({"redirect_uris": ["http://rp.example/cb"]}, "invalid_redirect_uri"),
    "a fragment": ({"redirect_uris": ["https://rp.example/cb#a"]}, "invalid_redirect_uri"),
    "a script": ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
    "not a list": ({"redirect_uris": CALLBACK}, "invalid_redirect_uri"),
    "a foreign way back": ({"post_logout_redirect_uris": ["http://rp.example"]}, "invalid_redirect_uri"),
    "implicit flow": ({"response_types": ["id_token"]}, "invalid_client_metadata"),
    "no authentication": ({"token_endpoint_auth_method": "none"}, "invalid_client_metadata"),
    "no keys": ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
    "public subjects": ({"subject_type": "public"}, "invalid_client_metadata"),
    "encrypted answers": ({"id_token_encrypted_response_alg": "RSA-OAEP"}, "invalid_client_metadata"),
    "a null character": ({"client_name": "a\0b"}, "invalid_client_metadata"),
    "too much": ({"contacts": ["x" * 70_000]}, "invalid_request"),
    "client credentials alone": ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
    "software statement": ({"software_statement": "e30.e30.e30"}, "unapproved_software_statement"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_metadata(anybody: Registrant, case: str) -> None:
    """Invalid solely because of the one member changed (RFC 7591 §3.2.2)."""
    changes, error = BAD[case]
    answer = anybody.register(**changes)
    assert answer.status_code in (400, 413) and refusal(answer)[1] == error
    assert not Client.objects.exists()


@pytest.mark.parametrize("body", ["", "[]", "{", '{"a":1,"a":2}', '{"redirect_uris":["\\ud800"]}', b"\xff", "null"])
def test_body_that_is_no_json_object(anybody: Registrant, body: str | bytes) -> None:
    """Invalid solely because it cannot be read."""
    assert refusal(anybody.send("POST", "/oidc/register", body))[0] == 400
    assert not Client.objects.exists()


def test_form_is_no_registration(anybody: Registrant) -> None:
    """Invalid solely because of the content type: a page of another site can post a form, and no JSON."""
    answer = anybody.send("POST", "/oidc/register", METADATA, content_type="text/plain")
    assert refusal(answer) == (400, "invalid_client_metadata")


def test_methods(anybody: Registrant) -> None:
    """Invalid solely because of the method; the answer names those that there are."""
    answer = anybody.send("GET", "/oidc/register")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    answer = anybody.send("PATCH", path(anybody.registered()), {})
    assert (answer.status_code, answer["Allow"]) == (405, "GET, PUT, DELETE")


def test_client_may_not_speak_for_itself_nor_ask_for_a_border(anybody: Registrant) -> None:
    """A stranger who registers what only an officer may give."""
    made = anybody.registered(
        grant_types=["authorization_code", "client_credentials"], authorization_details_types=["border_crossing"]
    )
    assert made["grant_types"] == ["authorization_code"]
    assert "authorization_details_types" not in made


def test_defaults_of_the_client_count(world: World, anybody: Registrant) -> None:
    """OpenID Connect Registration §2: what is registered, and then forgotten at the authorization endpoint."""
    made = anybody.registered(default_max_age=60, default_acr_values=["urn:causeway:acr:mfa"], require_auth_time=True)
    client = party(world, made)
    world.log_in(at=world.now - 61)
    location = client.next()["Location"]
    assert location.startswith("/account/login?") and "acr=urn%3Acauseway%3Aacr%3Amfa" in location
    world.log_in(acr="urn:causeway:acr:pwd")
    assert client.next()["Location"].startswith("/account/login?")
    world.log_in()
    assert client.next().status_code == 200


def test_consent_page_says_that_nobody_vouches(world: World, anybody: Registrant) -> None:
    """A stranger under a good name, for whom the page speaks."""
    made = anybody.registered(client_name="Border authority")
    client = party(world, made)
    world.log_in()
    page = client.next().content.decode()
    assert "nobody vouches for it" in page and "messenger.example" in page and "recognises, vouches" not in page


@pytest.mark.usefixtures("shared_database")
def test_a_token_for_one_lets_one_in(settings: Any) -> None:
    """Two workers who both see that one use is left."""
    settings.IDP_DYNAMIC_REGISTRATION = "token"
    token = initial_access.invite(lifetime=3600, uses=1, actor="account:7", now=1000)
    start, came_in = Barrier(6), []

    def come() -> None:
        start.wait()
        try:
            with initial_access.admitted(token, now=1000) as actor:
                came_in.append(actor)
        except OAuthError:
            pass
        finally:
            connections["default"].close()

    threads = [Thread(target=come) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(came_in) == 1
    assert RegistrationToken.objects.get().uses_left == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "row"),
    [
        (
            "oidc_registration_token_expires_later",
            RegistrationToken(token_hash="1", uses_left=1, created_at=2, expires_at=2),
        ),
        ("oidc_registration_count_positive", RegistrationCount(begins_at=0, attempts=0)),
    ],
)
def test_constraints(name: str, row: Any) -> None:
    """A row that no code should write."""
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        row.save()


@pytest.mark.parametrize(("mode", "found"), [("off", []), ("token", []), ("open", ["idp.W103"]), ("on", ["idp.E107"])])
def test_setting_is_checked(settings: Any, mode: str, found: list[str]) -> None:
    """A misspelt mode that nobody notices, and one that should be meant."""
    settings.IDP_DYNAMIC_REGISTRATION = mode
    assert [message.id for message in initial_access.check()] == found


def test_officer_makes_a_token(world: World, settings: Any, tmp_path: Path) -> None:
    """What the command writes is what the endpoint takes; the screen does not show it when a file is named."""
    settings.IDP_DYNAMIC_REGISTRATION = "token"
    out = StringIO()
    call_command("oidc", "registration-token", "--token-file", str(tmp_path / "token"), stdout=out)
    assert out.getvalue() == ""
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    who = Registrant(world, (tmp_path / "token").read_text().strip())
    who.registered()
    assert refusal(who.register()) == (401, "invalid_token")
    call_command("oidc", "registration-token", "--clients", "2", stdout=out)
    Registrant(world, out.getvalue().strip()).registered()


@pytest.mark.parametrize("option", [("--days", "0"), ("--days", "400"), ("--clients", "0"), ("--clients", "1001")])
def test_token_without_an_end_is_not_made(world: World, option: tuple[str, str]) -> None:
    """Invalid solely because of its life or its number."""
    with pytest.raises(CommandError, match="at most"):
        call_command("oidc", "registration-token", *option)
    assert not RegistrationToken.objects.exists()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = [
    "redirect_uris",
    "client_name",
    "grant_types",
    "jwks",
    "contacts",
    "default_max_age",
    "response_types",
    "scope",
]


class AnyMetadata(TestCase):
    """Whatever is sent, the answer is a client or a refusal."""

    @settings(max_examples=60, deadline=None)
    @given(sent=st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=4))
    def test_is_registered_or_refused(self, sent: dict[str, Any]) -> None:
        """A member of another type than the specification's ends in a traceback."""
        token = initial_access.invite(lifetime=60, uses=1, actor="account:7", now=1000)
        body = json.dumps({**METADATA, **sent}).encode()
        try:
            made = dynamic_registration.register(body, token=token, now=1000)
        except OAuthError as error:
            assert error.error in {"invalid_redirect_uri", "invalid_client_metadata"}
        else:
            assert Client.objects.get(client_id=made["client_id"]).metadata["redirect_uris"]
