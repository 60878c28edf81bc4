"""What a gate reads off a token that it has verified and opened: for the rules, the screen and the record."""

from dataclasses import replace

from idp.protocol.border_token import BorderToken, Sealed
from idp.protocol.gate_decisions import TRAVEL_ADVICE, DocumentFacts, Lane, VerifiedCrossing
from idp.protocol.reservations import Entries, Reservation, as_remembered
from idp.protocol.reservations import reservation as reservation_of
from idp.protocol.travel_rules import TravelFacts, Verdict, day, parse_endorsement
from idp.protocol.trust_bundle import TrustedIssuer


def travel_facts(token: BorderToken, sealed: Sealed, issuer: TrustedIssuer) -> TravelFacts:
    """What the travel rules look at; raises `Refusal` (malformed) for a day or endorsement that cannot be read."""
    return TravelFacts(
        document_type=token.document_type,
        document_number=sealed.document_number,
        issuer=issuer.jurisdiction,
        document_expires=None,
        birth_date=day(sealed.birth_date),
        endorsement=parse_endorsement(sealed.endorsement),
        stay_days=sealed.stay_days,
        guardian=sealed.guardian,
        nationality=sealed.nationality,
    )


def reserved(token: BorderToken, sealed: Sealed) -> Reservation | None:
    """The entry that this crossing uses up; raises `Refusal` (malformed) for an endorsement that cannot be read."""
    return reservation_of(token.iss, sealed.sub, parse_endorsement(sealed.endorsement), destination=token.destination)


def remembered(facts: TravelFacts, found: Reservation | None, entries: Entries) -> TravelFacts:
    """``facts`` with what this lane knows of the endorsement's entries; may raise `Unavailable`."""
    return facts if found is None else replace(facts, endorsement=as_remembered(found, entries))


def document_facts(token: BorderToken, sealed: Sealed, verdict: Verdict | None) -> DocumentFacts:
    """What the officer's screen shows; ``verdict`` of the travel rules, where they let the traveller through."""
    until = verdict.stay_until if verdict else None
    return DocumentFacts(
        type=token.document_type,
        number=sealed.document_number,
        name_native=sealed.name_native,
        name_latin=sealed.name_latin,
        birth_date=sealed.birth_date,
        sex=sealed.sex,
        nationality=sealed.nationality,
        endorsement=sealed.endorsement,
        guardian=sealed.guardian,
        stay_until=until.isoformat() if until else None,
    )


def crossing(
    token: BorderToken,
    sealed: Sealed,
    verdict: Verdict,
    lane: Lane,
    score_band: str,
    *,
    jti: str,
    serial: int,
    status_as_of: int | None,
    marks: tuple[str, ...],
    reservation: Reservation | None,
) -> VerifiedCrossing:
    """The crossing at ``lane`` for which steps 0 to 9 held, under the bundle of that ``serial``. For the gate only."""
    return VerifiedCrossing(
        iss=token.iss,
        jti=jti,
        sub=sealed.sub,
        checkpoint=lane.checkpoint,
        lane=lane.lane,
        direction=token.direction,
        origin=token.origin,
        destination=token.destination,
        acr=token.acr,
        amr=token.amr,
        bundle_serial=serial,
        status_as_of=status_as_of,
        marks=(*marks, *(f"{TRAVEL_ADVICE}{rule}" for rule in verdict.advice)),
        overstay=verdict.overstay,
        rules=verdict.rules,
        document=document_facts(token, sealed, verdict),
        score_band=score_band,
        reservation=reservation,
    )
