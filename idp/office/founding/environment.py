"""The file with a node's environment: written once, read by shells and by systemd alike, and for the node's user alone.

Settings come from the environment only. So `enter` is called by ``manage.py`` before Django starts: it makes the file,
or reads the one that is there, and puts it into the environment of this process.
"""

import argparse
import os
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from idp.office.founding import answers
from idp.office.founding.answers import UnableToFound

COMMAND = ("authority", "init")
# A URL with a password stands in a file of its own, and the environment names that.
SECRET_URLS = {"DATABASE_URL": "database-url", "CELERY_BROKER_URL": "broker-url"}
_LINE = re.compile(r"(?P<name>[A-Z][A-Z0-9_]*)=(?:'(?P<quoted>[^']*)'|(?P<bare>[^\s'\"\\$`;&|<>()]*))")


def add_options(parser: argparse.ArgumentParser) -> None:
    """What ``authority init`` is called with."""
    parser.add_argument("--file", type=Path, help="answers in TOML; without it they are asked for")
    parser.add_argument(
        "--environment",
        type=Path,
        help="the node's environment file: written where there is none, otherwise read",
    )
    parser.add_argument(
        "--insecure-loopback-http",
        action="store_true",
        help="for trying on one machine: http for hosts under localhost, and DEBUG",
    )


def enter(arguments: Sequence[str], environ: MutableMapping[str, str] | None = None) -> None:
    """Before Django starts: have ``environ`` say which node this is. Ends the process with the reason where it cannot.

    ``arguments`` are those after ``authority init``.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    add_options(parser)
    options, others = parser.parse_known_args(arguments)
    if {"-h", "--help"} & set(others):
        return
    try:
        prepare(options, os.environ if environ is None else environ, ask=ask, say=_say)
    except UnableToFound as error:
        _say(f"Nothing was changed: {error}")
        raise SystemExit(1) from error


def prepare(
    options: argparse.Namespace,
    environ: MutableMapping[str, str],
    *,
    ask: Callable[[str], str],
    say: Callable[[str], object],
) -> None:
    """`enter` without a terminal and an end. Raises `UnableToFound`."""
    given = answers.read(options.file) if options.file is not None else None
    path: Path | None = options.environment
    if path is None and not environ.get("CAUSEWAY_ENTITY_ID"):
        raise UnableToFound("say with --environment FILE where the node's settings are to be kept, or set them all.")
    if path is not None and not path.exists():
        if given is None:
            given = answers.asked(ask, say, insecure_loopback_http=options.insecure_loopback_http)
        elif options.insecure_loopback_http:
            given["insecure_loopback_http"] = True
        write(path, answers.variables(given))
    known = {**environ, **(read(path) if path is not None else {})}
    if given is not None:
        _agree(answers.variables(given, whole=False), known, path)
    environ.update(known)


def write(path: Path, variables: Mapping[str, str]) -> None:
    """The file, 0600, and beside the keys the URLs that hold a password. Raises `UnableToFound`."""
    known = {name: value for name, value in variables.items() if value}
    keys = Path(known.setdefault("CAUSEWAY_KEY_DIR", str(Path(known["CAUSEWAY_DATA_DIR"]) / "keys")))
    try:
        for folder in (Path(known["CAUSEWAY_DATA_DIR"]), keys):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, file in SECRET_URLS.items():
            if urlsplit(known.get(name, "")).password:
                _store(keys / file, known.pop(name) + "\n")
                known[f"{name}_FILE"] = str(keys / file)
        lines = [f"{name}='{value}'\n" for name, value in sorted(known.items())]
        path.parent.mkdir(parents=True, exist_ok=True)
        _store(path, "# The environment of this node. In a shell: set -a; . FILE; set +a\n" + "".join(lines))
    except OSError as error:
        raise UnableToFound(f"{error.filename}: {error.strerror}.") from error


def read(path: Path) -> dict[str, str]:
    """The variables in a file. Raises `UnableToFound`; nothing is expanded, so that every reader reads the same."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise UnableToFound(f"{path} cannot be read.") from error
    found: dict[str, str] = {}
    for number, line in enumerate(map(str.strip, lines), 1):
        match = _LINE.fullmatch(line)
        if match is not None:
            found[match["name"]] = match["quoted"] if match["quoted"] is not None else match["bare"]
        elif line and not line.startswith("#"):
            raise UnableToFound(f"{path}, line {number}: only NAME='value' and remarks stand here.")
    return found


def _agree(wanted: Mapping[str, str], known: Mapping[str, str], path: Path | None) -> None:
    """A node that was founded does not become another by an answer: that would be keys of one and data of the other."""
    place = path if path is not None else "the environment"
    for name, value in wanted.items():
        if name in SECRET_URLS and f"{name}_FILE" in known:
            continue
        if value and known.get(name, "") != value:
            raise UnableToFound(f"{name} is another in {place} than in the answers: change the one that is wrong.")


def _store(path: Path, content: str) -> None:
    """Whole or not at all, and for this user alone."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def ask(text: str) -> str:
    try:
        return input(text)
    except EOFError as error:
        raise UnableToFound("there is nobody to answer: give the answers with --file.") from error


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
