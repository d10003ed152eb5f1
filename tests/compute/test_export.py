"""Tables and data sets hold the values of the results, with their units."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from tests.support.studies import small_study
from umlpsd_gpu.analyses.blinking.display import label_study
from umlpsd_gpu.compute.export import Exported, make_dataset, make_table
from umlpsd_gpu.preprocessing.smooth import preprocess

STUDY = small_study()
RESULTS = {
    "Traces": STUDY.traces,
    "Sweep": STUDY.sweeps[1],
    "Spectrum": STUDY.spectrum,
    "PowerLawFit": STUDY.fit,
}


class TestPandas:
    def test_traces_are_columns_over_time(self):
        table = STUDY.traces.to_pandas()
        np.testing.assert_array_equal(table.to_numpy().T, STUDY.traces.values)
        assert tuple(table.columns) == STUDY.traces.ids
        np.testing.assert_allclose(table.index, 0.03 * np.arange(160))
        assert table.attrs["units"] == {"trace": "", "time_s": "s", "intensity": "counts"}
        assert table.index.name == "time_s"

    def test_scaled_traces_have_no_unit(self):
        scaled = preprocess(STUDY.traces.select(np.arange(5)), frames_per_bin=10).to_pandas()
        assert scaled.attrs["units"]["intensity"] == "1"
        assert scaled.index[1] == pytest.approx(0.3)

    def test_a_sweep_has_a_row_per_k_and_epoch(self):
        sweep = STUDY.sweeps[1]
        table = sweep.to_pandas()
        assert len(table) == sweep.k_values.size * sweep.n_epochs
        at = table[(table.k == 3) & (table.epoch == 7)]
        assert at.ssd.item() == sweep.ssd[sweep.index_of(3), 7]
        assert table.attrs["units"]["misclassified_percent"] == "%"
        assert table.attrs["scale"] == sweep.scale

    def test_spectra_are_columns_over_frequency(self):
        table = STUDY.spectrum.to_pandas()
        np.testing.assert_array_equal(table.to_numpy().T, STUDY.spectrum.psd)
        assert table.attrs["units"]["psd"] == "counts^2/Hz"

    def test_a_fit_has_a_row_per_trace(self):
        table = STUDY.fit.to_pandas()
        np.testing.assert_array_equal(table.beta, STUDY.fit.beta)
        np.testing.assert_array_equal(table.beta_ci95_high, STUDY.fit.beta_ci95[:, 1])
        assert table.attrs["units"]["knee_hz"] == "Hz"
        assert set(table.attrs["units"]) == set(table.columns)

    def test_a_study_has_a_row_per_trace(self):
        table = make_table(label_study(STUDY))
        assert tuple(table.trace) == STUDY.traces.ids
        np.testing.assert_array_equal(table.cluster, STUDY.labels)
        np.testing.assert_array_equal(table.beta, STUDY.fit.beta)
        np.testing.assert_array_equal(table.row, STUDY.traces.rows)
        assert set(table.attrs["units"]) == set(table.columns)

    def test_a_table_is_a_copy(self):
        table = STUDY.traces.to_pandas()
        table.iloc[0, 0] = -1.0
        assert STUDY.traces.values[0, 0] != -1.0


class TestXarray:
    @pytest.mark.parametrize("name", RESULTS)
    def test_every_array_has_a_unit_and_a_name(self, name):
        pytest.importorskip("xarray")
        dataset = RESULTS[name].to_xarray()
        assert dataset.data_vars
        for array in (*dataset.data_vars.values(), *dataset.coords.values()):
            assert array.attrs["units"]
            assert array.attrs["long_name"]

    def test_values_are_found_by_their_names(self):
        pytest.importorskip("xarray")
        trace = STUDY.traces.ids[3]
        found = STUDY.traces.to_xarray().intensity.sel(trace=trace)
        np.testing.assert_array_equal(found, STUDY.traces.values[3])
        best = STUDY.sweeps[1].to_xarray().silhouette.sel(k=3).mean("epoch")
        assert best == pytest.approx(STUDY.sweeps[1].silhouette[2].mean())

    def test_a_study_is_one_data_set(self):
        pytest.importorskip("xarray")
        dataset = make_dataset(label_study(STUDY), "Study")
        assert dataset.attrs["k_opt"] == 3
        np.testing.assert_array_equal(dataset.cluster_psd_mean, STUDY.clusters.psd_mean)
        in_first = dataset.where(dataset.cluster == 1, drop=True)
        assert in_first.sizes["trace"] == np.count_nonzero(STUDY.labels == 1)

    def test_one_sentence_where_xarray_is_missing(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "xarray", None)
        expected = r"Traces\.to_xarray\(\) needs xarray.*pip install 'umlpsd_gpu\[notebook\]'"
        with pytest.raises(ImportError, match=expected):
            STUDY.traces.to_xarray()


def test_values_on_a_device_come_to_the_host(on_cpu):
    spectrum = replace(STUDY.spectrum, psd=on_cpu.asarray(STUDY.spectrum.psd))
    np.testing.assert_array_equal(spectrum.to_pandas().to_numpy().T, STUDY.spectrum.psd)
    assert repr(spectrum) == repr(STUDY.spectrum)


def test_a_result_must_say_what_it_holds():
    with pytest.raises(NotImplementedError):
        Exported().to_pandas()
