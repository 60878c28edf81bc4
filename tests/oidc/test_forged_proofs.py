"""A DPoP proof that does not hold, at each endpoint that takes one: the same error at all of them (rows 46 to 50).

`tests.protocol.test_dpop` knows why each is refused; here is what the sender is told.
"""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse

from idp import conf
from idp.oidc import dpop_nonces
from idp.protocol import dpop, keys
from tests.oidc.test_access import problem_of
from tests.oidc.world import NODE, World, error_of
from tests.protocol import test_dpop

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
_SERIAL = itertools.count()
OTHER, RSA = keys.generate(), keys.generate("RS256")
ENDPOINTS = ("/oidc/par", "/oidc/token", "/oidc/userinfo")
FORGED: dict[str, dict[str, Any]] = {
    "no typ": {"header": {"typ": ...}},
    "another typ": {"header": {"typ": "JWT"}},
    "typ of an access token": {"header": {"typ": "at+jwt"}},
    "alg none": {"header": {"alg": "none"}},
    "symmetric alg": {"header": {"alg": "HS256"}},
    "alg of another key": {"header": {"alg": "ES384"}},
    "RS256": {"header": {"alg": "RS256"}, "key": RSA},
    "no jwk": {"header": {"jwk": ...}},
    "symmetric jwk": {"header": {"jwk": {"kty": "oct", "k": "AA"}}},
    "another key's jwk": {"header": {"jwk": {name: v for name, v in OTHER.public.jwk().items() if name != "kid"}}},
    "no jti": {"jti": ...},
    "no htm": {"htm": ...},
    "no htu": {"htu": ...},
    "no iat": {"iat": ...},
    "htm of another method": {"htm": "DELETE"},
    "htm in small letters": {"htm": "post"},
    "htu of another endpoint": {"htu": f"{NODE}/oidc/revoke"},
    "htu of another host": {"htu": "http://mo.localhost:8003/oidc/token"},
    "htu with another scheme": {"htu": f"https{NODE.removeprefix('http')}/oidc/token"},
    "htu without host": {"htu": "/oidc/token"},
    "an hour ago": {"iat": 1_800_000_000 - 3600},
    "in an hour": {"iat": 1_800_000_000 + 3600},
    "iat as text": {"iat": "1800000000"},
    "iat as truth": {"iat": True},
}


def forged(world: World, path: str, *, token: str = "", **changes: Any) -> str:
    """A proof by the phone that is sound but for ``changes``."""
    claims: dict[str, Any] = {
        "htu": NODE + path,
        "htm": "GET" if path == "/oidc/userinfo" else "POST",
        "iat": world.now,
        "jti": f"forged-{next(_SERIAL)}",
        "nonce": dpop_nonces.fresh(now=world.now),
        **({"ath": dpop.token_hash(token)} if token else {}),
    }
    return test_dpop.forge(**{"key": world.messenger.phone, **claims, **changes})


def sender(world: World, path: str) -> tuple[Callable[..., HttpResponse], str]:
    """Sends a proof to ``path``, each time with a request that is sound otherwise; and the access token for it."""
    if path == "/oidc/par":
        return lambda proof, **more: world.push(proof=proof), ""
    if path == "/oidc/token":
        code = world.code()
        return lambda proof, **more: world.redeem(code, proof=proof), ""
    token = str(world.tokens()["access_token"])
    return lambda proof, **more: world.userinfo(token, proof=proof, **more), token


def assert_refused(response: HttpResponse, path: str, code: str = "invalid_dpop_proof") -> None:
    if path != "/oidc/userinfo":
        assert error_of(response) == (400, code)  # RFC 9449 §5
        return
    assert problem_of(response) == (401, code)  # RFC 9449 §7.1
    assert response["WWW-Authenticate"].startswith(f'DPoP error="{code}"')


@pytest.mark.parametrize("path", ENDPOINTS)
def test_proof_that_is_forged_in_one_place_is_refused(world: World, path: str) -> None:
    """invalid solely because of one member of header or claims (rows 46 to 48); a sound one is taken after them all."""
    send, token = sender(world, path)
    for name, changes in FORGED.items():
        if path != "/oidc/token" and name == "htu with another scheme":
            changes = {"htu": f"https{NODE.removeprefix('http')}{path}"}
        response = send(forged(world, path, token=token, **changes))
        assert response.status_code in (400, 401), name
        assert_refused(response, path)
    assert send(forged(world, path, token=token)).status_code in (200, 201)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_proof_that_carries_a_private_key_is_refused(world: World, path: str) -> None:
    """invalid solely because jwk holds d (row 46)."""
    send, token = sender(world, path)
    private = {name: value for name, value in world.messenger.phone.jwk().items() if name not in ("kid", "alg")}
    assert "d" in private
    assert_refused(send(forged(world, path, token=token, header={"jwk": private})), path)


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("kind", ["two", "no JWT", "cut", "changed", "empty"])
def test_header_that_is_not_one_proof_is_refused(world: World, path: str, kind: str) -> None:
    """invalid solely because the header is not one whole JWT (row 46)."""
    send, token = sender(world, path)
    sound = forged(world, path, token=token)
    header, payload, signature = sound.split(".")
    other = "A" if signature[10] != "A" else "B"
    text = {
        "two": f"{sound}, {forged(world, path, token=token)}",
        "no JWT": "proof",
        "cut": f"{header}.{payload}",
        "changed": f"{header}.{payload}.{signature[:10]}{other}{signature[11:]}",
        "empty": "",
    }[kind]
    assert_refused(send(text), path)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_headers_of_a_proxy_do_not_move_the_url(world: World, path: str) -> None:
    """invalid solely because the proof is for the host that somebody put into other headers (row 47)."""
    proof_ = {"htu": f"https://attacker.localhost{path}"}
    spoofed = {"X-Forwarded-Host": "attacker.localhost", "X-Forwarded-Proto": "https", "Forwarded": "host=attacker"}
    if path == "/oidc/userinfo":
        token = world.tokens()["access_token"]
        headers = {**spoofed, "Authorization": f"DPoP {token}", "DPoP": forged(world, path, token=token, **proof_)}
        response = world.machine.get(path, headers=headers)
    elif path == "/oidc/token":
        form = world.messenger.authenticated(grant_type="authorization_code", code=world.code())
        response = world.post(path, form, proof=forged(world, path, **proof_), headers=spoofed)
    else:
        form = world.messenger.authenticated(request=world.messenger.signed())
        response = world.post(path, form, proof=forged(world, path, **proof_), headers=spoofed)
    assert_refused(response, path)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_proof_is_good_once_wherever_it_was_shown(world: World, path: str) -> None:
    """invalid solely because its jti was seen (row 48)."""
    send, token = sender(world, path)
    proof = forged(world, path, token=token)
    assert send(proof).status_code in (200, 201)
    assert_refused(send(proof), path)


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("nonce", [..., "", "another-nodes", 5, "old", "ahead"])
def test_proof_without_a_nonce_of_this_node_and_time_is_asked_for_one(world: World, path: str, nonce: Any) -> None:
    """invalid solely because of the nonce (row 49); the answer has one that is good."""
    shift = {"old": -3 * dpop_nonces.SLOT, "ahead": 3 * dpop_nonces.SLOT}
    if nonce in shift:
        nonce = dpop_nonces.fresh(now=world.now + shift[nonce])
    send, token = sender(world, path)
    response = send(forged(world, path, token=token, nonce=nonce))
    if nonce in (5, ""):  # no nonce that is stale, but a proof that is none
        assert_refused(response, path)
        return
    assert_refused(response, path, "use_dpop_nonce")
    again = forged(world, path, token=token, nonce=response[dpop_nonces.HEADER])
    assert send(again).status_code in (200, 201)


@pytest.mark.parametrize(
    "changes", [{"ath": ...}, {"ath": ""}, {"ath": dpop.token_hash("another")}, {"ath": 5}, {"key": OTHER}]
)
def test_proof_that_does_not_belong_to_the_token_opens_nothing(world: World, changes: dict[str, Any]) -> None:
    """invalid solely because of the hash of the access token, or of the key (row 50)."""
    send, token = sender(world, "/oidc/userinfo")
    assert_refused(send(forged(world, "/oidc/userinfo", token=token, **changes)), "/oidc/userinfo")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "DPOP x", "Basic"])
def test_bound_token_needs_its_scheme(world: World, scheme: str) -> None:
    """invalid solely because of the scheme, with a sound proof beside it (row 50)."""
    send, token = sender(world, "/oidc/userinfo")
    response = send(forged(world, "/oidc/userinfo", token=token), scheme=scheme)
    assert problem_of(response) == (401, "invalid_token")


AFTER_A_RESTART = """
import json, sys
import django
from django.conf import settings
given = json.load(sys.stdin)
settings.DATABASES["default"].update(given["database"])
settings.IDP_KEY_DIR = settings.IDP_DATA_DIR = settings.STATIC_ROOT = given["keys"]
settings.ALLOWED_HOSTS = ["testserver"]
django.setup()
from django.test import Client
from idp import clock
clock.now = lambda: given["now"]
for headers in given["requests"]:
    response = Client().get("/oidc/userinfo", headers=headers)
    print(response.status_code, response.json().get("code"))
"""


def test_proof_stays_spent_when_the_node_is_started_again(shared_database: None, world: World) -> None:
    """invalid solely because a process that is no more has seen its jti (row 48); a new proof is good there."""
    send, token = sender(world, "/oidc/userinfo")
    spent, new = (forged(world, "/oidc/userinfo", token=token) for _ in range(2))
    assert send(spent).status_code == 200
    database = {name: str(connection.settings_dict[name]) for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}
    given = {
        "database": database,
        "keys": str(conf.authority().key_dir),
        "now": world.now,
        "requests": [{"Authorization": f"DPoP {token}", "DPoP": proof} for proof in (spent, new)],
    }
    code, text = [sys.executable, "-W", "ignore", "-c", AFTER_A_RESTART], json.dumps(given)
    started = subprocess.run(code, input=text, capture_output=True, text=True, check=False, cwd=ROOT, env=ENVIRONMENT)
    assert started.stdout.splitlines() == ["401 invalid_dpop_proof", "200 None"], started.stderr
