"""Claims in words: what the consent page asks, and what the page of applications states, one line for each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from idp.oidc import consents, verified
from idp.oidc.claims import VERIFIED

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


@dataclass(frozen=True)
class ClaimLine:
    """One claim; an essential one cannot be left out of what is allowed."""

    name: str
    label: Any  # translated when it is shown
    essential: bool = False
    purposes: Sequence[str] = ()  # what the client wants it for, in its own words

    @property
    def verified(self) -> bool:
        """Whether the client learns from which document it is."""
        return self.name.startswith(VERIFIED)


def asked(parameters: Mapping[str, Any]) -> list[ClaimLine]:
    """The lines for the claims that a request with ``parameters`` asks consent for."""
    said = {f"{VERIFIED}{name}": texts for name, texts in verified.purposes(parameters.get("claims", {})).items()}
    wanted = consents.wanted(parameters).items()
    return [ClaimLine(name, _ALL[name], essential, said.get(name, ())) for name, essential in wanted]


def agreed(units: Collection[str]) -> list[ClaimLine]:
    """The lines for claims that were agreed to; those of a newer or older program are passed over."""
    return [ClaimLine(name, label) for name, label in _ALL.items() if name in units]
