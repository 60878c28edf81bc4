"""A guardian's phone with codes for children: everybody whom the authority named, or nobody."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from idp import clock
from idp.wallet import authorize
from idp.wallet.errors import UnableTo
from idp.wallet.store import Store
from tests.wallet.authority import CHILDREN, DOCUMENT
from tests.wallet.conftest import World


def granted(world: World, children: int = 2) -> None:
    """The traveller consented, for themself and for so many children."""
    started = world.phone.authorize(crossing="day", children=children, now=clock.now())
    world.phone.finish(world.authority.answer(started.authorization_url), now=clock.now())


def fetched(world: World, form: str = "cwt") -> Any:
    checkpoint = world.authority.checkpoint
    return world.phone.fetch_group(checkpoint=checkpoint, direction="exit", form=form, now=clock.now())


def refused(act: Callable[[], Any]) -> str:
    with pytest.raises(UnableTo) as caught:
        act()
    return caught.value.code


def test_a_code_for_each_in_the_order_of_the_consent(world: World) -> None:
    granted(world)
    tokens = fetched(world)
    assert world.authority.received[-1][1]["documents"] == [DOCUMENT, *CHILDREN[:2]]
    assert [token.name for token in tokens] == ["Person 0", "Person 1", "Person 2"]
    assert len({token.group for token in tokens}) == 1 and len({token.id for token in tokens}) == 3
    assert world.phone.store.tokens(now=clock.now()) == tokens
    for token in tokens:
        assert world.phone.code(token.id, now=clock.now()).version <= 25


def test_the_page_begins_with_the_guardian_and_knows_how_many_go(world: World) -> None:
    """Who shows a child's code first is sent to the officer."""
    granted(world)
    tokens = fetched(world)
    step = world.phone.state(now=clock.now())["crossings"][0]["steps"][0]
    assert step["people"] == 3 and step["tokens"]["cwt"]["id"] == tokens[0].id


def test_without_children_nobody_else_is_asked_for(world: World) -> None:
    granted(world, children=0)
    assert [token.name for token in fetched(world)] == ["Person 0"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda value: {"tokens": value["tokens"][:2]}, "border_token_not_for_us"),
        (lambda value: {"tokens": value["tokens"][::-1]}, "border_token_not_for_us"),
        (lambda value: {"tokens": "none"}, "border_token_untrusted"),
        (lambda value: {"tokens": [{**item, "name": 7} for item in value["tokens"]]}, "border_token_untrusted"),
        (lambda value: {"tokens": [{**item, "token": "x"} for item in value["tokens"]]}, "border_token_untrusted"),
        (
            lambda value: {"tokens": [{**item, "token": value["tokens"][0]["token"]} for item in value["tokens"]]},
            "border_token_not_for_us",
        ),
    ],
)
def test_an_answer_for_others_than_were_asked_for_keeps_nothing(world: World, change: Any, code: str) -> None:
    """invalid solely because one is missing, in another's place, unnamed, no token, or the same twice."""
    granted(world)
    world.authority.changes["group"] = change
    assert refused(lambda: fetched(world)) == code
    assert world.phone.store.tokens(now=clock.now()) == []


def test_a_child_whom_nobody_asked_for_is_a_grant_too_wide(world: World) -> None:
    """invalid solely because the detail granted is for a child and the one asked for is not."""
    world.authority.changes["token"] = lambda value: {
        **value, "authorization_details": [{**item, "ward": 1} for item in value["authorization_details"]]
    }  # fmt: skip
    assert refused(lambda: granted(world, children=0)) == "grant_too_wide"


@pytest.mark.parametrize("children", [-1, 10])
def test_more_children_than_a_request_has_room_for(world: World, children: int) -> None:
    """invalid solely because of their number."""
    assert refused(lambda: granted(world, children)) == "invalid_request"


def test_faces_that_the_phone_keeps_go_along_for_each(world: World) -> None:
    """A reference of the one must not be handed in as the other's."""
    world.authority.faces = world.authority.handed_in = {"test-128": b"sealed"}
    granted(world, children=1)
    assert len(fetched(world)) == 2
    assert set(world.authority.received[-1][1]["face_references"]) == {DOCUMENT, CHILDREN[0]}


def test_a_phone_of_before_takes_groups_without_losing_a_token(world: World, tmp_path: Path) -> None:
    """Its file has no place for companions yet."""
    granted(world, children=0)
    kept = fetched(world)
    path = next(tmp_path.rglob("wallet.sqlite3"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE companion")
    assert [token.id for token in Store(path.parent).tokens(now=clock.now())] == [kept[0].id]


def test_each_is_asked_for_by_the_same_limits(world: World) -> None:
    """A child who may leave and not come back, or whose codes run out before the guardian's."""
    own, *children = authorize.details_for(world.phone.crossing("day"), children=2, now=clock.now())
    assert [child.pop("ward") for child in children] == [1, 2]
    assert children == [own, own]
