"""The form of the table of rights, and the letters of the roles in it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model

from idp.accounts.roles import Role, with_permission

LETTERS = {"T": Role.TRUST, "B": Role.BORDER, "F": Role.BIOMETRIC, "A": Role.AUDITOR, "O": Role.OPERATOR}  # F: faces
EVERY = "*"  # whoever is logged in as an officer, without a role too
CONSOLE = "console"  # where something is done with a shell of the node, by whoever has one

Sample = Mapping[str, Any]  # of a URL's arguments; one that can be called is called when the URL is made


@dataclass(frozen=True)
class Page:
    """Who may open a page of the site. ``sample`` are arguments of its address."""

    roles: str
    sample: Sample


@dataclass(frozen=True)
class Rights:
    """Who may do what with the rows of a model: letters for each of Django's verbs and each action of the list."""

    view: str
    add: str
    change: str
    delete: str
    actions: Mapping[str, str] = field(default_factory=dict)


def page(roles: str, **sample: Any) -> Page:
    """A row about a page."""
    return Page(roles, sample)


def rows(view: str, *, add: str = "", change: str = "", delete: str = "", **actions: str) -> Rights:
    """A row about a model."""
    return Rights(view, add, change, delete, actions)


def first(model: type[Model], column: str = "pk", **facts: Any) -> Callable[[], Any]:
    """A sample: what ``column`` of the model's first row (with ``facts``) holds when it is asked for."""
    return lambda: model._default_manager.filter(**facts).order_by("pk").values_list(column, flat=True).first()


def arguments(sample: Sample) -> dict[str, Any]:
    """The arguments themselves."""
    return {name: value() if callable(value) else value for name, value in sample.items()}


def may(cell: str, letter: str) -> bool:
    """Whether ``cell`` names the role of ``letter``; without a letter, an officer who holds none."""
    return cell == EVERY or (letter != "" and letter in cell)


def letters_of(permission: str) -> str:
    """What a cell would say where ``permission`` decides; empty: every officer."""
    if not permission:
        return EVERY
    return "".join(letter for letter, role in LETTERS.items() if role in with_permission(permission))
