"""What a traveller is asked when a wallet wants border tokens: our type of RFC 9396, ``border_crossing``."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from idp import clock
from idp.accounts import guardians
from idp.accounts.models import TravelDocument, Traveller
from idp.border import destinations, surveying
from idp.oidc.authorization_details import Choice, Line, NotAcceptable, Option
from idp.protocol.authorization_details import BorderCrossing, parse_border_crossing
from idp.protocol.refusals import Refusal, Unavailable
from idp.protocol.travel_rules import HONG_KONG, local_date

DOCUMENT_CHOICE, WARD_CHOICE = "document", "ward_"


class BorderCrossingConsent:
    """The handler of ``border_crossing`` (`idp.oidc.authorization_details.Handler`)."""

    def check(self, detail: Mapping[str, Any], *, client: Any, now: int) -> None:
        """Its form, and that every checkpoint resolves to one that has the directions asked for."""
        crossing = parse_border_crossing(detail, now=now)
        for entity_id in crossing.locations:
            checkpoint = _destination(entity_id, now=now)
            surveying.note(checkpoint, now=now)
            if not set(crossing.directions) & set(checkpoint.directions):
                raise NotAcceptable("a checkpoint without any of the directions")

    def describe(self, detail: Mapping[str, Any], traveller: Traveller) -> Sequence[Line | Choice]:
        """Checkpoints, directions, time and the use of the face; and which document, where there is a choice."""
        now = clock.now()
        crossing = parse_border_crossing(detail, now=now)
        documents = _documents(traveller, crossing, now=now)
        if not documents:
            raise NotAcceptable("no valid document is linked")
        language = get_language() or "en"
        words = {"exit": _("leaving"), "entry": _("entering")}
        return [
            Line(_("Checkpoints"), [_destination(item, now=now).title(language) for item in crossing.locations]),
            Line(_("Direction"), [words[direction] for direction in crossing.directions]),
            Line(_("Time"), [_span(crossing)]),
            Line(_("Border tokens"), [_limits(crossing)]),
            Line(
                _("Your face"),
                [_("Your face reference is sealed for these checkpoints alone and compared there.")],
            ),
            Choice(_choice(crossing), _person(crossing), [_option(document) for document in documents]),
        ]

    def grant(
        self, detail: Mapping[str, Any], *, traveller: Traveller, choices: Mapping[str, str], now: int
    ) -> dict[str, Any]:
        """The request with the document that the traveller chose: for themself, or of the child it is for."""
        crossing = parse_border_crossing(detail, now=now)
        documents = {str(document.id): document for document in _documents(traveller, crossing, now=now)}
        chosen = choices.get(_choice(crossing), "")
        if chosen not in documents:
            raise NotAcceptable("not a document of this traveller")
        if sum(chosen == other for other in choices.values()) > 1:
            raise NotAcceptable("one document for two people")
        return {**crossing.wire(), "document": chosen}


def _documents(traveller: Traveller, crossing: BorderCrossing, *, now: int) -> list[TravelDocument]:
    """Those to choose from: the traveller's own, or of the children for whom they answer."""
    day = local_date(max(now, crossing.valid_from))
    whose = TravelDocument.objects.filter(traveller=traveller)
    if crossing.ward is not None:
        whose = guardians.children(guardian=traveller, now=now)
    return [
        document
        for document in whose.order_by("linked_at")
        if document.usable_on(day) and crossing.document in (None, str(document.id))
    ]


def _choice(crossing: BorderCrossing) -> str:
    """One for each person, however many details ask for them: the way there, and the way back."""
    return DOCUMENT_CHOICE if crossing.ward is None else f"{WARD_CHOICE}{crossing.ward}"


def _person(crossing: BorderCrossing) -> str:
    return _("Travel document") if crossing.ward is None else _("Child %(number)d") % {"number": crossing.ward}


def _destination(entity_id: str, *, now: int) -> destinations.Destination:
    try:
        return destinations.resolve(entity_id, now=now)
    except (Refusal, Unavailable) as error:
        raise NotAcceptable(f"checkpoint does not resolve: {error}") from error


def _span(crossing: BorderCrossing) -> str:
    first, last = (
        date_format(datetime.fromtimestamp(at, HONG_KONG), "DATETIME_FORMAT")
        for at in (crossing.valid_from, crossing.valid_until)
    )
    return _("%(first)s to %(last)s") % {"first": first, "last": last}


def _limits(crossing: BorderCrossing) -> str:
    life = _("valid for up to 24 hours") if crossing.ahead else _("valid for 30 minutes")
    return _("up to %(count)d, each %(life)s and for one crossing") % {"count": crossing.max_tokens, "life": life}


def _option(document: TravelDocument) -> Option:
    return Option(
        value=str(document.id),
        label=str(document.get_type_display()),  # type: ignore[attr-defined]
        hint=f"{document.name_native} {document.name_latin} ····{document.number[-3:]}",
    )
