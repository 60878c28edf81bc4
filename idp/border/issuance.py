"""One border token: for one checkpoint and direction, sealed to it, bound to a face and to a key of the phone.

The way: what the traveller consented to, whom the token is for, whether the rules would let the document through, the
face reference; then the row and its audit event, stored; then, and only then, the signature.
"""

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from idp import conf
from idp.accounts.models import Endorsement, TravelDocument, Traveller
from idp.audit import events
from idp.biometrics import handover, references
from idp.biometrics.engine import Template
from idp.biometrics.models import FaceReference
from idp.border import destinations, eligibility
from idp.border.eligibility import UnableToIssue
from idp.border.models import IssuedToken
from idp.federation import signing, status_lists
from idp.oidc.access import Access
from idp.oidc.models import Grant
from idp.protocol import border_token, face_references, keys, strict_json
from idp.protocol.authorization_details import BORDER_CROSSING, BorderCrossing, parse_border_crossing
from idp.protocol.holder_key import verify_holder_key
from idp.protocol.refusals import Reason, Refusal

LIFETIME = 30 * 60  # seconds; protocol.md, Border token
LIFETIME_AHEAD = 24 * 3600
FORMS = ("jwt", "cwt")


@dataclass(frozen=True)
class TokenRequest:
    """What a wallet asks for. ``holder`` is the phone's key for the receiving authority, its possession proven."""

    checkpoint: str
    direction: str
    document: str
    form: str
    holder: keys.PublicKey
    face_references: Mapping[str, bytes] = field(default_factory=dict)  # sealed, by model, where the wallet keeps them


@dataclass(frozen=True)
class Issued:
    """A signed token: compact JWT as text, CWT as bytes. ``waiting``: a face reference waits for the wallet."""

    token: str | bytes
    jti: str
    expires_at: int
    waiting: bool = False


@dataclass(frozen=True)
class _Face:
    """The template that goes into the token, and the rows of the document that wait for the wallet."""

    template: Template
    row: FaceReference
    waiting: Sequence[FaceReference]


def parse_request(value: Mapping[str, Any], *, access_token: str, now: int) -> TokenRequest:
    """Read the body of ``POST /border/v1/tokens``; raises `Refusal` (malformed) or `UnableToIssue` (invalid_proof)."""
    form, direction = value.get("format"), value.get("direction")
    if form not in FORMS or direction not in ("exit", "entry"):
        raise Refusal(Reason.MALFORMED, "format or direction is none of ours")
    checkpoint = strict_json.string(value, "checkpoint", max_length=255)
    document = strict_json.string(value, "document", max_length=64)
    handed_in = face_references.parse(value.get("face_references", []))
    proof = strict_json.string(value, "proof", max_length=4096)
    try:
        holder = verify_holder_key(
            proof,
            holder_jwk=value.get("holder_key"),
            audience=conf.authority().entity_id,
            access_token=access_token,
            now=now,
        )
    except Refusal as error:
        raise UnableToIssue("invalid_proof", str(error)) from error
    return TokenRequest(checkpoint, str(direction), document, str(form), holder, handed_in)


def issue(*, access: Access, request: TokenRequest, now: int) -> Issued:
    """Issue one border token; raises `UnableToIssue`, `Refusal` or `Unavailable`. ``now`` in seconds since 1970."""
    consent = _consent(access, request, now=now)
    destination = _destination(request, now=now)
    document = eligibility.document_of(access.traveller, request.document)
    endorsement = eligibility.endorsement_for(document, destination.leg(request.direction), request.direction, now=now)
    eligibility.check_rules(document, endorsement, destination.leg(request.direction), request.direction, now=now)
    face = _face(document, destination, request)
    jti = secrets.token_bytes(16)
    row = _store(access, request, consent, destination, document, endorsement, face.template, jti=jti, now=now)
    if face.row in face.waiting:  # the wallet has shown that it has it
        handover.let_go(face.row, actor=f"traveller:{access.traveller.id}")
    stands_on = eligibility.endorsement_claim(endorsement, request.direction)
    sealed = _sealed(access.traveller, document, stands_on, destination, face.template)
    token = _sign(access, request, destination, face.template, sealed, row, jti=jti)
    return Issued(token, row.jti, row.expires_at, waiting=any(item != face.row for item in face.waiting))


def pairwise_subject(traveller: Traveller, receiving_authority: str) -> str:
    """The traveller's name for one receiving authority, which tells it nothing that another could match."""
    key = conf.secret("pairwise.key")
    return strict_json.b64encode(hmac.digest(key, f"{receiving_authority} {traveller.id}".encode(), "sha256"))


def _consent(access: Access, request: TokenRequest, *, now: int) -> BorderCrossing:
    for detail in access.authorization_details:
        if detail.get("type") != BORDER_CROSSING:
            continue
        try:
            consent = parse_border_crossing(detail, now=now)
        except Refusal:
            continue  # ended
        if (
            request.checkpoint in consent.locations
            and request.direction in consent.directions
            and request.document == consent.document
            and consent.valid_from <= now < consent.valid_until
        ):
            return consent
    raise UnableToIssue("consent_exhausted", "no consent covers checkpoint, direction, document and time")


def _destination(request: TokenRequest, *, now: int) -> destinations.Destination:
    try:
        destination = destinations.resolve(request.checkpoint, now=now)
    except Refusal as error:
        raise UnableToIssue("invalid_target", str(error)) from error
    if request.direction not in destination.directions or not destination.sealing_keys:
        raise UnableToIssue("invalid_target", "the checkpoint has no such direction, or no gate yet")
    return destination


def _face(document: TravelDocument, destination: destinations.Destination, request: TokenRequest) -> _Face:
    """Under the model that this authority prefers of those in common (protocol.md, Face references)."""
    enrolled = references.of(document)
    if not enrolled:
        raise UnableToIssue("face_not_enrolled", "no face reference")
    common = references.in_order(enrolled.keys() & set(destination.face_models))
    if not common:
        raise UnableToIssue("face_model_unsupported", "no model in common with the checkpoint")
    waiting = [row for row in enrolled.values() if row.kept_until is not None]
    for model in common:
        template = references.opened(enrolled[model], request.face_references.get(model))
        if template is not None:
            return _Face(template, enrolled[model], waiting)
    # Missing, altered, another's and revoked are one answer: the wallet asks for it anew, and learns nothing else.
    raise UnableToIssue("face_not_enrolled", "no face reference of this document was handed in")


@transaction.atomic
def _store(
    access: Access,
    request: TokenRequest,
    consent: BorderCrossing,
    destination: destinations.Destination,
    document: TravelDocument,
    endorsement: Endorsement | None,
    template: Template,
    *,
    jti: bytes,
    now: int,
) -> IssuedToken:
    """The row and its audit event; the grant's row is locked, so that a limit is not passed by two at once."""
    if Grant.objects.select_for_update().filter(pk=access.grant_id, revoked_at=None).first() is None:
        raise UnableToIssue("consent_exhausted", "the grant was revoked meanwhile")
    if used(access, consent) >= consent.max_tokens:
        raise UnableToIssue("consent_exhausted", "max_tokens reached")
    expires_at = border_token.coarse(min(now + (LIFETIME_AHEAD if consent.ahead else LIFETIME), consent.valid_until))
    if expires_at <= now:
        raise UnableToIssue("consent_exhausted", "the consent ends within the minute")
    uri, idx = status_lists.allocate(expires_at=expires_at, now=now)
    row = IssuedToken.objects.create(
        jti=strict_json.b64encode(jti),
        traveller=access.traveller,
        document=document,
        endorsement=endorsement,
        grant_id=str(access.grant_id),
        device_jkt=access.jkt,
        holder_jkt=request.holder.thumbprint,
        checkpoint=destination.entity_id,
        authority=destination.authority,
        direction=request.direction,
        territory=destination.leg(request.direction)[1],
        form=request.form,
        face_model=template.model,
        issued_at=now,
        expires_at=expires_at,
        status_uri=uri,
        status_idx=idx,
    )
    events.record(
        kind="border_token.issued",
        actor=f"traveller:{access.traveller.id}",
        subject=row.jti,
        data={"checkpoint": destination.entity_id, "direction": request.direction, "format": request.form},
    )
    return row


def used(access: Access, consent: BorderCrossing) -> int:
    """Tokens issued under this consent: a grant may hold several, each with a limit of its own."""
    return IssuedToken.objects.filter(
        grant_id=str(access.grant_id),
        checkpoint__in=consent.locations,
        direction__in=consent.directions,
        document=consent.document,
        issued_at__gte=consent.valid_from,
        issued_at__lt=consent.valid_until,
    ).count()


def _sealed(
    traveller: Traveller,
    document: TravelDocument,
    endorsement: dict[str, Any] | None,
    destination: destinations.Destination,
    template: Template,
) -> border_token.Sealed:
    return border_token.Sealed(
        sub=pairwise_subject(traveller, destination.authority),
        document_number=document.number,
        name_native=document.name_native,
        name_latin=document.name_latin,
        birth_date=document.birth_date.isoformat(),
        sex=document.sex,
        nationality=document.nationality,
        template=template.data,
        endorsement=endorsement,
        stay_days=endorsement["stay_days"] if endorsement is not None else None,
        guardian=None,
    )


def _sign(
    access: Access,
    request: TokenRequest,
    destination: destinations.Destination,
    template: Template,
    sealed: border_token.Sealed,
    row: IssuedToken,
    *,
    jti: bytes,
) -> str | bytes:
    origin, target = destination.leg(request.direction)
    claims = border_token.TokenClaims(
        iss=conf.authority().entity_id,
        aud=destination.entity_id,
        exp=row.expires_at,
        nbf=border_token.coarse(row.issued_at),
        iat=border_token.coarse(row.issued_at),
        jti=jti,
        holder=request.holder,
        acr=access.acr,
        amr=tuple(access.amr),
        direction=request.direction,
        origin=origin,
        destination=target,
        document_type=row.document.type,
        face_model=template.model,
        face_profile=template.profile,
        status_uri=row.status_uri,
        status_idx=row.status_idx,
    )
    issue_form = border_token.issue_jwt if request.form == "jwt" else border_token.issue_cwt
    return issue_form(claims, sealed, signer_key=signing.private_key("border"), recipient=destination.sealing_keys[0])
