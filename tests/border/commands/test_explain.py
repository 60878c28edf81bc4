"""``manage.py border explain``: each rule, how it came out and where it is from; and that somebody looked."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from idp.audit.models import AuditEvent
from idp.border.rules import explaining
from idp.protocol.refusals import Reason
from tests.border.test_destinations import place
from tests.border.world import NODE, World
from tests.federation.peers import Peers

LO_WU = f"{NODE}/checkpoints/lo-wu"


def explained(capsys: Any, *arguments: str) -> str:
    why = () if "--reason" in arguments else ("--reason", "referral")
    call_command("border", "explain", *arguments, *why)
    return str(capsys.readouterr().out)


def test_each_rule_its_verdict_and_its_source_are_said(world: World, capsys: Any) -> None:
    said = explained(capsys, "MEI", "lo-wu", "--at", "2027-01-15T16:00", "--direction", "exit")
    assert said.splitlines()[0] == f"{LO_WU} at 2027-01-15T16:00:00+08:00"
    assert f"exit HKG to CHN with hkid {world.document.pk}" in said
    assert "  pass   hkid-out\n" in said and 'asks    document="hkid"; legs=[["HKG","CHN"]]' in said
    assert "source  Basic Law of the HKSAR, art. 31" in said
    assert "  pass   echannel-residents-7\n" in said
    assert said.rstrip().endswith("outcome: passes")
    assert "A1234563" not in said and "CHAN" not in said, "a shell keeps what it shows"


def test_a_look_is_an_event(world: World, capsys: Any) -> None:
    """Nobody reads what the register knows of somebody unseen, and nobody is looked at who is not shown."""
    explained(capsys, str(world.traveller.pk), LO_WU, "--reason", "complaint", "--case", "C-12", "--officer", "o")
    event = AuditEvent.objects.get(kind="personal_data.read")
    assert (event.actor, event.subject) == ("o", f"traveller:{world.traveller.pk}")
    assert event.data == {"what": explaining.WHAT, "reason": "complaint", "case": "C-12", "kinds": ["documents"]}
    with pytest.raises(CommandError):
        explained(capsys, "mei", "lo-wu", "--document", "mvp")
    assert AuditEvent.objects.filter(kind="personal_data.read").count() == 1


def test_the_day_is_hong_kongs_and_the_law_that_days(world: World, capsys: Any) -> None:
    """The stay of a business visitor doubled on 6 May 2024, which began at 16:00 in London's morning before."""
    permit = world.give(world.traveller, "C12345678", type="eep", issued_by="CHN")
    days = {"valid_from": "2024-01-01", "valid_to": "2024-12-31"}
    world.endorse(permit, destination="HKG", kind="S", stay_days=14, **days)
    for at, until in (("2024-05-05T15:59+00:00", "2024-05-12"), ("2024-05-05T16:00+00:00", "2024-05-20")):
        options = ["--direction", "entry", "--document", "eep", "--at", at]
        assert f"outcome: passes, until {until}" in explained(capsys, "mei", "lo-wu", *options)


def test_who_is_referred_is_told_why(world: World, capsys: Any) -> None:
    world.give(world.traveller, "C12345678", type="eep", issued_by="CHN")
    said = explained(capsys, "mei", "lo-wu", "--document", "eep")
    assert "fail   eep-to-hk (no endorsement for the destination)" in said
    assert f"an officer looks: {Reason.DOCUMENT_NOT_ELIGIBLE.value}" in said
    assert "outcome: goes home" in said, "the other direction"


def test_a_closed_checkpoint_is_closed_at_that_time_only(world: World, capsys: Any) -> None:
    world.checkpoint.opening = [{"days": [1, 2, 3, 4, 5, 6, 7], "from": "06:30", "until": "24:00"}]
    world.checkpoint.save()
    closed = explained(capsys, "mei", "lo-wu", "--at", "2027-01-15T06:29", "--direction", "exit")
    assert "outcome: an officer looks: checkpoint_closed" in closed
    assert "closed" not in explained(capsys, "mei", "lo-wu", "--at", "2027-01-15T06:30", "--direction", "exit")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nobody", "lo-wu"],
        ["00000000-0000-0000-0000-000000000000", "lo-wu"],
        ["mei", "nowhere"],
        ["mei", "https://nowhere.example/checkpoints/x"],
        ["mei", "lo-wu", "--at", "tomorrow"],
        ["mei", "lo-wu", "--case", "no number!"],
        ["mei", "lo-wu", "--document", "00000000-0000-0000-0000-000000000000"],
    ],
    ids=str,
)
def test_what_is_not_there_is_said_and_nothing_is_recorded(world: World, capsys: Any, arguments: list[str]) -> None:
    """invalid solely because of the one thing named."""
    with pytest.raises(CommandError):
        explained(capsys, *arguments)
    assert not AuditEvent.objects.filter(kind="personal_data.read").exists()


def test_a_direction_that_the_checkpoint_has_not(world: World, capsys: Any) -> None:
    """invalid solely because nobody enters there."""
    world.register("pier", directions=["exit"])
    with pytest.raises(CommandError, match="direction"):
        explained(capsys, "mei", "pier", "--direction", "entry")


def test_a_peers_checkpoint_is_found_through_its_chain(world: World, peers: Peers, capsys: Any) -> None:
    """What our traveller meets on the other side is explained, too; its hours are not ours to know."""
    cn = place(peers, peers.cn)
    permit = world.give(world.traveller, "H12345678", type="hrp", issued_by="CHN")
    said = explained(capsys, "mei", cn, "--document", str(permit.pk), "--direction", "entry")
    assert "entry HKG to CHN" in said and "outcome: passes" in said and "closed" not in said
