"""Where to go after a login: to a page of ours, and nowhere else."""

from django.utils.http import url_has_allowed_host_and_scheme

HOME = "/account/"
MAX_LENGTH = 4096  # an authorization request in the query


def safe_next(target: object) -> str:
    """``target`` when it is a path of this origin, else the account page (RFC 9700 §4.11: no open redirector)."""
    return of_this_origin(target) or HOME


def of_this_origin(target: object) -> str:
    """``target`` when it is a path of this origin, else nothing."""
    if (
        isinstance(target, str)
        and len(target) <= MAX_LENGTH
        and target.startswith("/")
        and url_has_allowed_host_and_scheme(target, allowed_hosts=None)
    ):
        return target
    return ""
