"""The border's machine endpoints, for wallets, lanes and peers."""

import base64
import re

from django.utils.cache import patch_cache_control
from django.utils.http import parse_etags
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.versioning import NamespaceVersioning
from rest_framework.views import APIView

from idp import clock
from idp.border import bundling, checkpoints, confirmation, fetching_faces, issuance, recording, revocation
from idp.border.lane_access import require_lane
from idp.border.models import IssuedToken, Lane
from idp.federation import bundles
from idp.oidc import access
from idp.problems import Problem
from idp.protocol import face_references, journal, strict_json

MAX_BODY = 32_768  # bytes; a token request with an RSA-free key and proof has two thousand
ACR_MFA = "urn:causeway:acr:mfa"
_JTI = re.compile(r"[A-Za-z0-9_-]{22}\Z")  # 16 bytes


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


class BorderTokens(BorderView):
    """``POST /border/v1/tokens``: one border token for the traveller whose access token this is."""

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


class RevokeBorderToken(BorderView):
    """``POST /border/v1/tokens/{jti}/revoke``: the traveller takes a token of their own back."""

    def post(self, request: Request, jti: str) -> Response:
        granted = access.require(request)
        tokens = IssuedToken.objects.filter(jti=jti, traveller=granted.traveller)
        if not _JTI.match(jti) or not tokens.exists():
            raise Problem("not_found", "no such token of this traveller")
        revocation.revoke(tokens=tokens, actor=f"traveller:{granted.traveller.id}", now=clock.now())
        return Response(status=204)


class EnrolLane(BorderView):
    """``POST /border/v1/lanes/enrol``: a gate hands in its keys with the code that an officer gave it."""

    def post(self, request: Request) -> Response:
        value = strict_json.loads_object(self.body(request), max_bytes=MAX_BODY)
        lane = checkpoints.enrol_lane(
            checkpoint_code=strict_json.string(value, "checkpoint", max_length=20),
            lane_name=strict_json.string(value, "lane", max_length=20),
            code=strict_json.string(value, "code", max_length=64),
            lane_keys=checkpoints.parse_lane_keys(value),
            now=clock.now(),
        )
        return Response({"lane": lane.lane_id, "direction": lane.direction}, status=201)


class SealingKeys(BorderView):
    """``PUT /border/v1/checkpoints/{code}/sealing-keys``: the checkpoint's new public sealing keys, current first."""

    def put(self, request: Request, code: str) -> Response:
        now = clock.now()
        lane = _lane_of(request, code, now=now)
        value = strict_json.loads_object(self.body(request), max_bytes=MAX_BODY)
        sealing = checkpoints.parse_sealing_keys(value.get("sealing_jwks"))
        checkpoints.rotate_sealing_keys(lane=lane, sealing=sealing, now=now)
        return Response(status=204)


class FaceModels(BorderView):
    """``PUT /border/v1/checkpoints/{code}/face-models``: what the lane's engines can compare, preferred first."""

    def put(self, request: Request, code: str) -> Response:
        now = clock.now()
        lane = _lane_of(request, code, now=now)
        value = strict_json.loads_object(self.body(request), max_bytes=MAX_BODY)
        checkpoints.announce_models(lane=lane, models=checkpoints.parse_models(value.get("face_models")), now=now)
        return Response(status=204)


class Bundle(BorderView):
    """``GET /border/v1/checkpoints/{code}/bundle``: the signed trust bundle, for this checkpoint's lanes."""

    def get(self, request: Request, code: str) -> Response:
        now = clock.now()
        lane = _lane_of(request, code, now=now)
        bundle = bundling.build(checkpoint=lane.checkpoint, now=now)
        tag = bundles.etag(bundle)
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if tag in parse_etags(request.headers.get("If-None-Match", "")):
            return Response(status=304, headers=headers)
        return Response(bundle, headers=headers)


class Journal(BorderView):
    """``POST /border/v1/journal``: a batch of a lane's decisions."""

    max_body = journal.MAX_BATCH_BYTES

    def post(self, request: Request) -> Response:
        now = clock.now()
        lane = require_lane(request.headers, now=now)
        try:
            last = recording.record(lane=lane, batch=self.body(request), now=now)
        except journal.ChainBroken as broken:
            raise Problem(broken.code, broken.detail, seq=broken.seq) from broken
        return Response({"last": last})


class Receipts(BorderView):
    """``POST /border/v1/receipts``: a peer tells that a token of ours was used to cross."""

    def post(self, request: Request) -> Response:
        confirmation.accept(self.body(request), now=clock.now())
        return Response(status=204)


class Nowhere(BorderView):
    """Any other path below ``/border/``: a problem document and not a page, which names the versions there are."""

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Before the method is looked at. Raises `Problem` (not_found)."""
        if str(kwargs["rest"]).split("/")[0] in Versions.allowed_versions:
            raise Problem("not_found", "no such path")
        raise Problem("not_found", "no such version", versions=list(Versions.allowed_versions))


def _lane_of(request: Request, code: str, *, now: int) -> Lane:
    lane = require_lane(request.headers, now=now)
    if lane.checkpoint.code != code:
        raise Problem("forbidden", "a lane of another checkpoint")
    return lane


def _bearer(request: Request) -> str:
    return str(request.headers.get("Authorization", "")).partition(" ")[2]
