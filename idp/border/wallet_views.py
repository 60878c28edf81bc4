"""What wallets ask the border for."""

import base64
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from idp import clock
from idp.border import asking, conditions, fetching_faces, holdings, issuance, paging, revocation, token_requests
from idp.border.eligibility import UnableToIssue
from idp.border.models import IssuedToken, RevocationReason
from idp.border.rim import MAX_BODY, BorderView
from idp.oidc import access
from idp.problems import Problem
from idp.protocol import face_references, strict_json

ACR_MFA = "urn:causeway:acr:mfa"


class BorderTokens(BorderView):
    """``/border/v1/tokens``: those of the traveller whose access token this is; POST issues one more, or a group's."""

    def get(self, request: Request) -> Response:
        now = clock.now()
        granted = access.require(request)
        which = asking.parameters(asking.Paged, request.query_params)
        living = holdings.living(traveller=granted.traveller, now=now)
        found = paging.page(living, order=("issued_at", "id"), **which)
        used = holdings.used_at(token.jti for token in found.rows)
        value = paging.envelope(request, found, lambda token: holdings.facts(token, used=used, now=now))
        return conditions.answer(request, value, headers=paging.links(value))

    def post(self, request: Request) -> Response:
        now = clock.now()
        granted = access.require(request, acr=ACR_MFA)
        value = strict_json.loads_object(self.body(request), max_bytes=MAX_BODY)
        requests = token_requests.parse(value, access_token=_bearer(request), now=now)
        try:
            issued = issuance.issue_group(access=granted, requests=requests, now=now)
        except UnableToIssue as error:
            whose = {"document": error.document} if "documents" in value and error.document else {}
            raise Problem(error.code, str(error), **whose) from error
        tokens = [_written(one, form=requests[0].form) for one in issued]
        if "documents" not in value:
            return Response(tokens[0], status=201)
        whom = [{"document": one.document, "name": one.name} for one in issued]
        return Response({"tokens": [{**of, **token} for of, token in zip(whom, tokens, strict=True)]}, status=201)


class FaceReferences(BorderView):
    """``POST /border/v1/face-references``: what the traveller's device is to keep of a document's face, sealed."""

    def post(self, request: Request) -> Response:
        granted = access.require(request, acr=ACR_MFA)
        value = strict_json.loads_object(self.body(request), max_bytes=MAX_BODY)
        document = strict_json.string(value, "document", max_length=64)
        waiting = fetching_faces.fetch(access=granted, document=document, now=clock.now())
        return Response({"face_references": face_references.wire(waiting)})


class BorderToken(BorderView):
    """``GET /border/v1/tokens/{jti}``: what became of a token of the traveller's own."""

    def get(self, request: Request, jti: str) -> Response:
        granted = access.require(request)
        token = _own(granted, jti).get()
        value = holdings.facts(token, used=holdings.used_at([token.jti]), now=clock.now())
        return conditions.answer(request, value)


class RevokeBorderToken(BorderView):
    """``POST /border/v1/tokens/{jti}/revoke``: the traveller takes a token of their own back."""

    def post(self, request: Request, jti: str) -> Response:
        granted = access.require(request)
        tokens = _own(granted, jti)
        actor = f"traveller:{granted.traveller.id}"
        revocation.revoke(tokens=tokens, actor=actor, reason=RevocationReason.HOLDER, now=clock.now())
        return Response(status=204)


class RevokeBorderTokens(BorderView):
    """``POST /border/v1/tokens/revoke``: the traveller takes all of their living tokens back."""

    def post(self, request: Request) -> Response:
        now = clock.now()
        granted = access.require(request)
        tokens = holdings.living(traveller=granted.traveller, now=now)
        actor = f"traveller:{granted.traveller.id}"
        count = revocation.revoke(tokens=tokens, actor=actor, reason=RevocationReason.HOLDER, now=now)
        return Response({"revoked": count})


class Consents(BorderView):
    """``GET /border/v1/consents``: how many tokens the consents of this access token are still good for."""

    def get(self, request: Request) -> Response:
        granted = access.require(request)
        value = {"items": holdings.consents(access=granted, now=clock.now())}
        return conditions.answer(request, value)


def _written(issued: issuance.Issued, *, form: str) -> dict[str, Any]:
    text = issued.token if isinstance(issued.token, str) else base64.b64encode(issued.token).decode()
    answer = {"format": form, "token": text, "jti": issued.jti, "expires_at": issued.expires_at}
    return {**answer, "face_references_waiting": True} if issued.waiting else answer


def _own(granted: access.Access, jti: str) -> QuerySet[IssuedToken]:
    tokens = holdings.own(traveller=granted.traveller).filter(jti=jti)
    if not holdings.JTI.match(jti) or not tokens.exists():
        raise Problem("not_found", "no such token of this traveller")
    return tokens


def _bearer(request: Request) -> str:
    return str(request.headers.get("Authorization", "")).partition(" ")[2]
