"""A study takes its settings as keywords, and shows and exports itself."""

import numpy as np
import pytest

from tests.support.studies import small_study
from umlpsd_gpu import Settings, run_study
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.traces import simulate_traces

STUDY = small_study()
TRACES = simulate_traces({"PEB": 6, "PBB": 6}, n_frames=600).traces
QUICK = {"scales": ["W20"], "n_epochs": 3, "n_surrogates": 0, "n_resamples": 0, "device": "cpu"}


class TestKeywords:
    def test_they_are_the_settings(self):
        study = run_study(TRACES, k_max=4, sweep__seed=3, **QUICK)
        dotted = {
            "sweep.k_max": 4,
            "sweep.seed": 3,
            "sweep.n_epochs": 3,
            "preprocess.scales": ["W20"],
            "decision.n_surrogates": 0,
            "decision.n_resamples": 0,
            "device": "cpu",
        }
        assert study.settings == Settings().with_values(dotted)

    def test_they_override_settings(self):
        settings = Settings().with_values({"sweep.k_max": 5, "sweep.seed": 8})
        study = run_study(TRACES, settings, k_max=3, **QUICK)
        assert (study.settings.sweep.k_max, study.settings.sweep.seed) == (3, 8)

    def test_an_unknown_one_names_the_nearest(self):
        with pytest.raises(SettingsError, match=r"run_study\(\) has no .*did you mean 'k_max'\?"):
            run_study(TRACES, kmax=3)


class TestDisplay:
    def test_one_line(self):
        assert repr(STUDY) == (
            "Study(K = 3 at W80, confidence 0.86, 23 traces of film_1.tif, film_2.tif)"
        )

    def test_the_table(self):
        html = STUDY._repr_html_()
        assert "K = 3 at W80, confidence 0.86 (95 %: 0.61…0.96)." in html
        assert html.count("<tr>") == 4

    def test_tables_and_data_sets(self):
        pytest.importorskip("xarray")
        np.testing.assert_array_equal(STUDY.to_pandas().beta, STUDY.fit.beta)
        np.testing.assert_array_equal(STUDY.to_xarray().cluster, STUDY.labels)
