"""How far calculated intensities are from measured ones: relative standard errors.

With standards the error is that of XPP on Pouchou and Pichoir's 826 k-ratios; without them that of
the cross-sections, yields and efficiencies. benchmarks/results/xray_quantification.md has what was
measured. Errors without standards are partly common to all lines of a shell, which leaves the ratio
of two L lines better known than that of an L and a K line.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from umlpsd_gpu.xrays.families import Family

_WITH_STANDARD = 0.018
_SOFT_WITH_STANDARD = 0.04
_SOFT_KEV = 1.0  # below, windows, surfaces, and chemical bonds decide
_SOFT = 0.4
_COMMON = {"K": 0.0, "L": 0.12, "M": 0.12}
_OWN = {"K": 0.05, "L": 0.09, "M": 0.09}


def model_error(family: Family, has_standard: bool) -> float:
    """Return the relative standard error of the calculated intensity of a family.

    Parameters
    ----------
    family : Family
    has_standard : bool
        Whether a spectrum of a known material calibrates it.

    Examples
    --------
    >>> model_error(Family(26, "K"), has_standard=False)
    0.05
    """
    common, own = _parts(family, has_standard)
    return float(np.hypot(common, own))


def model_covariance(
    families: Sequence[Family], has_standard: Sequence[bool]
) -> NDArray[np.float64]:
    """Return the covariance of the relative errors of the calculated intensities.

    Parameters
    ----------
    families : sequence of Family
    has_standard : sequence of bool
        For each family.

    Returns
    -------
    ndarray, shape (n_families, n_families)
    """
    parts = [_parts(family, has) for family, has in zip(families, has_standard, strict=True)]
    common, own = (np.array(column) for column in zip(*parts, strict=True))
    shells = np.array([family.shell for family in families])
    same = shells[:, None] == shells[None]
    return np.asarray(np.where(same, np.outer(common, common), 0.0) + np.diag(own**2), np.float64)


def _parts(family: Family, has_standard: bool) -> tuple[float, float]:
    is_soft = family.main_line.energy_kev < _SOFT_KEV
    if has_standard:
        return 0.0, _SOFT_WITH_STANDARD if is_soft else _WITH_STANDARD
    if is_soft:
        return 0.0, _SOFT
    return _COMMON[family.shell], _OWN[family.shell]
