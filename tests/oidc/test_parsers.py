"""The parsers of the OpenID room with anything at all: they answer or refuse, and what they took they take again."""

import base64
import json
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import pytest
from django.db import transaction
from django.http import HttpRequest
from django.test import RequestFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.oidc import client_authentication, client_metadata, dpop_nonces, form, parameters, registered_metadata
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client
from idp.oidc.replay import digest
from idp.oidc.views import _source
from idp.protocol import keys, pkce
from tests.oidc.basic_party import BasicParty
from tests.oidc.world import CALLBACK, VERIFIER, World

NOW = 1_800_000_000
FORM = "application/x-www-form-urlencoded"
factory = RequestFactory()
quietly = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # what is written is rolled back
_ANY = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=30)
_JSON = st.recursive(
    _ANY, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)


# --- forms --------------------------------------------------------------------------------------------------------

_NAME = st.text(min_size=1, max_size=12).filter(lambda text: "\x00" not in text)
_WORTH = st.text(min_size=1, max_size=30).filter(lambda text: "\x00" not in text)


def posted(body: str | bytes, kind: str = FORM) -> HttpRequest:
    """A request with the very bytes, and with the content type also where there are none."""
    return factory.generic("POST", "/oidc/token", body, content_type=kind, CONTENT_TYPE=kind)


@given(st.dictionaries(_NAME, _WORTH, max_size=12), st.lists(_WORTH, max_size=3))
def test_a_form_is_read_as_it_was_written(pairs: dict[str, str], resources: list[str]) -> None:
    """A parameter that is lost or changed on the way, also in other scripts."""
    pairs.pop("resource", None)
    body = urlencode([*pairs.items(), *(("resource", value) for value in resources)])
    found = form.read(posted(body))
    assert {name: value for name, value in found.items() if name != "resource"} == pairs
    assert found.full().get("resource", []) == resources


@given(st.binary(max_size=200), st.sampled_from([FORM, f"{FORM}; charset=utf-16", f"{FORM}; charset=x", "text/plain"]))
def test_any_body_is_a_form_or_refused(body: bytes, kind: str) -> None:
    """A parser that raises anything else ends as a server error."""
    try:
        found = form.read(posted(body, kind))
    except OAuthError as error:
        assert error.error == "invalid_request"
        return
    assert all(isinstance(value, str) and value and "\x00" not in value for value in found.values())


# --- authorization requests ---------------------------------------------------------------------------------------

_SOUND = {
    "response_type": "code",
    "redirect_uri": CALLBACK,
    "scope": "openid profile",
    "max_age": "300",
    "resource": ["https://api.example"],
    "claims": '{"userinfo":{"name":{"essential":true}}}',
    "authorization_details": [{"type": "border_crossing"}],
    "code_challenge": pkce.challenge_of(VERIFIER),
}


@given(st.dictionaries(st.sampled_from([*_SOUND, "prompt", "state", "nonce", "dpop_jkt", "x"]), _JSON, max_size=4))
def test_any_parameters_are_typed_or_refused_and_typed_once(raw: dict[str, Any]) -> None:
    """What is kept for the browser is JSON, and reads as it was read the first time."""
    try:
        typed = parameters.typed({**_SOUND, **raw})
    except OAuthError as error:
        assert error.error in ("invalid_request", "invalid_authorization_details", "invalid_target")
        return
    assert json.loads(json.dumps(typed)) == typed
    assert parameters.typed(typed) == typed


# --- clients' metadata --------------------------------------------------------------------------------------------

_KEY = keys.generate().public
_SAID = {
    "redirect_uris": [CALLBACK, "example.messenger:/back"],
    "client_name": "Clinic",
    "client_name#zh-Hant": "診所",
    "jwks": keys.KeySet([_KEY]).jwks(),
    "contacts": ["duty@clinic.example"],
    "default_max_age": 60,
    "userinfo_signed_response_alg": "ES256",
    "post_logout_redirect_uris": [CALLBACK],
}
_MEMBERS = [*_SAID, *registered_metadata._MEMBERS, "client_uri#pt", "x", "require_pushed_authorization_requests"]


@given(
    st.dictionaries(st.sampled_from(_MEMBERS), _JSON, max_size=3), st.sampled_from(Client.Profile.values), st.booleans()
)
def test_any_metadata_is_registered_or_refused_and_registered_again(
    changes: dict[str, Any], profile: str, by_officer: bool
) -> None:
    """RFC 7592 §2.2: a client that sends back what it read has changed nothing."""
    try:
        registered = registered_metadata.accept({**_SAID, **changes}, profile=profile, by_officer=by_officer)
    except OAuthError as error:
        assert error.error in ("invalid_client_metadata", "invalid_redirect_uri")
        return
    assert json.loads(json.dumps(registered)) == registered
    assert registered_metadata.accept(registered, profile=profile, by_officer=by_officer) == registered


_PARTS = ["https://", "http://", "HTTPS://", "a.example", "A.example", "localhost", "127.0.0.1", "[::1]", "münchen.de"]
_PARTS += ["/", "//", "/..", ":443", ":x", "@", "u:p@", "?q=1", "#f", "\\", " ", "\t", "\n", "%0a", "%2e%2e", "*"]
_PARTS += ["javascript:", "data:", "com.example.app:/", "example:", "urn:", ".", "..", "\x00", "\u2028", "。", "a" * 70]


@given(st.lists(st.sampled_from(_PARTS), min_size=1, max_size=6).map("".join) | st.text(max_size=40))
def test_a_redirect_uri_that_is_taken_leads_where_another_reader_says(uri: str) -> None:
    """invalid solely because two readers differ about it: the traveller's browser is the other one (row 43)."""
    try:
        hosts = client_metadata.hosts({"redirect_uris": [uri]})
    except OAuthError:
        return
    parts = urlsplit(uri)
    assert parts.username is parts.password is None and not parts.fragment and "#" not in uri
    assert uri.isascii() and uri.isprintable() and not {"\\", " "} & {*uri}
    assert not {";", ",", " "} & {*_source(uri)}, "a directive of the client's in the consent page's policy"
    if parts.scheme in ("https", "http"):
        assert hosts == {parts.hostname} and parts.geturl() == uri.rstrip("?")
        assert parts.scheme == "https" or str(parts.hostname).split(".")[-1] == "localhost"
    else:
        assert not hosts and "." in parts.scheme


@pytest.mark.parametrize(
    "uri",
    [
        "com.example.app://x;sandbox",
        "com.example.app://x,default-src",
        "com.example.app://user@host/",
        "com.example.app:/\x00",
        "com.example.app:/a\u202eb",
        "https://a.example/b\u200bc",
        "https://a.example/\x00",
        "https://a.example/é",
        "https://a.example;b/",
    ],
)
def test_redirect_uri_with_a_character_that_no_uri_has_is_refused(uri: str) -> None:
    """invalid solely because of one character (RFC 3986 §2), or of what stands where a host does."""
    with pytest.raises(OAuthError):
        client_metadata.hosts({"redirect_uris": [uri]})


@pytest.mark.parametrize(
    "uri",
    [
        "com.example.app:/cb",
        "com.example.app:/",
        "com.example.app://cb",
        "com.example.app://cb?a=1;b",
        "com.example.app:///cb",
        "https://a.example",
        "https://a.example:8443/cb;v=1?next=%2Fhome&x=[1]",
    ],
)
def test_redirect_uri_of_an_app_or_a_site_is_taken(uri: str) -> None:
    """As mainstream libraries write them."""
    client_metadata.hosts({"redirect_uris": [uri]})


# --- client authentication ----------------------------------------------------------------------------------------


def sender(authorization: str, **sent: str) -> str:
    """Whom the header is of; the error's code in brackets where it is refused."""
    request = factory.post("/oidc/token", headers={"Authorization": authorization})
    try:
        return client_authentication.authenticate(request, sent, now=NOW).client_id
    except OAuthError as error:
        return f"({error.error})"


@quietly
@given(raw=st.binary(max_size=60) | st.text(max_size=40).map(str.encode), scheme=st.sampled_from(["Basic ", "basic  "]))
def test_any_basic_header_is_refused(basic: BasicParty, raw: bytes, scheme: str) -> None:
    """A parser that raises anything else ends as a server error."""
    assert sender(scheme + base64.b64encode(raw).decode()) == "(invalid_client)"


@quietly
@given(text=st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=60))
def test_any_authorization_header_is_refused(basic: BasicParty, text: str) -> None:
    assert sender(text) == sender(f"Basic {text}") == "(invalid_client)"


_IDENTIFIER = st.text(min_size=1, max_size=30).filter(str.isprintable)


@quietly
@given(client_id=_IDENTIFIER, secret=st.text(min_size=1, max_size=40))
def test_identifier_and_secret_arrive_whatever_is_in_them(basic: BasicParty, client_id: str, secret: str) -> None:
    """RFC 6749 §2.3.1: form-encoded before they are joined, or a colon or a plus sign locks a client out."""
    row = {**BORDERLESS, "client_id": client_id, "secret_hash": digest(secret)}
    with rolled_back():
        Client.objects.create(**row)
        pair = ":".join(map(quote_plus, (client_id, secret)))
        header = "Basic " + base64.b64encode(pair.encode()).decode()
        assert sender(header) == sender(header, client_id=client_id) == client_id
        assert sender(header, client_id=f"{client_id}x") == "(invalid_client)"


BORDERLESS = {
    "profile": "basic",
    "registration": "admin",
    "metadata": {"redirect_uris": [CALLBACK]},
    "sector": "a.example",
    "created_at": NOW,
}


@contextmanager
def rolled_back() -> Any:
    before = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(before)


@given(st.text(max_size=60) | st.binary(max_size=40).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_made_up_nonce_is_none(text: str) -> None:
    assert not dpop_nonces.is_fresh(text, now=NOW)


# --- pages --------------------------------------------------------------------------------------------------------

_ASKED = ["client_id", "request_uri", "request", "redirect_uri", "state", "response_type", "scope", "prompt", "claims"]
_ASKED += ["id_token_hint", "post_logout_redirect_uri", "ui_locales", "target_link_uri", "login_hint", "max_age"]
_ASKED += ["acr_values", "display", "resource", "unknown"]
_GIVEN = st.text(max_size=20) | st.sampled_from(["basic-party", CALLBACK, "code", "openid", "none", "{}", "eyJ.e30.x"])


@quietly
@pytest.mark.parametrize("path", ["/oidc/authorize", "/oidc/logout", "/oidc/authorities"])
@given(pairs=st.lists(st.tuples(st.sampled_from(_ASKED), _GIVEN), max_size=5), post=st.booleans())
def test_any_parameters_of_a_page_are_answered(
    basic: BasicParty, world: World, path: str, pairs: list[tuple[str, str]], post: bool
) -> None:
    """A server error that anybody's link can cause; and a redirect to where nobody registered (rows 29, 43)."""
    send: Callable[..., Any] = world.browser.post if post else world.browser.get
    query = urlencode(pairs)
    with rolled_back():
        answer = send(path, query, content_type=FORM) if post else send(f"{path}?{query}")
    assert answer.status_code < 500 or answer.status_code == 503  # an https client_id is looked for
    location = answer.headers.get("Location", "/")
    assert location.startswith(("/", f"{CALLBACK}?")) and not location.startswith("//")
