"""The knee of a falling convex curve by Kneedle, without smoothing.

The package ``kneed`` does the same, but imports SciPy's signal processing and Matplotlib for it,
which takes longer than the decision.
"""

from __future__ import annotations

import numpy as np


def find_knee(x: np.ndarray, y: np.ndarray) -> int | None:
    """Return the index of the knee of a falling convex curve.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Rising.
    y : ndarray, shape (n,)
        Not constant.

    Returns
    -------
    int or None
        None if the curve has no knee.

    Notes
    -----
    V. Satopaa, J. Albrecht, D. Irwin and B. Raghavan, Finding a "Kneedle" in a haystack, ICDCS
    Workshops 2011 [L], with sensitivity 1. Both axes are scaled to [0, 1] and the curve is turned
    upside down; a local maximum of its distance from the diagonal is a knee if the distance falls
    by a mean step of x before the next local minimum.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu.decision.kneedle import find_knee
    >>> find_knee(np.arange(1, 8), np.array([100, 40, 10, 8, 6, 5, 4]))
    2
    """
    along, height = ((a - a.min()) / (a.max() - a.min()) for a in (x, y))
    distance = (height.max() - height) - along
    before, after = np.r_[distance[0], distance[:-1]], np.r_[distance[1:], distance[-1]]
    is_maximum = (distance >= before) & (distance >= after)
    is_minimum = (distance <= before) & (distance <= after)
    fall = abs(np.diff(along).mean())
    candidate, is_open = None, False
    for i in range(int(np.argmax(is_maximum)), len(distance) - 1):
        if is_maximum[i]:
            candidate, is_open = i, True
        if is_minimum[i]:
            is_open = False
        if is_open and candidate is not None and distance[i + 1] < distance[candidate] - fall:
            return candidate
    return None
