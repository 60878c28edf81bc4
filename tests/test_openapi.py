"""The OpenAPI document says what the node does: every URL of a machine stands in it, and nothing that is not there."""

import re
from io import StringIO
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from django.urls import URLResolver
from drf_spectacular.generators import SchemaGenerator

from idp.border import urls as border
from idp.border.rim import Nowhere
from idp.federation import urls as federation
from idp.oidc import urls as oidc
from idp.openapi import describe

PAGES = {  # of those rooms, for browsers and with a session
    "/oidc/authorize",
    "/oidc/consent",
    "/account/applications",
    "/account/border-tokens",
    "/account/border-tokens/revoke",
    "/account/applications/{client_pk}/claims",
    "/account/applications/{client_pk}/revoke",
    "/oidc/authorities",
    "/oidc/logout",
    "/oidc/logout/confirm",
    "/oidc/try-it/returned",
}
METHODS = {"get", "put", "post", "delete", "patch"}


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    return whole()


def whole() -> dict[str, Any]:
    return dict(SchemaGenerator().get_schema(request=None, public=True))


def _templates(patterns: list[Any], before: str = "/") -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        path = before + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            found |= _templates(pattern.url_patterns, path)
        elif getattr(pattern.callback, "view_class", None) is not Nowhere:
            found.add(path)
    return found


@pytest.mark.parametrize("room", [oidc, federation, border], ids=lambda room: room.__name__)
def test_every_path_of_a_machine_is_described(room: Any, description: dict[str, Any]) -> None:
    """A URL that was added and not written down; a page has to be named as one."""
    routed = _templates(room.urlpatterns) - PAGES
    assert routed
    assert routed - set(description["paths"]) == set()


def test_nothing_is_described_that_is_not_there(description: dict[str, Any]) -> None:
    routed = set[str]().union(*(_templates(room.urlpatterns) for room in (oidc, federation, border)))
    assert set(description["paths"]) - routed == set()
    assert routed >= PAGES


def test_the_parameters_of_a_path_are_described(description: dict[str, Any]) -> None:
    """A path parameter without its description makes the document invalid."""
    for path, item in description["paths"].items():
        for method, operation in item.items():
            assert method in METHODS
            named = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path)), (path, method)


def test_operations_can_be_told_apart(description: dict[str, Any]) -> None:
    """Two operations of one name: a generated client would have only one of them."""
    names = [operation["operationId"] for item in description["paths"].values() for operation in item.values()]
    assert len(names) == len(set(names))


def test_the_document_is_valid_and_nothing_in_it_was_guessed() -> None:
    """The command of docs/operations.md; a warning is an error."""
    out = StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=out)
    written = yaml.safe_load(out.getvalue())
    assert written["openapi"].startswith("3.0")
    assert written["servers"] == [{"url": "http://hk.localhost:8002"}]
    assert set(written["paths"]) == set(whole()["paths"])


def test_a_way_to_authenticate_that_an_authority_turns_on_is_described(settings: Any) -> None:
    """The description is of this node, as it is configured (docs/operations.md, CAUSEWAY_FEDERATION_AUTH)."""
    assert "post" not in describe({})["paths"]["/federation/fetch"]
    settings.IDP_FEDERATION_AUTH = {"fetch": ["private_key_jwt"]}
    item = describe({})["paths"]["/federation/fetch"]
    assert "401" in item["get"]["responses"]
    assert "client_assertion" in str(item["post"]["requestBody"])


def test_the_document_is_served_and_not_sent_again_unchanged() -> None:
    """Whoever writes a client asks the node itself what it speaks."""
    machine = Client(headers={"host": "hk.localhost"})
    answer = machine.get("/api/openapi.json")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/vnd.oai.openapi+json")
    assert set(answer.json()["paths"]) == set(whole()["paths"])
    assert machine.get("/api/openapi.json", headers={"if-none-match": answer["ETag"]}).status_code == 304
    assert machine.head("/api/openapi.json").status_code == 200
    assert machine.post("/api/openapi.json").status_code == 405


def test_what_officers_views_declare_is_described(description: dict[str, Any]) -> None:
    """A view whose filters, body or answer the document does not know."""
    listed = description["paths"]["/border/v1/officers/crossings"]["get"]
    named = {one["name"]: one for one in listed["parameters"]}
    assert {"since", "until", "checkpoint", "lane", "direction", "decision", "reason", "jti"} <= named.keys()
    assert named["purpose"]["required"] and not named["case"]["required"]
    assert "Crossing" in str(listed["responses"]["200"]) and "Link" in listed["responses"]["200"]["headers"]
    resolve = description["paths"]["/border/v1/officers/alerts/{number}/resolve"]["post"]
    assert resolve["security"] == [{"officerSession": [], "csrfToken": []}]
    assert {"412", "428"} <= resolve["responses"].keys()
    search = description["paths"]["/border/v1/officers/documents/search"]["post"]
    assert "DocumentNumber" in str(search["requestBody"])
