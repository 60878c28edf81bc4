"""The demonstration as a user runs it, and its evidence checked without trusting a word of its report."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from idp.protocol import border_token, keys, strict_json, trust_bundle
from idp.protocol.refusals import Refusal
from tests.e2e.worlds import environment

ROOT = Path(__file__).resolve().parents[2]
MINUTES = 8  # of a machine that does other things too

pytestmark = pytest.mark.e2e

EXPECTED = {
    "exit-cwt": ("admit", ""),
    "entry-cwt": ("admit", ""),
    "exit-jwt": ("admit", ""),
    "entry-jwt": ("admit", ""),
    "yi": ("admit", ""),
    "bing": ("admit", ""),
    "macau": ("admit", ""),
    "face": ("refuse", "face_mismatch"),
    "copied": ("refuse", "key_binding_failed"),
    "entry-cwt-again": ("refuse", "replayed"),
    "exit-cwt-again": ("refuse", "wrong_audience"),
    "other-way": ("refuse", "wrong_direction"),
    "altered": ("refuse", "bad_signature"),
    "late": ("refuse", "expired"),
    "stale": ("refer", "trust_stale"),
    "revoked": ("refuse", "revoked"),
    "withdrawn": ("refuse", "untrusted_issuer"),
    "macau-after": ("admit", ""),
}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one whole run, in processes of its own."""
    directory = tmp_path_factory.mktemp("demo")
    run = subprocess.run(
        [sys.executable, "-m", "idp.demo", "play", "--directory", str(directory)],
        cwd=ROOT,
        env=environment(9400),
        capture_output=True,
        text=True,
        timeout=MINUTES * 60,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    return directory


def report(directory: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((directory / "report.json").read_text("utf-8"))
    return value


def test_every_decision_is_made_for_exactly_its_reason(played: Path) -> None:
    """A refusal for the wrong reason looks like success to a demonstration that counts refusals."""
    made = {item["id"]: (item["decision"], item["reason"]) for item in report(played)["crossings"]}
    assert made == EXPECTED
    assert report(played)["ok"] is True


def test_the_report_has_the_members_that_programs_read(played: Path) -> None:
    """A renamed member breaks whoever reads the report."""
    members = {
        *("id", "traveller", "from", "to", "checkpoint", "direction", "mode", "format", "decision", "reason"),
        *("expected_decision", "expected_reason", "gate_ms", "face_ms", "score", "qr_version", "bytes"),
    }
    value = report(played)
    assert value.keys() == {"ok", "crossings", "steps"}
    assert all(item.keys() == members for item in value["crossings"])
    assert all(step.keys() == {"name", "ok", "ms"} for step in value["steps"])
    assert (played / "report.html").stat().st_size > 100_000


def test_the_evidence_gives_the_same_verdicts(played: Path) -> None:
    """Tokens and bundles are verified here with the anchors' public keys alone, as another program would."""
    evidence = played / "evidence"
    anchors = json.loads((evidence / "anchor-keys.json").read_text("utf-8"))
    for item in report(played)["crossings"]:
        place = evidence / item["id"]
        node, _, _ = item["checkpoint"].partition("/checkpoints/")
        code = node.removeprefix("http://").partition(".")[0]
        lane = "exit-1" if code == "cn" else "entry-1"
        now = int(place.stat().st_mtime)
        bundle = trust_bundle.load_bundle(
            (evidence / f"bundle-{code}-{lane}.json").read_bytes(),
            pinned=keys.parse_jwks(anchors[node]),
            anchor=node,
            checkpoint=item["checkpoint"],
            now=now,
        )
        presented = place / ("token.cwt" if item["format"] == "cwt" else "token.jwt")
        raw = presented.read_bytes() if item["format"] == "cwt" else presented.read_text("ascii")
        issuer = bundle.issuer(border_token.parse_unverified(raw).iss, now=now)
        if item["reason"] == "bad_signature":
            with pytest.raises(Refusal):
                border_token.verify(raw, keys=issuer.keys, now=now)
        else:
            token = border_token.verify(raw, keys=issuer.keys, now=now)
            assert (token.aud == item["checkpoint"]) is (item["reason"] != "wrong_audience")


def test_no_private_key_is_in_the_evidence(played: Path) -> None:
    """A private member in a folder that is meant to be handed to others."""
    for path in (played / "evidence").rglob("*.json"):
        text = path.read_text("utf-8")
        assert '"d":' not in text.replace(" ", ""), path
        strict_json.loads(text, max_bytes=16 << 20)


def test_macaos_node_keeps_no_template_and_its_travellers_phone_does(played: Path) -> None:
    """Else a demonstration of references on devices would show the node's own."""
    query = "SELECT keeper, sealed FROM biometrics_facereference"
    kept = {code: _asked(played / "nodes" / code / "node.sqlite3", query) for code in ("cn", "hk", "mo")}
    assert kept["mo"] == [("device", b"")]
    assert all(keeper == "node" and sealed for code in ("cn", "hk") for keeper, sealed in kept[code])
    phones = (played / "phones").glob("*/wallet.sqlite3")
    carried = [row for phone in phones for row in _asked(phone, "SELECT provider, sealed FROM face_reference")]
    assert len(carried) == 1 and "mo.localhost" in carried[0][0]


def _asked(database: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()
