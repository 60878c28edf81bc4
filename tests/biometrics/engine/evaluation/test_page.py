"""The report as a page: what must stand on it, and what must not be in it."""

import argparse
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from idp.biometrics.engine.evaluation import running
from idp.biometrics.engine.evaluation.work import UnableToKeep
from tests.biometrics.engine.evaluation.synthetic import SyntheticEngine, people

pytest.importorskip("matplotlib", reason="a gate has none")


def made(directory: Path, *arguments: str) -> str:
    parser = argparse.ArgumentParser()
    running.add_arguments(parser)
    options = parser.parse_args([str(directory), "--out", str(directory.parent / "out"), *arguments])
    running.evaluate(
        options, engine=SyntheticEngine(), thresholds={"admit": 0.6, "refer": 0.5}, command="the <command>"
    )
    return (directory.parent / "out" / "report.html").read_text("utf-8")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("page") / "set"
    people(root / "x", 50, 2)
    people(root / "y", 50, 2, first=100)
    (root / "x" / "p00000" / "0.jpg").write_text("wall")
    return made(root, "--groups", "--dataset", "Lane <1>")


def test_nothing_is_asked_of_a_network_or_of_other_files(page: str) -> None:
    """A report that an evaluator opens a year later, elsewhere."""
    sources = re.findall(r'(?:src|href|srcset)="([^"]*)"', page)
    assert len(sources) == 4
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert "<script" not in page and "@import" not in page and "url(" not in page


def test_names_are_text_and_not_markup(page: str) -> None:
    """The name of a folder or data set with a script in it."""
    assert "Lane &lt;1&gt;" in page and "the &lt;command&gt;" in page
    assert "Lane <1>" not in page and "the <command>" not in page


def test_every_claim_and_every_refusal_to_claim_is_a_sentence(page: str) -> None:
    assert "<b>FMR 1e-3</b> is claimed" in page
    for name, people_needed in (("1e-5", 776), ("1e-6", "2,450")):
        assert re.search(
            rf"<b>FMR {name}</b> is not claimed: .*It would take [\d,]+ more; {people_needed} people", page
        )


def test_rates_failures_groups_and_origin_are_there(page: str) -> None:
    for said in ("FTA, of pictures", "FTE, of people", "face_no_face", "At admit", "insightface", "rule of"):
        assert said in page
    assert '<td data-name="Acquiring">x<td data-name="Pictures">100<td data-name="FTA">1 % (' in page
    assert "Of two groups none can have more than twice the mean" in page  # the aim is met by any two
    assert "no group has an error" in page or "the aim is 2" in page


def test_page_is_well_formed(page: str) -> None:
    opened: list[str] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            opened.append(tag)

    Parser().feed(page)
    assert opened.count("table") == page.count("</table>") and opened.count("section") == page.count("</section>")


def test_report_is_beside_the_page_for_programs(tmp_path: Path) -> None:
    made(people(tmp_path / "set", 3))
    found = json.loads((tmp_path / "out" / "report.json").read_text())
    assert found["command"] == "the <command>" and found["machine"]["cores"]


def test_report_that_cannot_be_written_is_known_before_anything_is_measured(tmp_path: Path) -> None:
    """After hours, with the templates deleted already."""
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UnableToKeep, match="no report"):
        made(people(tmp_path / "set", 2), "--work", str(tmp_path / "work"))
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("count, pictures", [(1, 1), (1, 2), (2, 1), (3, 2)])
def test_few_pictures_make_a_page_too(tmp_path: Path, count: int, pictures: int) -> None:
    """No genuine comparison, no impostor, or neither: a plot of nothing ended in an error."""
    assert "not claimed" in made(people(tmp_path / "set", count, pictures))


def test_names_of_one_point_are_not_written_over_each_other() -> None:
    from idp.biometrics.engine.evaluation import plots
    from idp.biometrics.engine.evaluation.measuring import Counted

    found = Counted.at([0.5, 0.6])
    found.genuine.add(np.full(50, 0.9))
    found.impostor.add(np.full(50, 0.1))
    drawn = plots.det(found, {"admit": 0.6, "refer": 0.5}, plots.LIGHT)
    assert ">admit, refer<" in drawn
    assert drawn == plots.det(found, {"admit": 0.6, "refer": 0.5}, plots.LIGHT)  # the same bytes for the same numbers


def test_points_of_the_profiles_lie_on_the_curve() -> None:
    """A curve of too few points cut the corner where errors are rare."""
    from idp.biometrics.engine.evaluation import plots, rates
    from idp.biometrics.engine.evaluation.measuring import Counted

    random = np.random.default_rng(1)
    found = Counted.at([])
    found.genuine.add(random.normal(0.6, 0.08, 5_000).clip(0, 1))
    found.impostor.add(random.normal(0.3, 0.07, 500_000).clip(0, 1))
    (_, match, _), (_, non, _) = plots._both(found)
    for target in (1e-2, 1e-3, 1e-4, 1e-5):
        threshold = rates.threshold_for(found.impostor, target)
        x, y = rates.fmr(found.impostor, threshold).value, rates.fnmr(found.genuine, threshold).value
        assert np.interp(x, match[::-1], non[::-1]) == pytest.approx(y, rel=0.05)


def test_gate_does_not_load_matplotlib() -> None:
    """Half a second and 60 MB in each process that never draws."""
    code = (
        "import sys; import idp.biometrics.engine.evaluate, idp.biometrics.engine.evaluation.running; "
        "import idp.checkpoint.comparison; print('matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
