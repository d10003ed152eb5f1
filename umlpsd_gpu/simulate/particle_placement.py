"""Where simulated particles lie: apart, touching or overlapping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial import ConvexHull

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.shapes.superellipse import SuperEllipse, radii
from umlpsd_gpu.simulate.particle_images import cover

# Area of a convex shape over that of its convex hull, and of one that is clearly concave
CONVEX_SOLIDITY, CONCAVE_SOLIDITY = 0.975, 0.90
N_OUTLINE = 256
# Shapes drawn until one is concave, or convex
MOST_TRIALS = 5000
# Places tried for one particle, and steps of halving a distance
MOST_PLACES, N_HALVINGS = 60, 9
# Widest gap between touching particles, in pixels
WIDEST_GAP_PX = 1.0
# Share of an overlapping particle that may be covered by others
MOST_OVERLAP = 0.25


def draw_shape(
    rng: np.random.Generator,
    diameter_px: float,
    is_concave: bool,
    d_values: Sequence[int],
    p_range: tuple[float, float],
    l_range: tuple[float, float],
) -> SuperEllipse:
    """Draw a super-ellipse of a given area, at the origin.

    Parameters
    ----------
    rng : Generator
    diameter_px : float
        Of the circle of the same area.
    is_concave : bool
        Whether the shape is clearly concave, or convex.
    d_values : sequence of int
    p_range, l_range : (float, float)
        ln p and L are drawn uniformly.

    Returns
    -------
    SuperEllipse

    Raises
    ------
    SettingsError
        If the ranges hold (nearly) no such shape.
    """
    for _ in range(MOST_TRIALS):
        shape = SuperEllipse(
            row=0.0,
            column=0.0,
            size_px=1.0,
            d=int(rng.choice(d_values)),
            p=float(np.exp(rng.uniform(*np.log(p_range)))),
            l_ratio=float(rng.uniform(*l_range)),
            phase_rad=float(rng.uniform(0, 2 * np.pi)),
        )
        area, solidity = area_and_solidity(shape)
        if (solidity < CONCAVE_SOLIDITY) if is_concave else (solidity > CONVEX_SOLIDITY):
            return replace(shape, size_px=0.5 * diameter_px * float(np.sqrt(np.pi / area)))
    wanted = "concave" if is_concave else "convex"
    raise SettingsError(
        f"super-ellipses of d in {tuple(d_values)}, p in {p_range} and L in {l_range} are hardly "
        f"ever {wanted}; change concave_share or the ranges"
    )


def area_and_solidity(shape: SuperEllipse) -> tuple[float, float]:
    """Return the area of a shape, and its share of the convex hull.

    Parameters
    ----------
    shape : SuperEllipse

    Returns
    -------
    (float, float)
        Pixels, 0…1.
    """
    angles = np.linspace(0, 2 * np.pi, N_OUTLINE, endpoint=False)
    radius = radii(shape, angles)
    area = float(np.sum(radius * np.roll(radius, -1)) * np.sin(2 * np.pi / N_OUTLINE) / 2)
    corners = radius[:, None] * np.column_stack((np.cos(angles), np.sin(angles)))
    return area, area / float(ConvexHull(corners).volume)


class Ground:
    """What is covered already, and where the next particle may go.

    Parameters
    ----------
    n_rows, n_columns : int
    margin_px : float
        How far outside the image centres may be.
    """

    def __init__(self, n_rows: int, n_columns: int, margin_px: float) -> None:
        self.margin = int(np.ceil(margin_px)) * 2
        self.inner = margin_px
        self.shape = (n_rows, n_columns)
        self.is_covered = np.zeros((n_rows + 2 * self.margin, n_columns + 2 * self.margin), bool)

    def place_apart(
        self, rng: np.random.Generator, shape: SuperEllipse, gap_px: float
    ) -> SuperEllipse | None:
        """Place a shape at least a gap away from all others.

        Parameters
        ----------
        rng : Generator
        shape : SuperEllipse
        gap_px : float

        Returns
        -------
        SuperEllipse or None
            None if no place was found.
        """
        for _ in range(MOST_PLACES):
            row, column = (rng.uniform(-self.inner, n + self.inner) for n in self.shape)
            placed = replace(shape, row=row, column=column)
            wide = replace(placed, size_px=shape.size_px * (1 + gap_px / smallest_radius(shape)))
            if self._is_free(wide):
                self._take(placed)
                return placed
        return None

    def place_touching(
        self,
        rng: np.random.Generator,
        shape: SuperEllipse,
        others: Sequence[SuperEllipse],
        overlap_px: float,
    ) -> SuperEllipse | None:
        """Place a shape next to one of the others, or let it overlap.

        Parameters
        ----------
        rng : Generator
        shape : SuperEllipse
        others : sequence of SuperEllipse
        overlap_px : float
            How deep it overlaps; 0: there is a gap of at most a pixel.

        Returns
        -------
        SuperEllipse or None
            None if no place was found.
        """
        for _ in range(MOST_PLACES):
            other = others[int(rng.integers(len(others)))]
            angle = rng.uniform(0, 2 * np.pi)
            direction = np.array([np.sin(angle), np.cos(angle)])
            near, far = 0.0, 4.0 * (shape.size_px + other.size_px)
            for _ in range(N_HALVINGS + 4):
                middle = 0.5 * (near + far)
                if self._is_free(_moved(shape, other, direction, middle)):
                    far = middle
                else:
                    near = middle
            distance = far + (rng.uniform(0, WIDEST_GAP_PX) if overlap_px == 0 else -overlap_px)
            placed = _moved(shape, other, direction, distance)
            is_near = far < 2.0 * (shape.size_px + other.size_px)
            most_share = 0.0 if overlap_px == 0 else MOST_OVERLAP
            if is_near and self._is_inside(placed) and self._covered_share(placed) <= most_share:
                self._take(placed)
                return placed
        return None

    def _is_free(self, shape: SuperEllipse) -> bool:
        return self._covered_share(shape) == 0

    def _is_inside(self, shape: SuperEllipse) -> bool:
        return all(
            -self.inner < x < n + self.inner
            for x, n in zip((shape.row, shape.column), self.shape, strict=True)
        )

    def _covered_share(self, shape: SuperEllipse) -> float:
        patch = cover(self._shifted(shape), *self.is_covered.shape, 1)
        is_own = patch.coverage > 0
        n_shared = int(np.count_nonzero(self.is_covered[patch.rows, patch.columns] & is_own))
        return n_shared / max(int(np.count_nonzero(is_own)), 1)

    def _take(self, shape: SuperEllipse) -> None:
        patch = cover(self._shifted(shape), *self.is_covered.shape, 1)
        self.is_covered[patch.rows, patch.columns] |= patch.coverage > 0

    def _shifted(self, shape: SuperEllipse) -> SuperEllipse:
        return replace(shape, row=shape.row + self.margin, column=shape.column + self.margin)


def smallest_radius(shape: SuperEllipse) -> float:
    """Return the smallest radius of a shape.

    Parameters
    ----------
    shape : SuperEllipse

    Returns
    -------
    float
        Pixels.
    """
    return float(radii(shape, np.linspace(0, 2 * np.pi, N_OUTLINE)).min())


def _moved(
    shape: SuperEllipse, other: SuperEllipse, direction: np.ndarray, distance: float
) -> SuperEllipse:
    row, column = np.array([other.row, other.column]) + distance * direction
    return replace(shape, row=float(row), column=float(column))
