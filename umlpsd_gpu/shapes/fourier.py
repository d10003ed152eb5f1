"""Elliptic Fourier descriptors of outlines, after Kuhl and Giardina (1982).

They describe any closed outline, also those that are no super-ellipse and not star-shaped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ORDER = 8
# A first harmonic whose axes differ less, relatively, has no direction
ROUND = 1e-9


@dataclass(frozen=True)
class EllipticFourier:
    """Elliptic Fourier descriptors of one outline.

    Attributes
    ----------
    coefficients : ndarray of float64, shape (order, 4)
        a, b, c, d of each harmonic: columns = Σ a cos nt + b sin nt, rows = Σ c cos nt + d sin nt.
        Normalised ones are those of an outline whose first harmonic has a semi-major axis of 1
        along the columns, and starts there.
    centre : (float, float)
        Row and column of the mean position along the outline, in pixels.
    size_px : float
        Semi-major axis of the first harmonic; 1 if not normalised.
    angle_rad : float
        Direction of that axis; 0 if not normalised.
    start_rad : float
        Where on the first harmonic the given outline starts; 0 if not normalised.
    """

    coefficients: np.ndarray
    centre: tuple[float, float]
    size_px: float = 1.0
    angle_rad: float = 0.0
    start_rad: float = 0.0


def describe_outline(polygon: np.ndarray, order: int = ORDER) -> EllipticFourier:
    """Return the normalised descriptors of an outline.

    Parameters
    ----------
    polygon : ndarray of float, shape (n_vertices, 2)
        Rows and columns, closed; vertices in either direction.
    order : int, optional
        Number of harmonics.

    Returns
    -------
    EllipticFourier
        Independent of position, size, rotation, direction and first vertex of the polygon. An
        outline and the same one turned by 180° have equal first harmonics: of the two, that is
        taken whose second harmonic has the positive sum of a and d, or of b and c.

    Examples
    --------
    >>> t = np.linspace(0, 2 * np.pi, 401)
    >>> ellipse = np.stack([5 + 2 * np.sin(t), 9 + 4 * np.cos(t)], axis=1)
    >>> found = describe_outline(ellipse)
    >>> print(found.coefficients[0].round(3) + 0.0, round(found.size_px, 2))
    [1.    0.    0.    0.587] 3.66
    """
    plain = outline_coefficients(polygon, order)
    a, b, c, d = plain.coefficients[0]
    start = 0.5 * np.arctan2(2 * (a * b + c * d), a * a + c * c - b * b - d * d)
    if np.hypot(2 * (a * b + c * d), a * a + c * c - b * b - d * d) < ROUND * (
        a * a + c * c + d * d
    ):
        start = 0.0
    shifted = _shift(plain.coefficients, start)
    angle = float(np.arctan2(shifted[0, 2], shifted[0, 0]))
    size = float(np.hypot(shifted[0, 0], shifted[0, 2]))
    turned = _turn(shifted, -angle) / max(size, 1e-300)
    if order > 1 and _is_upside_down(turned[1]):
        start, angle = start + np.pi, angle + np.pi
        # a shift by half a turn and a turn back change the signs of even harmonics only
        turned[1::2] *= -1
    angle = float(np.arctan2(np.sin(angle), np.cos(angle)))
    return EllipticFourier(turned, plain.centre, size, angle, float(start))


def outline_coefficients(polygon: np.ndarray, order: int = ORDER) -> EllipticFourier:
    """Return the descriptors of an outline without normalising them.

    Parameters
    ----------
    polygon : ndarray of float, shape (n_vertices, 2)
        Rows and columns, closed; vertices in either direction.
    order : int, optional
        Number of harmonics.

    Returns
    -------
    EllipticFourier
    """
    points = np.asarray(polygon, dtype=np.float64)
    rows, columns = points.T - points.mean(axis=0)[:, None]
    if np.sum(columns[:-1] * rows[1:] - columns[1:] * rows[:-1]) < 0:
        points = points[::-1]
    steps = np.diff(points, axis=0)
    lengths = np.hypot(*steps.T)
    points = np.concatenate([points[:1], points[1:][lengths > 0]])
    steps, lengths = steps[lengths > 0], lengths[lengths > 0]
    if len(lengths) == 0:
        return EllipticFourier(np.zeros((order, 4)), (float(points[0, 0]), float(points[0, 1])))
    at = np.concatenate([[0.0], np.cumsum(lengths)])
    total, n = at[-1], np.arange(1, order + 1)[:, None]
    phase = 2 * np.pi * n * at / total
    change = np.diff(np.cos(phase), axis=1), np.diff(np.sin(phase), axis=1)
    scale = total / (2 * np.pi**2 * n[:, 0] ** 2)
    row_slope, column_slope = (steps / lengths[:, None]).T
    coefficients = np.stack(
        [scale * (part @ slope) for slope in (column_slope, row_slope) for part in change], axis=1
    )
    middles = 0.5 * (points[1:] + points[:-1])
    centre = (middles * lengths[:, None]).sum(axis=0) / total
    return EllipticFourier(coefficients, (float(centre[0]), float(centre[1])))


def draw_outline(found: EllipticFourier, n_points: int = 256) -> np.ndarray:
    """Return the outline that descriptors describe: the inverse of `describe_outline`.

    Parameters
    ----------
    found : EllipticFourier
    n_points : int, optional

    Returns
    -------
    ndarray of float64, shape (n_points + 1, 2)
        Rows and columns in pixels; closed.
    """
    t = np.linspace(0, 2 * np.pi, n_points + 1)
    own = _shift(_turn(found.coefficients * found.size_px, found.angle_rad), -found.start_rad)
    n = np.arange(1, len(own) + 1)[:, None]
    cosine, sine = np.cos(n * t), np.sin(n * t)
    columns = own[:, 0] @ cosine + own[:, 1] @ sine
    rows = own[:, 2] @ cosine + own[:, 3] @ sine
    return np.stack([found.centre[0] + rows, found.centre[1] + columns], axis=1)


def _shift(coefficients: np.ndarray, start: float) -> np.ndarray:
    """Return descriptors that start elsewhere along the outline."""
    angle = np.arange(1, len(coefficients) + 1) * start
    cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
    of_cosine, of_sine = coefficients[:, ::2], coefficients[:, 1::2]
    shifted = np.empty_like(coefficients)
    shifted[:, ::2] = of_cosine * cosine + of_sine * sine
    shifted[:, 1::2] = of_sine * cosine - of_cosine * sine
    return shifted


def _turn(coefficients: np.ndarray, angle: float) -> np.ndarray:
    """Return descriptors of the outline turned from the columns to the rows."""
    cosine, sine = np.cos(angle), np.sin(angle)
    columns, rows = coefficients[:, :2], coefficients[:, 2:]
    return np.concatenate([cosine * columns - sine * rows, sine * columns + cosine * rows], axis=1)


def _is_upside_down(second: np.ndarray) -> bool:
    a, b, c, d = second
    even, odd = a + d, b + c
    return bool(even < 0 if abs(even) >= abs(odd) else odd < 0)
