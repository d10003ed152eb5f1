"""An array that grows at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from umlpsd_gpu.compute.arrays import Array


class GrowingArray:
    """Values in one array; what was handed out before never changes.

    Attributes
    ----------
    n : int
        Number of values.

    Parameters
    ----------
    dtype : numpy type
    """

    def __init__(self, dtype: Any) -> None:
        self._space = np.empty(64, dtype)
        self.n = 0

    @property
    def values(self) -> Array:
        """Return a view of the values so far."""
        return self._space[: self.n]

    def extend(self, new: Sequence[int] | Array) -> None:
        """Append values; the cost doesn't depend on how many there are already.

        Parameters
        ----------
        new : sequence of int
        """
        n_needed = self.n + len(new)
        if n_needed > len(self._space):
            space = np.empty(max(2 * len(self._space), n_needed), self._space.dtype)
            space[: self.n] = self.values
            self._space = space
        self._space[self.n : n_needed] = new
        self.n = n_needed

    def replace(self, new: Array) -> None:
        """Start anew with other values.

        Parameters
        ----------
        new : ndarray of int
        """
        self._space, self.n = np.array(new, self._space.dtype), len(new)
