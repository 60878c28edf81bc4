"""The page of the face keys: what lies where and wrapped how much, with a real token, and never a PIN."""

from typing import Any

import pytest

from idp.accounts.roles import Role
from idp.biometrics import tasks, token_keys, vault, wrapping
from idp.biometrics.models import Portrait
from idp.proposals.models import Proposal
from tests.biometrics.softhsm import PIN, Token, needs_softhsm, token
from tests.border.world import World
from tests.office.test_key_pages import officer, operator

__all__ = ["operator", "token"]
PATH = "/admin/face-keys/"


@pytest.fixture
def portrait(world: World) -> Portrait:
    """Wrapped by the key in the file."""
    sealed = vault.seal(b"portrait", kind="portrait", owner=world.document.pk)
    return Portrait.objects.create(document=world.document, sealed=sealed, imported_at=world.now)


@pytest.fixture
def moved(portrait: Portrait, token: Token, settings: Any) -> Portrait:
    """The current key lies in a token; the file's only opens."""
    settings.IDP_FACE_KEY, settings.IDP_FACE_KEYS_RETIRED = token.make("faces-2027"), ["file:biometrics.key"]
    return portrait


@needs_softhsm
def test_an_officer_destroys_the_key_that_still_opens_faces(operator: Any, moved: Portrait, token: Token) -> None:
    page = operator.get(PATH)
    found, text = page.context["found"], page.content.decode()
    current, retired = found.keys
    assert current.current and "faces-2027" in current.lies and "token faces, slot" in current.lies
    assert retired.lies == "file biometrics.key" and retired.rows[0] == 1 and found.left >= 1
    assert current.key_id in text and current.problem == retired.problem == ""
    assert PIN not in text and str(token.pin_file) not in text and str(token.store) not in text
    (library,) = found.libraries
    assert [held for slot, held in library.slots if slot.label == "faces"] == [("faces-2027",)]


@needs_softhsm
def test_a_token_that_is_away_takes_the_page_with_it(operator: Any, moved: Portrait, token: Token) -> None:
    """It is then that the page is looked at."""
    assert operator.get(PATH).context["found"].keys[0].problem == ""
    token.pin_file.unlink()
    token_keys._library.cache_clear()
    wrapping._identified.cache_clear()
    page = operator.get(PATH)
    assert page.status_code == 200
    away, retired = page.context["found"].keys
    assert "FileNotFoundError" in away.problem and away.rows is None and retired.rows[0] == 1


@needs_softhsm
def test_two_operators_move_the_faces_to_the_token(operator: Any, moved: Portrait, world: World) -> None:
    assert "2 rows" in operator.get(f"{PATH}rewrap/").context["lines"][0]
    assert operator.post(f"{PATH}rewrap/", {"why": "a new token"}).status_code == 302
    assert "a new token" in operator.get(PATH).content.decode()
    selected = {"action": "approve", "_selected_action": Proposal.objects.get().pk, "confirmed": "yes"}
    officer("second", Role.OPERATOR).post("/admin/proposals/proposal/", selected)
    assert "a worker is at it" in operator.get(PATH).content.decode()
    assert tasks.rewrap() == 2
    page = operator.get(PATH)
    assert page.context["found"].left == 0 and "the others may go" in page.content.decode()
    refused = operator.get(f"{PATH}rewrap/", follow=True)
    assert [str(message) for message in refused.context["messages"]] == ["every row is wrapped by the current key"]


def test_keys_in_files_need_a_token(operator: Any, portrait: Portrait) -> None:
    found = operator.get(PATH).context["found"]
    assert [key.lies for key in found.keys] == ["file biometrics.key"]
    assert found.libraries == () and found.left == 0 and found.keys[0].rows[0] == 1


def test_a_library_that_is_not_there_is_an_error_of_ours(operator: Any, portrait: Portrait, settings: Any) -> None:
    settings.IDP_FACE_KEYS_RETIRED = [
        "pkcs11:token=gone;id=%01?module-path=/no/lib.so&pin-source=file:/no/pin",
        "pkcs11:x",
    ]
    found = operator.get(PATH).context["found"]
    assert [bool(key.problem) for key in found.keys] == [False, True, True]
    assert found.libraries[0].problem and "in no slot" in found.keys[1].lies


@pytest.mark.parametrize(
    ("role", "sees"),
    [(Role.TRUST, 200), (Role.BIOMETRIC, 403), (Role.BORDER, 403)],
    ids=["trust", "biometric", "border"],
)
def test_another_role_than_the_operators_moves_faces(operator: Any, portrait: Portrait, role: Role, sees: int) -> None:
    client = officer("other", role)
    assert client.get(PATH).status_code == sees
    assert client.post(f"{PATH}rewrap/", {"why": "x"}).status_code == 403
    assert sees == 403 or "rewrap/" not in client.get(PATH).content.decode()
