"""Verified claims (OpenID Connect for Identity Assurance 1.0): what a linked document says of a traveller, and how the
document came to be theirs. What the trust framework stands for: docs/protocol.md, Verified claims.
"""

import datetime
import itertools
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from idp import conf
from idp.accounts.context import in_language
from idp.accounts.models import TravelDocument, Traveller
from idp.accounts.models.registry import NEVER
from idp.oidc import identity, levels, subjects
from idp.oidc.models import Client, Grant
from idp.protocol import verified_answer, verified_claims
from idp.protocol.claims_answer import Facts
from idp.protocol.claims_request import VERIFIED
from idp.protocol.verified_answer import Record
from idp.protocol.verified_claims import DOCUMENT, EVIDENCE, NUMBER

CLAIMS = ("name", "given_name", "family_name", "birthdate", "gender", "nationalities")
NAMES = (*CLAIMS, EVIDENCE, NUMBER)  # what a client may register as MEMBER, and a traveller allows one by one
MEMBER = "verified_claims"  # of a client's metadata
CHECKS = ("data", "bvr")  # how every document is linked (docs/decisions/0003): the register's facts, and the face
KINDS: Mapping[str, str] = {  # where the working group has a word for it, that one
    **{kind: f"urn:causeway:document:{kind}" for kind in TravelDocument.Type.values},
    TravelDocument.Type.PASSPORT: "passport",
    TravelDocument.Type.HKID: "idcard",
    TravelDocument.Type.BIR: "idcard",
}
_PATH = "/trust-frameworks/linked-document"

Asked = Mapping[str, Mapping[str, Any]]  # as `idp.protocol.claims_request.parse` gives it


def published() -> dict[str, Any]:
    """IDA §8; the first member is of its drafts, and clients look for it still."""
    return {
        "verified_claims_supported": True,
        "trust_frameworks_supported": [trust_framework()],
        "claims_in_verified_claims_supported": list(CLAIMS),
        "evidence_supported": [DOCUMENT],
        "documents_supported": sorted(set(KINDS.values())),
        "documents_check_methods_supported": list(CHECKS),
    }


def trust_framework() -> str:
    """IDA §12: a name below a domain of ours. Each authority answers for its own register."""
    return conf.authority().url(_PATH)


def permitted(client: Client) -> frozenset[str]:
    """Of `NAMES` what ``client`` may ask for: what its metadata names, and nothing where nobody vouches for it.

    A document's number is for clients that an officer registered: what comes through a trust chain says of itself what
    it wants, and an identity card's number is not had for the asking.
    """
    if client.registration == Client.Registration.DYNAMIC:
        return frozenset()
    names = frozenset(client.listed(MEMBER)) & frozenset(NAMES)
    return names if client.registration == Client.Registration.ADMIN else names - {NUMBER}


def narrowed(asked: Asked, allowed: frozenset[str]) -> dict[str, Any]:
    """The claims parameter with those verified claims only that are ``allowed`` (of `NAMES`)."""
    kept: dict[str, Any] = {}
    for place, requests in asked.items():
        kept[place] = {name: item for name, item in requests.items() if name != VERIFIED}
        if VERIFIED in requests and (left := verified_claims.narrow(requests[VERIFIED], allowed)) is not None:
            kept[place][VERIFIED] = left
    return kept


def names(asked: Asked) -> set[str]:
    """Of `NAMES` what is asked for, wherever."""
    return {name for requests in _requests(asked) for name in verified_claims.names(requests)} & set(NAMES)


def purposes(asked: Asked) -> dict[str, list[str]]:
    """What the client says that it wants each verified claim for."""
    said: dict[str, list[str]] = {}
    for requests in _requests(asked):
        for name, texts in verified_claims.purposes(requests).items():
            said[name] = [*dict.fromkeys((*said.get(name, ()), *texts))]
    return said


def needed(asked: Asked) -> dict[str, bool]:
    """Of `NAMES` what is asked for, in that order, and whether the client says that it is essential."""
    essential = {name for requests in _requests(asked) for name in verified_claims.essential(requests)}
    return {name: name in essential for name in NAMES if name in names(asked)}


def told(grant: Grant, *, place: str, agreed: frozenset[str], now: int) -> dict[str, Any]:
    """``verified_claims`` for ``place``, if the grant has such, the traveller ``agreed`` (of `NAMES`) and a document
    meets them.

    Of documents that were the traveller's when they allowed it: nobody agreed to show another. What the client may ask
    for is looked at again, and so is the level of the login (IDA §10.1).
    """
    asked = narrowed({place: grant.claims.get(place, {})}, permitted(grant.client) & agreed)[place]
    if VERIFIED not in asked or not levels.reaches(grant.acr, levels.MULTIFACTOR):
        return {}
    shown = documents(grant.traveller, linked_by=grant.created_at, now=now)
    records = [_record(document, sector=grant.client.sector) for document in shown]
    at, locales = grant.created_at, grant.claims_locales
    found = verified_answer.answer(asked[VERIFIED], records, now=at, locales=locales)
    return {} if found is None else {VERIFIED: found}


def shows_document(asked: Asked) -> bool:
    """Whether a document itself is asked for, and not only what it says of its holder."""
    return bool({EVIDENCE, NUMBER} & names(asked))


def documents(traveller: Traveller, *, linked_by: int, now: int) -> list[TravelDocument]:
    """The documents that can be evidence: linked by then, and valid today. The one that was linked last comes first."""
    linked = traveller.documents.filter(linked_at__lte=_moment(linked_by)).order_by("-linked_at", "pk")
    today = timezone.localdate(_moment(now))
    return [document for document in linked if document.usable_on(today)]


def has_newer_document(traveller: Traveller, client: Client) -> bool:
    """Whether a document came to the traveller's account since they last allowed ``client`` to be shown one."""
    grants = Grant.objects.filter(traveller=traveller, client=client).order_by("-created_at")
    allowed = grants.values_list("claims", "created_at").iterator()
    last = next((created_at for asked, created_at in allowed if shows_document(asked)), 0)
    return traveller.documents.filter(linked_at__gt=_moment(last)).exists()


def shown(asked: Asked, traveller: Traveller, *, now: int) -> list[TravelDocument]:
    """The documents that would be shown if this were allowed now: what the traveller should know before."""
    records = {document: _record(document, sector="") for document in documents(traveller, linked_by=now, now=now)}
    found: dict[TravelDocument, None] = {}  # in order, each once
    for request in [one for requests in _requests(asked) for one in verified_claims.each(requests)]:
        if EVIDENCE in request["verification"]:
            met = (one for one, record in records.items() if verified_answer.answer(request, [record], now=now))
            found.update(dict.fromkeys(itertools.islice(met, 1)))
    return list(found)


def _moment(at: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at, tz=datetime.UTC)


def _requests(asked: Asked) -> list[verified_claims.Requests]:
    return [requests[VERIFIED] for requests in asked.values() if VERIFIED in requests]


def _record(document: TravelDocument, *, sector: str) -> Record:
    """What linking ``document`` verified: its facts by the register, its holder by the face, at one time."""
    linked_at = document.linked_at
    organization = in_language(conf.authority().name, "en")
    verification = {
        "trust_framework": trust_framework(),
        "time": linked_at,
        "verification_process": subjects.process(sector=sector, document_id=document.pk),
        EVIDENCE: [
            {
                "type": DOCUMENT,
                "check_details": [
                    {"check_method": method, "organization": organization, "time": linked_at} for method in CHECKS
                ],
                "document_details": _details(document, organization),
            }
        ],
    }
    values = {**identity.of_document(document), "nationalities": [document.nationality]}
    return Record(verification, Facts(values, identity.names(document)))


def _details(document: TravelDocument, organization: str) -> dict[str, Any]:
    """The name is the authority's own where it is the issuer; of another we know the code only."""
    issuer = {"country": document.issued_by, "country_code": document.issued_by}
    if document.issued_by == conf.authority().jurisdiction:
        issuer["name"] = organization
    return {
        "type": KINDS[document.type],
        NUMBER: document.number,
        "date_of_issuance": document.issued_on,
        "date_of_expiry": None if document.expires_on == NEVER else document.expires_on,
        "issuer": issuer,
    }
