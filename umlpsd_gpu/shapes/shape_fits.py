"""The result of fitting super-ellipses to particles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.shapes.superellipse import SuperEllipse

SUPER_ELLIPSE, CIRCLE, IRREGULAR = "super-ellipse", "circle", "irregular"


@dataclass(frozen=True)
class ShapeFits:
    """Super-ellipses fitted to the pixels of particles.

    Equal curves have equal parameters: L is at least 1; the phase is the smallest that isn't
    negative; a circle, which every d describes with p = 2 and L = 1, has d = 2, p = 2, L = 1 and
    phase 0. With L = 1, p = 1 and p = ∞ are the same curve with sharp corners, turned; it has
    p = 1 if both fit. Other curves are nearly equal: a square with round corners, d = 2 and L = 1,
    and one with d = 4, L = 1.25 and p = 1.9; ellipses and eggs. The plain one is taken, of which
    L = 1 or p = 2 within its error, unless χ² of the other is lower by 4 or 3; ``runner_up_d``
    names the other.

    Attributes
    ----------
    labels : ndarray of int64, shape (n,)
    d : ndarray of int64, shape (n,)
        Order of the symmetry, doubled where L is 1.
    p, l_ratio, size_px : ndarray of float64, shape (n,)
        See `umlpsd_gpu.shapes.superellipse.SuperEllipse`.
    row, column : ndarray of float64, shape (n,)
        Centre in pixels of the image; for d = 1 it isn't the centroid.
    phase_rad : ndarray of float64, shape (n,)
        0 to 2π / d.
    contrast, background : ndarray of float64, shape (n,)
        Brightness of the particle minus background, and of the background, in counts.
    ln_p_interval, ln_l_interval, size_px_interval : ndarray of float64, shape (n, 2)
        95 % intervals from the curvature of χ², wider by √(χ² per pixel) where that is above 1. NaN
        for p and L of circles. For p beyond `p_is_lower_bound`, the upper end means nothing.
    p_is_lower_bound : ndarray of bool, shape (n,)
        Whether the image only says that p is above the lower end of its interval.
    chi2_per_px : ndarray of float64, shape (n,)
        1 where shape and noise describe the image.
    runner_up_d : ndarray of int64, shape (n,)
        The second best d; 0 where no other d came near.
    runner_up_delta_chi2 : ndarray of float64, shape (n,)
        χ² of the second best d minus that of the best; below about 10, d is in doubt. A little
        negative where the best one is the plainer. ∞ where no other d came near.
    jaccard : ndarray of float64, shape (n,)
        Area of the overlap with the given mask over that of the union.
    outcome : ndarray of str, shape (n,)
        "super-ellipse"; "circle": p, L and phase don't improve the fit by the Bayesian information
        criterion; "irregular": no super-ellipse describes pixels and mask of this particle, and
        its parameters mean little.
    touches_edge : ndarray of bool, shape (n,)
        Whether the particle reaches the edge of the image; its fit is then not to be relied on.
    psf_px : float
        Standard deviation of the Gaussian point-spread function.
    """

    labels: np.ndarray
    d: np.ndarray
    p: np.ndarray
    l_ratio: np.ndarray
    size_px: np.ndarray
    row: np.ndarray
    column: np.ndarray
    phase_rad: np.ndarray
    contrast: np.ndarray
    background: np.ndarray
    ln_p_interval: np.ndarray
    ln_l_interval: np.ndarray
    size_px_interval: np.ndarray
    p_is_lower_bound: np.ndarray
    chi2_per_px: np.ndarray
    runner_up_d: np.ndarray
    runner_up_delta_chi2: np.ndarray
    jaccard: np.ndarray
    outcome: np.ndarray
    touches_edge: np.ndarray
    psf_px: float

    def __len__(self) -> int:
        """Return the number of particles."""
        return len(self.labels)

    def shape(self, number: int) -> SuperEllipse:
        """Return the curve of one particle.

        Parameters
        ----------
        number : int
            Position of the particle, from 0.

        Returns
        -------
        SuperEllipse
        """
        return SuperEllipse(
            row=float(self.row[number]),
            column=float(self.column[number]),
            size_px=float(self.size_px[number]),
            d=int(self.d[number]),
            p=float(self.p[number]),
            l_ratio=float(self.l_ratio[number]),
            phase_rad=float(self.phase_rad[number]),
        )
