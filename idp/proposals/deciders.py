"""Whether an officer, as the audit names one, holds a permission now. Pages ask too; this is asked where it is done."""

from django.contrib.auth import get_user_model

DECIDE = "proposals.decide_proposal"
REVIEW = "proposals.decide_review"
_PREFIX = "account:"


def holds(officer: str, *permissions: str) -> bool:
    """Whether ``officer`` ("account:7") has an open account that holds all of ``permissions`` ("app.codename").

    Read from the database anew: a role that ended while a page stood open has ended here.
    """
    number = officer.removeprefix(_PREFIX)
    if not officer.startswith(_PREFIX) or not number.isascii() or not number.isdecimal() or len(number) > 18:
        return False
    account = get_user_model().objects.filter(pk=int(number), is_active=True).first()
    return account is not None and bool(account.has_perms(permissions))
