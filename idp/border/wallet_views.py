"""What wallets ask the border for."""

import base64

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from idp import clock
from idp.border import asking, conditions, fetching_faces, holdings, issuance, paging, revocation
from idp.border.models import IssuedToken, RevocationReason
from idp.border.rim import MAX_BODY, BorderView
from idp.oidc import access
from idp.problems import Problem
from idp.protocol import face_references, strict_json

ACR_MFA = "urn:causeway:acr:mfa"


class BorderTokens(BorderView):
    """``/border/v1/tokens``: those of the traveller whose access token this is; POST issues one more."""

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
        token_request = issuance.parse_request(value, access_token=_bearer(request), now=now)
        issued = issuance.issue(access=granted, request=token_request, now=now)
        text = issued.token if isinstance(issued.token, str) else base64.b64encode(issued.token).decode()
        answer = {"format": token_request.form, "token": text, "jti": issued.jti, "expires_at": issued.expires_at}
        if issued.waiting:
            answer["face_references_waiting"] = True
        return Response(answer, status=201)


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


def _own(granted: access.Access, jti: str) -> QuerySet[IssuedToken]:
    tokens = IssuedToken.objects.filter(jti=jti, traveller=granted.traveller)
    if not holdings.JTI.match(jti) or not tokens.exists():
        raise Problem("not_found", "no such token of this traveller")
    return tokens


def _bearer(request: Request) -> str:
    return str(request.headers.get("Authorization", "")).partition(" ")[2]
