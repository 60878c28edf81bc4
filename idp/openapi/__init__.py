"""What machines may ask this node for, as an OpenAPI document: ``manage.py spectacular``, and at ``/api/openapi.json``.

What wallets, lanes and peers ask for could not be guessed: bodies are read by the protocol's own strict parsers, and
most answers are signed. So these operations are written down, one module for each room. Officers' views declare their
serializers, and drf-spectacular reads those (`declared`). The statuses of error codes come from the tables that the
views answer from. Pages for browsers are not described.
"""

from typing import Any

from idp import conf
from idp.openapi import border, federation, oidc
from idp.openapi.terms import SECURITY


def only_declared(endpoints: list[Any], **_: Any) -> list[Any]:
    """A preprocessing hook: of the others none is left to guesswork."""
    return [endpoint for endpoint in endpoints if getattr(endpoint[3].cls, "gives", None)]


def describe(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A postprocessing hook: ``result`` with the paths of every room."""
    result["servers"] = [{"url": conf.authority().entity_id}]
    result["paths"] = {**oidc.paths(), **federation.paths(), **border.paths(), **result.get("paths", {})}
    result["components"] = {**result.get("components", {}), "securitySchemes": SECURITY}
    return result
