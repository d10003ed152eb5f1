"""What a signature calls an array that NumPy or CuPy may own."""

from __future__ import annotations

from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

# CuPy's arrays have the interface of NumPy's and no type stubs: checked as if they were NumPy's
Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
# NumPy or CuPy themselves, as `xp_of` returns them
ArrayModule: TypeAlias = ModuleType
