"""Every operation of the description, asked in whatever way schemathesis can think of, by nobody and by who may ask."""

import pytest
from schemathesis import Case

from tests.oidc.world import World
from tests.openapi import driving, sound
from tests.openapi.driving import OPERATIONS


@pytest.mark.parametrize("name", OPERATIONS)
def test_answer_to_anything_is_as_described(node: World, name: str) -> None:
    """A server error, a status or content type that nobody was told of, or bad data that is taken."""
    driving.attack(OPERATIONS[name], driving.ask)


@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - sound.NEED_ANOTHER_NODE))
def test_answer_to_who_may_ask_is_as_described(node: World, name: str) -> None:
    """The same behind the authentication: what is granted, and what a sound request with some other member meets."""
    good, statuses = sound.request(name, node), set[int]()

    def test(case: Case) -> None:
        statuses.add(driving.ask(case, good.headers).status_code)

    driving.vary(OPERATIONS[name], good, test)
    assert {200, 201, 204} & statuses, "nothing was granted: the request is not sound"


def test_no_server_error_is_described_but_those_that_a_machine_can_wait_for() -> None:
    """A description of everything would let everything pass."""
    for name, operation in OPERATIONS.items():
        answers = operation.definition.raw["responses"].keys()
        assert {code for code in answers if code[0] == "5"} <= {"501", "503"} and "default" not in answers, name
        assert "501" not in answers or name == "status_list"
