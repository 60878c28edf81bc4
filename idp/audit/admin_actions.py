"""Actions of the admin site that ask before they act: what will be done to which rows, and by whom it is recorded."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

Action = Callable[[admin.ModelAdmin, HttpRequest, QuerySet[Any]], HttpResponse | None]


def officer_of(request: HttpRequest) -> str:
    """Who acts, as the audit names them."""
    return f"account:{request.user.pk}"


def confirmed(
    name: str,
    description: Any,
    warning: Any,
    act: Callable[[Any, str], Any],
    *,
    permission: str,
    refused: type[Exception],
    shown: Callable[[Any], Any] = str,
    after: Callable[[admin.ModelAdmin, HttpRequest, list[Any]], HttpResponse | None] = lambda *_: None,
) -> Action:
    """An action called ``name`` that asks with ``warning`` and then calls ``act(row, officer)`` for each chosen row.

    One that raises ``refused`` is told and holds up none of the others. ``shown`` is a row on the page that asks, and
    ``after`` answers with what ``act`` gave.
    """

    @admin.action(description=description, permissions=[permission])
    def action(self: admin.ModelAdmin, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        if request.POST.get("confirmed") != "yes":
            rows = [(row.pk, shown(row)) for row in queryset]
            question = {"title": description, "warning": warning, "action": name, "rows": rows}
            context = {**self.admin_site.each_context(request), **question, "opts": queryset.model._meta}
            return TemplateResponse(request, "audit/confirm.html", context)
        given = []
        for row in queryset:
            try:
                given.append(act(row, officer_of(request)))
            except refused as error:
                self.message_user(request, f"{row}: {error}", messages.ERROR)
            else:
                self.message_user(request, f"{row}: {description}", messages.SUCCESS)
        return after(self, request, given)

    action.__name__ = name
    return action
