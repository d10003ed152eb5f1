"""What a movie's header tells the user reaches the study."""

import dataclasses

import numpy as np
import pytest

from tests.support.movies import array_movie
from umlpsd_gpu.analyses.blinking.extract import extract
from umlpsd_gpu.analyses.blinking.prediction import predict
from umlpsd_gpu.analyses.blinking.settings import Settings

PIXELS = Settings().with_values({"traces.mode": "pixels", "traces.threshold": 0.0})


def ignore(step, done, total):
    """Take progress and do nothing."""


@pytest.mark.parametrize("n_movies", [1, 2])
def test_notes_of_movies_are_notes_of_the_study(n_movies):
    frames = np.random.default_rng(0).integers(1, 99, (20, 6, 6)).astype("u2")
    movies = [
        dataclasses.replace(array_movie(frames, name=f"m{i}.tif"), notes=(f"Note {i}.",))
        for i in range(n_movies)
    ]
    _, _, notes = extract(movies, PIXELS, ignore)
    names = [f"m{i}.tif: " for i in range(n_movies)] if n_movies > 1 else [""]
    for i, name in enumerate(names):
        assert f"{name}Note {i}." in notes


def test_the_prediction_grows_with_the_frame():
    small, large = (
        predict(array_movie(np.broadcast_to(np.uint16(0), (40, side, side))))
        for side in (300, 6000)
    )
    assert small.memory_mb < 300
    # 4,707 MB and 122 s were measured
    assert 2350 < large.memory_mb < 9400
    assert 61 < large.duration_s < 245
