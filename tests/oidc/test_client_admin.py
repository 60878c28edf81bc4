"""Clients in the admin site: what an officer fills in is what the client has, and a secret is shown once."""

import json
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.test import Client as Browser
from django_otp.plugins.otp_static.models import StaticDevice

from idp.audit.models import AuditEvent
from idp.federation import signing
from idp.oidc import client_forms
from idp.oidc.models import Client
from idp.oidc.replay import digest
from idp.protocol import keys
from tests.oidc.basic_party import BasicParty
from tests.oidc.registrant import party
from tests.oidc.relying_party import RelyingParty
from tests.oidc.world import CALLBACK, World

LIST = "/admin/oidc/client/"
FILLED_IN = {
    "client_id": "clinic",
    "profile": "basic",
    "client_name": "Clinic",
    "name_zh_hans": "",
    "name_zh_hant": "診所",
    "name_pt": "",
    "client_uri": "https://clinic.example",
    "policy_uri": "",
    "tos_uri": "",
    "redirect_uris": f"{CALLBACK}\r\n\r\n  https://messenger.example/other  \r\n",
    "post_logout_redirect_uris": "",
    "token_endpoint_auth_method": "",
    "jwks": "",
    "jwks_uri": "",
    "grant_types": ["authorization_code", "refresh_token"],
    "scope": "",
    "initiate_login_uri": "",
    "backchannel_logout_uri": "",
    "sector_identifier_uri": "",
    "resources": "https://api.example/v1",
}
JWKS = keys.KeySet([keys.generate().public]).jwks()


def signed_in(name: str, *permissions: str) -> Browser:
    """An officer with the second factor done; without ``permissions`` one who may do everything."""
    accounts = get_user_model().objects
    if permissions:
        account = accounts.create_user(name, "x", kind="officer", is_staff=True)
        account.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    else:
        account = accounts.create_superuser(username=name, password="x")
    browser = Browser(headers={"host": "hk.localhost"})
    browser.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
    session = browser.session
    session["otp_device_id"] = StaticDevice.objects.create(user=account, name="test").persistent_id
    session.save()
    return browser


@pytest.fixture
def officer(world: World) -> Browser:
    signing.ensure_key(use="oidc", algorithm="RS256")
    return signed_in("officer-7")


def add(officer: Browser, **changes: Any) -> HttpResponse:
    return officer.post(f"{LIST}add/", {**FILLED_IN, **changes})


def change(officer: Browser, **changes: Any) -> HttpResponse:
    row = Client.objects.get(client_id="clinic")
    form = {name: value for name, value in FILLED_IN.items() if name not in ("client_id", "profile")}
    return officer.post(f"{LIST}{row.pk}/change/", {**form, **changes})


def act(officer: Browser, client: Client, action: str, **more: str) -> HttpResponse:
    return officer.post(LIST, {"action": action, "_selected_action": [client.pk], **more}, follow=True)


def secret_of(page: HttpResponse) -> str:
    """The secret on the page, which nobody keeps a copy of."""
    assert page.status_code == 200 and "no-store" in page["Cache-Control"]
    return str(page.content.decode().split("<code>")[1].split("</code>")[0])


def test_client_gets_what_was_filled_in_and_tokens(world: World, officer: Browser) -> None:
    """Fields that end up under another name, or a secret that is not the one that works."""
    secret = secret_of(add(officer))
    row = Client.objects.get(client_id="clinic")
    assert row.metadata == {
        "client_name": "Clinic",
        "client_name#zh-Hant": "診所",
        "client_uri": "https://clinic.example",
        "redirect_uris": [CALLBACK, "https://messenger.example/other"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
        "id_token_signed_response_alg": "RS256",
        "subject_type": "pairwise",
    }
    assert (row.profile, row.registration, row.resources) == ("basic", "admin", ["https://api.example/v1"])
    client = party(world, {"client_id": "clinic"})
    form = {"grant_type": "authorization_code", "code": client.code(), "redirect_uri": CALLBACK}
    assert client.post("/oidc/token", form, authorization=client.basic(secret=secret)).status_code == 200


def test_secret_is_shown_once_and_kept_nowhere(officer: Browser) -> None:
    """A secret that lies in a session, a cookie, a log entry or on a page that can be opened again."""
    secret = secret_of(add(officer))
    row = Client.objects.get(client_id="clinic")
    assert row.secret_hash == digest(secret)
    for page in (LIST, f"{LIST}{row.pk}/change/", f"{LIST}{row.pk}/history/"):
        shown = officer.get(page).content.decode()
        assert secret not in shown and row.secret_hash not in shown
    kept = [*AuditEvent.objects.values_list("data", flat=True), dict(officer.session), str(officer.cookies)]
    assert secret not in str(kept)


def test_identifier_may_be_left_to_the_node(officer: Browser) -> None:
    """A field that officers fill with what comes to mind, for all clients the same."""
    add(officer, client_id="")
    assert len(Client.objects.get().client_id) == 32  # 128 bits, in hexadecimal


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"redirect_uris": ""}, "invalid_redirect_uri"),
        ({"redirect_uris": "http://plain.example/cb"}, "invalid_redirect_uri"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "no keys"),
        ({"jwks": "{"}, "valid JSON"),
        ({"jwks": json.dumps({"keys": [{"kty": "oct", "k": "AA"}]})}, "invalid_client_metadata"),
        ({"profile": "border", "token_endpoint_auth_method": "client_secret_basic"}, "does not allow"),
        ({"grant_types": ["refresh_token"]}, "grant_types"),
        ({"client_name": ""}, "required"),
        ({"resources": "not a URL"}, "resources"),
        ({"resources": "https://api.example\nhttps://api.example"}, "none twice"),
        ({"client_id": "ümlaut"}, "ASCII"),
        ({"backchannel_logout_uri": "javascript:alert(1)"}, "backchannel_logout_uri"),
        ({"policy_uri": "javascript:alert(1)"}, "policy_uri"),
    ],
)
def test_what_the_domain_refuses_stands_on_the_page(officer: Browser, changes: dict[str, Any], told: str) -> None:
    """Invalid solely because of the one field; nothing is stored, and nobody sees an error page."""
    page = add(officer, **changes)
    assert page.status_code == 200 and "errorlist" in page.content.decode()
    assert told in page.content.decode()
    assert not Client.objects.exists()


def test_identifier_is_given_once(officer: Browser) -> None:
    """Invalid solely because there is such a client."""
    add(officer)
    assert "there is a client" in add(officer, client_name="Other").content.decode()
    assert Client.objects.get().metadata["client_name"] == "Clinic"


def test_change_keeps_what_has_no_field(officer: Browser) -> None:
    """A form that forgets what was registered on the command line, or in a language that it does not know."""
    add(officer)
    row = Client.objects.get()
    row.metadata |= {"default_max_age": 60, "client_name#fr": "Clinique", "client_name#ZH-HANT": "舊"}
    row.metadata.pop("client_name#zh-Hant")
    row.save()
    assert change(officer, name_pt="Clínica").status_code == 302
    kept = Client.objects.get().metadata
    assert (kept["default_max_age"], kept["client_name#fr"], kept["client_name#pt"]) == (60, "Clinique", "Clínica")
    assert kept["client_name#zh-Hant"] == "診所" and "client_name#ZH-HANT" not in kept


def test_form_shows_what_is_registered(officer: Browser) -> None:
    """A form that is saved unread must change nothing."""
    add(officer)
    row = Client.objects.get()
    page = officer.get(f"{LIST}{row.pk}/change/")
    form = page.context["adminform"].form
    filled = {name: form[name].value() for name in form.fields}
    sent = {name: value for name, value in filled.items() if value is not None}
    assert sent["name_zh_hant"] == "診所"
    saved = officer.post(f"{LIST}{row.pk}/change/", sent)
    assert saved.status_code == 302, saved.context["errors"]
    again = Client.objects.get()
    assert (again.metadata, again.resources, again.secret_hash) == (row.metadata, row.resources, row.secret_hash)
    assert AuditEvent.objects.get(kind="oidc.client_updated").data["changed"] == []


def test_change_to_a_key_and_back_shows_another_secret(officer: Browser) -> None:
    """A client that needs a secret and that nobody can tell it."""
    first = secret_of(add(officer))
    keyed = change(officer, token_endpoint_auth_method="private_key_jwt", jwks=json.dumps(JWKS))
    assert keyed.status_code == 302 and Client.objects.get().secret_hash == ""
    second = secret_of(change(officer, token_endpoint_auth_method="client_secret_post"))
    assert second != first and Client.objects.get().secret_hash == digest(second)


def test_client_that_asks_for_itself_may_become_one_for_travellers(officer: Browser) -> None:
    """``response_types`` of what it was before, which then contradict what it is."""
    add(officer, grant_types=["client_credentials"], redirect_uris="")
    assert Client.objects.get().metadata["response_types"] == []
    assert change(officer).status_code == 302
    assert Client.objects.get().metadata["response_types"] == ["code"]


def test_wallet_is_registered_by_its_kind_of_authorization(officer: Browser) -> None:
    """Profile border with keys by value; there is no secret to show, so the list comes next."""
    page = add(
        officer, profile="border", jwks=json.dumps(JWKS), authorization_details_types=["border_crossing"], resources=""
    )
    assert page.status_code == 302
    assert Client.objects.get().is_wallet


def test_what_a_client_may_ask_of_documents_is_ticked(officer: Browser) -> None:
    """An officer who thinks of a checkpoint and lets a clinic have the number of an identity card."""
    add(officer, verified_claims=["birthdate", "document_number"])
    assert Client.objects.get().metadata["verified_claims"] == ["birthdate", "document_number"]
    change(officer)
    assert "verified_claims" not in Client.objects.get().metadata
    assert add(officer, client_id="other", verified_claims=["everything"]).status_code == 200


@pytest.mark.parametrize(("action", "kind"), [("disable", "disabled"), ("rotate_secret", "secret_rotated")])
def test_action_asks_first_and_is_recorded(officer: Browser, action: str, kind: str) -> None:
    """A click beside the mark that stops a service."""
    add(officer)
    row = Client.objects.get()
    asked = act(officer, row, action)
    assert "recorded with your name" in asked.content.decode()
    assert not AuditEvent.objects.filter(kind=f"oidc.client_{kind}").exists()
    act(officer, row, action, confirmed="yes")
    event = AuditEvent.objects.get(kind=f"oidc.client_{kind}")
    assert (event.subject, event.actor.startswith("account:")) == ("clinic", True)


def test_rotated_secret_is_shown_once_and_the_old_one_is_dead(world: World, officer: Browser) -> None:
    """Invalid solely because another secret took its place."""
    old = secret_of(add(officer))
    new = secret_of(act(officer, Client.objects.get(), "rotate_secret", confirmed="yes"))
    client = party(world, {"client_id": "clinic"})
    form = {"grant_type": "refresh_token", "refresh_token": "none"}
    assert client.post("/oidc/token", form, authorization=client.basic(secret=old)).status_code == 401
    assert client.post("/oidc/token", form, authorization=client.basic(secret=new)).status_code == 400


def test_disabled_client_goes_on_when_it_is_enabled(officer: Browser, basic: BasicParty) -> None:
    """A switch that moves one way only."""
    act(officer, basic.row, "disable", confirmed="yes")
    assert basic.ask().status_code == 400
    act(officer, basic.row, "enable", confirmed="yes")
    assert basic.ask().status_code == 303


def test_client_with_grants_is_not_removed(officer: Browser, basic: BasicParty) -> None:
    """Invalid solely because somebody granted it something; the page says what to do instead."""
    basic.tokens()
    told = act(officer, basic.row, "remove", confirmed="yes").content.decode()
    assert "disable it instead" in told and Client.objects.exists()


def test_client_without_grants_is_removed(officer: Browser, basic: BasicParty) -> None:
    """A list that only ever grows."""
    act(officer, basic.row, "remove", confirmed="yes")
    assert not Client.objects.exists()


def test_client_of_a_trust_chain_is_looked_at_and_stopped(world: World, officer: Browser, rp: RelyingParty) -> None:
    """Invalid solely because its superiors say what it is: a form whose words the next request would undo."""
    world.push()
    row = Client.objects.get()
    page = officer.get(f"{LIST}{row.pk}/change/").content.decode()
    assert "_save" not in page and "Relying Party" in page and "Chain expires:" in page
    assert officer.post(f"{LIST}{row.pk}/change/", FILLED_IN).status_code == 403
    act(officer, row, "disable", confirmed="yes")
    assert Client.objects.get().disabled
    assert "trust chain" in act(officer, row, "rotate_secret", confirmed="yes").content.decode()


def test_officer_who_may_look_only_looks(officer: Browser, basic: BasicParty) -> None:
    """Invalid solely because of the permission."""
    reader = signed_in("reader", "view_client")
    page = reader.get(f"{LIST}{basic.row.pk}/change/")
    assert page.status_code == 200 and b"_save" not in page.content
    assert basic.row.secret_hash not in page.content.decode()
    assert add(reader).status_code == 403
    act(reader, basic.row, "disable", confirmed="yes")
    assert not Client.objects.get().disabled


def test_nobody_without_the_second_factor(officer: Browser) -> None:
    """Invalid solely because no one-time password was given."""
    session = officer.session
    del session["otp_device_id"]
    session.save()
    assert officer.get(LIST).status_code == 302


def test_every_language_has_a_field(settings: Any) -> None:
    """A language that the pages speak and no client can have a name in."""
    assert {code for code, _ in settings.LANGUAGES} == {"en", *client_forms.OTHER_TAGS}


def test_form_of_another_page_changes_nothing(officer: Browser) -> None:
    """Invalid solely because the token against forged requests is not there: the page has no wrapping of Django's."""
    strict = Browser(enforce_csrf_checks=True, headers={"host": "hk.localhost"})
    strict.cookies = officer.cookies
    assert add(strict).status_code == 403
    assert not Client.objects.exists()


def test_list_names_and_finds_clients(officer: Browser, basic: BasicParty) -> None:
    """A list of identifiers that nobody knows."""
    page = officer.get(LIST, {"q": "basic"}).content.decode()
    assert "Basic Party" in page and "by an officer" in page
    assert "Basic Party" not in officer.get(LIST, {"disabled__exact": "1"}).content.decode()
