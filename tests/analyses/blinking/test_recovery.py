"""The main job against known truth: emitters found, classes recovered."""

from umlpsd_gpu import open_movie, run_study
from umlpsd_gpu.simulate.movie import simulate_movie
from umlpsd_gpu.validation.compare import compare_with_truth


def test_a_simulated_movie_is_recovered(tmp_path):
    # other seeds are in benchmarks/results/recovery.md
    truth = simulate_movie(tmp_path / "movie.tif", n_frames=10_000, seed=0)
    recovery = compare_with_truth(run_study(open_movie(truth.path)), truth)
    assert recovery.n_true == 60
    assert recovery.n_found >= 0.9 * recovery.n_true
    assert recovery.n_false <= 0.05 * recovery.n_found
    assert recovery.position_rms_px < 0.2
    assert recovery.k_opt == recovery.k_true == 3
    assert recovery.adjusted_rand >= 0.7
