"""The rim for tokens that come back: introspection and revocation."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from idp import clock
from idp.oidc import introspection, revocation
from idp.oidc.views import machine


@machine
def introspect(request: HttpRequest) -> HttpResponse:
    """RFC 7662 §2; signed where the caller prefers that (RFC 9701 §4)."""
    now = clock.now()
    answer, caller = introspection.introspect(request, now=now)
    if request.get_preferred_type(["application/json", introspection.SIGNED]) == introspection.SIGNED:
        return HttpResponse(introspection.signed(answer, caller, now=now), content_type=introspection.SIGNED)
    return JsonResponse(answer)


@machine
def revoke(request: HttpRequest) -> HttpResponse:
    """RFC 7009 §2."""
    revocation.revoke(request, now=clock.now())
    return HttpResponse()
