"""Seams without a reason in the image go; necks, other contrasts and lenses stay."""

import numpy as np
import pytest

from umlpsd_gpu.images.segmentation.rejoining import rejoin

SIDE, RADIUS, NOISE = 160, 30.0, 0.05
ROWS, COLUMNS = np.indices((SIDE, SIDE))


def disc(row, column, radius=RADIUS):
    return (ROWS - row) ** 2 + (COLUMNS - column) ** 2 < radius**2


def contrast_of(labels, levels=None, seed=0):
    """A noisy image in which each label has its contrast, 1 by default."""
    level = np.concatenate([[0.0], levels or np.ones(labels.max())])
    return (level[labels] + NOISE * np.random.default_rng(seed).normal(size=labels.shape)).astype(
        np.float32
    )


def rejoined(labels, levels=None, size_px=2 * RADIUS):
    return rejoin(labels.astype(np.int32), contrast_of(labels, levels), NOISE, size_px)


def test_a_disc_that_was_cut_in_two_is_whole_again():
    labels = np.where(disc(80, 80), 1 + (COLUMNS > 80), 0)
    found, is_fragment = rejoined(labels)
    assert np.array_equal(found, disc(80, 80))
    assert not is_fragment.any()


def test_an_arm_joins_its_particle():
    cross = (np.abs(ROWS - 80) < 9) & (np.abs(COLUMNS - 80) < 50)
    cross |= (np.abs(COLUMNS - 80) < 9) & (np.abs(ROWS - 80) < 50)
    labels = np.where(cross, 1 + (COLUMNS > 100), 0)
    found, _ = rejoined(labels)
    assert found.max() == 1


def test_touching_discs_have_a_neck():
    one, other = disc(80, 52), disc(80, 108)
    labels = np.where(one, 1, np.where(other, 2, 0))
    found, is_fragment = rejoined(labels)
    assert found.max() == 2
    assert not is_fragment.any()


def test_other_contrasts_are_other_particles():
    labels = np.where(disc(80, 80), 1 + (COLUMNS > 80), 0)
    found, _ = rejoined(labels, levels=[1.0, 0.8])
    assert found.max() == 2


@pytest.mark.parametrize(("darkness", "n_parts"), [(1.0, 1), (1.6, 2)])
def test_a_small_piece_joins_unless_its_seam_is_a_lens(darkness, n_parts):
    """Where two particles lie on each other, their seam is darker than both."""
    labels = np.where(disc(80, 80), 1 + (COLUMNS > 98), 0).astype(np.int32)
    image = contrast_of(labels)
    image[disc(80, 80) & (np.abs(COLUMNS - 98.5) < 3)] *= darkness
    found, _ = rejoin(labels, image, NOISE, 2 * RADIUS)
    assert found.max() == n_parts


def test_a_bit_beside_a_particle_is_told_as_a_fragment():
    bit = disc(80, 117, 8)
    labels = np.where(disc(80, 80), 1, np.where(bit, 2, 0))
    found, is_fragment = rejoined(labels, levels=[1.0, 0.6])
    assert found.max() == 2
    assert is_fragment.tolist() == [False, False, True]
    # alone it may be a small particle
    labels = np.where(disc(80, 60), 1, np.where(disc(80, 140, 8), 2, 0))
    assert not rejoined(labels)[1].any()
