"""The traveller: one of whom the node knows all that it may ever tell, made by the ways that travellers have."""

import json
from functools import partial
from pathlib import Path

from idp.demo import photographs
from idp.demo.authenticator import Authenticator
from idp.demo.takes import takes
from tests.conformance.browsing import Visitor
from tests.conformance_oidc.node import Node

USERNAME = "specimen-visitor"
PERSON, SEED = 5, 100  # of the demonstration's faces, and a picture of it that is not the portrait
BORN = "1985-05-05"
DOCUMENT = {
    "type": "hkid",
    "number": "A1234563",
    "name_native": "樣本乙",
    "name_latin": "SPECIMEN, YUET",
    "birth_date": BORN,
    "sex": "M",
    "nationality": "CHN",
}
CONTACT = {
    "email": "specimen@traveller.example",
    "phone": "+85221234567",
    "language": "zh-hant",
    "street_address": "1 Specimen Road",
    "locality": "Wan Chai",
    "region": "Hong Kong Island",
    "postal_code": "999077",
    "country": "Hong Kong",
}


def arrive(node: Node, directory: Path) -> Authenticator:
    """An account with a passkey, the document of the register linked by face, and details to be reached by."""
    _register(node, directory)
    authenticator = Authenticator(node.issuer)
    visitor = Visitor(node.issuer, authenticator)
    visitor.register(USERNAME)
    visitor.link_document(DOCUMENT, partial(takes, PERSON, SEED))
    answer = visitor.submit("/account/contact", CONTACT)
    assert answer.status == 302, answer.text
    return authenticator


def _register(node: Node, directory: Path) -> None:
    """What the authority's own systems hand to the node."""
    register, portraits = directory / "register.json", directory / "portraits"
    register.write_text(json.dumps({"documents": [DOCUMENT]}), "utf-8")
    portraits.mkdir()
    picture = photographs.people()[PERSON].jpeg
    (portraits / f"{DOCUMENT['type']}-{DOCUMENT['number']}.jpg").write_bytes(picture)
    node.manage("documents", "import", str(register))
    node.manage("portraits", "import", str(portraits))
