"""How surely somebody was authenticated: our `acr` values, in rising order (docs/protocol.md, Security profile)."""

PASSWORD = "urn:causeway:acr:pwd"  # noqa: S105  one factor
MULTIFACTOR = "urn:causeway:acr:mfa"  # two factors, or a passkey with user verification
LEVELS = (PASSWORD, MULTIFACTOR)


def reaches(acr: str, wanted: str) -> bool:
    """Whether ``acr`` is ``wanted`` or more. An unknown value reaches nothing and is reached by nothing."""
    return acr in LEVELS and wanted in LEVELS and LEVELS.index(acr) >= LEVELS.index(wanted)


def least(wanted: list[str]) -> str:
    """The lowest of ours among ``wanted``; one factor when none is."""
    return next((level for level in LEVELS if level in wanted), PASSWORD)
