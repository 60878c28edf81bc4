"""What an operator does after the first run, in order."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from idp import conf
from idp.federation import peering, signing


def after_founding(*, links: Mapping[str, str], environment: Path | None) -> Iterator[str]:
    """One step each, with the commands as they are typed."""
    authority = conf.authority()
    if environment is not None:
        settings = f"set -a; . {_path(environment)}; set +a"
        yield f"In every shell and for every service take the settings:\n{_commands(settings)}"
    yield f"Start the web server, a worker and exactly one beat:\n{_commands(*_services())}"
    if links:
        lines = [f"{name}: {link}" for name, link in links.items()]
        yield (
            "Hand each officer the link in person: good once, for 24 hours, and whoever opens it makes the passkey.\n"
            + _commands(*lines)
            + "\n   A link that is lost: run this command again."
        )
    yield f"See whether anything is wrong:\n{_commands('python manage.py authority check')}"
    key_set = signing.published("federation").jwks()
    yield (
        "Tell peers this identifier and fingerprint by a second channel, in person or by telephone:\n"
        + _commands(authority.entity_id, peering.fingerprint(key_set))
    )
    yield "Recognise them: docs/operations.md, Peers; tried from end to end in docs/first-authorities.md."
    yield "Bring the register in, and set checkpoints and lanes up: docs/operations.md."
    yield f"Back up the database and {authority.key_dir}, in different places: docs/operations.md, Backups."


def _services() -> tuple[str, ...]:
    """For this machine; a node that is not for trying has TLS, here or in front."""
    authority = conf.authority()
    port = urlsplit(authority.entity_id).port or 443
    schedule = shlex.quote(str(authority.data_dir / "beat-schedule"))
    if authority.insecure_loopback_http:
        web = f"granian --interface wsgi --host 127.0.0.1 --port {port} --blocking-threads 4 idp.wsgi:application"
        return web, f"celery -A idp.celery worker -B --schedule {schedule}"
    web = (
        f"granian --interface wsgi --host 0.0.0.0 --port {port} --ssl-certificate cert.pem --ssl-keyfile key.pem"
        " --workers 2 --blocking-threads 8 idp.wsgi:application"
    )
    return web, "celery -A idp.celery worker --concurrency 2", f"celery -A idp.celery beat --schedule {schedule}"


def _commands(*lines: str) -> str:
    return "\n".join(f"     {line}" for line in lines)


def _path(path: Path) -> str:
    return shlex.quote(str(path.resolve()))
