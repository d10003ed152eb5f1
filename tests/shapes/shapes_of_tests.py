"""Simulated particles that several tests look at."""

from functools import cache

import numpy as np

from umlpsd_gpu.shapes.superellipse import SuperEllipse
from umlpsd_gpu.simulate.particle_shapes import SimulatedShapes, render_coverage, simulate_shapes


@cache
def easy_shapes() -> SimulatedShapes:
    """24 shapes whose d is not in doubt: p away from 2, L away from 1."""
    return simulate_shapes(
        n_shapes=24,
        d_range=(1, 5),
        p_range=(3.0, 6.0),
        l_range=(1.4, 2.2),
        diameter_px_range=(36.0, 46.0),
        contrast_to_noise=12.0,
        margin_px=8,
        seed=5,
    )


def clean_image(*shapes: SuperEllipse, size: int = 64, psf_px: float = 0.8):
    """Return an image without noise, and its labels."""
    image, labels = np.zeros((size, size)), np.zeros((size, size), dtype=int)
    for number, shape in enumerate(shapes, start=1):
        image += render_coverage(shape, (size, size), psf_px)
        labels[render_coverage(shape, (size, size)) >= 0.5] = number
    return image, labels
