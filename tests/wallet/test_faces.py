"""The wallet carries sealed face references: fetched once, handed in each time, fetched anew when they are no good."""

from typing import Any

import pytest

from idp.protocol import face_references
from idp.wallet.errors import UnableTo
from tests.wallet.authority import DOCUMENT
from tests.wallet.conftest import World

ONE, TWO = {"m-1": b"sealed one"}, {"m-2": b"sealed two"}


@pytest.fixture
def granted(world: World) -> World:
    """The authority has phones keep the references; one waits, and nothing else is taken."""
    world.authority.faces = world.authority.handed_in = dict(ONE)
    world.grant()
    return world


def asked(world: World) -> list[str]:
    return [stage for stage, _ in world.authority.received]


def kept(world: World) -> dict[str, bytes]:
    return world.phone.store.face_references(world.authority.url, DOCUMENT)


def test_references_are_fetched_once_and_handed_in_each_time(granted: World) -> None:
    granted.token()
    granted.token("jwt")
    assert asked(granted) == ["face_references", "border_token", "border_token"]
    assert granted.authority.received[0][1] == {"document": DOCUMENT}
    assert kept(granted) == ONE


def test_a_reference_that_was_enrolled_anew_is_fetched_after_the_refusal(granted: World) -> None:
    granted.token()
    granted.authority.faces = granted.authority.handed_in = {"m-1": b"another"}
    granted.token()
    assert asked(granted)[2:] == ["border_token", "face_references", "border_token"]
    assert kept(granted) == {"m-1": b"another"}


def test_another_model_is_kept_beside_the_first(granted: World) -> None:
    """Checkpoints change their engines at different times."""
    granted.token()
    granted.authority.faces, granted.authority.handed_in = dict(TWO), {**ONE, **TWO}
    granted.token()
    assert kept(granted) == {**ONE, **TWO}


def test_what_waits_is_fetched_when_the_authority_says_so(granted: World) -> None:
    """Else the second reference would be gone before the first is retired."""
    granted.authority.changes["issued"] = lambda value: {**value, "face_references_waiting": True}
    granted.authority.faces = {**ONE, **TWO}
    granted.phone.store.keep_face_references(granted.authority.url, DOCUMENT, ONE)
    granted.token()
    assert kept(granted) == {**ONE, **TWO}


def test_a_traveller_who_is_not_enrolled_is_told_so_after_one_more_try(granted: World) -> None:
    """invalid solely because nothing that there is will do; the wallet does not ask for ever."""
    granted.authority.faces = {}
    with pytest.raises(UnableTo) as refused:
        granted.token()
    assert refused.value.code == "face_not_enrolled"
    assert asked(granted) == ["face_references", "border_token", "face_references"]


@pytest.mark.parametrize(
    "answer", [{}, {"face_references": "x"}, {"face_references": [{"model": "m-1"}]}, {"code": "x"}]
)
def test_an_answer_without_references_changes_nothing(granted: World, answer: Any) -> None:
    """invalid solely because of what the authority answers; what is kept stays."""
    granted.phone.store.keep_face_references(granted.authority.url, DOCUMENT, TWO)
    granted.authority.changes["faces"] = lambda value: answer
    with pytest.raises(UnableTo):
        granted.token()
    assert kept(granted) == TWO


def test_an_authority_that_keeps_them_itself_is_sent_none(world: World) -> None:
    world.grant()
    world.token()
    assert asked(world) == ["border_token"] and "face_references" not in world.authority.received[0][1]


def test_references_of_another_authority_or_document_are_not_handed_in(granted: World) -> None:
    """invalid solely because of whose they are: each would tell the one authority of the other."""
    for provider, document in (("http://mo.localhost", DOCUMENT), (granted.authority.url, "another")):
        granted.phone.store.keep_face_references(provider, document, {"m-9": b"another's"})
    granted.token()
    handed_in = granted.authority.received[-1][1]["face_references"]
    assert handed_in == face_references.wire(ONE)
