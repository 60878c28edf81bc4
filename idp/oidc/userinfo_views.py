"""The rim of userinfo, which pages of other origins may ask too (OpenID Connect Core §5.3)."""

import logging

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from idp import clock, problems
from idp.oidc import access, dpop_nonces, userinfo
from idp.protocol.refusals import Unavailable

log = logging.getLogger(__name__)

METHODS = "GET, POST"
# Any origin: an answer is for whoever holds the token, and no cookie is looked at (Fetch, CORS protocol).
OPEN = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": f"WWW-Authenticate, {dpop_nonces.HEADER}"}
PREFLIGHT = {
    **OPEN,
    "Access-Control-Allow-Methods": METHODS,
    "Access-Control-Allow-Headers": "Authorization, Content-Type, DPoP",
    "Access-Control-Max-Age": "3600",
    "Allow": f"{METHODS}, OPTIONS",
}


@csrf_exempt
def ask(request: HttpRequest) -> HttpResponse:
    """OpenID Connect Core §5.3.1."""
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers=PREFLIGHT)
    response = _answer(request)
    for name, value in OPEN.items():
        response[name] = value
    return response


def _answer(request: HttpRequest) -> HttpResponse:
    if request.method not in ("GET", "POST"):
        return problems.response(problems.Problem("method_not_allowed", headers={"Allow": PREFLIGHT["Allow"]}))
    try:
        body, media_type = userinfo.answer(request, now=clock.now())
    except (access.UnableToAuthorize, problems.Problem, Unavailable) as error:
        problem = problems.as_problem(error)
        log.info("%s: %s", problem.code, problem.log_detail)
        return problems.response(problem)
    return HttpResponse(body, content_type=media_type, headers={"Cache-Control": "no-store"})
