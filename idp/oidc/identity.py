"""What this node knows of a traveller, in the words of OpenID Connect Core §5.1.

Name, birth and sex stand in a linked document; how to reach them, and in which language, is what they say themselves.
"""

from typing import Any

from idp.accounts.models import ContactDetails, TravelDocument, Traveller
from idp.protocol.claims_answer import Facts

LATIN = "en"  # the language whose letters the Latin name is in; travel documents name none
_SCRIPTS = {"HKG": "zh-Hant", "MAC": "zh-Hant", "CHN": "zh-Hans"}  # what the issuing side writes
_ZONES = {"HKG": "Asia/Hong_Kong", "MAC": "Asia/Macau", "CHN": "Asia/Shanghai"}
_GENDERS = {TravelDocument.Sex.F: "female", TravelDocument.Sex.M: "male"}  # Core has no word for the third


def of(traveller: Traveller) -> Facts:
    """All that may be told of ``traveller``. Without a linked document that is what they say themselves."""
    document = _document(traveller)
    contact = ContactDetails.objects.filter(traveller=traveller).first()
    values: dict[str, Any] = {}
    times = []
    if nickname := traveller.account.display_name:
        values["nickname"] = nickname
    if document is not None:
        values.update(_of_document(document))
        times.append(int(document.linked_at.timestamp()) if document.linked_at else 0)
    if contact is not None:
        values.update(_of_contact(contact))
        times.append(contact.updated_at)
    if times:
        values["updated_at"] = max(times)
    return Facts(values, names(document) if document is not None else {})


def names(document: TravelDocument) -> dict[str, dict[str, str]]:
    """The names on ``document`` by claim and language.

    Taken apart only where the issuer did so, by a comma behind the surname: no rule splits every Chinese name soundly.
    """
    found: dict[str, dict[str, str]] = {"name": {}}
    if native := document.name_native.strip():
        found["name"][_SCRIPTS[document.issued_by]] = native
    if latin := document.name_latin.strip():
        found["name"][LATIN] = latin
    surname, comma, given = (part.strip() for part in latin.partition(","))
    if comma and surname and given and "," not in given:
        found["family_name"], found["given_name"] = {LATIN: surname}, {LATIN: given}
    return {name: texts for name, texts in found.items() if texts}


def of_document(document: TravelDocument) -> dict[str, Any]:
    """Birth and sex as ``document`` has them."""
    values: dict[str, Any] = {"birthdate": document.birth_date.isoformat()}
    if document.sex in _GENDERS:
        values["gender"] = _GENDERS[TravelDocument.Sex(document.sex)]
    return values


def _of_document(document: TravelDocument) -> dict[str, Any]:
    return {**of_document(document), "zoneinfo": _ZONES[document.issued_by]}


def _document(traveller: Traveller) -> TravelDocument | None:
    """The valid document that was linked last; one that has expired still names its holder."""
    valid = traveller.documents.filter(status=TravelDocument.Status.VALID)
    return valid.order_by("-linked_at", "pk").first()


def _of_contact(contact: ContactDetails) -> dict[str, Any]:
    """What nobody has verified, and says so (Core §5.1)."""
    values: dict[str, Any] = {}
    if contact.email:
        values.update(email=contact.email, email_verified=False)
    if contact.phone:
        values.update(phone_number=contact.phone, phone_number_verified=False)
    if contact.language:
        values["locale"] = contact.language
    if contact.address:
        parts = ("street_address", "locality", "region", "postal_code", "country")  # Core §5.1.1
        kept = {name: getattr(contact, name) for name in parts if getattr(contact, name)}
        values["address"] = {"formatted": contact.address, **kept}
    return values
