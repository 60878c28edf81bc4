"""Pages on which keys are changed: an operator proposes, another approves, and one alone kills knowing what stops."""

import re
from typing import Any

import pytest

from idp.accounts.roles import Role
from idp.border.models import IssuedToken
from idp.federation import signing, takeovers
from idp.federation.columns import shown
from idp.federation.models import SigningKey
from idp.proposals.models import Proposal, Review
from tests.border.world import World
from tests.office.test_key_pages import officer, operator

__all__ = ["operator"]


def kid_of(state: str, use: str = "border") -> str:
    return str(SigningKey.objects.get(use=use, state=state).kid)


def propose(client: Any, kid: str, act: str, **data: Any) -> Any:
    return client.post(f"/admin/keys/key/{kid}/propose/{act}/", {"why": "the year is over", **data})


def approve(client: Any) -> Any:
    selected = {"action": "approve", "_selected_action": Proposal.objects.get().pk, "confirmed": "yes"}
    return client.post("/admin/proposals/proposal/", selected)


def test_a_key_signs_when_one_operator_has_asked_for_it(operator: Any, world: World) -> None:
    kid = kid_of("next")
    assert propose(operator, kid, "rotate", early="on").status_code == 302
    approve(operator)
    assert kid_of("next") == kid
    assert "the year is over" in operator.get("/admin/keys/").content.decode()
    approve(officer("second", Role.OPERATOR))
    assert kid_of("active") == kid


def test_a_rotation_leaves_somebody_behind_by_default(operator: Any, world: World, monkeypatch: Any) -> None:
    kid = kid_of("next")
    page = propose(operator, kid, "rotate")
    assert "may not know the key" in page.content.decode() and not Proposal.objects.exists()
    monkeypatch.setattr("idp.clock.now", lambda: takeovers.earliest(SigningKey.objects.get(kid=kid)))
    assert "early" not in operator.get(f"/admin/keys/key/{kid}/propose/rotate/").context["form"].fields
    assert propose(operator, kid, "rotate").status_code == 302


def test_a_roll_over_is_planned_for_another_time_than_was_chosen(operator: Any, world: World) -> None:
    """The officer's time is the node's, not Greenwich's."""
    kid = kid_of("next")
    propose(operator, kid, "roll_over", at="2027-02-01T03:00")
    approve(officer("second", Role.OPERATOR))
    page = operator.get(f"/admin/keys/key/{kid}/")
    assert page.context["row"].since == "takes over at 2027-02-01 03:00"
    assert [str(act.label) for act in page.context["acts"]][2] == "Call the take-over off"


@pytest.mark.parametrize(
    "at", ["", "soon", "2027-01-15T16:30", "2031-01-01T00:00"], ids=["none", "word", "early", "far"]
)
def test_a_time_that_cannot_be_is_proposed(operator: Any, world: World, at: str) -> None:
    page = propose(operator, kid_of("next"), "roll_over", at=at)
    assert page.status_code == 200 and page.context["form"].errors and not Proposal.objects.exists()


def test_an_officer_kills_without_knowing_what_stops(operator: Any, world: World) -> None:
    assert world.ask().status_code == 201
    kid, ends = kid_of("active"), shown(IssuedToken.objects.get().expires_at)
    page = operator.get(f"/admin/keys/key/{kid}/kill/")
    assert any(f"1 × border tokens in the field, the last until {ends}" in line for line in page.context["lines"])
    assert signing.signer("border").kid == kid, "looking kills nothing"
    assert operator.post(f"/admin/keys/key/{kid}/kill/", {"why": " "}).context["form"].errors
    done = operator.post(f"/admin/keys/key/{kid}/kill/", {"why": "a laptop was stolen"}, follow=True)
    assert "Another officer reviews it" in done.content.decode() and done.context["row"].key.row.state == "killed"
    assert Review.objects.get().what == "killed: a laptop was stolen"
    again = operator.post(f"/admin/keys/key/{kid}/kill/", {"why": "once more"})
    assert "killed before" in again.content.decode()


def test_a_key_offers_what_its_state_does_not_allow(operator: Any, world: World) -> None:
    """Each button leads to a page that opens, and says what it comes to."""
    signing.activate_next(use="border", now=world.now, emergency=True)
    signing.kill(kid=kid_of("active", "status"), now=world.now)
    for key in SigningKey.objects.filter(use__in=["border", "status"]):
        acts = operator.get(f"/admin/keys/key/{key.kid}/").context["acts"]
        names = {"next": 3, "active": 3, "old": 2, "killed": 0}
        assert len(acts) == names[key.state]
        assert all(operator.get(act.url).context["lines"] for act in acts)


def test_an_act_that_is_not_there_is_an_error_of_ours(operator: Any) -> None:
    for path in (f"{kid_of('next')}/propose/burn", "none/propose/rotate", "none/kill"):
        assert operator.get(f"/admin/keys/key/{path}/").status_code == 404


@pytest.mark.parametrize("role", [Role.TRUST, Role.AUDITOR, Role.BORDER], ids=["trust", "auditor", "border"])
def test_another_role_than_the_operators_changes_keys(operator: Any, world: World, role: Role) -> None:
    client, kid = officer("other", role), kid_of("active")
    for path in ("kill", "propose/rotate"):
        assert client.post(f"/admin/keys/key/{kid}/{path}/", {"why": "x"}).status_code == 403
    page = client.get(f"/admin/keys/key/{kid}/")
    assert not re.search(r"/kill/|/propose/", page.content.decode())
    assert kid_of("active") == kid
