"""What issuing a border token writes: nothing of the face that goes into it, in no log, event, row or page."""

from typing import Any

import pytest

from idp.audit.models import AuditEvent
from idp.biometrics import references
from idp.biometrics.engine import EMBEDDED_MODEL, Template
from idp.biometrics.models import FaceReference
from idp.border.models import IssuedToken
from tests.biometrics.traces import Everything, of_a_face
from tests.biometrics.world import officer
from tests.border.world import World
from tests.looks import look

TEMPLATE = bytes((7 * place * place + place) % 251 for place in range(128))


@pytest.mark.parametrize("keeper", ["node", "device"])
def test_nothing_of_a_face_is_written_when_a_token_is_issued(
    world: World, everything: Everything, settings: Any, keeper: str
) -> None:
    settings.IDP_FACE_STORAGE = keeper
    template = Template(EMBEDDED_MODEL, "q8", TEMPLATE)
    references.keep(traveller=world.traveller, document=world.document, template=template, now=world.now)
    sealed = bytes(FaceReference.objects.get().sealed)
    path = "/border/v1/face-references"
    token = world.access_token()
    fetched = world.post(path, {"document": str(world.document.pk)}, headers=world.authorized(path, token)).json()
    for form in ("jwt", "cwt"):
        assert world.ask(format=form, **fetched).status_code == 201
    broken = [{**item, "face_reference": item["face_reference"][::-1]} for item in fetched["face_references"]]
    world.ask(face_references=broken)
    FaceReference.objects.filter(keeper="node").update(sealed=sealed[:-1] + bytes([sealed[-1] ^ 1]))
    world.machine.raise_request_exception = False
    world.ask(**fetched)
    kim = officer("kim", "view_issuedtoken", "view_auditevent")
    pages = [look(kim, f"/admin/border/issuedtoken/{path}").content.decode() for path in _pages()]
    rows = [str(sorted(vars(row).items(), key=str)) for row in [*IssuedToken.objects.all(), *AuditEvent.objects.all()]]
    assert rows and pages and everything.lines
    texts = "\n".join([*everything.lines, *rows, *pages])
    for needle in of_a_face(TEMPLATE, sealed):
        assert needle not in texts


def _pages() -> list[str]:
    return ["", *(f"{pk}/change/" for pk in IssuedToken.objects.values_list("pk", flat=True))]
