"""The curves of a report that are not stored: fitted spectra, with those at the ends of β."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support.studies import make_study
from umlpsd_gpu.analyses.blinking.explore import explore_study, fitted_spectra


@pytest.fixture(scope="module")
def study():
    return make_study(n_traces=12, n_frames=400, k_max=3)


def test_fits_are_the_formula_of_the_model(study):
    fit = replace(study.fit, knee_hz=np.where(np.arange(12) % 2, 0.3, 0.0))
    freqs_hz, fitted, low, high = fitted_spectra(fit)
    assert (freqs_hz[0], freqs_hz[-1]) == pytest.approx(fit.f_range_hz)
    for trace in np.flatnonzero(np.isfinite(fit.beta)):
        knee = fit.knee_hz[trace] ** fit.beta[trace] if fit.knee_hz[trace] else 0.0
        for at, f_hz in enumerate(freqs_hz):
            expected = fit.amplitude[trace] / (f_hz ** fit.beta[trace] + knee) + fit.floor[trace]
            assert fitted[trace, at] == pytest.approx(expected)
        tolerance = 1e-9 * fitted[trace]
        assert (low[trace] <= fitted[trace] + tolerance).all()
        assert (fitted[trace] <= high[trace] + tolerance).all()
    # all three meet in the middle of the range, and are widest apart at its ends
    spread = (high / low)[np.isfinite(fit.beta)]
    assert (spread[:, [11, 12]].min(axis=1) < spread[:, 0]).all()


def test_an_interval_without_an_end_has_no_band(study):
    ends = study.fit.beta_ci95.copy()
    ends[0, 1] = np.inf
    _, fitted, low, high = fitted_spectra(replace(study.fit, beta_ci95=ends))
    assert np.isfinite(fitted[0]).all()
    assert np.isnan(low[0]).all()
    assert np.isnan(high[0]).all()


def test_imported_traces_are_placed_by_beta_and_silhouette():
    study = make_study("imported", n_traces=12, n_frames=400, k_max=3)
    found = explore_study(study)
    assert found.pictures == ()
    assert (found.item, found.x_label, found.y_label) == ("trace", "β", "silhouette")
    np.testing.assert_array_equal(found.x, study.fit.beta)
    mean = next(column for column in found.columns if column.name == "Mean intensity")
    np.testing.assert_allclose(mean.values, study.traces.values.mean(axis=1))
