"""The OpenAPI document as it is served: of this node, as it is configured, and the same for everybody."""

from functools import lru_cache

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import condition, require_safe
from drf_spectacular.generators import SchemaGenerator

from idp.border import conditions
from idp.protocol import strict_json

KIND = "application/vnd.oai.openapi+json"


@lru_cache(maxsize=1)
def written() -> tuple[bytes, str]:
    """The document and its tag; made once, as neither code nor configuration changes in a process."""
    found = SchemaGenerator().get_schema(request=None, public=True)
    return strict_json.dumps(found), conditions.tag(found)


@require_safe
@condition(etag_func=lambda _: written()[1])
def document(request: HttpRequest) -> HttpResponse:
    """``GET /api/openapi.json``."""
    return HttpResponse(written()[0], content_type=KIND, headers={"Cache-Control": conditions.SHARED})
