"""What `idp.oidc.server` mends in Authlib, by its numbers: each override is taken away, and its harm is there.

A harm that does not come back when the override is away means that Authlib has mended it, and that the override can go.
"""

import ast
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from authlib.integrations.django_oauth2.requests import DjangoOAuth2Request
from authlib.oauth2.rfc6749 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InsecureTransportError
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc.jwk import KeySet

from idp.audit.models import AuditEvent
from idp.federation import signing
from idp.oidc import checks, errors, server
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client
from idp.oidc.server import ENGINE
from idp.oidc.server.engine import METHOD, Engine, EngineClient, EngineRequest
from idp.oidc.server.grants import S256, ClientGrant, CodeGrant, RefreshGrant, TokenEndpoint
from tests.oidc.basic_party import BasicParty
from tests.oidc.world import NODE, VERIFIER, World, answer, error_of
from tests.simulators.federation import REMOVE

SOURCES = Path(server.__file__).parent
Away = Callable[[pytest.MonkeyPatch], None]
Harm = Callable[[World], bool]


class Override(NamedTuple):
    number: int
    away: Away
    harm: Harm
    crash: type[Exception] | None = None  # what Authlib's own way ends with here, where it does not even run


def without(owner: type, name: str) -> Away:
    """Authlib's own method is what runs then."""
    return lambda patch: patch.delattr(owner, name)


# --- 1 to 3: responses, token responses, PKCE ---------------------------------------------------------------------


def response_lacks_issuer(world: World) -> bool:
    world.log_in()
    return answer(world.decide(world.pushed())).get("iss") != NODE


def token_is_bound_to_nothing(world: World) -> bool:
    return "authorization_details" not in world.redeem(world.code()).json()


def plain_challenge_is_taken(world: World) -> bool:
    world.pushed()  # the client is registered
    client = Client.objects.get(client_id=world.messenger.client_id)
    asked = world.messenger.request(code_challenge=VERIFIER, code_challenge_method="plain")
    try:
        server.check_authorization(client, {**asked, "client_id": client.client_id})
    except OAuthError as error:
        assert error.error == "invalid_request"
        return False
    return True


def bad_verifier_is_no_bad_grant(world: World) -> bool:
    return error_of(world.redeem(world.code(), code_verifier="w" * 43)) != (400, "invalid_grant")


# --- 4: client authentication -------------------------------------------------------------------------------------


class TheirAssertion(JWTBearerClientAssertion):  # type: ignore[misc]
    """Authlib's ``private_key_jwt``, with what it leaves to its user."""

    CLIENT_AUTH_METHOD = METHOD

    def get_audiences(self) -> list[str]:
        return [NODE]

    def validate_jti(self, claims: Any, jti: str) -> bool:
        return True

    def resolve_client_public_key(self, client: EngineClient) -> Any:
        return KeySet.import_key_set(client.row.metadata["jwks"])


def authlibs_assertion(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(ENGINE._client_auth._methods, METHOD, TheirAssertion())


def audience_of_two_is_taken(world: World) -> bool:
    """invalid solely because of aud (row 32): a party that is in the list can use the assertion here."""

    def status(audience: Any) -> int:  # without iat, which Authlib compares to the real clock
        assertion = world.messenger.assertion(aud=audience, iat=REMOVE)
        return int(world.redeem(world.code(), client_assertion=assertion).status_code)

    assert status(NODE) == 200
    return status([NODE, "https://b.example"]) == 200


# --- 5: what is good once -----------------------------------------------------------------------------------------


def code_is_good_twice(world: World) -> bool:
    code = world.code()
    return [world.redeem(code).status_code for _ in range(2)] != [200, 400]


def refresh_token_is_good_twice(world: World) -> bool:
    signing.ensure_key(use="oidc", algorithm="RS256")
    basic = BasicParty(world)
    form = {"grant_type": "refresh_token", "refresh_token": basic.tokens()["refresh_token"]}
    return [basic.post("/oidc/token", form).status_code for _ in range(2)] != [200, 400]


# --- 6 and 7: requests and errors ---------------------------------------------------------------------------------


def authlibs_request(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Engine, "create_oauth2_request", lambda self, request: DjangoOAuth2Request(request.exchange.http))


def plain_http_is_a_server_error(world: World) -> bool:
    """TLS may end in front of the node, which then sees http."""
    return bool(world.redeem(world.code()).status_code != 200)


def authlibs_errors(patch: pytest.MonkeyPatch) -> None:
    def handle(self: Engine, request: EngineRequest, error: OAuth2Error) -> Any:
        return self.handle_response(*error(self.get_error_uri(request, error)))

    patch.setattr(Engine, "handle_error_response", handle)


def error_tells_the_detail(world: World) -> bool:
    """What exactly was wrong is for the log; what is said is one constant text for each code."""
    refused = world.redeem(world.code(), redirect_uri="https://b.example").json()
    return refused["error_description"] != errors.ERRORS[refused["error"]][1]


def authlibs_checks_alone(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(checks, "run", lambda endpoint, situation: None)


def quotation_mark_is_a_server_error(world: World) -> bool:
    """Authlib writes the URI into its error's description, which then refuses to be made."""
    asked = world.messenger.request(redirect_uri='https://messenger.example/"')
    return error_of(world.push(asked)) != (400, "invalid_request")


# --- 8 and 9: a client for itself, and the log --------------------------------------------------------------------


def server_client(world: World) -> BasicParty:
    return BasicParty(world, grant_types=["client_credentials"], scope="stock:read")


def scope_of_its_own_is_refused(world: World) -> bool:
    form = {"grant_type": "client_credentials", "scope": "stock:read"}
    return bool(server_client(world).post("/oidc/token", form).status_code != 200)


def event_is_not_written_once(world: World) -> bool:
    status = server_client(world).post("/oidc/token", {"grant_type": "client_credentials"}).status_code
    return (status, AuditEvent.objects.filter(kind="oidc.token_issued").count()) != (200, 1)


def loud_log(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(logging.getLogger("authlib"), "level", logging.NOTSET)
    logging.getLogger("authlib").manager._clear_cache()  # type: ignore[attr-defined]


class Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def log_has_the_token(world: World) -> bool:
    root, heard = logging.getLogger(), Heard()
    level = root.level
    root.addHandler(heard)
    root.setLevel(logging.DEBUG)  # as an operator does who looks for something else
    try:
        token = world.redeem(world.code()).json()["access_token"]
    finally:
        root.removeHandler(heard)
        root.setLevel(level)
    return any(token in line for line in heard.lines)


OVERRIDES = [
    Override(1, without(CodeGrant, "create_authorization_response"), response_lacks_issuer, TypeError),
    Override(2, without(TokenEndpoint, "generate_token"), token_is_bound_to_nothing, RuntimeError),
    Override(3, without(S256, "SUPPORTED_CODE_CHALLENGE_METHOD"), plain_challenge_is_taken),
    Override(3, without(S256, "validate_code_verifier"), bad_verifier_is_no_bad_grant, AttributeError),
    Override(4, authlibs_assertion, audience_of_two_is_taken),
    Override(5, without(CodeGrant, "create_token_response"), code_is_good_twice),
    Override(5, without(RefreshGrant, "create_token_response"), refresh_token_is_good_twice),
    Override(6, authlibs_request, plain_http_is_a_server_error, InsecureTransportError),
    Override(7, authlibs_errors, error_tells_the_detail),
    Override(7, authlibs_checks_alone, quotation_mark_is_a_server_error, ValueError),
    Override(8, without(ClientGrant, "validate_requested_scope"), scope_of_its_own_is_refused),
    Override(8, without(ClientGrant, "save_token"), event_is_not_written_once, RuntimeError),
    Override(9, loud_log, log_has_the_token),
]


def named(override: Override) -> str:
    return f"{override.number}-{override.harm.__name__}"


@pytest.mark.parametrize("override", OVERRIDES, ids=named)
def test_override_keeps_the_harm_away(world: World, override: Override) -> None:
    assert not override.harm(world)


@pytest.mark.parametrize("override", OVERRIDES, ids=named)
def test_harm_is_there_without_the_override(world: World, monkeypatch: pytest.MonkeyPatch, override: Override) -> None:
    """An override that mends nothing is decoration."""
    override.away(monkeypatch)
    if override.crash is None:
        assert override.harm(world)
        return
    with pytest.raises(override.crash):
        override.harm(world)


def test_every_number_of_the_list_is_here() -> None:
    """An override that was written down and never tried."""
    said = str(server.__doc__)
    assert {f"{override.number}. " for override in OVERRIDES} == {f"{n}. " for n in range(1, 10) if f"\n{n}. " in said}


def test_what_is_broken_beyond_mending_is_not_used() -> None:
    """Its endpoints, tokens, request objects and JOSE are left alone: only the engine, grants and PKCE serve."""
    used = set()
    for file in SOURCES.parents[1].rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "authlib":
                used |= {(file.parent.name, f"{node.module}.{name.name}") for name in node.names}
            assert not (isinstance(node, ast.Import) and any(name.name.startswith("authlib") for name in node.names))
    assert used == {
        ("server", f"authlib.oauth2.{name}")
        for name in (
            *("AuthorizationServer", "rfc6749.OAuth2Error", "rfc6749.OAuth2Request", "rfc6749.InvalidGrantError"),
            *("rfc6749.requests.BasicOAuth2Payload", "rfc6749.grants", "rfc7636.CodeChallenge"),
        )
    }
