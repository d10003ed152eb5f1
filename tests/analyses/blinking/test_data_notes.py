"""What a physicist would notice about traces and spectra is in the notes of a study."""

import numpy as np
import pytest

from umlpsd_gpu import Settings, Traces, run_study
from umlpsd_gpu.analyses.blinking.describe import describe_traces
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.simulate.models import simulate_power_law_noise

DT_S = 0.03
QUICK = {"preprocess.scales": ["W50"], "sweep.n_epochs": 3, "sweep.k_max": 3}
QUICK |= {"decision.n_surrogates": 0, "decision.n_resamples": 0}


def noise(beta, n_traces=12, n_frames=4096, seed=0):
    values = simulate_power_law_noise(beta, n_traces=n_traces, n_frames=n_frames, seed=seed).values
    return 1000 + 100 * values / values.std()


def notes_of(values, **changes):
    settings = Settings().with_values(QUICK | changes)
    return " ".join(run_study(Traces(values, DT_S), settings).notes)


def has(notes, *words):
    return [word in notes for word in words]


HUM = noise(1) + 80 * np.sin(2 * np.pi * 5 * DT_S * np.arange(4096))


@pytest.mark.parametrize("model", ["power_law", "auto", "power_law_floor", "power_law_knee"])
def test_hum_is_named_whatever_the_model(model):
    notes = notes_of(HUM, **{"spectrum.model": model})
    assert "A spectral line stands out at 5 Hz in 12 of 12 traces" in notes
    assert f"differ from their model ({model})" in notes
    assert "Use --psd-model auto" not in notes
    assert "lower bound" not in notes


@pytest.mark.parametrize("method", ["log_welch", "periodogram"])
@pytest.mark.parametrize("model", ["power_law", "auto"])
def test_steep_noise_is_a_lower_bound(method, model):
    notes = notes_of(noise(2.5), **{"spectrum.method": method, "spectrum.model": model})
    assert "β is only a lower bound" in notes
    assert "--psd welch" in notes


def test_very_steep_noise_leads_to_welch():
    assert "--psd welch" in notes_of(noise(3))
    assert notes_of(noise(3), **{"spectrum.method": "welch"}) == ""


def test_drift_is_named():
    drift = 1000 + np.random.default_rng(0).normal(0, 5, (12, 4096)) + np.linspace(0, 100, 4096)
    assert "The traces rise together" in notes_of(drift)
    notes = notes_of(drift, **{"spectrum.method": "periodogram", "spectrum.model": "auto"})
    assert has(notes, "The traces rise together", "lower bound") == [True, True]


@pytest.mark.parametrize("beta", [0.0, 1.0, 1.5])
def test_plain_noise_has_no_notes(beta):
    for model in ("power_law", "auto"):
        assert notes_of(noise(beta), **{"spectrum.model": model}) == ""


def test_the_same_data_twice():
    values = noise(1, n_frames=1000)
    assert "12 of 24 clustered traces equal another one" in notes_of(np.vstack([values, values]))
    described = describe_traces(Traces(np.vstack([values, 3 * values[:1] + 7]), DT_S))
    assert "array:0 and array:12" in dict(described.rows)["note"]


def test_traces_that_end_early():
    values = noise(1, n_frames=1000)
    values[3, 900:] = np.nan
    says = "1 of them only end before the others; add --unequal-lengths crop"
    assert says in notes_of(values)
    values[1:, 900:] = np.nan
    with pytest.raises(TracesError, match=r"11 of them only end before .* --unequal-lengths crop"):
        notes_of(values)


def test_the_wrong_way_round_is_said_before_another_method_is_advised():
    with pytest.raises(
        TracesError, match=r"400 traces of 40 frames; .*--layout.*--psd periodogram"
    ):
        notes_of(noise(1, n_traces=40, n_frames=400).T, **{"preprocess.scales": ["raw"]})
