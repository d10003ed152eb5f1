"""Same seed, same bytes in study.h5, whatever the threads and the chunks of reading."""

import h5py
import numpy as np
import pytest

from umlpsd_gpu import Settings, open_movie, run_study
from umlpsd_gpu.simulate.movie import simulate_movie

SETTINGS = Settings().with_values(
    {
        "preprocess.scales": ["raw", "W20", "WL4"],
        "sweep.k_max": 6,
        "sweep.n_epochs": 20,
        "sweep.seed": 3,
    }
)


def arrays(folder):
    """Every dataset of study.h5, numbers as bytes."""
    found = {}
    with h5py.File(folder / "study.h5") as file:

        def collect(name, node):
            if isinstance(node, h5py.Dataset):
                value = np.asarray(node[()])
                found[name] = value.tolist() if value.dtype == object else value.tobytes()

        file.visititems(collect)
    return found


@pytest.mark.parametrize("drift", [False, True])
def test_threads_and_chunks_change_no_byte(tmp_path, drift):
    movie = simulate_movie(
        tmp_path / "movie.tif", n_emitters=10, n_rows=64, n_cols=64, n_frames=700, drift_px=2
    )
    settings = SETTINGS.with_values({"traces.drift_correction": drift})
    saved = []
    for n_threads, memory_mb in ((1, 256), (2, 256), (2, 0.5), (1, 0.01)):
        varied = settings.with_values({"n_threads": n_threads, "movie.memory_mb": memory_mb})
        study = run_study(open_movie(movie.path, varied.movie), varied)
        saved.append(arrays(study.save(tmp_path / f"study_{n_threads}_{memory_mb}")))
    assert len(saved[0]) > 40
    for other in saved[1:]:
        assert other.keys() == saved[0].keys()
        assert not [name for name in other if other[name] != saved[0][name]]


def test_another_seed_gives_other_partitions(tmp_path):
    movie = simulate_movie(
        tmp_path / "movie.tif", n_emitters=10, n_rows=64, n_cols=64, n_frames=700
    )
    studies = [
        run_study(open_movie(movie.path), SETTINGS.with_values({"sweep.seed": seed}))
        for seed in (1, 2)
    ]
    labels = [study.sweeps[0].labels for study in studies]
    assert not np.array_equal(*labels)
