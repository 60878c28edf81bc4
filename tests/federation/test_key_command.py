"""``manage.py federation key``: what an operator types in a roll-over and in an emergency."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from idp.audit.models import AuditEvent
from idp.federation import entities, signing
from idp.federation.models import SigningKey
from idp.proposals.models import Review
from tests.conftest import NOW

PATH = "checkpoints/lo-wu"


def _key(*arguments: str) -> str:
    out = StringIO()
    call_command("federation", "key", *arguments, stdout=out)
    return out.getvalue()


def _later(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    monkeypatch.setattr("idp.clock.now", lambda: NOW + seconds)


def test_the_list_has_every_key_with_its_state_and_no_secret(node: str) -> None:
    signing.activate_next(use="border", now=NOW, emergency=True)
    lines = _key("list").splitlines()
    assert len(lines) == SigningKey.objects.count()
    assert {line.split()[2] for line in lines if line.startswith("border ")} == {"active", "next", "old"}
    private = signing.private_key("border").jwk()["d"]
    assert not any(private in line for line in lines)


def test_a_roll_over_is_one_command_when_its_time_has_come(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="172800 more seconds"):
        _key("activate", "--use", "border")
    _later(monkeypatch, signing.AHEAD["border"])
    assert "active" in _key("activate", "--use", "border", "--officer", "officer-7")
    assert AuditEvent.objects.get(kind="federation.key.activated").actor == "officer-7"
    with pytest.raises(CommandError, match="has to be published"):
        _key("activate", "--use", "border")


def test_in_an_emergency_it_does_not_wait(node: str) -> None:
    assert "active" in _key("activate", "--use", "federation", "--emergency")


def test_a_killed_key_is_named_by_its_kid(node: str) -> None:
    kid = signing.signer("status").kid
    assert f"{kid}: killed" in _key("kill", f"--kid={kid}")
    assert signing.signer("status").kid != kid


def test_a_kid_that_begins_with_a_dash_is_no_option(node: str) -> None:
    with pytest.raises(CommandError, match="no such key"):
        _key("kill", "--kid=-unknown")


def test_an_old_key_is_withdrawn_by_its_kid(node: str) -> None:
    kid = signing.signer("status").kid
    with pytest.raises(CommandError, match="not an old key"):
        _key("withdraw", f"--kid={kid}")
    _key("activate", "--use", "status", "--emergency")
    assert f"{kid}: old" in _key("withdraw", f"--kid={kid}")
    assert signing.published("status").find(kid) is None


@pytest.mark.parametrize("step", ["activate", "withdraw", "kill"])
def test_what_an_operator_does_alone_is_reviewed_by_nobody(node: str, step: str) -> None:
    kid = signing.signer("status").kid
    if step == "withdraw":
        signing.activate_next(use="status", now=NOW, emergency=True)
    which = ("--use", "status", "--emergency") if step == "activate" else (f"--kid={kid}",)
    _key(step, *which, "--officer", "account:7", "--why", "at night")
    review = Review.objects.get()
    assert review.acted_by == "account:7" and "at night" in review.what and "status" in review.subject


def test_the_second_algorithm_rolls_by_itself(node: str) -> None:
    plain, rsa = signing.signer("oidc").kid, signing.signer("oidc", algorithm="RS256").kid
    _key("activate", "--use", "oidc", "--algorithm", "RS256", "--emergency")
    assert signing.signer("oidc").kid == plain
    assert signing.signer("oidc", algorithm="RS256").kid != rsa


def test_a_hosted_entity_has_keys_of_its_own(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    entities.host(path=PATH, metadata={"oauth_resource": {"resource": "x"}}, now=NOW)
    before, ours = signing.signer("hosted", owner=PATH).kid, signing.signer("federation").kid
    _later(monkeypatch, signing.AHEAD["hosted"])
    _key("activate", "--use", "hosted", "--hosted", PATH)
    assert signing.signer("hosted", owner=PATH).kid != before
    assert signing.signer("federation").kid == ours


@pytest.mark.parametrize(
    "arguments",
    [
        ("prepare", "--use", "hosted"),
        ("prepare", "--hosted", PATH),
        ("prepare", "--use", "hosted", "--hosted", "checkpoints/nowhere"),
        ("kill", "--kid=unknown"),
        ("kill",),
    ],
)
def test_a_command_that_means_no_key_makes_none(node: str, arguments: tuple[str, ...]) -> None:
    before = SigningKey.objects.count()
    with pytest.raises(CommandError):
        _key(*arguments)
    assert SigningKey.objects.count() == before
