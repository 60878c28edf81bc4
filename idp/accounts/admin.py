"""Accounts, travellers and the register of documents in the admin site."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import models, transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from idp import clock
from idp.accounts import access_admin, granting, guardians, officer_endpoints, officer_pages, use_pages
from idp.accounts.appointing import pages as appointing_pages
from idp.accounts.documents import canonical_number
from idp.accounts.models import Account, Device, Endorsement, Passkey, RegisteredGuardian, TravelDocument, Traveller
from idp.audit.admin import AuditedModelAdmin, NotedReads, ReadOnlyModelAdmin
from idp.audit.reading import Shown

PAGES = (
    access_admin,
    officer_endpoints,
    officer_pages,
    appointing_pages,
    use_pages,
)  # which add themselves to the site


class ReadOnlyInline(admin.TabularInline):
    template = "admin/rows.html"
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class PasskeyInline(ReadOnlyInline):
    model = Passkey
    fields = ["name", "aaguid", "backed_up", "sign_count", "created_at", "last_used_at"]
    readonly_fields = fields


class DeviceInline(ReadOnlyInline):
    model = Device
    fields = ["name", "jkt", "created_at", "revoked_at"]
    readonly_fields = fields


class DocumentInline(ReadOnlyInline):
    model = TravelDocument
    fields = ["type", "masked_number", "expires_on", "status"]
    readonly_fields = fields


@admin.register(Account)
class AccountAdmin(NotedReads, AuditedModelAdmin):
    """Travellers register themselves; officers are made and changed by two others (`idp.accounts.appointing`)."""

    list_display = ["username", "kind", "is_active", "created_at", "last_login"]
    list_filter = ["kind", "is_active"]
    search_fields = ["username"]
    fields = ["username", "kind", "is_active", "roles", "created_at", "last_login"]
    readonly_fields = ["username", "kind", "roles", "created_at", "last_login"]
    inlines = [PasskeyInline]
    shows = (Shown.ACCOUNT,)

    def people_of(self, rows: Sequence[Account]) -> list[str]:
        found = Traveller.objects.filter(account__in=rows).values_list("pk", flat=True)
        return [f"traveller:{pk}" for pk in found]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """Of travellers' accounts: an officer's is changed by two officers."""
        officers = obj is not None and obj.kind == Account.Kind.OFFICER
        return not officers and super().has_change_permission(request, obj)

    @admin.display(description=_("roles"), empty_value="—")
    def roles(self, account: Account) -> str | None:
        return ", ".join(str(role.label) for role in granting.roles_of(account)) or None


@admin.register(Traveller)
class TravellerAdmin(NotedReads, ReadOnlyModelAdmin):
    list_display = ["id", "account", "created_at"]
    search_fields = ["id", "account__username"]
    list_select_related = ["account"]
    inlines = [DocumentInline, DeviceInline]
    readonly_fields = ["uses"]
    shows = (Shown.ACCOUNT, Shown.DOCUMENTS, Shown.PHONES)

    def people_of(self, rows: Sequence[Traveller]) -> list[str]:
        return [f"traveller:{row.pk}" for row in rows]

    @admin.display(description=_("What the traveller sees"))
    def uses(self, traveller: Traveller) -> str:
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:traveller_uses", args=[traveller.pk]), _("the page of uses")
        )


class EndorsementForm(forms.ModelForm):
    """An endorsement is withdrawn, never deleted: border tokens stand on it."""

    withdrawn = forms.BooleanField(label=_("withdrawn"), required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial["withdrawn"] = self.instance.withdrawn_at is not None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        withdrawn = cleaned.get("withdrawn", False)
        self.instance.withdrawn_at = (self.instance.withdrawn_at or clock.now()) if withdrawn else None
        return cleaned


class EndorsementInline(admin.StackedInline):
    model = Endorsement
    form = EndorsementForm
    extra = 0
    can_delete = False


class GuardianForm(forms.ModelForm):
    """The number as the register keeps it, however it was typed."""

    def clean_number(self) -> str:
        return canonical_number(self.cleaned_data["number"])


class GuardianInline(admin.StackedInline):
    """Whom the register names as guardians of the document's holder, a child."""

    model = RegisteredGuardian
    form = GuardianForm
    extra = 0


@admin.register(TravelDocument)
class TravelDocumentAdmin(NotedReads, AuditedModelAdmin):
    """A document is linked to a traveller by a comparison of faces only, never here."""

    list_display = ["id", "type", "masked_number", "issued_by", "expires_on", "status", "traveller"]
    list_filter = ["type", "status", "issued_by"]
    search_fields = ["=number", "=id"]
    readonly_fields = ["id", "traveller", "linked_at", "created_at"]
    list_select_related = ["traveller"]
    inlines = [EndorsementInline, GuardianInline]
    shows = (Shown.DOCUMENTS, Shown.FAMILY)

    def people_of(self, rows: Sequence[TravelDocument]) -> list[str]:
        return [f"document:{row.pk}" for row in rows]

    @transaction.atomic
    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        guardians.follow_register(document=form.instance, now=clock.now())


admin.site.unregister(Group)  # a group would give permissions past the second officer: roles do
