"""The rim of the border's interface: what holds for every request of a machine, whoever it is."""

from django.utils.cache import patch_cache_control
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.versioning import NamespaceVersioning
from rest_framework.views import APIView

from idp.problems import Problem

MAX_BODY = 32_768  # bytes; a token request with an RSA-free key and proof has two thousand


class _Raw(BaseParser):
    """Hands the body over unread: parsing is the protocol's, strictly."""

    media_type = "*/*"

    def parse(self, stream, media_type=None, parser_context=None):  # type: ignore[no-untyped-def]
        return stream.read()


class _Whatever(BaseContentNegotiation):
    """One representation for each endpoint, whatever Accept says."""

    def select_parser(self, request, parsers):  # type: ignore[no-untyped-def]
        return parsers[0]

    def select_renderer(self, request, renderers, format_suffix=None):  # type: ignore[no-untyped-def]
        return renderers[0], renderers[0].media_type


class Versions(NamespaceVersioning):
    """Which versions of this interface are spoken, by URL namespace; ``request.version`` says which one was asked."""

    default_version = "v1"
    allowed_versions = ("v1",)


class BorderView(APIView):
    """Raw bodies, bounded, and no caching of answers."""

    parser_classes = [_Raw]
    versioning_class = Versions
    content_negotiation_class = _Whatever
    metadata_class = None  # OPTIONS would describe the parser
    max_body = MAX_BODY

    def body(self, request: Request) -> bytes:
        """The request's body; raises `Problem` (too_large)."""
        try:
            announced = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError as error:
            raise Problem("invalid_request", "Content-Length") from error
        if announced > self.max_body:
            raise Problem("too_large", "body")
        return bytes(request.data or b"")

    def finalize_response(self, request, response, *args, **kwargs):  # type: ignore[no-untyped-def]
        answer = super().finalize_response(request, response, *args, **kwargs)
        if "Cache-Control" not in answer:
            patch_cache_control(answer, no_store=True)
        return answer


class Nowhere(BorderView):
    """Any other path below ``/border/``: a problem document and not a page, which names the versions there are."""

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Before the method is looked at. Raises `Problem` (not_found)."""
        if str(kwargs["rest"]).split("/")[0] in Versions.allowed_versions:
            raise Problem("not_found", "no such path")
        raise Problem("not_found", "no such version", versions=list(Versions.allowed_versions))
