"""Taking a pack in: which of its files does what is found out by loading it, once, and written into its record."""

import re
from pathlib import Path

from idp.biometrics.engine import providers
from idp.biometrics.engine.contract import UnableToLoadModel
from idp.biometrics.engine.licensed import analysis
from idp.biometrics.engine.pack import RECORD, TASKS, Pack, Record, check, contents, read_record, sha256
from idp.biometrics.engine.pack_manifest import read_manifest


def take(directory: Path, *, name: str, root: Path) -> Pack:
    """Write the record of the pack in ``directory`` and check it; an older record is replaced.

    ``name`` is the model's where no manifest says another. Raises `UnableToLoadModel` where insightface does not load
    the pack; no record is left then that was not there.
    """
    files, manifest = contents(directory), read_manifest(directory)
    app = analysis(directory, root=root, providers=[providers.CPU])
    home = directory.resolve()
    tasks = {task: Path(app.models[task].model_file).resolve().relative_to(home).as_posix() for task in TASKS}
    record = Record(
        model_id=manifest.model_id if manifest else _plain(name),
        tasks=tasks,
        digests={one: sha256(path) for one, path in sorted(files.items()) if one != RECORD},
    )
    older = read_record(directory)
    record.write(directory)
    try:
        return check(directory)
    except UnableToLoadModel:
        (directory / RECORD).unlink()
        if older:
            older.write(directory)
        raise


def _plain(name: str) -> str:
    """``name`` in the characters of a manifest's ``model_id``."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")
    if not plain:
        raise UnableToLoadModel(f"{name!r} is no name for a model")
    return plain
