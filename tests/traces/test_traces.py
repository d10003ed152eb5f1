"""Traces from what users have: lists, tables, masked arrays; and sentences for what can't be."""

import numpy as np
import pandas as pd
import pytest

import umlpsd_gpu as um

VALUES = np.random.default_rng(0).poisson(100, (6, 400)).astype(float)


@pytest.mark.parametrize("make", [np.asarray, lambda v: v.tolist(), pd.DataFrame, np.float32])
def test_values_of_every_kind(make):
    for traces in (um.Traces(make(VALUES), 0.03), um.Traces.without_place(make(VALUES), 0.03)):
        assert np.array_equal(traces.values, VALUES)
        assert traces.ids[2] == "array:2"
        assert np.isnan(traces.rows).all()


def test_masked_values_are_missing():
    masked = np.ma.masked_less(VALUES, 90)
    traces = um.Traces(masked, 0.03)
    assert np.array_equal(np.isnan(traces.values), VALUES < 90)
    assert not traces.usable().any()
    assert np.isnan(um.power_spectrum(traces).psd).all()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (VALUES + 1j, "real numbers, got complex"),
        ([["a", "b"]], "real numbers, got text"),
        ([[1.0, 2.0], [1.0]], "one length each"),
        (VALUES[0], r"shape \(n_traces, n_frames\)"),
    ],
)
def test_what_is_no_trace(values, says):
    with pytest.raises(um.TracesError, match=says):
        um.Traces(values, 0.03)


@pytest.mark.parametrize("dt_s", [0, -1, np.nan, "0.1", None])
def test_intervals(dt_s):
    with pytest.raises(um.TracesError, match="positive number of seconds"):
        um.Traces(VALUES, dt_s)


@pytest.mark.parametrize("given", [VALUES, VALUES.tolist(), None, [VALUES, VALUES]])
def test_the_call_to_make_is_said(given):
    for verb in (um.power_spectrum, um.preprocess, um.run_study):
        with pytest.raises(um.TracesError, match=r"Traces\(values, dt_s\)"):
            verb(given)


def test_arguments_of_the_wrong_kind():
    traces = um.Traces(VALUES, 0.03)
    spectrum = um.power_spectrum(traces, "welch", nperseg=100.0)
    assert spectrum.nperseg == 100
    wrong = [
        lambda: um.power_spectrum(traces, n_threads=-1),
        lambda: um.power_spectrum(traces, "welch", nperseg=100.5),
        lambda: um.power_spectrum(traces, "welch", nperseg=True),
        lambda: um.preprocess(traces, frames_per_bin=True),
        lambda: um.preprocess(traces, frames_per_bin=2.5),
        lambda: um.preprocess(traces, wavelet_level="3"),
        lambda: um.fit_power_law(spectrum, (0.05,)),
        lambda: um.fit_power_law(spectrum, n_threads=0),
        lambda: um.run_study(traces, {"sweep": {"k_max": 3}}),
    ]
    for call in wrong:
        with pytest.raises(um.SettingsError):
            call()


def test_results_compare_by_identity():
    traces = um.Traces(VALUES, 0.03)
    spectrum = um.power_spectrum(traces)
    fit = um.fit_power_law(spectrum)
    for result, other in (
        (traces, um.Traces(VALUES, 0.03)),
        (spectrum, um.power_spectrum(traces)),
        (fit, um.fit_power_law(spectrum)),
    ):
        assert result == result
        assert result != other
        assert len({result, other}) == 2


def test_version():
    assert um.__version__
