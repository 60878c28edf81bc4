"""What a traveller is asked for ``border_crossing``, and what may not be asked at all."""

from typing import Any

import pytest

from idp.accounts.models import TravelDocument
from idp.border.consent import BorderCrossingConsent
from idp.oidc.authorization_details import Choice, Line, NotAcceptable
from idp.protocol.refusals import Refusal
from tests.border.world import NODE, World

HANDLER = BorderCrossingConsent()


def asked(world: World, **changes: Any) -> dict[str, Any]:
    """A request as a wallet pushes it: the document is chosen at consent."""
    detail = world.detail(**changes)
    if "document" not in changes:
        del detail["document"]
    return detail


def check(world: World, detail: dict[str, Any]) -> None:
    HANDLER.check(detail, client=world.client, now=world.now)


def test_a_sound_request_is_taken_described_and_granted(world: World) -> None:
    detail = asked(world)
    check(world, detail)
    lines = HANDLER.describe(detail, world.traveller)
    said = {str(line.label): list(line.values) for line in lines if isinstance(line, Line)}
    assert said["Checkpoints"] == ["Lo Wu"]
    assert any("up to 3" in text for text in said["Border tokens"])
    assert "Your face" in said and "Time" in said
    (choice,) = (line for line in lines if isinstance(line, Choice))
    assert [option.value for option in choice.options] == [str(world.document.pk)]
    assert "A1234563" not in str(choice), "the number is for the traveller's eyes, and not all of it"
    granted = HANDLER.grant(
        detail, traveller=world.traveller, choices={"document": str(world.document.pk)}, now=world.now
    )
    assert granted == world.detail()


@pytest.mark.parametrize(
    "changes",
    [
        {"locations": [f"{NODE}/checkpoints/nowhere"]},
        {"locations": [NODE]},
        {"locations": ["https://127.0.0.1/checkpoints/x"]},
        {"more": 1},
        {"max_tokens": 33},
        {"max_tokens": True},
        {"valid_until": 1_800_000_000 + 8 * 86_400},
        {"directions": ["entry", "entry"]},
        {"directions": ["sideways"]},
        {"ahead": "yes"},
    ],
)
def test_what_cannot_be_consented_to_is_refused_when_pushed(world: World, changes: dict[str, Any]) -> None:
    """invalid solely because of one unknown checkpoint or member, or a value beyond its limit (row 54)."""
    with pytest.raises((NotAcceptable, Refusal)):
        check(world, asked(world, **changes))


def test_a_checkpoint_without_the_direction_is_refused(world: World) -> None:
    """invalid solely because the checkpoint has no exit."""
    only = world.register("arrivals", directions=["entry"])
    check(world, asked(world, locations=[only.entity_id], directions=["entry"]))
    with pytest.raises(NotAcceptable):
        check(world, asked(world, locations=[only.entity_id]))


def test_another_persons_document_is_neither_shown_nor_granted(world: World) -> None:
    """invalid solely because the document is another traveller's (row 54)."""
    _, foreign = world.person("siu", "B7654321")
    with pytest.raises(NotAcceptable):
        HANDLER.describe(asked(world, document=str(foreign.pk)), world.traveller)
    for chosen in (str(foreign.pk), "", "x"):
        with pytest.raises(NotAcceptable):
            HANDLER.grant(asked(world), traveller=world.traveller, choices={"document": chosen}, now=world.now)


def test_a_choice_beyond_the_request_is_refused(world: World) -> None:
    """invalid solely because the wallet asked for the other of the traveller's two documents."""
    second = world.give(world.traveller, "B7654321")
    detail = asked(world, document=str(second.pk))
    with pytest.raises(NotAcceptable):
        HANDLER.grant(detail, traveller=world.traveller, choices={"document": str(world.document.pk)}, now=world.now)


def test_a_revoked_document_is_not_offered(world: World) -> None:
    """invalid solely because the traveller's one document was revoked."""
    TravelDocument.objects.update(status=TravelDocument.Status.REVOKED)
    with pytest.raises(NotAcceptable):
        HANDLER.describe(asked(world), world.traveller)


def test_consent_is_asked_in_the_travellers_language(world: World) -> None:
    from django.utils import translation

    with translation.override("zh-hans"):
        lines = HANDLER.describe(asked(world), world.traveller)
    assert any(isinstance(line, Line) and list(line.values) == ["罗湖"] for line in lines)
