"""An officer who gives a reason before a page shows personal data, as tests do it."""

from typing import Any

from django.http import HttpResponse
from django.test import Client

GIVEN = {"reason": "referral", "case": "", "words": ""}


def subject_of(answer: Any) -> str | None:
    """What the page that asks for a reason asks about; None for any other page."""
    templates = [template.name for template in getattr(answer, "templates", [])]
    return str(answer.context["form"]["subject"].value()) if "audit/why.html" in templates else None


def look(client: Client, path: str, query: dict[str, Any] | None = None, **given: str) -> HttpResponse:
    """The page, after the reason that it asks for was given."""
    answer = client.get(path, query or {})
    subject = subject_of(answer)
    if subject is None:
        return answer  # type: ignore[return-value]
    form = answer.context["form"]
    hidden = {name: form[name].value() for name in ("subject", "shows", "next")}
    return client.post("/admin/looks/", {**GIVEN, **hidden, **given}, follow=True)  # type: ignore[return-value]
