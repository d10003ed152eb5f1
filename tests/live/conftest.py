"""Movies that several tests of live runs read."""

from typing import Any

import numpy as np
import pytest
import tifffile

from tests.live.helpers import QUICK
from umlpsd_gpu.analyses.blinking.workflow import run_study
from umlpsd_gpu.analyses.saving import digest_of_result
from umlpsd_gpu.movie.open import open_movie
from umlpsd_gpu.simulate.movie import simulate_movie


@pytest.fixture(scope="session")
def recorded(tmp_path_factory) -> Any:
    """A simulated movie on disk, and the digest of its study."""
    path = tmp_path_factory.mktemp("recorded") / "movie.tif"
    truth = simulate_movie(path, n_emitters=10, n_rows=64, n_cols=64, n_frames=700, seed=2)
    movie = open_movie(truth.path)
    return movie, digest_of_result(run_study(movie, QUICK))


@pytest.fixture(scope="session")
def blinking(tmp_path_factory) -> np.ndarray:
    """Frames of a simulated movie."""
    path = tmp_path_factory.mktemp("blinking") / "movie.tif"
    simulate_movie(path, n_emitters=8, n_rows=64, n_cols=64, n_frames=500, seed=3)
    return tifffile.imread(path)


@pytest.fixture(autouse=True)
def ask_at_once(monkeypatch) -> None:
    """Sources are asked without a pause."""
    monkeypatch.setattr("umlpsd_gpu.live.run.POLL_S", 0.0)
