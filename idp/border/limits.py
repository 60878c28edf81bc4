"""How many tokens a consent is good for: counted by one statement of the database, whoever else asks at the moment.

What the token stands on is looked at by the same statement, once more: the grant, the account, the phone, the document
and, for a child's, the guardianship may have ended since the request began.
"""

import hashlib
from collections.abc import Sequence
from uuid import UUID

from idp import prepared
from idp.accounts.models import Account, Device, Guardianship, TravelDocument, Traveller
from idp.border.eligibility import UnableToIssue
from idp.border.models import ConsentUse
from idp.federation import revision
from idp.oidc.access import Access
from idp.oidc.models import Grant
from idp.protocol import strict_json
from idp.protocol.authorization_details import BORDER_CROSSING, BorderCrossing, parse_border_crossing
from idp.protocol.refusals import Refusal

_USE, _GRANT, _ACCOUNT, _TRAVELLER, _DEVICE, _DOCUMENT, _GUARDIANSHIP = (
    model._meta.db_table for model in (ConsentUse, Grant, Account, Traveller, Device, TravelDocument, Guardianship)
)


def counting(places: Sequence[str], beside: str = "") -> str:
    """The statement that counts one more token, if one is left and all that it stands on stands; it returns ``used``.

    ``places``: consent, most, its end, document, grant and phone's key, in this order; ``beside`` joins what else there
    has to be.
    """
    consent, most, ends, document, grant, jkt = places
    return (
        f"INSERT INTO {_USE} (grant_id, consent, most, used, expires_at) "  # noqa: S608  constants
        f"SELECT g.id, {consent}, CAST({most} AS bigint), 1, CAST({ends} AS bigint) FROM {_GRANT} g "
        f"JOIN {_TRAVELLER} t ON t.id = g.traveller_id JOIN {_ACCOUNT} a ON a.id = t.account_id "
        f"JOIN {_DEVICE} v ON v.traveller_id = t.id JOIN {_DOCUMENT} d ON d.id = {document} {beside}"
        f"WHERE g.id = {grant} AND g.revoked_at IS NULL AND a.is_active AND v.jkt = {jkt} AND v.revoked_at IS NULL "
        f"AND d.status = '{TravelDocument.Status.VALID.value}' AND (d.traveller_id = t.id OR EXISTS (SELECT 1 "
        f"FROM {_GUARDIANSHIP} s WHERE s.guardian_id = t.id AND s.ward_id = d.traveller_id AND s.ended_at IS NULL)) "
        f"ON CONFLICT (grant_id, consent) DO UPDATE SET used = {_USE}.used + 1 WHERE {_USE}.used < {_USE}.most "
        "RETURNING used"
    )


_TAKE = f"{counting(['$1', '$2', '$3', '$4', '$5', '$6'])}, ({revision.READ})"
Consent = tuple[str, BorderCrossing]  # with the name that it is counted under


def covering(access: Access, *, checkpoint: str, direction: str, document: str, now: int) -> Sequence[Consent]:
    """The consents of ``access`` for that token now.

    Raises `UnableToIssue` (consent_exhausted) where there is none.
    """
    found = [
        (counted_as(consent), consent)
        for consent in living(access, now=now)
        if checkpoint in consent.locations
        and direction in consent.directions
        and document == consent.document
        and consent.valid_from <= now < consent.valid_until
    ]
    if not found:
        raise UnableToIssue("consent_exhausted", "no consent covers checkpoint, direction, document and time")
    return found


def living(access: Access, *, now: int) -> list[BorderCrossing]:
    """The consents of ``access`` that have not ended."""
    found = []
    for detail in access.authorization_details:
        if detail.get("type") == BORDER_CROSSING:
            try:
                found.append(parse_border_crossing(detail, now=now))
            except Refusal:
                continue  # ended
    return found


def take(access: Access, consent: Consent, *, document: UUID) -> int | None:
    """Use up one token of ``consent`` for ``document``, in the caller's transaction; None where that cannot be.

    The number of `idp.federation.revision` at that moment; `why_not` says why it cannot.
    """
    found = prepared.rows(_TAKE, taking(access, consent, document=document))
    return int(found[0][1] or 0) if found else None


def taking(access: Access, consent: Consent, *, document: UUID) -> list[prepared.Value]:
    """The values for the places of `counting`."""
    name, terms = consent
    return [name, terms.max_tokens, terms.valid_until, document.hex, access.grant_id.hex, access.jkt]


def used(access: Access, consent: BorderCrossing) -> int:
    """Tokens issued under ``consent``: a grant may hold several, each with a limit of its own."""
    row = ConsentUse.objects.filter(grant=access.grant_id, consent=counted_as(consent)).first()
    return row.used if row is not None else 0


def counted_as(consent: BorderCrossing) -> str:
    """What the consent is called in the count: the digest of what it says."""
    return strict_json.b64encode(hashlib.sha256(strict_json.dumps(consent.wire())).digest())


def forget(*, now: int) -> int:
    """Delete the counts of consents that have ended; how many."""
    return ConsentUse.objects.filter(expires_at__lt=now).delete()[0]


def why_not(access: Access, consents: Sequence[Consent]) -> UnableToIssue:
    """Why no token could be taken of any of ``consents``: consent_exhausted; or, where it ended meanwhile,
    device_revoked or document_not_eligible."""
    if Device.objects.filter(jkt=access.jkt, revoked_at__isnull=False).exists():
        return UnableToIssue("device_revoked", "the phone was revoked meanwhile")
    if not Grant.objects.filter(pk=access.grant_id, revoked_at=None).exists():
        return UnableToIssue("consent_exhausted", "the grant was revoked meanwhile")
    if all(used(access, consent) >= consent.max_tokens for _, consent in consents):
        return UnableToIssue("consent_exhausted", "max_tokens reached")
    return UnableToIssue("document_not_eligible", "document, guardianship or account has ended meanwhile")
