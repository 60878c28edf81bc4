"""``python -m tests.office.rights_page`` writes docs/rights.md: the table of rights for people to read."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/rights.md"
HEAD = """# Rights

Who may do what at the admin site. The page is made of `tests/office/rights.py` by `python -m tests.office.rights_page`;
tests hold each role against every line. An officer may do what any of the roles held allows. What is not listed is for
nobody.
"""
PARTS = {
    "Pages": "Who may open a page of the site that shows no model's rows.",
    "Rows": "Who may see the rows of a model, add, change or delete some, and which acts the list offers.",
    "Changes by two officers": "Who proposes such a change, and who decides on that of another, never about oneself.",
    "Emergencies": "What one officer does alone and at once; another reviews it within a day. No role: at the console.",
}


def text() -> str:
    """The whole page."""
    from django.contrib import admin
    from django.utils.translation import override

    from tests.office.rights import ACTS, KINDS, MODELS, PAGES

    with override("en"):
        names = {model._meta.label_lower: str(model._meta.verbose_name_plural) for model in admin.site._registry}
        blocks = {
            "Pages": ((f"`{_path(name)}` {_title(name)}".rstrip(), row.roles) for name, row in sorted(PAGES.items())),
            "Rows": (line for label, row in sorted(MODELS.items()) for line in _verbs(names[label], row)),
            "Changes by two officers": ((f"`{kind}`", cell) for kind, cell in sorted(KINDS.items())),
            "Emergencies": ((f"`{kind}`", _cell(where)) for kind, where in sorted(ACTS.items())),
        }
        return HEAD + "".join(_block(title, blocks[title]) for title in PARTS)


def _block(title: str, found: Iterator[tuple[str, str]]) -> str:
    from tests.office.rights_table import LETTERS, may

    lines = [f"\n## {title}\n", PARTS[title], ""]
    lines += ["| | " + " | ".join(str(role.label) for role in LETTERS.values()) + " |", "|---|" + "---|" * len(LETTERS)]
    for what, cell in found:
        lines.append(f"| {what} | " + " | ".join("yes" if may(cell, letter) else "" for letter in LETTERS) + " |")
    return "\n".join(lines) + "\n"


def _path(name: str) -> str:
    from idp import admin as site

    known = {item.name: item.path for item in site.pages()}
    return known.get(name, name.replace("_", "/"))


def _title(name: str) -> str:
    from idp import admin as site

    return next((str(item.title) for item in site.pages() if item.name == name), "")


def _verbs(what: str, row: object) -> Iterator[tuple[str, str]]:
    cells: Mapping[str, str] = {verb: getattr(row, verb) for verb in ("view", "add", "change", "delete")}
    for verb, cell in {**cells, **getattr(row, "actions", {})}.items():
        if cell:
            yield f"{what}: {verb.replace('_', ' ')}", cell


def _cell(where: str) -> str:
    from tests.office.rights import MODELS, PAGES
    from tests.office.rights_table import CONSOLE

    if where == CONSOLE:
        return ""
    if where in PAGES:
        return PAGES[where].roles
    model, _space, action = where.partition(" ")
    return MODELS[model].actions[action]


def main() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from django.urls import reverse

    reverse("admin:index")  # by now every room has registered its pages
    PAGE.write_text(text(), "utf-8")


if __name__ == "__main__":
    main()
