"""Border tokens: each for one checkpoint and direction, sealed to it, bound to a face and to a key of the phone.

The way: what the traveller consented to, whom the token is for, whether the rules would let the document through, the
face reference; then the row and its audit event, stored; then, and only then, the signature. Whoever crosses together
is asked for together: for all of them, or for none.
"""

import datetime
import hmac
import secrets
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from idp import conf
from idp.accounts import guardians
from idp.accounts.models import Endorsement
from idp.biometrics import handover, references
from idp.biometrics.engine import Template
from idp.biometrics.models import FaceReference
from idp.border import destinations, eligibility, limits, people, storing
from idp.border.destinations import Destination
from idp.border.eligibility import UnableToIssue
from idp.border.limits import Consent
from idp.border.people import Person
from idp.border.storing import Stored
from idp.border.token_requests import TokenRequest
from idp.federation import signing
from idp.oidc.access import Access
from idp.protocol import border_token, strict_json
from idp.protocol.authorization_details import BorderCrossing
from idp.protocol.keys import PrivateKey
from idp.protocol.refusals import Refusal
from idp.protocol.travel_rules import HONG_KONG, local_date

LIFETIME = 30 * 60  # seconds; protocol.md, Border token
LIFETIME_AHEAD = 24 * 3600

ATTEMPTS = 3  # at storing; two that take one entry of 131,072 at the same moment are rare


@dataclass(frozen=True)
class Issued:
    """A signed token: compact JWT as text, CWT as bytes. ``waiting``: a face reference waits for the wallet."""

    token: str | bytes
    jti: str
    expires_at: int
    document: str
    name: str  # of whom it is for, for the screen of the phone that carries several
    waiting: bool = False


@dataclass(frozen=True)
class _Case:
    """One token that may be issued, as far as can be seen before it is stored."""

    request: TokenRequest
    consents: Sequence[Consent]
    person: Person
    endorsement: Endorsement | None
    stay_days: int | None
    template: Template
    reference: FaceReference
    waiting: Sequence[FaceReference]  # of the document, for the wallet
    jti: bytes


def issue(*, access: Access, request: TokenRequest, now: int) -> Issued:
    """Issue one border token; raises `UnableToIssue`, `Refusal` or `Unavailable`. ``now`` in seconds since 1970."""
    return issue_group(access=access, requests=[request], now=now)[0]


def issue_group(*, access: Access, requests: Sequence[TokenRequest], now: int) -> list[Issued]:
    """Issue a border token for each of ``requests``, which differ in the document only; or none. Raises like `issue`.

    `UnableToIssue` names the document of whoever the others cannot go with.
    """
    covering = [_consents(access, request, now=now) for request in requests]
    destination = _destination(requests[0], now=now)
    cases = [
        _examined(access, request, consents, destination, now=now)
        for request, consents in zip(requests, covering, strict=True)
    ]
    stored = _stored(access, destination, cases, now=now)
    signer = signing.private_key("border", revision=max(row.revision for row in stored))
    for case in cases:
        if case.reference in case.waiting:  # the wallet has shown that it has it
            handover.let_go(case.reference, actor=f"traveller:{access.traveller.id}")
    return [_signed(access, destination, case, row, signer, now=now) for case, row in zip(cases, stored, strict=True)]


def pairwise_subject(traveller_id: UUID, receiving_authority: str) -> str:
    """The traveller's name for one receiving authority, which tells it nothing that another could match."""
    key = conf.secret("pairwise.key")
    return strict_json.b64encode(hmac.digest(key, f"{receiving_authority} {traveller_id}".encode(), "sha256"))


def _consents(access: Access, request: TokenRequest, *, now: int) -> Sequence[Consent]:
    try:
        return limits.covering(
            access, checkpoint=request.checkpoint, direction=request.direction, document=request.document, now=now
        )
    except UnableToIssue as error:
        error.document = request.document
        raise


def _destination(request: TokenRequest, *, now: int) -> Destination:
    try:
        destination = destinations.resolve(request.checkpoint, now=now)
    except Refusal as error:
        raise UnableToIssue("invalid_target", str(error)) from error
    if request.direction not in destination.directions or not destination.sealing_keys:
        raise UnableToIssue("invalid_target", "the checkpoint has no such direction, or no gate yet")
    return destination


def _examined(
    access: Access,
    request: TokenRequest,
    consents: Sequence[Consent],
    destination: Destination,
    *,
    now: int,
) -> _Case:
    leg = destination.leg(request.direction)
    try:
        person = people.holder(access.traveller, request.document, now=now)
        endorsement, verdict = eligibility.eligible(
            person.document, leg, request.direction, now=now, checkpoint=request.checkpoint
        )
        template, reference, waiting = _face(person, destination, request)
    except UnableToIssue as error:
        error.document = request.document
        raise
    jti, stay = secrets.token_bytes(16), eligibility.stay_days(person.document, endorsement, verdict)
    return _Case(request, consents, person, endorsement, stay, template, reference, waiting, jti)


def _face(
    person: Person, destination: Destination, request: TokenRequest
) -> tuple[Template, FaceReference, Sequence[FaceReference]]:
    """Under the model that this authority prefers of those in common (protocol.md, Face references)."""
    enrolled = references.of(person.document)
    if not enrolled:
        raise UnableToIssue("face_not_enrolled", "no face reference")
    common = references.in_order(enrolled.keys() & set(destination.face_models))
    if not common:
        raise UnableToIssue("face_model_unsupported", "no model in common with the checkpoint")
    waiting = [row for row in enrolled.values() if row.kept_until is not None]
    for model in common:
        template = references.opened(enrolled[model], request.face_references.get(model))
        if template is not None:
            return template, enrolled[model], waiting
    # Missing, altered, another's and revoked are one answer: the wallet asks for it anew, and learns nothing else.
    raise UnableToIssue("face_not_enrolled", "no face reference of this document was handed in")


def _stored(access: Access, destination: Destination, cases: Sequence[_Case], *, now: int) -> list[Stored]:
    """What is known of each token when all of them are stored with their audit events, or none."""
    alone = len(cases) == 1 and connection.vendor == "postgresql" and not connection.in_atomic_block
    scope = nullcontext if alone else transaction.atomic  # one statement is a transaction of its own
    for _ in range(ATTEMPTS - 1):
        with suppress(IntegrityError), scope():
            return _store(access, destination, cases, now=now)
    with scope():
        return _store(access, destination, cases, now=now)


def _store(access: Access, destination: Destination, cases: Sequence[_Case], *, now: int) -> list[Stored]:
    """The consents are counted by the database, so that no limit is passed."""
    found = {}
    for case in sorted(cases, key=lambda case: case.consents[0][0]):  # so that no two groups wait for each other
        try:
            found[case.jti] = _store_one(access, destination, case, group=len(cases), now=now)
        except UnableToIssue as error:
            error.document = case.request.document
            raise
    return [found[case.jti] for case in cases]


def _store_one(access: Access, destination: Destination, case: _Case, *, group: int, now: int) -> Stored:
    """One of the first consent that has one left."""
    territory, too_late = destination.leg(case.request.direction)[1], False
    said = {"checkpoint": destination.entity_id, "direction": case.request.direction, "format": case.request.form}
    for consent in case.consents:
        expires_at = _ends(case, consent[1], territory, now=now)
        if expires_at <= now:
            too_late = True
            continue
        token = {**_facts(access, destination, case), "issued_at": now, "expires_at": expires_at}
        stored = storing.store(access=access, consent=consent, token=token, said={**said, "group": group}, now=now)
        if stored is not None:
            return stored
    if too_late:
        raise UnableToIssue("consent_exhausted", "what the token stands on ends within the minute")
    raise limits.why_not(access, case.consents)


def _facts(access: Access, destination: Destination, case: _Case) -> dict[str, Any]:
    """The token's columns, but for its times and its status."""
    guardian, endorsement = case.person.guardian, case.endorsement
    return {
        "jti": strict_json.b64encode(case.jti),
        "traveller_id": case.person.traveller_id,
        "guardian_id": None if guardian is None else guardian.pk,
        "document_id": case.person.document.pk,
        "endorsement_id": None if endorsement is None else endorsement.pk,
        "grant_id": str(access.grant_id),
        "device_jkt": access.jkt,
        "holder_jkt": case.request.holder.thumbprint,
        "checkpoint": destination.entity_id,
        "authority": destination.authority,
        "direction": case.request.direction,
        "territory": destination.leg(case.request.direction)[1],
        "form": case.request.form,
        "face_model": case.template.model,
    }


def _ends(case: _Case, consent: BorderCrossing, territory: str, *, now: int) -> int:
    """When the token dies: with the consent, the document, the endorsement that it uses, and a child's childhood."""
    today, document, endorsement = local_date(now), case.person.document, case.endorsement
    ends = [now + (LIFETIME_AHEAD if consent.ahead else LIFETIME), consent.valid_until]
    days = [document.expires_on]
    if endorsement is not None and endorsement.destination == territory:  # and not that of a stay which ends
        days.append(endorsement.valid_to)
    ends += [_midnight_after(day) for day in days if day >= today]  # one that is over was not needed: the rules said so
    if case.person.guardian is not None:
        ends.append(_midnight_after(guardians.last_day_of_childhood(document.birth_date)))
    return border_token.coarse(min(ends))


def _midnight_after(day: datetime.date) -> int:
    """The end of ``day`` in the three territories."""
    if day == datetime.date.max:
        return strict_json.MAX_INTEGER
    following = datetime.datetime.combine(day + datetime.timedelta(days=1), datetime.time(), HONG_KONG)
    return int(following.timestamp())


def _signed(
    access: Access, destination: Destination, case: _Case, stored: Stored, signer: PrivateKey, *, now: int
) -> Issued:
    origin, target = destination.leg(case.request.direction)
    document = case.person.document
    claims = border_token.TokenClaims(
        iss=conf.authority().entity_id,
        aud=destination.entity_id,
        exp=stored.expires_at,
        nbf=border_token.coarse(now),
        iat=border_token.coarse(now),
        jti=case.jti,
        holder=case.request.holder,
        acr=access.acr,
        amr=tuple(access.amr),
        direction=case.request.direction,
        origin=origin,
        destination=target,
        document_type=document.type,
        face_model=case.template.model,
        face_profile=case.template.profile,
        status_uri=stored.status_uri,
        status_idx=stored.status_idx,
    )
    write = border_token.issue_jwt if case.request.form == "jwt" else border_token.issue_cwt
    token = write(
        claims,
        _sealed(case, destination),
        signer_key=signer,
        recipient=destination.sealing_keys[0],
    )
    return Issued(
        token,
        strict_json.b64encode(case.jti),
        stored.expires_at,
        document=str(document.pk),
        name=document.name_native or document.name_latin,
        waiting=any(item != case.reference for item in case.waiting),
    )


def _sealed(case: _Case, destination: Destination) -> border_token.Sealed:
    document, endorsement, guardian = case.person.document, case.endorsement, case.person.guardian
    return border_token.Sealed(
        sub=pairwise_subject(case.person.traveller_id, destination.authority),
        document_number=document.number,
        name_native=document.name_native,
        name_latin=document.name_latin,
        birth_date=document.birth_date.isoformat(),
        sex=document.sex,
        nationality=document.nationality,
        template=case.template.data,
        endorsement=eligibility.endorsement_claim(endorsement, case.request.direction),
        stay_days=case.stay_days,
        guardian=None if guardian is None else pairwise_subject(guardian.pk, destination.authority),
    )
