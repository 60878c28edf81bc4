"""The report: what was expected, what was decided, and the pictures, as JSON for programs and HTML for people."""

import base64
import html
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "templates/demo/report.html"  # str.format; braces doubled
SIGN = {"admit": "✓", "refer": "☞", "refuse": "✕"}


@dataclass(frozen=True)
class Crossing:
    """One presentation at one lane."""

    id: str
    traveller: str
    origin: str
    destination: str
    checkpoint: str
    direction: str
    mode: str
    format: str
    decision: str
    reason: str
    expected_decision: str
    expected_reason: str
    gate_ms: float
    face_ms: float | None
    score: float | None
    qr_version: int | None
    bytes: int

    @property
    def ok(self) -> bool:
        return (self.decision, self.reason) == (self.expected_decision, self.expected_reason)

    def wire(self) -> dict[str, object]:
        """As it stands in ``report.json``."""
        members = asdict(self)
        return {{"origin": "from", "destination": "to"}.get(name, name): value for name, value in members.items()}


@dataclass(frozen=True)
class Pictures:
    """What belongs to a crossing, for the page: the registry's portrait, the live picture, the code. JPEG and PNG."""

    reference: bytes
    probe: bytes
    code: bytes | None


@dataclass(frozen=True)
class Step:
    """One stage of the demonstration and how long it took."""

    name: str
    ok: bool
    ms: float


@dataclass
class Report:
    """Everything that was shown."""

    crossings: list[tuple[Crossing, Pictures, str]] = field(default_factory=list)  # and what it shows
    steps: list[Step] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return bool(self.crossings) and all(step.ok for step in self.steps) and all(c.ok for c, _, _ in self.crossings)

    def write(self, directory: Path) -> None:
        """``report.json`` and ``report.html``."""
        value = {
            "ok": self.ok,
            "crossings": [crossing.wire() for crossing, _, _ in self.crossings],
            "steps": [asdict(step) for step in self.steps],
        }
        (directory / "report.json").write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", "utf-8")
        (directory / "report.html").write_text(self._page(), "utf-8")

    def _page(self) -> str:
        rows = "".join(_row(crossing, pictures, shows) for crossing, pictures, shows in self.crossings)
        steps = "".join(
            f"<tr><td>{_sign(step.ok)}</td><td>{html.escape(step.name)}</td>"
            f"<td class=number>{step.ms / 1000:.1f} s</td></tr>"
            for step in self.steps
        )
        admitted = sum(crossing.decision == "admit" for crossing, _, _ in self.crossings)
        verdict = "Every expectation held." if self.ok else "Not every expectation held."
        return PAGE.read_text("utf-8").format(
            verdict=verdict,
            kind="good" if self.ok else "bad",
            count=len(self.crossings),
            admitted=admitted,
            rows=rows,
            steps=steps,
            total=sum(step.ms for step in self.steps) / 1000,
        )


def _row(crossing: Crossing, pictures: Pictures, shows: str) -> str:
    score = "" if crossing.score is None else f"{crossing.score:.2f}"
    face = "" if crossing.face_ms is None else f"{crossing.face_ms:.0f} ms"
    version = "" if crossing.qr_version is None else f"version {crossing.qr_version}, "
    cells: Sequence[str] = (
        f"<div class=pictures>{_image('image/jpeg', pictures.reference, 'registry portrait')}"
        f"{_image('image/jpeg', pictures.probe, 'live picture')}"
        f"{_code(pictures.code)}</div>",
        f"<b>{html.escape(shows)}</b><br>{html.escape(crossing.traveller)}, {crossing.origin} → {crossing.destination}"
        f"<br><small>{html.escape(crossing.checkpoint)}, {crossing.direction}; {crossing.format} by {crossing.mode}, "
        f"{version}{crossing.bytes} bytes</small>",
        f"<span class='verdict {crossing.decision}'>{SIGN[crossing.decision]} {crossing.decision}</span>"
        f"<br><code>{crossing.reason}</code>",
        f"{_sign(crossing.ok)} {crossing.expected_decision} <code>{crossing.expected_reason}</code>",
        f"{crossing.gate_ms:.1f} ms<br>{face}<br>{score}",
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _code(picture: bytes | None) -> str:
    return _image("image/png", picture, "QR code") if picture else "<span class=link>local<br>link</span>"


def _image(media_type: str, data: bytes, text: str) -> str:
    return f'<img alt="{text}" src="data:{media_type};base64,{base64.b64encode(data).decode()}">'


def _sign(ok: bool) -> str:
    return "<span class=good>✓</span>" if ok else "<span class=bad>✕</span>"
