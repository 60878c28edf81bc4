"""Officers who may propose and decide: numbers that no sequence of a test comes to."""

from django.contrib.auth import get_user_model

FIRST, SECOND, THIRD = (f"account:{number}" for number in (1_000_007, 1_000_008, 1_000_009))


def appoint(*officers: str) -> None:
    """Let each of ``officers`` ("account:7") be there, with every permission, whoever is there already."""
    for officer in officers or (FIRST, SECOND, THIRD):
        number = int(officer.removeprefix("account:"))
        facts = {"username": f"officer-{number}", "kind": "officer", "is_staff": True, "is_superuser": True}
        get_user_model().objects.get_or_create(pk=number, defaults=facts)
