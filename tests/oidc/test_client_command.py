"""Clients that an officer registers from the command line."""

import json
import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from idp.audit.models import AuditEvent
from idp.federation import signing
from idp.oidc.models import Client
from idp.oidc.replay import digest
from idp.protocol import keys
from tests.oidc.basic_party import BasicParty
from tests.oidc.world import CALLBACK, World

BASIC = {"client_name": "Clinic", "redirect_uris": [CALLBACK], "grant_types": ["authorization_code", "refresh_token"]}


def run(*arguments: Any) -> str:
    out = StringIO()
    call_command("oidc", "client", *map(str, arguments), stdout=out, stderr=out)
    return out.getvalue()


def written(tmp_path: Path, metadata: Any) -> Path:
    path = tmp_path / "metadata.json"
    path.write_text(json.dumps(metadata))
    return path


def add(tmp_path: Path, *more: Any, profile: str = "basic", **changes: Any) -> Client:
    metadata = {name: value for name, value in {**BASIC, **changes}.items() if value is not None}
    run("add", "clinic", "--profile", profile, "--metadata", written(tmp_path, metadata), *more)
    return Client.objects.get(client_id="clinic")


@pytest.fixture
def officer(db: None, tmp_path: Path) -> Path:
    return tmp_path


def test_client_that_was_added_gets_tokens(world: World, tmp_path: Path) -> None:
    """The secret in the file is the one that works, and its hash the only thing kept."""
    signing.ensure_key(use="oidc", algorithm="RS256")
    client = add(tmp_path, "--secret-file", tmp_path / "secret")
    secret = (tmp_path / "secret").read_text().strip()
    assert len(secret) == 43
    assert client.secret_hash == digest(secret)
    party = BasicParty.__new__(BasicParty)
    party.world, party.client_id, party.row = world, "clinic", client
    code = party.code()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    answer = party.post("/oidc/token", form, authorization=party.basic(secret=secret))
    assert answer.status_code == 200, answer.content
    assert "id_token" in answer.json()


def test_secret_file_is_for_its_owner_alone_and_the_secret_not_on_the_screen(officer: Path) -> None:
    """A file that was there before keeps its mode unless it is changed."""
    path = officer / "secret"
    path.write_text("an older secret that is longer than the new one, which must not leave a rest behind")
    path.chmod(0o644)
    out = run("add", "clinic", "--profile", "basic", "--metadata", written(officer, BASIC), "--secret-file", path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().strip() not in out
    assert len(path.read_text()) == 44
    assert run("rotate-secret", "clinic", "--secret-file", "-").strip() != path.read_text().strip()


def test_secret_that_nobody_can_have_is_not_made(officer: Path) -> None:
    """invalid solely because the file cannot be written: the client must not be left with an unknown secret."""
    with pytest.raises(CommandError):
        add(officer, "--secret-file", officer / "no such folder" / "secret")
    assert not Client.objects.exists()


def test_defaults_are_those_of_the_specifications(officer: Path) -> None:
    """A client that says little gets what it will read in RFC 7591 §2 and OpenID Connect Registration §2."""
    client = add(officer, grant_types=None)
    assert client.metadata == {
        "client_name": "Clinic",
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "id_token_signed_response_alg": "RS256",
        "subject_type": "pairwise",
    }
    assert (client.registration, client.sector) == ("admin", "messenger.example")


def test_wallet_that_an_officer_adds_is_signed_for_with_es256_and_has_no_secret(officer: Path) -> None:
    """The border profile leaves RS256 and secrets out, whoever registers."""
    jwks = keys.KeySet([keys.generate().public]).jwks()
    client = add(officer, profile="border", jwks=jwks, authorization_details_types=["border_crossing"])
    assert (client.secret_hash, client.metadata["id_token_signed_response_alg"]) == ("", "ES256")
    assert client.is_wallet
    with pytest.raises(CommandError, match="no secret"):
        run("rotate-secret", "clinic")


def test_every_act_is_audited(officer: Path) -> None:
    """Who let a client in, changed it or stopped it is asked years later."""
    add(officer, "--officer", "account:7", "--resource", "https://api.example/v1")
    changed = written(officer, {**BASIC, "client_name": "Hospital"})
    run("change", "clinic", "--metadata", changed, "--officer", "account:7")
    for act in ("rotate-secret", "disable", "disable", "enable", "remove"):
        run(act, "clinic", "--officer", "account:7")
    kinds = list(AuditEvent.objects.filter(kind__startswith="oidc.client", actor="account:7").order_by("pk"))
    assert [event.kind.removeprefix("oidc.client_") for event in kinds] == [
        *("registered", "updated", "secret_rotated", "disabled", "enabled", "removed")
    ]
    assert kinds[1].data == {"changed": ["client_name"], "resources": ["https://api.example/v1"]}
    assert not Client.objects.exists()


def test_show_and_list_tell_no_secret(officer: Path) -> None:
    """What stands in a terminal stands in its history."""
    client = add(officer, "--secret-file", officer / "secret")
    shown = json.loads(run("show", "clinic"))
    assert shown["metadata"]["client_name"] == "Clinic"
    assert client.secret_hash not in run("show", "clinic")
    assert run("list").split() == ["clinic", "basic", "admin", "enabled"]


def test_identifier_is_given_once(officer: Path) -> None:
    """invalid solely because there is such a client: its redirect URIs must not be replaced by accident."""
    add(officer)
    with pytest.raises(CommandError, match="identifier"):
        add(officer, redirect_uris=["https://other.example/cb"])


def test_client_with_grants_is_disabled_and_not_removed(world: World, basic: BasicParty) -> None:
    """invalid solely because a traveller granted it something, and the grant must stay explained."""
    basic.tokens()
    with pytest.raises(CommandError, match="disable"):
        run("remove", basic.client_id)
    run("disable", basic.client_id)
    assert basic.ask().status_code == 400


def test_client_of_a_trust_chain_is_not_changed_by_hand(world: World, tmp_path: Path) -> None:
    """invalid solely because its superiors say what it is; it may be stopped."""
    world.push()
    run("disable", world.messenger.client_id)
    assert Client.objects.get().disabled
    with pytest.raises(CommandError, match="trust chain"):
        run("change", world.messenger.client_id, "--metadata", written(tmp_path, BASIC))
