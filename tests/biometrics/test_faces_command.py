"""``manage.py faces``: what an operator is told about engines, and that a pack is installed whole or not at all."""

import http.server
import io
import json
import shutil
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from idp.audit.models import AuditEvent
from idp.biometrics import engines
from idp.biometrics.engine import EMBEDDED_MODEL, pack
from tests.biometrics.engine import packs

ACCEPT = "--accept-licence"


def said(*arguments: object) -> str:
    out = io.StringIO()
    call_command("faces", *map(str, arguments), stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def models(settings: Any, tmp_path: Path, db: None) -> Any:
    """The node's directory of models, empty."""
    settings.IDP_MODEL_DIR = tmp_path / "kept"
    yield tmp_path / "kept"
    engines.pack.cache_clear()


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return packs.write(tmp_path / "our-pack", manifest=False)


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """A terminal on which somebody answers; the questions asked so far."""

    def at_the_terminal(text: str) -> list[str]:
        asked: list[str] = []
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
        monkeypatch.setattr("builtins.input", lambda question: (asked.append(question), text)[1])
        return asked

    return at_the_terminal


class Release(http.server.BaseHTTPRequestHandler):
    """insightface's releases, on loopback: ``archives`` by path."""

    archives: dict[str, bytes] = {}
    promised = 0  # bytes more than are sent

    def do_GET(self) -> None:
        content = self.archives.get(self.path)
        self.send_response(200 if content is not None else 404)
        self.send_header("Content-Length", str(len(content or b"") + self.promised))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Release]]:
    kind = type("This", (Release,), {"archives": {}})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    monkeypatch.setattr("insightface.utils.storage.MODEL_ZOO_RELEASE_DOWNLOAD_URL", url)
    yield kind
    server.shutdown()
    server.server_close()


def archive(directory: Path, *, folder: str = "") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, path in pack.contents(directory).items():
            made.write(path, f"{folder}{name}")
    return file.getvalue()


def left(models: Path) -> list[str]:
    return sorted(str(path.relative_to(models)) for path in models.rglob("*") if path.is_file())


def test_the_embedded_engine_listed_without_saying_what_it_is_for() -> None:
    assert said("list").splitlines() == [
        "providers: cpu; add-on for liveness: none",
        f"{EMBEDDED_MODEL}  embedded, for trying only; CC0",
    ]


def test_a_damaged_pack_listed_as_sound(settings: Any, tmp_path: Path) -> None:
    sound, damaged = packs.write(tmp_path / "sound"), packs.write(tmp_path / "damaged")
    (damaged / "recognition.onnx").write_bytes(b"")
    settings.IDP_FACE_ENGINES = [str(sound), str(damaged)]
    one, other = said("list").splitlines()[1:]
    assert one.startswith("tiny-") and "MODEL.LICENSE" in one and packs.digest(packs.recogniser()) in one
    assert other.startswith("NOT USED") and "SHA-256 differs" in other


def test_a_pack_checked_that_the_engine_would_not_take(tmp_path: Path, bare: Path) -> None:
    assert "recognition: recognition.onnx" in said("check", packs.write(tmp_path / "sound"))
    with pytest.raises(CommandError, match="faces trust"):
        said("check", bare)


def test_a_directory_installed_without_its_digests(bare: Path, models: Path) -> None:
    text = said("install", bare, ACCEPT)
    installed = models / "models" / "our-pack"
    assert f"CAUSEWAY_FACE_ENGINES={installed}" in text
    assert "no licence text" in text and "non-commercial research only" in text
    assert pack.check(installed).model in text
    assert left(models) == [f"models/our-pack/{name}" for name in (pack.RECORD, "detection.onnx", "recognition.onnx")]
    event = AuditEvent.objects.get(kind="face_pack.installed")
    assert (event.actor, event.subject) == ("console", pack.check(installed).model)
    (installed / "detection.onnx").write_bytes(b"")
    with pytest.raises(CommandError, match="SHA-256 differs"):
        said("check", installed)


def test_a_licence_that_nobody_was_shown(tmp_path: Path, models: Path, answer: Callable[[str], list[str]]) -> None:
    made = packs.write(tmp_path / "made")
    (made / "MODEL.LICENSE").write_text("Only on Sundays.\x1b[2J")
    asked = answer("y")
    text = said("install", made)
    assert "Only on Sundays. [2J" in text
    assert len(asked) == 1
    assert left(models)


@pytest.mark.parametrize("reply", ["", "n", "no", "maybe"])
def test_a_pack_installed_against_a_no(
    bare: Path, models: Path, answer: Callable[[str], list[str]], reply: str
) -> None:
    answer(reply)
    for command in ("install", "trust"):
        with pytest.raises(CommandError, match="not accepted"):
            said(command, bare)
    assert left(models) == []
    assert not (bare / pack.RECORD).exists()


def test_a_script_that_accepts_by_being_none(bare: Path, models: Path) -> None:
    with pytest.raises(CommandError, match="--accept-licence"):
        said("install", bare)
    assert left(models) == []


def test_a_pack_installed_over_another(bare: Path, models: Path) -> None:
    said("install", bare, ACCEPT)
    (bare / "recognition.onnx").write_bytes(packs.recogniser(2))
    with pytest.raises(CommandError, match="there already"):
        said("install", bare, ACCEPT)
    assert pack.check(models / "models" / "our-pack").digest == packs.digest(packs.recogniser())


@pytest.mark.parametrize("name", ["detection.onnx", "recognition.onnx"])
def test_a_directory_that_does_not_load_left_half_installed(bare: Path, models: Path, name: str) -> None:
    (bare / name).write_bytes(b"not a network")
    with pytest.raises(CommandError, match="nothing is left of it"):
        said("install", bare, ACCEPT)
    assert left(models) == []
    assert not AuditEvent.objects.filter(kind="face_pack.installed").exists()


@pytest.mark.parametrize("folder", ["", "tiny/"])
def test_a_pack_fetched_without_its_digests(tmp_path: Path, models: Path, release: type[Release], folder: str) -> None:
    release.archives["/tiny.zip"] = archive(packs.write(tmp_path / "tiny"), folder=folder)
    text = said("install", "tiny", ACCEPT)
    assert "no licence text" in text and "For tests only." in text
    assert pack.check(models / "models" / "tiny").model_id == "tiny"
    assert [path.name for path in models.iterdir()] == ["models"]


def test_a_licence_in_the_archive_that_nobody_accepted(
    tmp_path: Path, models: Path, release: type[Release], answer: Callable[[str], list[str]]
) -> None:
    """It is asked before the download, and again when there is a text to be read."""
    release.archives["/tiny.zip"] = archive(packs.write(tmp_path / "tiny"))
    asked = answer("y")
    said("install", "tiny")
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("content", "promised"), [(None, 0), (b"no archive", 0), ("whole", 1000), ("cut", 0), ("elsewhere", 0)]
)
def test_a_download_that_leaves_a_part(
    tmp_path: Path, models: Path, release: type[Release], content: object, promised: int
) -> None:
    whole = archive(packs.write(tmp_path / "tiny"))
    elsewhere = archive(packs.write(tmp_path / "other", manifest=False), folder="../../")
    known = {"whole": whole, "cut": whole[:-2000], "elsewhere": elsewhere}
    if content is not None:
        release.archives["/tiny.zip"] = known.get(str(content), b"no archive")
    release.promised = promised
    if content == "elsewhere":  # zipfile takes the dots out: what comes of it is a pack like any other
        said("install", "tiny", ACCEPT)
        assert {Path(name).parts[0] for name in left(models)} == {"models"}
        assert not (models.parent / "detection.onnx").exists()
        return
    with pytest.raises(CommandError, match="nothing is left of it"):
        said("install", "tiny", ACCEPT)
    assert left(models) == []


def test_a_machine_without_a_network(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("insightface.utils.storage.MODEL_ZOO_RELEASE_DOWNLOAD_URL", "http://127.0.0.1:9/")
    for source in ("buffalo_l", "liveness"):
        monkeypatch.setattr("insightface.addons.catalog.ADDON_CATALOG", _catalogue("http://127.0.0.1:9/x"))
        with pytest.raises(CommandError, match=f"{source} was not installed"):
            said("install", source, ACCEPT)
    assert left(models) == []


@pytest.mark.parametrize("source", ["../up", "a/b", "", "-x", "http://example.org/x.zip"])
def test_a_name_that_leads_out_of_the_directory(models: Path, source: str) -> None:
    with pytest.raises((CommandError, SystemExit)):
        said("install", "--", source) if source == "-x" else said("install", source, ACCEPT)
    assert not models.exists() or left(models) == []


def test_the_addon_taken_whatever_it_is(models: Path, release: type[Release], monkeypatch: pytest.MonkeyPatch) -> None:
    import insightface.utils.storage as storage

    monkeypatch.setattr(
        "insightface.addons.catalog.ADDON_CATALOG",
        _catalogue(f"{storage.MODEL_ZOO_RELEASE_DOWNLOAD_URL}liveness.onnx"),
    )
    release.archives["/liveness.onnx"] = packs.recogniser()[: len(packs.liveness())]
    with pytest.raises(CommandError, match="liveness was not installed"):
        said("install", "liveness", ACCEPT)
    assert left(models) == []
    release.archives["/liveness.onnx"] = packs.liveness()
    assert "every pack uses it" in said("install", "liveness", ACCEPT)
    assert left(models) == ["addons/liveness.onnx"]
    assert "add-on for liveness: installed" in said("list")
    assert AuditEvent.objects.filter(kind="face_pack.installed", subject="liveness").count() == 1


def test_a_pack_trusted_without_its_digests(bare: Path) -> None:
    text = said("trust", bare, ACCEPT, "--officer", "account:7")
    assert pack.check(bare).model in text
    assert said("check", bare)
    assert AuditEvent.objects.get(kind="face_pack.trusted").actor == "account:7"


def test_a_pack_trusted_against_its_own_manifest(tmp_path: Path) -> None:
    made = packs.write(tmp_path / "made")
    (made / "detection.onnx").write_bytes(packs.detector() + b"\n")
    with pytest.raises(CommandError):
        said("trust", made, ACCEPT)
    assert not (made / pack.RECORD).exists()


@pytest.mark.parametrize("older", [False, True])
def test_a_record_that_a_manifest_contradicts(tmp_path: Path, older: bool) -> None:
    """insightface does not look at the network that nobody uses; the record must not stay when the check fails."""
    made = packs.write(tmp_path / "made")
    if older:
        said("trust", made, ACCEPT)
    before = (made / pack.RECORD).read_text() if older else None
    tasks = json.loads((made / "manifest.json").read_text())["tasks"]
    (made / "verification.onnx").write_bytes(b"of no use")
    packs.describe(made, tasks=tasks | {"verification": {"file": "verification.onnx", "sha256": "0" * 64}})
    with pytest.raises(CommandError, match=r"disagree about verification\.onnx"):
        said("trust", made, ACCEPT)
    assert (made / pack.RECORD).exists() == older
    assert before is None or (made / pack.RECORD).read_text() == before


def test_an_older_record_lost_with_a_failed_one(bare: Path) -> None:
    said("trust", bare, ACCEPT)
    before = json.loads((bare / pack.RECORD).read_text())
    (bare / "recognition.onnx").write_bytes(b"")
    with pytest.raises(CommandError):
        said("trust", bare, ACCEPT)
    assert json.loads((bare / pack.RECORD).read_text()) == before
    shutil.rmtree(bare)


def _catalogue(url: str) -> dict[str, Any]:
    import dataclasses

    from insightface import addons

    content = packs.liveness()
    entry = addons.ADDON_CATALOG["liveness"]
    changed = dataclasses.replace(entry, url=url, sha256=packs.digest(content), size_bytes=len(content))
    return {"liveness": changed}
