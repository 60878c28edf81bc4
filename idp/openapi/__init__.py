"""What machines may ask this node for, as an OpenAPI document: ``manage.py spectacular``.

No view here could be guessed: bodies are read by the protocol's own strict parsers, and most answers are signed. So
every operation is written down, one module for each room, and only the frame of the document is drf-spectacular's. The
statuses of error codes come from the tables that the views answer from. Pages for browsers are not described.
"""

from typing import Any

from idp import conf
from idp.openapi import border, federation, oidc
from idp.openapi.terms import SECURITY


def guess_nothing(endpoints: list[Any], **_: Any) -> list[Any]:
    """A preprocessing hook: no endpoint is left to guesswork."""
    return []


def describe(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A postprocessing hook: ``result`` with the paths of every room."""
    result["servers"] = [{"url": conf.authority().entity_id}]
    result["paths"] = {**oidc.paths(), **federation.paths(), **border.paths()}
    result["components"] = {"securitySchemes": SECURITY}
    return result
