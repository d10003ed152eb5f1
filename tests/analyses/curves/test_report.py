"""Figures and page of a study of curves."""

import numpy as np
import pytest
from matplotlib import pyplot

from tests.analyses.curves.maps import simulated_map
from umlpsd_gpu.analyses.curves.analysis import CURVES
from umlpsd_gpu.analyses.curves.curve_map import CurveMap
from umlpsd_gpu.analyses.curves.figures.plans import figures_of
from umlpsd_gpu.analyses.curves.figures.summary_curves import summary_curves
from umlpsd_gpu.analyses.curves.page import cross_shape_and_magnitude, headline, page_of
from umlpsd_gpu.analyses.curves.rank_correlation import correlate_with_height
from umlpsd_gpu.analyses.curves.workflow import run_curves
from umlpsd_gpu.plotting.figures import draw_figures
from umlpsd_gpu.plotting.si_units import si_text

QUICK = {"k_max": 5, "n_epochs": 10}


@pytest.fixture(scope="module")
def study():
    curves, _ = simulated_map(hysteresis_v=0.02)
    return run_curves(curves, names=("asinh", "shape", "magnitude"), **QUICK)


@pytest.fixture(scope="module")
def without_grid():
    bias = np.linspace(0, 2, 60)
    current = np.random.default_rng(0).normal(1e-9, 2e-10, (40, 1)) * bias
    noise = np.random.default_rng(1).normal(0, 1e-12, current.shape)
    return run_curves(CurveMap(bias, {"forward": current + noise}), **QUICK)


def test_all_figures_of_a_map_with_topography(study):
    before = pyplot.get_fignums()
    drawn = draw_figures(figures_of(study), study)
    names = [figure.name for figure in drawn]
    assert names[:3] == ["cluster_maps", "mean_curves", "histograms"]
    assert {"quantity_maps", "height_correlation"} <= set(names)
    assert all(figure.png.startswith(b"\x89PNG") and b"<svg" in figure.svg for figure in drawn)
    assert pyplot.get_fignums() == before


def test_curves_without_a_grid_have_no_maps(without_grid):
    drawn = draw_figures(figures_of(without_grid), without_grid)
    assert {figure.name for figure in drawn} - {"outliers"} == {"mean_curves", "histograms"}
    page = page_of(without_grid)
    assert "Domains" not in "".join(section.body for section in page.sections)


def test_page(study):
    page = page_of(study)
    text = "".join(section.body for section in (*page.sections, *page.data))
    assert page.headline == f"3 clusters in {study.conditioned.is_usable.sum():,} curves"
    for part in ("space-charge-limited", "thermionic", "ohmic", "none fits", "calibrated for"):
        assert part in text
    assert study.clustering.decision.calibrated_for in text
    assert CURVES.page(study) == page


def test_cross_table_of_shape_and_magnitude(study):
    crossed = cross_shape_and_magnitude(study)
    assert np.sum(crossed.counts) == study.conditioned.is_usable.sum()
    assert crossed.k == 3


def test_cross_table_needs_both(without_grid):
    assert cross_shape_and_magnitude(without_grid) is None


def test_headline_without_structure(without_grid):
    assert headline(without_grid).endswith("40 curves")


def test_geometric_means(without_grid):
    if without_grid.clustering.decision.k_opt > 1:
        pytest.fail("curves that differ in one continuous parameter have no clusters")
    (curve,) = summary_curves(without_grid)[1]
    currents = without_grid.conditioned.current["forward"][:, -1]
    assert curve.mean[-1] == pytest.approx(np.exp(np.log(currents).mean()), rel=1e-3)
    assert curve.low[-1] < curve.mean[-1] < curve.high[-1]


def test_correlation_with_height():
    curves, _ = simulated_map()
    study = run_curves(curves, **QUICK)
    conductance = np.nan_to_num(study.quantities["zero_bias_conductance"].values)
    tilted = run_curves(
        CurveMap(curves.bias, curves.current, shape=curves.shape, height=-conductance), **QUICK
    )
    found = {each.title: each for each in correlate_with_height(tilted)}
    assert found["Zero-bias conductance"].rho == pytest.approx(-1)
    assert found["Zero-bias conductance"].high < -0.5


def test_without_topography_there_is_no_correlation(without_grid):
    assert correlate_with_height(without_grid) == []


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (2.5e-9, "A", "2.5 nA"),
        (-43.6e-9, "A", "−43.6 nA"),
        (0.36, "eV", "0.36 eV"),
        (1.2e7, "Ω", "12 MΩ"),
        (997e-12, "A/V²", "997 pA/V²"),
        (1.3, "", "1.3"),
        (float("nan"), "A", "–"),
        (0.0, "A", "0 A"),
    ],
)
def test_si_prefixes(value, unit, text):
    assert si_text(value, unit) == text
