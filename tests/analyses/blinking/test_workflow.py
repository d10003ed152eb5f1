"""The whole way from traces to a study: decision, numbering, flags, bits."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.analyses.blinking.workflow import run_study
from umlpsd_gpu.errors import DeviceError, SettingsError, TracesError
from umlpsd_gpu.movie.open import open_movie
from umlpsd_gpu.simulate.models import simulate_power_law_noise
from umlpsd_gpu.simulate.movie import simulate_movie
from umlpsd_gpu.simulate.traces import simulate_traces
from umlpsd_gpu.traces.traces import Traces

SMALL = Settings().with_values(
    {"preprocess.scales": ["raw", "W40", "W80", "WL6"], "sweep.k_max": 6, "sweep.n_epochs": 20}
)


@pytest.fixture(scope="module")
def two_classes():
    return simulate_traces({"PEB": 25, "PBB": 20}, n_frames=4000, seed=4)


@pytest.fixture(scope="module")
def study(two_classes):
    return run_study(two_classes.traces, SMALL)


def test_two_classes_are_found(study, two_classes):
    assert study.decision.k_opt == 2
    assert adjusted_rand_score(two_classes.classes, study.labels) > 0.9
    assert study.clusters.n_traces.tolist() == sorted(study.clusters.n_traces, reverse=True)
    # bleaching traces lose their exponent: <β> ≪ that of the others
    assert study.clusters.beta_mean[1] < study.clusters.beta_mean[0] - 0.3


def test_every_trace_has_a_row_everywhere(study):
    n = study.traces.n_traces
    assert study.labels.shape == study.silhouette.shape == study.fit.beta.shape == (n,)
    assert study.spectrum.psd.shape[0] == n
    assert study.scaled.shape[0] == study.clustered.sum() == n
    assert study.scaled.min() == 0
    assert study.scaled.max() == 1


def test_silhouettes_are_those_of_the_chosen_partition(study):
    sweep = study.sweep_at(study.decision.scale)
    at = sweep.index_of(study.decision.k_opt)
    chosen = sweep.silhouette[at, sweep.best_epoch(study.decision.k_opt)]
    assert study.silhouette.mean() == pytest.approx(chosen, rel=1e-9)


def test_unusable_traces_are_kept_flagged_and_counted(two_classes):
    values = two_classes.traces.values.copy()
    values[3] = 7.0
    values[5, 100] = np.nan
    values[6, 0] = np.inf
    damaged = two_classes.traces.with_values(values, "damaged")
    study = run_study(damaged, SMALL)
    assert np.flatnonzero(study.labels == 0).tolist() == [3, 5, 6]
    assert np.isnan(study.silhouette[[3, 5, 6]]).all()
    assert study.traces.n_traces == 45
    assert "3 of 45 traces were not clustered: 2 have NaN or infinite values, 1 are" in (
        " ".join(study.notes)
    )


def test_same_bits_on_one_and_two_threads(study, two_classes):
    for n_threads in (1, 2):
        again = run_study(two_classes.traces, SMALL.with_values({"n_threads": n_threads}))
        for one, other in zip(study.sweeps, again.sweeps, strict=True):
            assert one.ssd.tobytes() == other.ssd.tobytes()
            assert one.labels.tobytes() == other.labels.tobytes()
        assert study.spectrum.psd.tobytes() == again.spectrum.psd.tobytes()
        assert study.fit.beta.tobytes() == again.fit.beta.tobytes()


def test_scales_that_leave_too_few_samples_are_skipped_and_said(two_classes):
    short = two_classes.traces.with_values(two_classes.traces.values[:, :1000], "cut")
    study = run_study(short, SMALL)
    assert [s.scale for s in study.sweeps] == ["raw", "W40"]
    assert any("W80, WL6 were skipped" in note for note in study.notes)


def test_no_scale_left_is_an_error(two_classes):
    settings = SMALL.with_values({"preprocess.scales": ["W500"]})
    with pytest.raises(SettingsError, match="leaves 20 samples of 4000 frames"):
        run_study(two_classes.traces, settings)


def test_fewer_traces_than_k_cut_k_short(two_classes):
    study = run_study(two_classes.traces.select(np.arange(5)), SMALL)
    assert study.sweeps[0].k_values.tolist() == [1, 2, 3, 4]
    assert any("K was only tried up to 4" in note for note in study.notes)


def test_three_traces_are_the_least(two_classes):
    assert run_study(two_classes.traces.select(np.arange(3)), SMALL).traces.n_traces == 3
    with pytest.raises(TracesError, match="2 of 2 traces can be clustered"):
        run_study(two_classes.traces.select(np.arange(2)), SMALL)


def test_gpu_is_refused_not_replaced(two_classes):
    with pytest.raises(DeviceError, match=r"device 'gpu' was asked for, but .* --device cpu"):
        run_study(two_classes.traces, SMALL.with_values({"device": "gpu"}))


def test_progress_is_told(two_classes):
    told = []
    run_study(two_classes.traces, SMALL, lambda *step: told.append(step))
    assert ("sweep", 4, 4) in told
    assert ("spectra", 1, 1) in told


def test_movies_of_one_name_stay_apart(tmp_path):
    movies = []
    for region in ("r1", "r2"):
        truth = simulate_movie(
            tmp_path / region / "img.tif",
            n_emitters=6,
            n_rows=48,
            n_cols=48,
            n_frames=400,
            seed=len(movies),
        )
        movies.append(open_movie(truth.path))
    study = run_study(movies, SMALL.with_values({"preprocess.scales": ["raw", "W20"]}))
    assert [movie.name for movie in study.movies] == ["r1/img.tif", "r2/img.tif"]
    assert set(study.traces.source) == {"r1/img.tif", "r2/img.tif"}
    assert len(set(study.traces.ids)) == study.traces.n_traces
    assert study.traces.ids[0] == "r1/img.tif:0"
    twice = run_study([movies[0], movies[0]], SMALL.with_values({"preprocess.scales": ["raw"]}))
    assert [movie.name for movie in twice.movies] == ["r1/img.tif (1)", "r1/img.tif (2)"]


def test_an_error_tells_which_of_two_movies_of_one_name_it_means(tmp_path):
    movies = []
    for region, n_emitters in (("r1", 6), ("r2", 0)):
        truth = simulate_movie(
            tmp_path / region / "img.tif",
            n_emitters=n_emitters,
            n_rows=48,
            n_cols=48,
            n_frames=400,
        )
        movies.append(open_movie(truth.path))
    with pytest.raises(TracesError, match=r"r2/img\.tif: no emitters found"):
        run_study(movies, SMALL.with_values({"preprocess.scales": ["raw"]}))


@pytest.mark.parametrize(("model", "is_noted"), [("power_law", True), ("power_law_floor", False)])
def test_spectra_that_are_no_power_laws_are_noted(model, is_noted):
    rng = np.random.default_rng(0)
    slow = simulate_power_law_noise(1.5, 24, 2000, 0.1, seed=1).values
    noisy = slow / slow.std() + rng.normal(0, 0.3, slow.shape)
    settings = Settings(
        preprocess={"scales": ["W20"]},
        sweep={"k_max": 4, "n_epochs": 5},
        spectrum={"model": model},
        device="cpu",
    )
    notes = " ".join(run_study(Traces.without_place(noisy, 0.1), settings).notes)
    assert ("differ from a power law by more than chance" in notes) == is_noted


class TestKeywords:
    def test_a_file_and_single_settings(self, tmp_path):
        values = np.random.default_rng(0).poisson(50, (400, 12)) + np.arange(12) % 2 * 40
        np.savetxt(tmp_path / "traces.csv", values, delimiter=",", fmt="%d")
        wanted = {"scales": ["raw", "W5"], "n_epochs": 4, "seed": 3, "n_resamples": 0}
        study = run_study(tmp_path / "traces.csv", dt_s=0.03, method="periodogram", **wanted)
        assert [sweep.scale for sweep in study.sweeps] == ["raw", "W5"]
        assert study.sweeps[0].n_epochs == 4
        assert study.settings.sweep.seed == 3
        assert study.traces.dt_s == 0.03

    def test_a_wrong_keyword_is_named_with_the_nearest(self):
        with pytest.raises(SettingsError, match="no argument 'sed'; did you mean 'seed'"):
            run_study([], sed=1)
