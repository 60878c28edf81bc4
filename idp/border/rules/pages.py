"""Travel rules in the admin site: every version that was adopted, and a page on which a change is proposed."""

import datetime
import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from idp import clock
from idp.audit.admin import ReadOnlyModelAdmin
from idp.audit.admin_actions import officer_of
from idp.border.models import RuleVersion
from idp.border.rules import book, changing, preview
from idp.proposals import proposing
from idp.proposals.executors import Unacceptable
from idp.proposals.proposing import UnableToPropose
from idp.protocol import strict_json
from idp.protocol.refusals import Refusal


class ChangeForm(forms.Form):
    """A change as an officer writes it."""

    change = forms.ChoiceField(
        label=_("change"),
        choices=[
            ("add", _("add a rule")),
            ("replace", _("replace a rule from its first day on")),
            ("end", _("end a rule")),
        ],
    )
    rule = forms.CharField(
        label=_("rule"),
        widget=forms.Textarea(attrs={"rows": 16, "cols": 100, "spellcheck": "false"}),
        max_length=8192,
        help_text=_("JSON as in docs/protocol.md; to end a rule, its id and until, the last day on which it counts."),
    )
    why = forms.CharField(label=_("why"), max_length=500, help_text=_("Where it is published, and who decided it."))

    def payload(self) -> dict[str, Any]:
        """The change as `idp.border.rules.changing` reads it; raises `Refusal` (malformed)."""
        change, rule = self.cleaned_data["change"], strict_json.loads_object(self.cleaned_data["rule"])
        return {"change": change, **rule} if change == "end" else {"change": change, "rule": rule}


@admin.register(RuleVersion)
class RuleVersionAdmin(ReadOnlyModelAdmin):
    """To add one is to propose it: another officer approves under Proposals."""

    list_display = ("rule", "version", "kind", "first_day", "last_day", "source", "adopted")
    search_fields = ("rule",)
    ordering = ("rule", "-version")
    list_select_related = ("proposal",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("border.add_ruleversion"))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        book.edition()  # an empty book takes in what is shipped
        return super().changelist_view(request, extra_context)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Write a change, see what it would change, propose it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ChangeForm(request.POST or None, initial=_initial(request.GET.get("rule", "")))
        lines: list[str] = []
        if request.method == "POST" and form.is_valid():
            try:
                payload = form.payload()
                subject = changing.subject_of(payload)
                if request.POST.get("propose") == "yes":
                    return self._propose(request, payload, subject, form.cleaned_data["why"])
                lines = preview.lines(payload, now=clock.now())
            except (Refusal, Unacceptable, UnableToPropose) as error:
                form.add_error("rule", str(error))
        context = {"title": _("Propose a change of the travel rules"), "form": form, "lines": lines}
        context |= {**self.admin_site.each_context(request), "opts": self.model._meta}
        return TemplateResponse(request, "border/propose_rule.html", context)

    def _propose(self, request: HttpRequest, payload: dict[str, Any], subject: str, why: str) -> HttpResponse:
        facts = {"kind": changing.KIND, "subject": subject, "payload": payload, "why": why}
        made = proposing.propose(**facts, officer=officer_of(request), now=clock.now())
        self.message_user(request, _("The change waits for another officer."), messages.SUCCESS)
        return redirect("admin:proposals_proposal_change", made.pk)

    @admin.display(description=_("kind"))
    def kind(self, row: RuleVersion) -> str:
        return str(row.body["kind"])

    @admin.display(description=_("from"))
    def first_day(self, row: RuleVersion) -> str:
        return str(row.body["from"])

    @admin.display(description=_("until"), empty_value="—")
    def last_day(self, row: RuleVersion) -> str | None:
        return row.body["until"]

    @admin.display(description=_("source"))
    def source(self, row: RuleVersion) -> str:
        return str(row.body["source"])

    @admin.display(description=_("adopted"), ordering="adopted_at")
    def adopted(self, row: RuleVersion) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(row.adopted_at, tz=datetime.UTC)


def _initial(rule: str) -> dict[str, str]:
    """The last version of ``rule``, to be changed; nothing where there is none."""
    row = RuleVersion.objects.filter(rule=rule).order_by("-version").first()
    if row is None:
        return {}
    return {"change": "replace", "rule": json.dumps(row.body, ensure_ascii=False, indent=1)}
