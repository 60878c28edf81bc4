"""What an officer may do by the roles held (`idp.accounts.roles`), as Django asks for it."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.db.models import QuerySet

from idp.accounts import granting
from idp.accounts.models import Account
from idp.accounts.roles import PERMISSIONS

_KEPT = "_causeway_role_permissions"  # on the account object, which lives as long as the request


class RolesBackend(BaseBackend):
    """Logs nobody in. A permission on one object is one on all of them: roles know no objects."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        if not user_obj.is_active or user_obj.is_anonymous or user_obj.kind != Account.Kind.OFFICER or obj is not None:
            return set()
        if not hasattr(user_obj, _KEPT):
            held = (PERMISSIONS[role] for role in granting.roles_of(user_obj))
            setattr(user_obj, _KEPT, frozenset().union(*held))
        return set(getattr(user_obj, _KEPT))

    def get_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return self.get_all_permissions(user_obj, obj)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return any(item.startswith(f"{app_label}.") for item in self.get_all_permissions(user_obj))

    def with_perm(
        self, perm: str, is_active: bool | None = True, include_superusers: bool = True, obj: Any = None
    ) -> QuerySet[Account]:
        found = granting.holders(perm, superusers=include_superusers)
        return found if is_active is None else found.filter(is_active=is_active)
