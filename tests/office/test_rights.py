"""Each role against the table of rights: what it may is done, what it may not is refused."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import reverse

from idp.accounts import granting
from idp.accounts.models import Account
from idp.accounts.roles import Role
from idp.proposals import executors, proposing
from idp.proposals.models import Proposal
from idp.proposals.proposing import UnableToDecide, UnableToPropose
from tests.border.world import World, browser
from tests.office.inhabited import full, inhabited
from tests.office.rights import KINDS, MODELS, PAGES
from tests.office.rights_table import LETTERS, Rights, arguments, may

__all__ = ["full", "inhabited"]


def officer(*roles: Role) -> Account:
    account = Account.objects.create_user(f"of-{'-'.join(roles) or 'nothing'}", kind="officer", is_staff=True)
    for role in roles:
        granting.grant(account=account, role=role, actor="console", now=5)
    return account


def registered() -> dict[str, admin.ModelAdmin]:
    return {model._meta.label_lower: found for model, found in admin.site._registry.items()}


@pytest.mark.parametrize("letter", [*LETTERS, ""], ids=[*LETTERS.values(), "no-role"])
def test_a_role_may_more_or_less_than_the_table_says(inhabited: World, letter: str) -> None:
    account = officer(*([LETTERS[letter]] if letter else []))
    client = browser(account)
    assert [*_wrong_pages(client, letter), *_wrong_verbs(client, account, letter)] == []


def _wrong_pages(client: Client, letter: str) -> Iterator[tuple[str, int]]:
    for name, row in PAGES.items():
        url = reverse(f"admin:{name}", kwargs=arguments(row.sample))
        status = client.get(url).status_code
        if (status == 403) == may(row.roles, letter) or status in (404, 500):
            yield url, status
    for name in ("index", "password_change"):
        if client.get(reverse(f"admin:{name}")).status_code != 200:
            yield name, 0


def _wrong_verbs(client: Client, account: Account, letter: str) -> Iterator[tuple[str, str, object]]:
    """No row is asked for that is there: what is allowed leads back to the first page, what is not is 403."""
    request = RequestFactory().get("/admin/")
    request.user = Account.objects.get(pk=account.pk)
    for label, row in MODELS.items():
        start = f"admin:{label.replace('.', '_')}"
        asked = {
            "view": client.get(reverse(f"{start}_changelist")),
            "add": client.get(reverse(f"{start}_add")),
            "change": client.post(reverse(f"{start}_change", args=["0"]), {}),
            "delete": client.post(reverse(f"{start}_delete", args=["0"]), {"post": "yes"}),
        }
        for verb, answer in asked.items():
            if (answer.status_code == 403) == may(getattr(row, verb), letter) or answer.status_code >= 404:
                yield label, verb, answer.status_code
        yield from _wrong_actions(request, label, row, letter)


def _wrong_actions(request: Any, label: str, row: Rights, letter: str) -> Iterator[tuple[str, str, object]]:
    offered = set(registered()[label].get_actions(request))
    allowed = {name for name, cell in row.actions.items() if may(cell, letter)}
    if offered != allowed and may(row.view, letter):  # who does not see the list is offered nothing on it
        yield label, "actions", (offered, allowed)


class Bare:
    """An executor of which only the permission is left."""

    label = "anything"

    def __init__(self, permission: str) -> None:
        self.permission = permission

    def check(self, proposal: Proposal, *, now: int) -> None: ...

    def execute(self, proposal: Proposal, *, now: int) -> None: ...

    def changes(self, proposal: Proposal, *, now: int) -> list[str]:
        return []


def test_a_role_proposes_or_decides_more_or_less_than_the_table_says(
    inhabited: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = {kind: Bare(item.permission) for kind, item in executors.known().items()}
    monkeypatch.setattr(executors, "_EXECUTORS", bare)
    people = {letter: f"account:{officer(role).pk}" for letter, role in LETTERS.items()}
    people[""] = f"account:{officer().pk}"
    everything = f"account:{Account.objects.create_superuser('everything').pk}"
    wrong = []
    for kind, cell in KINDS.items():
        facts = {"kind": kind, "subject": "s", "payload": {}, "why": "w", "now": inhabited.now}
        for letter, name in people.items():
            if _done(UnableToPropose, proposing.propose, officer=name, **facts) != may(cell, letter):
                wrong.append((kind, "propose", letter))
            for decide in (proposing.approve, proposing.reject):
                made = proposing.propose(officer=everything, **facts)  # type: ignore[arg-type]
                done = _done(UnableToDecide, decide, proposal=made, officer=name, now=inhabited.now)
                if done != may(cell, letter):
                    wrong.append((kind, decide.__name__, letter))
    assert wrong == []


def _done(refused: type[Exception], act: Any, **facts: Any) -> bool:
    try:
        act(**facts)
    except refused:
        return False
    return True


def test_somebody_who_is_not_logged_in_opens_a_page(inhabited: World) -> None:
    client = Client(headers={"host": "hk.localhost"})
    urls = [reverse(f"admin:{name}", kwargs=arguments(row.sample)) for name, row in PAGES.items()]
    for label in MODELS:
        start = f"admin:{label.replace('.', '_')}"
        urls += [reverse(f"{start}_changelist"), reverse(f"{start}_add"), reverse(f"{start}_delete", args=["0"])]
    urls += [reverse(f"admin:{name}") for name in ("index", "password_change", "jsi18n")]
    for url in urls:
        for answer in (client.get(url), client.post(url, {})):
            assert answer.status_code == 302 and answer["Location"].startswith("/admin/login/"), url
