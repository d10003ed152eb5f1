"""How many local spectra there are, on textures without any and on scenes of lattices."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from umlpsd_gpu.factorisation.surrogate_rank import (
    LANCZOS_FROM,
    centred_variances,
    decide_rank_by_surrogates,
    p_values,
)
from umlpsd_gpu.images.surrogates import Surrogates
from umlpsd_gpu.images.windowed_fft import windowed_spectra

SIZE, WINDOW = 384, 64


def decide(image):
    def variances(each):
        return centred_variances(windowed_spectra(each, WINDOW, WINDOW // 2).amplitudes, 8)

    surrogates = Surrogates(image)
    return decide_rank_by_surrogates(
        variances(image), [variances(surrogates.draw(seed)) for seed in range(6)], 6
    )


def waves(rng):
    row, column = np.mgrid[:SIZE, :SIZE]
    angle, period = rng.uniform(0, np.pi), rng.uniform(5, 9)
    values = 0.0
    for turn in (0, rng.uniform(1.0, 1.5)):
        phase = np.cos(angle + turn) * column + np.sin(angle + turn) * row
        values = values + np.cos(2 * np.pi * phase / period)
    return values / values.std()


@pytest.mark.parametrize("smoothness", [0.1, 1.5, (0.5, 4)])
def test_textures_that_are_the_same_everywhere_have_nothing_local(smoothness):
    found = []
    for seed in range(5):
        noise = np.random.default_rng(seed).normal(size=(SIZE, SIZE))
        found.append(decide(gaussian_filter(noise, smoothness, mode="wrap")).k)
    assert found == [1] * 5


def test_a_lattice_that_is_the_same_everywhere_is_not_local():
    rng = np.random.default_rng(1)
    decision = decide(waves(rng) + 0.5 * rng.normal(size=(SIZE, SIZE)))
    assert decision.k == 1
    assert "conservative" in decision.reason


@pytest.mark.parametrize("k", [2, 3, 4])
@pytest.mark.parametrize("amplitude", [0.3, 1.0])
def test_grains_of_different_lattices_are_counted(k, amplitude):
    rng = np.random.default_rng([k, int(10 * amplitude)])
    image = rng.normal(size=(SIZE, SIZE))
    for part in np.array_split(np.arange(SIZE), k):
        image[:, part] += amplitude * waves(rng)[:, part]
    decision = decide(image)
    assert decision.k == k
    assert decision.probability > 0.9
    assert decision.curves["p-value"][0] < 0.02


def test_p_values_are_those_of_student():
    of_surrogates = np.exp(np.array([[0.0, 1.0], [0.1, 1.1], [0.2, 1.2]]))
    p = p_values(np.exp(np.array([0.1, 1.5])), of_surrogates)
    assert p[0] == pytest.approx(0.5)
    # t = 0.4 / (0.1 √(4/3)) with 2 degrees of freedom
    assert p[1] == pytest.approx(0.0371, abs=2e-4)


@pytest.mark.parametrize("n_local", [0, 4])
def test_variances_of_large_matrices_are_those_of_singular_values(n_local):
    rng = np.random.default_rng(n_local)
    shape = LANCZOS_FROM + 30, LANCZOS_FROM + 200
    local = rng.normal(size=(shape[0], n_local)) @ rng.normal(size=(n_local, shape[1]))
    matrix = rng.normal(size=shape) + local
    wanted = np.linalg.svd(matrix - matrix.mean(axis=0), compute_uv=False)[:12] ** 2
    np.testing.assert_allclose(centred_variances(matrix, 12), wanted, rtol=1e-10)


def test_a_large_matrix_without_any_variance():
    assert not centred_variances(np.ones((LANCZOS_FROM + 1, LANCZOS_FROM + 2)), 12).any()
