"""Where the node keeps its things: database, keys, room on the disk, and the files that its pages load."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import DatabaseError

from idp import conf
from idp.biometrics.engine import EMBEDDED
from idp.biometrics.engine.embedded_pack import CONVERTER, MODEL
from idp.federation import signing
from idp.federation.models import SigningKey
from idp.office.findings.finding import Finding, error, warning

MEGABYTE = 1 << 20
FULL, SHORT = 256 * MEGABYTE, 2048 * MEGABYTE  # bytes left: some hours, some days of a small node
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_MIGRATE = "manage.py migrate, then restart every service."


def database() -> Iterator[Finding]:
    """idp.E201: it does not answer. idp.E202: its tables are not those of this release."""
    try:
        connection.ensure_connection()
        loader = MigrationExecutor(connection)
        missing = [str(step) for step, _ in loader.migration_plan(loader.loader.graph.leaf_nodes())]
    except DatabaseError as fault:
        text = f"The database does not answer: {str(fault).strip()}."
        yield error(201, text, "See whether it runs, and what DATABASE_URL or DATABASE_URL_FILE says.")
        return
    if missing:
        yield error(202, f"{len(missing)} migrations are missing, the first is {missing[0]}.", _MIGRATE)


def keys() -> Iterator[Finding]:
    """idp.E203: a use without a key. idp.E204: private keys that others on this machine could read."""
    active = set(SigningKey.objects.filter(state=SigningKey.State.ACTIVE, owner="").values_list("use", "algorithm"))
    wanted = {(use, algorithm) for use in signing.NODE_USES for algorithm in signing.ALGORITHMS[use]}
    if missing := sorted(f"{use} {algorithm}" for use, algorithm in wanted - active):
        yield error(203, f"There is no key for {', '.join(missing)}.", "manage.py federation init")
    directory = conf.authority().key_dir
    if open_to_others := [path for path in _files(directory) if _is_open(path)]:
        text = f"{len(open_to_others)} files in the key directory are open to others, as {open_to_others[0].name}."
        yield error(204, text, f"chmod -R go= {directory}; find out who could read them, and roll the keys over.")


def room() -> Iterator[Finding]:
    """idp.E205, idp.W205: hardly any room, little room."""
    authority = conf.authority()
    seen: set[int] = set()
    for name, place in (("data", authority.data_dir), ("keys", authority.key_dir)):
        if not place.is_dir() or (device := place.stat().st_dev) in seen:
            continue
        seen.add(device)
        left = shutil.disk_usage(place).free
        text = f"{left // MEGABYTE} MB are left where the {name} are kept."
        remedy = f"Make room on the disk of {place}; a full one stops issuing and uploads."
        if left < FULL:
            yield error(205, text, remedy)
        elif left < SHORT:
            yield warning(205, text, remedy)


def installed() -> Iterator[Finding]:
    """idp.W220: the embedded model is not converted. idp.E221: no static files. idp.W222: no translations."""
    authority = conf.authority()
    if EMBEDDED in authority.face_engines and not any(authority.model_dir.glob(f"{MODEL}.{CONVERTER}.*.onnx")):
        text = f"The embedded face model is not in {authority.model_dir}."
        yield warning(220, text, "manage.py authority init converts it; so does the first comparison, if it may write.")
    if not authority.debug and not (Path(settings.STATIC_ROOT) / "office").is_dir():
        yield error(221, "The files that pages load are not collected.", "manage.py collectstatic --noinput")
    if not all(list(Path(place).glob("*/LC_MESSAGES/django.mo")) for place in settings.LOCALE_PATHS):
        yield warning(222, "Pages speak English only.", "pybabel compile -D django -d locale")


def _files(directory: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(directory):
        yield from (Path(folder) / name for name in sorted(names))


def _is_open(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & _OTHERS)
    except OSError:  # destroyed meanwhile
        return False
