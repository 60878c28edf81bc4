"""The settings: what Django's system checks say, ours among them, each with a remedy."""

from collections.abc import Iterator

from django.core.checks import ERROR, CheckMessage, run_checks

from idp import conf
from idp.office.findings.finding import Finding, Level, warning

# Of no use here: what they ask for is done in another way (docs/operations.md, A first node).
IGNORED = frozenset({"drf_spectacular.W001", "drf_spectacular.W002", "security.W008"})
DEBUGGING = "security."  # Django's own, about a node that is for trying anyway
_SETTINGS = "Correct it in the environment file and restart every service (docs/operations.md, Settings)."
_PACK = "See what is wrong: manage.py faces check-pack; then install the pack again (docs/operations.md)."
REMEDIES = {  # of checks that give no hint
    **dict.fromkeys([f"idp.E{number}" for number in (106, 107, 108, 109, 112, 113, 114, 116, 118)], _SETTINGS),
    "idp.E110": _PACK,
    "idp.E111": _PACK,
}


def settings(*, databases: bool) -> Iterator[Finding]:
    """idp.E1…, idp.W1… and Django's own; with ``databases`` those too that ask the database."""
    debug = conf.authority().debug
    if debug:
        text = "DEBUG is on: pages show tracebacks, and insecure options are taken."
        yield warning(200, text, "For trying on one machine only: take DEBUG out before the first real traveller.")
    messages = run_checks(include_deployment_checks=True, databases=["default"] if databases else None)
    for message in messages:
        if message.id in IGNORED or (debug and str(message.id).startswith(DEBUGGING)):
            continue
        yield _finding(message)


def _finding(message: CheckMessage) -> Finding:
    level = Level.ERROR if message.level >= ERROR else Level.WARNING
    known = str(message.id or "django")
    return Finding(known, level, str(message.msg), str(message.hint or REMEDIES.get(known, _SETTINGS)))
