"""What the demonstration prints while it runs: steps with a spinner and their times, then one table of decisions."""

from rich.console import Console
from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from idp.demo.report import SIGN, Crossing, Report, Step

WIDE = 124  # columns that the whole table takes
STYLE = {"admit": "green", "refer": "yellow", "refuse": "red"}


class Progress:
    """Prints to a terminal or to a file alike."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def begin(self, name: str) -> None:
        """A step begins."""
        if self.console.is_terminal:
            columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            self._bar = Bar(*columns, console=self.console, transient=True)
            self._bar.start()
            self._task = self._bar.add_task(name)

    def crossing(self, crossing: Crossing, shows: str) -> None:
        """A decision was made."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=f"{SIGN[crossing.decision]} {shows}")

    def end(self, step: Step) -> None:
        """A step has ended."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        mark = "[green]✓[/]" if step.ok else "[red]✕[/]"
        self.console.print(f"{mark} {step.name} [dim]{step.ms / 1000:.1f} s[/]", soft_wrap=True)

    def table(self, report: Report) -> None:
        """Every presentation and its decision; with times and scores where the terminal is wide enough."""
        wide = self.console.width >= WIDE
        table = Table(box=None, pad_edge=False)
        table.add_column("what it shows", no_wrap=True)
        table.add_column("by", no_wrap=True)
        table.add_column("decision, and why", no_wrap=True)
        for title in ("traveller", "way", "gate ms", "face ms", "score") if wide else ():
            table.add_column(
                title, justify="right" if title in ("gate ms", "face ms", "score") else "left", no_wrap=True
            )
        for crossing, _, shows in report.crossings:
            table.add_row(*_cells(crossing, shows), *(_more(crossing) if wide else ()))
        self.console.print()
        self.console.print(table)


def _cells(crossing: Crossing, shows: str) -> tuple[str, str, str]:
    style = STYLE[crossing.decision]
    return (
        f"{'[green]✓[/]' if crossing.ok else '[red]✕[/]'} {shows}",
        f"QR v{crossing.qr_version}" if crossing.qr_version else "link",
        f"[{style}]{SIGN[crossing.decision]} {crossing.decision}[/] {crossing.reason}",
    )


def _more(crossing: Crossing) -> tuple[str, ...]:
    return (
        crossing.traveller,
        f"{crossing.origin}→{crossing.destination} {crossing.direction}",
        f"{crossing.gate_ms:.1f}",
        "" if crossing.face_ms is None else f"{crossing.face_ms:.0f}",
        "" if crossing.score is None else f"{crossing.score:.2f}",
    )
