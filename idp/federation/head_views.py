"""The audit tree as others see it: its newest signed head, and proofs (RFC 9162 §2.1.3, §2.1.4). Hashes only."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from idp.audit import tree
from idp.audit.models import SealedEvent
from idp.federation import tree_heads, witnessing
from idp.federation.answers import document, one, signed
from idp.federation.errors import FederationError
from idp.protocol import tree_head
from idp.protocol.strict_json import b64encode

MAX_DIGITS = 18


@document
def head(request: HttpRequest) -> HttpResponse:
    """The newest signed head."""
    newest = tree_heads.newest()
    if newest is None:
        raise FederationError("not_found", "nothing is sealed yet")
    return signed(request, newest.text, tree_head.MEDIA_TYPE)


@document
def consistency(request: HttpRequest) -> HttpResponse:
    """That the tree of ``first`` leaves is the beginning of the tree of ``second``."""
    first, second = _number(request, "first"), _number(request, "second")
    if not 0 < first <= second <= tree.size():
        raise FederationError("not_found", "the tree has no such sizes")
    return _proof({}, tree.consistency_proof(first, second))


@document
def inclusion(request: HttpRequest) -> HttpResponse:
    """The hash of the leaf ``index``, and that it is in the tree of ``size`` leaves."""
    index, size = _number(request, "index"), _number(request, "size")
    if not index < size <= tree.size():
        raise FederationError("not_found", "the tree has no such leaf")
    leaf = bytes(SealedEvent.objects.values_list("leaf_hash", flat=True).get(index=index))
    return _proof({"leaf": b64encode(leaf)}, tree.inclusion_proof(index, size))


@document
def witnessed(request: HttpRequest) -> HttpResponse:
    """The heads of other authorities that this node has seen, as these signed them."""
    return JsonResponse({"heads": witnessing.shown()}, headers={"Cache-Control": "no-cache"})


def _proof(members: dict[str, str], proof: list[bytes]) -> HttpResponse:
    answer = {**members, "proof": [b64encode(item) for item in proof]}
    return JsonResponse(answer, headers={"Cache-Control": "no-cache"})


def _number(request: HttpRequest, name: str) -> int:
    text = one(request.GET, name)
    if not (text.isascii() and text.isdecimal()) or len(text) > MAX_DIGITS:
        raise FederationError("invalid_request", f"{name} is not a number")
    return int(text)
