"""What tests of live runs share."""

import time
from dataclasses import replace
from pathlib import Path

from tests.support.movies import array_movie
from umlpsd_gpu import Settings
from umlpsd_gpu.live.engine import Engine
from umlpsd_gpu.live.settings import LiveSettings

QUICK = Settings().with_values(
    {
        "preprocess.scales": ["raw", "W20"],
        "sweep.n_epochs": 5,
        "sweep.k_max": 4,
        "decision.n_resamples": 4,
        "decision.n_surrogates": 0,
        "device": "cpu",
    }
)
LIVE = LiveSettings(
    update_s=0.2, first_frames=100, scales=("W10",), k_max=3, n_epochs=4, n_resamples=2
)


def finish_jobs(engine):
    """Wait until the background thread has nothing to do."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        engine.take(engine.movie)
        if engine.background.is_free:
            return
        time.sleep(0.002)
    raise AssertionError("the background thread did not end")


def feed(frames, counts, folder, live=LIVE, settings=QUICK, **of_movie):
    """Return an engine that has been shown more and more frames."""
    movie, engine = array_movie(frames, **of_movie), Engine(settings, live, Path(folder))
    for n_frames in counts:
        engine.take(replace(movie, n_frames=n_frames))
    finish_jobs(engine)
    return engine
