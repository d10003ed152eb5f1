"""Single items: found as users name them, with the values of the result."""

import numpy as np
import pytest

from tests.support.studies import make_study
from umlpsd_gpu.analyses.items.find_item import find_item
from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.errors import SettingsError

PLACES = np.stack(np.divmod(np.arange(12), 4), axis=1)


class TestFinding:
    @pytest.mark.parametrize(
        ("wanted", "index"), [("7", 7), (" 0 ", 0), ("a.tif:3", 3), ("1,2", 6), ("2, 3", 11)]
    )
    def test_by_number_name_or_place(self, wanted, index):
        names = [f"a.tif:{i}" for i in range(12)]
        assert find_item(wanted, "pixel", 12, names, PLACES) == index

    @pytest.mark.parametrize(
        ("wanted", "said"),
        [
            ("12", "no pixel '12'; give a number from 0 to 11 or a name such as"),
            ("-1", "no pixel '-1'"),
            ("a.tif:99", r"\(did you mean a.tif:9\?\)"),
            ("5,5", "no pixel at row 5, column 5; give .* or ROW,COLUMN"),
        ],
    )
    def test_what_is_not_there_is_said_with_the_ways(self, wanted, said):
        with pytest.raises(SettingsError, match=said):
            find_item(wanted, "pixel", 12, [f"a.tif:{i}" for i in range(12)], PLACES)

    def test_a_place_in_two_movies_is_refused(self):
        with pytest.raises(SettingsError, match="2 times a pixel at row 0, column 1"):
            find_item("0,1", "pixel", 24, places=np.concatenate([PLACES, PLACES]))


def test_a_trace_has_the_values_of_its_study():
    study = make_study(n_traces=30, n_frames=400, k_max=4)
    item = get_analysis("blinking").item(study, "17")
    rows = dict(item.rows)
    assert rows["β"] == f"{study.fit.beta[17]:.3f} ± {study.fit.beta_stderr[17]:.3f}"
    assert rows["silhouette"] == f"{study.silhouette[17]:.3f}"
    assert item.cluster == study.labels[17] == int(rows["cluster"])
    raw, scaled, spectrum = item.curves
    assert np.array_equal(raw.y, study.traces.values[17])
    assert raw.x[1] == study.traces.dt_s
    assert np.array_equal(scaled.y, study.scaled[17])
    assert np.array_equal(spectrum.y, study.spectrum.psd[17])
    ((name, f_hz, density),) = spectrum.others
    assert name == f"fit, β = {study.fit.beta[17]:.2f}"
    slope = np.polyfit(np.log(f_hz), np.log(density), 1)[0]
    assert slope == pytest.approx(-study.fit.beta[17])


def test_a_trace_that_was_not_clustered_says_why():
    study = make_study(n_traces=30, n_frames=400, k_max=4)
    item = get_analysis("blinking").item(study, "29")
    assert dict(item.rows)["cluster"] == "none (constant)"
    assert dict(item.rows)["β"] == "–"
    assert [curve.title for curve in item.curves] == ["Raw trace"]


def test_the_scaled_trace_is_its_own_where_others_were_left_out():
    study = make_study(n_traces=30, n_frames=400, k_max=4, n_flagged=0)
    labels = study.labels.copy()
    labels[5] = 0
    from dataclasses import replace

    shorter = replace(study, labels=labels, scaled=np.delete(study.scaled, 5, axis=0))
    _, scaled, _ = get_analysis("blinking").item(shorter, "9").curves
    assert np.array_equal(scaled.y, study.scaled[9])
