"""Scenes and their segmentations, made once."""

from functools import cache

import numpy as np
import pytest

from umlpsd_gpu.images.segmentation.segment import segment_particles
from umlpsd_gpu.simulate.particles import simulate_particles

SIZE = {"n_rows": 448, "n_columns": 448, "n_particles": 45, "seed": 11}


@cache
def _scene_and_result(kind):
    scene = simulate_particles(kind, **SIZE)
    return scene, segment_particles(scene.image)


@pytest.fixture
def scene_and_result():
    return _scene_and_result


@pytest.fixture
def f1_of():
    def f1(labels: np.ndarray, truth: np.ndarray) -> float:
        n_right = 0
        numbers = np.unique(labels[labels > 0])
        for number in numbers:
            own = labels == number
            other = np.bincount(truth[own]).argmax()
            if other:
                theirs = truth == other
                n_right += (own & theirs).sum() > 0.5 * (own | theirs).sum()
        n_true = np.count_nonzero(np.bincount(truth.ravel())[1:] >= 20)
        return 2 * n_right / (numbers.size + n_true)

    return f1
