"""Frames of particles and the networks that see their shapes: against SciPy, and against truth."""

import numpy as np
import pytest
from scipy.signal import correlate

from umlpsd_gpu.compute.transfer import uploaded
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.shapes.framing import frame_particles
from umlpsd_gpu.shapes.network import NAMES, _convolve, load_network, predict_shapes
from umlpsd_gpu.simulate.particle_shapes import simulate_shapes


@pytest.fixture(scope="module")
def made():
    return simulate_shapes(n_shapes=60, seed=4, d_range=(1, 5), l_range=(1.3, 2.5))


@pytest.fixture(scope="module")
def frames(made):
    return frame_particles(made.image, made.labels)


def test_frames_are_alike_whatever_polarity_and_brightness(made, frames):
    assert frames.shape == (60, 44, 44)
    bright = frame_particles(5000.0 - 2 * made.image, made.labels)
    np.testing.assert_allclose(bright, frames, atol=1e-5)
    middle, corner = frames[:, 20:24, 20:24].mean(), frames[:, :4, :4].mean()
    assert middle == pytest.approx(1, abs=0.15)
    assert corner == pytest.approx(0, abs=0.05)


def test_neighbours_are_erased(made):
    alone = frame_particles(made.image, np.where(made.labels == 1, 1, 0))
    image, labels = made.image.copy(), made.labels.copy()
    rows, columns = np.nonzero(labels == 1)
    beside = slice(rows.min(), rows.max()), slice(columns.max() + 4, columns.max() + 8)
    image[beside], labels[beside] = image.min(), 999
    together = frame_particles(image, np.where(np.isin(labels, (1, 999)), labels, 0))
    np.testing.assert_allclose(together[0], alone[0], atol=0.6)
    assert np.abs(together[0] - alone[0]).mean() < 0.02


def test_convolutions_are_those_of_scipy():
    rng = np.random.default_rng(0)
    layer, kernel = rng.normal(size=(2, 9, 8, 3)), rng.normal(size=(3, 3, 3, 4))
    found = _convolve(layer, kernel)
    for image in range(2):
        for channel in range(4):
            expected = sum(
                correlate(layer[image, :, :, i], kernel[:, :, i, channel], "same") for i in range(3)
            )
            np.testing.assert_allclose(found[image, :, :, channel], expected, atol=1e-12)


def test_networks_see_shapes_that_they_were_not_trained_on(made, frames):
    d = np.array([shape.d for shape in made.shapes])
    seen = {name: predict_shapes(frames, load_network(name)) for name in NAMES}
    assert np.mean(seen["classifier"].d == d) > 0.8
    assert np.mean(np.abs(seen["published"].d - d) < 1) > 0.7
    np.testing.assert_allclose(seen["classifier"].d_probability.sum(axis=1), 1)


def test_on_a_device_the_numbers_are_the_same(frames, on_cpu):
    here = predict_shapes(frames, load_network("classifier"))
    there = predict_shapes(uploaded(frames), load_network("classifier"))
    np.testing.assert_allclose(there.p, here.p, rtol=1e-4)
    np.testing.assert_array_equal(there.d, here.d)


def test_what_is_not_finite_has_no_shape():
    frames = np.zeros((2, 44, 44), np.float32)
    frames[0, 3, 3] = np.nan
    assert np.isnan(predict_shapes(frames, load_network("classifier")).d).tolist() == [True, False]


def test_unknown_networks_are_refused():
    with pytest.raises(SettingsError, match="choose one of published, classifier"):
        load_network("other")
