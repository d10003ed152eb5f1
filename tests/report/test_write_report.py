"""The whole study folder with figures and report, moved into place in one step."""

import json
from pathlib import Path
from unittest.mock import sentinel

import pytest

from tests.support.studies import make_study
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.errors import OutputError
from umlpsd_gpu.plotting import figures as figures_module
from umlpsd_gpu.report.write_report import write_report

FIGURES = ["exponents", "images", "metric_profiles", "power_spectra", "trajectories"]


@pytest.fixture(scope="module")
def study() -> Study:
    return make_study(n_traces=12, n_frames=160, k_max=3)


def test_everything_is_in_the_folder(place: Path, study: Study) -> None:
    steps = []
    folder = write_report(study, place / "a", progress=lambda *step: steps.append(step))
    figures = sorted(f"figures/{name}.{kind}" for name in FIGURES for kind in ("png", "svg"))
    texts = ["methods.txt", "references.bib", "report.html"]
    files = [*figures, *texts, "settings.toml", "study.h5", "traces.csv"]
    assert json.loads((folder / "summary.json").read_text("utf-8"))["files"] == files
    assert all((folder / name).stat().st_size > 500 for name in files)
    assert Study.load(folder).decision == study.decision
    assert (folder / "report.html").read_text("utf-8").count('src="data:image/svg+xml') == 5
    assert steps[-1] == ("figures", 5, 5)


def test_refuses_before_drawing(place: Path, study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    study.save(place / "a")

    def never(*_: object) -> None:
        raise AssertionError("the figures were drawn")

    monkeypatch.setattr(figures_module, "draw_figures", never)
    with pytest.raises(OutputError, match="already holds a study"):
        write_report(study, place / "a")


def test_overwrites_a_report_with_its_figures(
    place: Path, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures_module, "draw_figures", lambda *_: ())
    write_report(study, place / "a")
    write_report(make_study(seed=1, n_traces=12, n_frames=160), place / "a", overwrite=True)
    assert Study.load(place / "a").settings.sweep.seed == 1
    assert [path.name for path in place.iterdir()] == ["a"]


def test_pool_draws(place: Path, study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    pools = []
    monkeypatch.setattr(figures_module, "draw_figures", lambda *given: pools.append(given[3]) or ())
    write_report(study, place / "a", pool=sentinel.pool)
    write_report(study, place / "b")
    assert pools == [sentinel.pool, None]


def test_failing_figure_leaves_nothing(
    place: Path, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(figures_module, "draw_figures", fail)
    with pytest.raises(ZeroDivisionError):
        write_report(study, place / "a")
    assert list(place.iterdir()) == []
