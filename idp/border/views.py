"""What lanes and peers ask the border for."""

from django.http import HttpResponse, QueryDict
from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.response import Response

from idp import clock
from idp.border import bundling, checkpoints, confirmation, lane_reports, reconciling, recording
from idp.border.figures import delays
from idp.border.lane_access import require_lane
from idp.border.models import Lane
from idp.border.rim import MAX_BODY, BorderView
from idp.federation import bundles
from idp.federation.errors import FederationError
from idp.problems import Problem
from idp.protocol import journal, strict_json


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
    """``GET /border/v1/checkpoints/{code}/bundle``: the signed trust bundle, for this checkpoint's lanes.

    ``?watchlist=`` with the digest of the list that the lane has leaves that out.
    """

    def get(self, request: Request, code: str) -> Response:
        now = clock.now()
        lane = _lane_of(request, code, now=now)
        lane_reports.take(lane=lane, text=request.headers.get(lane_reports.HEADER), now=now)
        known = request.query_params.get("watchlist", "")
        tags = parse_etags(request.headers.get("If-None-Match", ""))
        bundle = bundling.build(checkpoint=lane.checkpoint, now=now, known=known, tags=tags)
        tag = bundles.etag(bundle)
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if tag in tags:
            return Response(status=304, headers=headers)
        delays.note(lane=lane, now=now)
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
            lane_reports.refused(lane=lane, code=broken.code, now=now)
            raise Problem(broken.code, broken.detail, seq=broken.seq) from broken
        return Response({"last": last})


class Receipts(BorderView):
    """``POST /border/v1/receipts``: a peer tells that a token of ours was used to cross."""

    def post(self, request: Request) -> Response:
        confirmation.accept(self.body(request), now=clock.now())
        return Response(status=204)


class CrossingStatements(BorderView):
    """``POST /border/v1/statements``: a peer asks what our books say of the crossings that we share."""

    def post(self, request: Request) -> HttpResponse:
        form = QueryDict(self.body(request))
        try:
            text = reconciling.answer(form, now=clock.now())
        except FederationError as error:
            raise Problem("forbidden", error.description) from error
        return HttpResponse(text, content_type=reconciling.CONTENT_TYPE)


def _lane_of(request: Request, code: str, *, now: int) -> Lane:
    lane = require_lane(request.headers, now=now)
    if lane.checkpoint.code != code:
        raise Problem("forbidden", "a lane of another checkpoint")
    return lane
