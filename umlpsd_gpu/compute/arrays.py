"""Types for arrays of either NumPy or CuPy, for use in signatures."""

from __future__ import annotations

from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

# CuPy arrays have NumPy's interface but no type stubs, so they are checked as NumPy arrays
Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
# NumPy or CuPy themselves, as `xp_of` returns them
ArrayModule: TypeAlias = ModuleType
