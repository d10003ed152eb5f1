"""What a blurred super-ellipse looks like in pixels, and least squares of it; in NumPy.

The share of a pixel that a blurred shape covers is an integral over its inside of K(row) K(column),
where K is the pixel's box convolved with a Gaussian. Green's theorem makes it an integral along the
outline, which is exact at corners and tips, where a model of the distance to the outline is not.
``kernels/particle_pixels.c`` and ``.cu`` do the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import erf

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.shapes.crops import Crops
from umlpsd_gpu.shapes.family import (
    COLUMN,
    LN_L,
    LN_P,
    LN_SIZE,
    PHASE,
    ROW,
    radii_and_slopes,
)
from umlpsd_gpu.shapes.least_squares import Sums

CONTRAST, BACKGROUND = 6, 7
N_PIXEL_PARAMETERS = 8
N_SHAPE_PARAMETERS = 6
PSF_LIMITS_PX = (0.05, 7.0)
# Table entries in a pixel; linear interpolation between them errs by 1e-5
N_FRACTIONS = 64
TAIL_SD = 4.0
# Distance of nodes in standard deviations of the blur, nodes in a quarter for corners, and at least
NODE_SPACING, NODES_PER_P, SHARPEST_P, LEAST_NODES = 1.0, 3.0, 20.0, 10
N_SPEED_STEPS = 32
Q_LIMITS = (1.0, 3.0)


@dataclass(frozen=True)
class BlurTable:
    """Weights of the pixels around a position.

    Attributes
    ----------
    psf_px : float
        Standard deviation of the Gaussian.
    narrow : ndarray of float64, shape (65, width)
        Integral of the Gaussian over each pixel, by the position's fraction of a pixel.
    wide : ndarray of float64, shape (65, width + 1)
        ``narrow`` integrated over the pixel before each position.
    """

    psf_px: float
    narrow: np.ndarray
    wide: np.ndarray

    @property
    def width(self) -> int:
        """Pixels that a position reaches, an even number."""
        return int(self.narrow.shape[1])


@dataclass(frozen=True)
class PixelData:
    """Pixels to fit.

    Attributes
    ----------
    crops : Crops
    weights : ndarray of float64, shape (n_pixels,)
        1 / variance; 0 for pixels that are left out.
    table : BlurTable
    """

    crops: Crops
    weights: np.ndarray
    table: BlurTable

    def owners(self) -> np.ndarray:
        """Return the position of the particle of each pixel; (n_pixels,) int."""
        return np.repeat(np.arange(len(self.crops)), self.crops.n_rows * self.crops.n_cols)


@dataclass(frozen=True)
class Tasks:
    """Which particle is fitted by a curve of which kind.

    Attributes
    ----------
    crop : ndarray of int64, shape (n_tasks,)
        Position of the particle.
    d : ndarray of int64, shape (n_tasks,)
    n_quarter : ndarray of int64, shape (n_tasks,)
        Nodes in each of the 2 d quarters of the curve.
    """

    crop: np.ndarray
    d: np.ndarray
    n_quarter: np.ndarray

    def part(self, which: np.ndarray | slice) -> Tasks:
        """Return some of the tasks.

        Parameters
        ----------
        which : ndarray of int or bool, or slice

        Returns
        -------
        Tasks
        """
        return Tasks(*(np.ascontiguousarray(a[which]) for a in (self.crop, self.d, self.n_quarter)))


@lru_cache(maxsize=64)
def blur_table(psf_px: float) -> BlurTable:
    """Return the weights of pixels for one width of the point-spread function.

    Parameters
    ----------
    psf_px : float
        Standard deviation, 0.05 to 7 px.

    Returns
    -------
    BlurTable

    Raises
    ------
    SettingsError
        If the width is out of this range.
    """
    if not PSF_LIMITS_PX[0] <= psf_px <= PSF_LIMITS_PX[1]:
        low, high = PSF_LIMITS_PX
        raise SettingsError(
            f"psf_px is {psf_px}; give the standard deviation of the blur from {low} to {high} "
            "pixels, or None to estimate it"
        )
    reach = 2 * int(np.ceil((TAIL_SD * psf_px + 0.5) / 2))
    offsets = np.arange(1 - reach, reach + 2) - np.arange(N_FRACTIONS + 1)[:, None] / N_FRACTIONS

    def risen(x: np.ndarray) -> np.ndarray:
        return np.asarray(0.5 * (1 + erf(x / (psf_px * np.sqrt(2)))))

    def integral(x: np.ndarray) -> np.ndarray:
        bell = np.exp(-0.5 * (x / psf_px) ** 2) * psf_px / np.sqrt(2 * np.pi)
        return np.asarray(x * risen(x) + bell)

    near = offsets[:, :-1]
    wide = [integral(offsets + 0.5 - k) - integral(offsets - 0.5 - k) for k in (0, 1)]
    return BlurTable(
        psf_px, np.ascontiguousarray(risen(near + 0.5) - risen(near - 0.5)), wide[0] - wide[1]
    )


def nodes_per_quarter(parameters: np.ndarray, d: np.ndarray, psf_px: float) -> np.ndarray:
    """Return how many nodes a quarter of a curve needs.

    Parameters
    ----------
    parameters : ndarray of float, shape (n, 6 or more)
    d : ndarray of int, shape (n,)
    psf_px : float

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    blur = np.sqrt(psf_px**2 + 1 / 12)
    steps = np.linspace(0, np.pi / 2, N_SPEED_STEPS + 1)
    ln_p, ln_l = parameters[:, LN_P, None], parameters[:, LN_L, None]
    half = _half_angles(steps[1:-1], ln_p, ln_l)
    edges = np.zeros((len(parameters), 1)), np.full((len(parameters), 1), np.pi / 2)
    half = np.concatenate([edges[0], half, edges[1]], axis=1)
    radius = np.exp(parameters[:, LN_SIZE, None] + radii_and_slopes(half, ln_p, ln_l)[0])
    turned = 2 * np.diff(half, axis=1) / d[:, None]
    arcs = np.hypot(np.diff(radius, axis=1), 0.5 * (radius[:, 1:] + radius[:, :-1]) * turned)
    by_length = N_SPEED_STEPS * arcs.max(axis=1) / (NODE_SPACING * blur)
    by_corner = NODES_PER_P * np.minimum(np.exp(ln_p[:, 0]), SHARPEST_P)
    needed = np.maximum(np.maximum(by_length, by_corner), LEAST_NODES)
    return np.asarray(np.ceil(needed)).astype(np.int64)


def nodes_of(
    parameters: np.ndarray, d: int, n_quarter: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the nodes of one curve, and how they move with its parameters.

    Parameters
    ----------
    parameters : ndarray of float, shape (6 or more,)
    d : int
    n_quarter : int

    Returns
    -------
    points : ndarray of float64, shape (n_nodes, 2)
        Rows and columns.
    moved_rows, moved_columns : ndarray of float64, shape (n_nodes, 6)
    """
    ln_p, ln_l = parameters[LN_P], parameters[LN_L]
    inner = np.arange(1, n_quarter) * (np.pi / 2) / n_quarter
    half = _half_angles(inner, ln_p, ln_l)
    ln_radius, by_ln_p, by_ln_l, _ = radii_and_slopes(half, ln_p, ln_l)
    half = np.concatenate([[0.0], half, [np.pi / 2]])
    radius = np.concatenate([[np.exp(-ln_l)], np.exp(ln_radius), [1.0]])
    by_ln_p = np.concatenate([[0.0], by_ln_p, [0.0]])
    by_ln_l = np.concatenate([[-1.0], by_ln_l, [0.0]])
    there, back = np.arange(n_quarter), np.arange(n_quarter, 0, -1)
    order = np.tile(np.concatenate([there, back]), d)
    quarter = np.repeat(np.arange(2 * d), n_quarter)
    turned = np.where(quarter % 2 == 1, np.pi / 2 - half[order], half[order])
    angle = 2 * (np.pi / 2 * quarter + turned) / d - parameters[PHASE]
    size = np.exp(parameters[LN_SIZE]) * radius[order]
    y, x = size * np.sin(angle), size * np.cos(angle)
    one, none = np.ones_like(y), np.zeros_like(y)
    moved_rows = [one, none, y, y * by_ln_p[order], y * by_ln_l[order], -x]
    moved_columns = [none, one, x, x * by_ln_p[order], x * by_ln_l[order], y]
    points = np.stack([parameters[ROW] + y, parameters[COLUMN] + x], axis=1)
    return points, np.stack(moved_rows, axis=1), np.stack(moved_columns, axis=1)


def render_model(
    parameters: np.ndarray, d: int, n_quarter: int, size: tuple[int, int], table: BlurTable
) -> tuple[np.ndarray, np.ndarray]:
    """Return the share of each pixel that a blurred shape covers, and its derivatives.

    Parameters
    ----------
    parameters : ndarray of float, shape (6 or more,)
        Row and column are those in the crop.
    d : int
    n_quarter : int
    size : (int, int)
        Rows and columns of the crop.
    table : BlurTable

    Returns
    -------
    cover : ndarray of float64, shape (n_rows, n_cols)
    slopes : ndarray of float64, shape (6, n_rows, n_cols)
    """
    points, moved_rows, moved_columns = nodes_of(parameters, d, n_quarter)
    near, far = (np.roll(points, -k, axis=0) - np.roll(points, k, axis=0) for k in (1, 2))
    dy, dx = ((8.0 * near - far) / 12.0).T
    swept = moved_columns * dy[:, None] - moved_rows * dx[:, None]
    steps = _spread(points[:, 0], table.wide, size[0], is_step=True)
    rows = _spread(points[:, 0], table.narrow, size[0])
    columns = _spread(points[:, 1], table.narrow, size[1])
    cover = np.cumsum((steps * dx[:, None]).T @ columns, axis=0)
    slopes = np.stack([(rows * swept[:, j, None]).T @ columns for j in range(N_SHAPE_PARAMETERS)])
    return cover, slopes


def pixel_sums(data: PixelData, tasks: Tasks, parameters: np.ndarray) -> Sums:
    """Return χ², gradient and normal matrix of each task.

    Parameters
    ----------
    data : PixelData
    tasks : Tasks
    parameters : ndarray of float64, shape (n_tasks, 8)
        Row and column in the crop, ln size, ln p, ln L, phase, contrast, background.

    Returns
    -------
    Sums
    """
    crops, n = data.crops, len(parameters)
    sums = Sums(np.empty(n), np.empty((n, 8)), np.empty((n, 8, 8)))
    for task in range(n):
        own, crop = parameters[task], int(tasks.crop[task])
        values, weights = crops.view(crop, crops.values), crops.view(crop, data.weights).ravel()
        cover, slopes = render_model(
            own, int(tasks.d[task]), int(tasks.n_quarter[task]), values.shape, data.table
        )
        jacobian = np.stack([*own[CONTRAST] * slopes, cover, np.ones_like(cover)]).reshape(8, -1)
        residual = (values - own[BACKGROUND] - own[CONTRAST] * cover).ravel()
        weighted = jacobian * weights
        sums.chi2[task] = np.sum(weights * residual**2)
        sums.gradient[task] = weighted @ residual
        sums.normal[task] = weighted @ jacobian.T
    return sums


def _half_angles(steps: np.ndarray, ln_p: np.ndarray, ln_l: np.ndarray) -> np.ndarray:
    """Return the half angles of nodes at equal steps of a parameter in which tips are smooth."""
    bend = np.clip(2 / np.exp(ln_p), *Q_LIMITS)
    return np.asarray(np.arctan(np.exp(ln_l + bend * np.log(np.tan(steps)))))


def _spread(
    positions: np.ndarray, table: np.ndarray, n_pixels: int, is_step: bool = False
) -> np.ndarray:
    """Return the weights of all pixels of a line for each position; (n_positions, n_pixels)."""
    below = np.floor(positions)
    place = (positions - below) * N_FRACTIONS
    entry = place.astype(np.intp)
    share = (place - entry)[:, None]
    found = (1 - share) * table[entry] + share * table[entry + 1]
    n_near = table.shape[1]
    first = below.astype(np.intp) - (n_near - is_step) // 2 + 1
    at = first[:, None] + np.arange(n_near)
    spread = np.zeros((len(positions), n_pixels))
    line = np.broadcast_to(np.arange(len(positions))[:, None], at.shape)
    if is_step:  # what begins before the line has begun in its first pixel
        at = np.maximum(at, 0)
    inside = (at >= 0) & (at < n_pixels)
    np.add.at(spread, (line[inside], at[inside]), found[inside])
    return spread
