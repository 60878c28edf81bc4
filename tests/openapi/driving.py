"""schemathesis over the node's own description: every operation, asked through the application that is served."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.db import transaction
from drf_spectacular.generators import SchemaGenerator
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode, Response, SerializationContext
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test

from idp.federation.serving import Front
from idp.machines import MachineHandler, Switch

NODE = "http://hk.localhost:8002"
SIGNED = ("entity-statement+jwt", "crossing-receipt+jwt")  # media types of bodies that are one signed text
# Both are judged by what is described: 501 and 503 are, 500 never is; and no schema says what is signed by whom.
LEFT_OUT = {"not_a_server_error", "positive_data_acceptance"}
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "fuzz"
SETTINGS = hypothesis.settings(
    max_examples=60 if LONG else 10,
    derandomize=not LONG,
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


@schemathesis.serializer(*(f"application/{kind}" for kind in SIGNED))
def _as_text(context: SerializationContext, value: Any) -> bytes:
    return str(value).encode()


class Door:
    """What schemathesis is given for an application; behind it each test puts one of its own."""

    application: Any = None

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return self.application({**environ, "HTTP_HOST": urlsplit(NODE).netloc}, start_response)


DOOR = Door()
SCHEMA = schemathesis.openapi.from_dict(SchemaGenerator().get_schema(public=True))
SCHEMA.app = DOOR  # also the requests go there that a check makes of its own
OPERATIONS: dict[str, APIOperation] = {
    operation.definition.raw["operationId"]: operation
    for operation in (found.ok() for found in SCHEMA.get_all_operations())
}
load_all_checks()
CHECKED = [check for check in CHECKS.get_all() if getattr(check, "__name__", "") not in LEFT_OUT]


@dataclass
class Sound:
    """A request that is answered with success. ``body`` is an object, or the text of a signed document."""

    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    body: Any = None

    def given_to(self, case: Case, *, but: set[str]) -> Case:
        """``case`` as this request, but for members of the body and the query that ``but`` names."""
        case.headers.clear()
        case.cookies.clear()
        case.cookies.update(self.cookies)
        case.path_parameters.update(self.path)
        for name in {*case.query} - but:
            del case.query[name]
        case.query.update({name: value for name, value in self.query.items() if name not in but})
        if isinstance(self.body, dict) and isinstance(case.body, dict):
            case.body = {**self.body, **{name: value for name, value in case.body.items() if name in but}}
        elif self.body is not None and "body" not in but:
            case.body = self.body
        return case


def serve() -> None:
    """The application as it is served, with nothing remembered of another test."""
    DOOR.application = Front(Switch(machines=MachineHandler(), pages=WSGIHandler()))


def ask(case: Case, headers: dict[str, str] | None = None) -> Response:
    """Send ``case``, look at the answer, and put the database back as it was. Raises what schemathesis finds."""
    before = transaction.savepoint()
    try:
        return case.call_and_validate(headers=headers, checks=CHECKED)
    finally:
        transaction.savepoint_rollback(before)


def attack(operation: APIOperation, test: Callable[[Case], object]) -> None:
    """Run ``test`` for each edge case of the description, good and bad, and for generated ones."""
    seldom = hypothesis.settings(SETTINGS, max_examples=SETTINGS.max_examples // 2)  # beside the edge cases
    config = HypothesisTestConfig(project=SCHEMA.config, modes=list(HypothesisTestMode), settings=seldom)

    def run(case: Case) -> None:  # schemathesis gives it by this name
        test(case)

    create_test(operation=operation, test_func=run, config=config)()


def vary(operation: APIOperation, sound: Sound, test: Callable[[Case], object]) -> None:
    """Run ``test`` for ``sound`` and for variants that differ in some members, each as the description has it."""

    @SETTINGS
    @hypothesis.given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE), data=st.data())
    def run(case: Case, data: st.DataObject) -> None:
        names = sorted({*case.query, *(case.body if isinstance(case.body, dict) else ())})
        but = data.draw(st.sets(st.sampled_from(names), max_size=3)) if names else set()
        test(sound.given_to(case, but=but))

    run()
