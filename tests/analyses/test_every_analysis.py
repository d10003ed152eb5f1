"""What all analyses offer to readers: methods sections, single items, comparison."""

import re
from dataclasses import replace

import numpy as np
import pytest

from tests.support.small_results import ANALYSES, small_result
from tests.support.studies import make_study
from umlpsd_gpu.analyses.comparing.compare_results import compare_results
from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.errors import SettingsError


def methods_of(result):
    return get_analysis(result.analysis).methods(result)


@pytest.mark.parametrize("analysis", ANALYSES)
def test_every_analysis_has_a_paragraph_whose_citations_are_all_listed(analysis):
    found = methods_of(small_result(analysis))
    assert "[@" not in found.paragraph
    cited = [
        int(n) for group in re.findall(r"\[([\d,]+)\]", found.paragraph) for n in group.split(",")
    ]
    assert sorted(set(cited)) == list(range(1, len(found.references) + 1))
    first = list(dict.fromkeys(cited))
    assert first == sorted(first), "numbers in the order of their first citation"
    assert found.references[0].key == "umlpsd_gpu"
    assert found.bibtex.count("\n}\n") == len(found.references)
    result = small_result(analysis)
    assert f"umlpsd_gpu {result.versions['umlpsd_gpu']}" in found.paragraph
    assert f"seed {result.settings.sweep.seed}" in found.paragraph
    assert f"numpy {result.versions['numpy']}" in found.paragraph


@pytest.mark.parametrize("analysis", ANALYSES)
def test_every_analysis_shows_its_items(analysis):
    result = small_result(analysis)
    item = get_analysis(analysis).item(result, "3")
    assert re.match(r"(Trace|Curve|Pixel|Window|Particle) 3: ", item.title)
    assert all(isinstance(text, str) and text for row in item.rows for text in row)
    for curve in item.curves:
        assert curve.x.shape == curve.y.shape
    with pytest.raises(SettingsError, match="give a number from 0 to"):
        get_analysis(analysis).item(result, "99999")


def test_a_pixel_of_a_spectrum_image_adds_up():
    study = small_result("spectrum_images")
    item = get_analysis("spectrum_images").item(study, "2,5")
    (curve,) = item.curves
    index = 2 * study.recorded.total_image.shape[1] + 5
    assert curve.y == pytest.approx(study.factors.maps[index] @ study.factors.components)
    assert sum(y for _, _, y in curve.others) == pytest.approx(curve.y)


def test_a_curve_has_its_sweeps_and_valid_quantities():
    study = small_result("curves")
    item = get_analysis("curves").item(study, "3,4")
    (curve,) = item.curves
    index = 3 * study.map.shape[1] + 4
    assert np.array_equal(curve.y, study.map.current["forward"][index])
    assert [name for name, _, _ in curve.others] == ["backward"]
    rows = dict(item.rows)
    for quantity in study.quantities.values():
        assert (quantity.title in rows) == bool(quantity.is_valid[index])


@pytest.mark.parametrize(
    ("analysis", "n_least"), [("curves", 10), ("spectrum_images", 6), ("micrographs", 6)]
)
def test_images_are_matched_pixel_by_pixel(analysis, n_least):
    result = small_result(analysis)
    found = compare_results(result, result).comparison
    assert found.agreement.adjusted_rand == pytest.approx(1)
    assert len(found.differences) >= n_least
    assert all(each.change == 0 for each in found.differences)
    assert not any(each.is_clear for each in found.differences)


def test_components_and_spots_that_moved():
    study = small_result("micrographs")
    spot = study.spots[0]
    moved = replace(spot, spacing_px=1.01 * spot.spacing_px)
    found = compare_results(study, replace(study, spots=(moved, *study.spots[1:])))
    changes = [e for e in found.comparison.differences if e.name.startswith("spacing")]
    assert len(changes) == len(study.spots)
    size_nm = 1e9 * study.micrograph.pixel_size_m
    assert changes[0].change == pytest.approx(0.01 * spot.spacing_px * size_nm)
    width = 1.96 * np.sqrt(2) * spot.spacing_error_px * size_nm
    assert changes[0].high - changes[0].change == pytest.approx(width)


def test_what_is_not_alike_is_refused_in_a_sentence():
    with pytest.raises(SettingsError, match="is a study of blinking and the second of curves"):
        compare_results(small_result("blinking"), small_result("curves"))
    study = make_study(n_traces=20, n_frames=160, k_max=4)
    with pytest.raises(SettingsError, match="no common items"):
        compare_results(study, small_result("blinking"))
    map_, curves = small_result("curves"), small_result("curves")
    smaller = replace(curves, map=replace(curves.map, shape=(10, 60)))
    with pytest.raises(SettingsError, match="20 × 30 and 10 × 60 curves"):
        compare_results(map_, smaller)
