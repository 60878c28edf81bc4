"""Roles: what the table gives, who holds what, and what the console may do alone."""

import pytest
from django.contrib.auth.models import AnonymousUser, Permission
from django.core.management import CommandError, call_command

from idp.accounts import granting
from idp.accounts.models import Account, RoleGrant
from idp.accounts.role_backend import RolesBackend
from idp.accounts.roles import DUTIES, PERMISSIONS, Role
from idp.audit.models import AuditEvent
from tests.accounts.people import traveller

pytestmark = pytest.mark.django_db


def officer(name: str, *roles: Role) -> Account:
    account = Account.objects.create_user(name, kind="officer", is_staff=True)
    for role in roles:
        granting.grant(account=account, role=role, actor="console", now=5)
    return account


def fresh(account: Account) -> Account:
    """As the next request reads it."""
    return Account.objects.get(pk=account.pk)


def test_a_permission_in_the_table_that_no_model_has_would_open_nothing() -> None:
    known = {f"{app}.{name}" for app, name in Permission.objects.values_list("content_type__app_label", "codename")}
    assert set().union(*PERMISSIONS.values()) <= known


def test_every_role_is_in_the_table_and_told_in_words() -> None:
    assert set(PERMISSIONS) == set(DUTIES) == set(Role)


def test_an_auditor_changes_nothing() -> None:
    assert {item.split(".")[1].split("_")[0] for item in PERMISSIONS[Role.AUDITOR]} == {"view"}


def test_an_operator_sees_nobodys_data() -> None:
    seen = {item.split(".")[1].split("_", 1)[1] for item in PERMISSIONS[Role.OPERATOR]}
    assert not seen & {"account", "traveller", "traveldocument", "issuedtoken", "journalentry", "job", "facereference"}


def test_an_officer_may_do_what_any_of_the_roles_may_and_no_more() -> None:
    both = officer("both", Role.TRUST, Role.AUDITOR)
    assert both.get_all_permissions() == PERMISSIONS[Role.TRUST] | PERMISSIONS[Role.AUDITOR]
    assert both.has_perm("federation.change_peer") and not both.has_perm("border.change_issuedtoken")
    assert both.has_module_perms("oidc") and not officer("none").has_module_perms("oidc")


def test_a_role_ends_with_the_next_request_and_may_be_given_anew() -> None:
    officer("other", Role.TRUST)
    account = officer("trust", Role.TRUST)
    granting.end(account=account, role=Role.TRUST, actor="console", now=6)
    assert fresh(account).get_all_permissions() == set()
    granting.grant(account=account, role=Role.TRUST, actor="console", now=7)
    assert granting.roles_of(account) == [Role.TRUST] and RoleGrant.objects.filter(account=account).count() == 2
    kinds = AuditEvent.objects.filter(subject=f"account:{account.pk}").order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["accounts.role_granted", "accounts.role_ended", "accounts.role_granted"]


def test_a_closed_account_and_a_travellers_have_no_permissions() -> None:
    account = officer("closed", Role.TRUST)
    Account.objects.filter(pk=account.pk).update(is_active=False)
    assert RolesBackend().get_all_permissions(fresh(account)) == set()
    assert RolesBackend().get_all_permissions(AnonymousUser()) == set()
    with pytest.raises(granting.UnableToChangeRole, match="only an officer"):
        granting.grant(account=traveller().account, role=Role.AUDITOR, actor="console", now=6)


def test_those_with_a_permission_are_found() -> None:
    trust, border = officer("trust", Role.TRUST), officer("border", Role.BORDER)
    chief = Account.objects.create_superuser("chief")
    found = RolesBackend().with_perm
    assert set(found("federation.change_peer")) == {trust, chief}
    assert set(found("proposals.decide_proposal", include_superusers=False)) == {trust, border}


def test_the_console_gives_and_takes_a_role_but_never_the_last_that_decides(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("officer", "create", "alice", "--role", "trust_officer")
    call_command("officer", "grant", "alice", "auditor")
    assert "roles: trust_officer auditor" in capsys.readouterr().out
    with pytest.raises(CommandError, match="holds this role already"):
        call_command("officer", "grant", "alice", "auditor")
    call_command("officer", "revoke", "alice", "auditor")
    with pytest.raises(CommandError, match="does not hold"):
        call_command("officer", "revoke", "alice", "auditor")
    with pytest.raises(CommandError, match="nobody would be left"):
        call_command("officer", "revoke", "alice", "trust_officer")
    assert granting.roles_of(Account.objects.get()) == [Role.TRUST]


def test_an_officer_is_bound_by_no_table_only_where_the_console_says_so() -> None:
    call_command("officer", "create", "chief", "--superuser")
    assert Account.objects.get().is_superuser


def test_an_invited_officer_holds_the_roles_that_were_named_and_no_others(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("officer", "invite", "alice", "--role", "auditor", "--role", "operator")
    assert granting.roles_of(Account.objects.get()) == [Role.AUDITOR, Role.OPERATOR]
    with pytest.raises(CommandError, match="use grant"):
        call_command("officer", "invite", "alice", "--role", "trust_officer")
