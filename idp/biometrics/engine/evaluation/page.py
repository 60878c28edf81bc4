"""The report as one HTML page that needs nothing else: no network, no script, no file beside it."""

import base64
import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from idp.biometrics.engine.evaluation import plots
from idp.biometrics.engine.evaluation.measuring import Measured
from idp.biometrics.engine.evaluation.report import AIM

STYLE: Final = Path(__file__).with_name("page.css")
INDEPENDENT: Final = (
    "Intervals, in percent, are those of Clopper and Pearson at 95 %; without any error the upper end is the rule of "
    "three's, 3/n. They hold for independent comparisons. Comparisons that share a person are not, so "
    "the true intervals are wider."
)


def page(measured: Measured, found: Mapping[str, Any]) -> str:
    """``found`` (`report.report` with `origin.origin`) as HTML, with the plots of ``measured``."""
    title = f"{found['model']} on {found['dataset']}"
    parts = [
        f"<h1>How often {_text(found['model'])} errs</h1>",
        _facts(found),
        _warnings(found),
        _section("Error rates", _rates(found) + f"<p class=note>{INDEPENDENT}</p>"),
        _section("Profiles", _profiles(found)),
        _section("Plots", _figures(measured, found["thresholds"])),
        _section("Pictures without a template", _failures(found)),
        _section("Groups", _groups(found)),
        _section("Where this comes from", _origin(found)),
    ]
    head = (
        '<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width">'
        f"<title>{_text(title)}</title><style>{STYLE.read_text('utf-8')}</style>"
    )
    return f"{head}<main>{''.join(parts)}</main></html>\n"


def _facts(found: Mapping[str, Any]) -> str:
    facts = {
        "Data set": found["dataset"],
        "People" if found["by_person"] else "References": f"{found['subjects']:,}",
        "Pictures": f"{found['pictures']:,}",
        "Genuine comparisons": f"{found['genuine']:,}",
        "Impostor comparisons": f"{found['impostor']:,}",
        "Equal error rate": _percent(found["eer"]),
    }
    return f"<dl class=facts>{''.join(f'<div><dt>{_text(k)}<dd>{_text(v)}</div>' for k, v in facts.items())}</dl>"


def _warnings(found: Mapping[str, Any]) -> str:
    said = []
    if found["misfiled"]:
        said.append(
            f"{_pictures(found['misfiled'])} in the folders of two people, byte for byte. That counts as an impostor "
            "who matches; no threshold here can be trusted before it is mended."
        )
    if found["repeated"]:
        said.append(
            f"{_pictures(found['repeated'])} there more than once, byte for byte. A comparison of a picture with "
            "itself says nothing of an engine."
        )
    return _section("Take care", "".join(f"<p>{one}</p>" for one in said)) if said else ""


def _pictures(number: int) -> str:
    return "1 picture is" if number == 1 else f"{number:,} pictures are"


def _rates(found: Mapping[str, Any]) -> str:
    rows = [
        ("FTA, of pictures", "", _rate(found["fta"], found["intervals"]["fta"]), ""),
        (f"FTE, of {_whom(found)}", "", _rate(found["fte"], found["intervals"]["fte"]), ""),
    ]
    rates = _table(("Acquiring and enrolling", "", "Rate and interval", ""), rows, columns=(0, 2))
    points = [
        (
            name,
            f"{threshold:.5f}",
            _rate(found["fmr"][name], found["intervals"]["fmr"][name]),
            _rate(found["fnmr"][name], found["intervals"]["fnmr"][name]),
        )
        for name, threshold in found["thresholds"].items()
    ]
    return rates + _table(("Comparing at", "Threshold", "FMR", "FNMR"), points)


def _whom(found: Mapping[str, Any]) -> str:
    return "people" if found["by_person"] else "references"


def _profiles(found: Mapping[str, Any]) -> str:
    lines = []
    for name, profile in found["profiles"].items():
        if profile["claimed"]:
            lines.append(f"<li><b>{name}</b> is claimed, at {profile['threshold']:.5f}.")
        elif profile["missing"]:
            lines.append(
                f"<li><b>{name}</b> is not claimed: {_text(profile['why'])}. It would take "
                f"{profile['missing']:,} more; {profile['people']:,} people with one picture each give enough."
            )
        else:
            lines.append(f"<li><b>{name}</b> is not claimed: {_text(profile['why'])}")
    return f"<ul>{''.join(lines)}</ul>"


def _figures(measured: Measured, marks: Mapping[str, float]) -> str:
    both = (
        ("Scores", plots.scores, "How many comparisons of each kind have which score."),
        (
            "DET",
            plots.det,
            "Errors of both kinds at every threshold, on axes of normal deviates; the band is at 95 %.",
        ),
    )
    figures = []
    for name, plot, caption in both:
        light, dark = (_data(plot(measured.all, marks, palette)) for palette in (plots.LIGHT, plots.DARK))
        figures.append(
            f'<figure><picture><source srcset="{dark}" media="(prefers-color-scheme: dark)">'
            f'<img src="{light}" alt="{name}"></picture><figcaption><b>{name}.</b> {caption}</figcaption></figure>'
        )
    return f"<div class=figures>{''.join(figures)}</div>"


def _failures(found: Mapping[str, Any]) -> str:
    if not found["failures"]:
        return "<p>None.</p>"
    rows = sorted(found["failures"].items(), key=lambda one: -one[1])
    return _table(("What was said of them", "Pictures"), [(reason, f"{number:,}") for reason, number in rows])


def _groups(found: Mapping[str, Any]) -> str:
    if not found["groups"]:
        return "<p>No groups were named (groups.csv, or folders of groups with --groups).</p>"
    acquired = [
        (group, f"{one['pictures']:,}", _rate(one["fta"], one["intervals"]["fta"]))
        for group, one in found["groups"].items()
    ]
    parts = [
        _table(("Acquiring", "Pictures", "FTA"), acquired),
        "<p>Impostor comparisons within a group only: across groups people are told apart more easily.</p>",
    ]
    if len(found["groups"]) <= AIM:
        parts.append("<p>Of two groups none can have more than twice the mean: look at the intervals.</p>")
    for name in found["thresholds"]:
        rows = [
            (group, f"{one['genuine']:,}", f"{one['impostor']:,}", *_both(one, name))
            for group, one in found["groups"].items()
        ]
        parts.append(_table((f"At {name}", "Genuine", "Impostor", "FMR", "FNMR"), rows))
        parts.extend(f"<p>{_worst(kind, found['differentials'][kind].get(name))}</p>" for kind in ("fmr", "fnmr"))
    return "".join(parts)


def _both(one: Mapping[str, Any], name: str) -> tuple[str, str]:
    fmr, fnmr = (_rate(one[kind][name], one["intervals"][kind][name]) for kind in ("fmr", "fnmr"))
    return fmr, fnmr


def _worst(kind: str, found: Mapping[str, Any] | None) -> str:
    if found is None:
        return f"{kind.upper()}: fewer than two groups have comparisons."
    if found["times"] is None:
        return f"{kind.upper()}: no group has an error, which does not say that they are alike."
    said = f"{kind.upper()}: the worst, {_text(found['worst'])}, has {found['times']:.2f} times the mean of the groups"
    if found["times"] <= AIM:
        return f"{said}; the aim is {AIM:g} at most."
    sure = "even the lower end of its interval lies beyond" if found["beyond"] else "which may still be chance"
    return f"<strong>{said}</strong>; the aim is {AIM:g} at most, {sure}."


def _origin(found: Mapping[str, Any]) -> str:
    facts = {
        "Command": found["command"],
        "Model": found["model"],
        "Processor": f"{found['machine']['processor']}, {found['machine']['cores']} cores",
        "System": found["machine"]["system"],
        **found["versions"],
    }
    return _table(("", ""), list(facts.items()), code=True)


def _section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>{content}</section>"


def _table(
    head: Sequence[str], rows: Sequence[Sequence[object]], *, columns: Sequence[int] = (), code: bool = False
) -> str:
    """Cells carry their column's name, for narrow screens, where each row becomes a list."""
    kept = columns or range(len(head))
    names = "".join(f"<th>{_text(head[at])}" for at in kept)
    lines = []
    for row in rows:
        cells = "".join(f'<td data-name="{_text(head[at])}">{_text(row[at])}' for at in kept)
        lines.append(f"<tr>{cells}")
    top = f"<thead><tr>{names}</thead>" if any(head) else ""
    return f"<table{' class=code' if code else ''}>{top}<tbody>{''.join(lines)}</tbody></table>"


def _rate(value: float | None, interval: Sequence[float]) -> str:
    if value is None:
        return "not tried"
    low, high = (_number(100 * end) for end in interval)
    return f"{_percent(value)} ({low} to {high})"


def _percent(value: float | None) -> str:
    return "not tried" if value is None else f"{_number(100 * value)} %"


def _number(value: float) -> str:
    return np.format_float_positional(value, precision=3, fractional=False, trim="-")


def _data(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _text(value: object) -> str:
    return html.escape(str(value))
