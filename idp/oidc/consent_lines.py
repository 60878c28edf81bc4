"""Claims in words: what the consent page asks, and what the page of applications states, one line for each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from idp.accounts.models import Traveller
from idp.oidc import consents, verified
from idp.oidc.claims import VERIFIED
from idp.protocol.verified_claims import EVIDENCE, NUMBER

WORDS: Mapping[str, Any] = {
    "name": _("Your name"),
    "given_name": _("Your given name"),
    "family_name": _("Your family name"),
    "nickname": _("What you like to be called"),
    "gender": _("Your sex"),
    "birthdate": _("Your date of birth"),
    "zoneinfo": _("Your time zone"),
    "locale": _("Your preferred language"),
    "updated_at": _("When these details last changed"),
    "email": _("Your e-mail address"),
    "phone_number": _("Your telephone number"),
    "address": _("Your postal address"),
}
WORDS_OF_DOCUMENTS: Mapping[str, Any] = {
    **{name: WORDS[name] for name in ("name", "given_name", "family_name", "gender", "birthdate")},
    "nationalities": _("Your nationality"),
    "evidence": _("Which travel document that is from, and how it was checked"),
    "document_number": _("The number of that document"),
}
_ALL: Mapping[str, Any] = {
    **WORDS,
    **{f"{VERIFIED}{name}": label for name, label in WORDS_OF_DOCUMENTS.items()},
}
_OF_DOCUMENTS = (f"{VERIFIED}{EVIDENCE}", f"{VERIFIED}{NUMBER}")


@dataclass(frozen=True)
class ClaimLine:
    """One claim; an essential one cannot be left out of what is allowed."""

    name: str
    label: Any  # translated when it is shown
    essential: bool = False
    purposes: Sequence[str] = ()  # what the client wants it for, in its own words
    documents: Sequence[Any] | None = None  # those that it would be shown, as they are called; None: it is about none

    @property
    def verified(self) -> bool:
        """Whether the client learns from which document it is."""
        return self.name.startswith(VERIFIED)


def asked(parameters: Mapping[str, Any], traveller: Traveller, *, now: int) -> list[ClaimLine]:
    """The lines for the claims that a request with ``parameters`` asks ``traveller`` to consent to."""
    claims = parameters.get("claims", {})
    said = {f"{VERIFIED}{name}": texts for name, texts in verified.purposes(claims).items()}
    names = [f"{one.get_type_display()} {one.masked_number}" for one in verified.shown(claims, traveller, now=now)]
    about = dict.fromkeys(_OF_DOCUMENTS, names)
    wanted = consents.wanted(parameters).items()
    return [ClaimLine(name, _ALL[name], needed, said.get(name, ()), about.get(name)) for name, needed in wanted]


def agreed(units: Collection[str]) -> list[ClaimLine]:
    """The lines for claims that were agreed to; those of a newer or older program are passed over."""
    return [ClaimLine(name, label) for name, label in _ALL.items() if name in units]
