"""The representations in which a real set is clustered."""

from __future__ import annotations

import numpy as np

# curves are averaged over so many points where that leaves enough of them
BIN_WIDTHS = (5, 20)
MIN_BINS = 10


def representations_of(kind: str, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return a set in its representations.

    Parameters
    ----------
    kind
        "curves": raw, min–max, z-scores, and min–max of binned means; "spectra": the same and unit
        norm; "profiles": raw, z-scores of the rows, standardised columns; "table": standardised
        columns; "views": standardised columns of each view
    values
        the measured values

    Returns
    -------
    dict
        one matrix per representation, by its name

    Raises
    ------
    ValueError
        if the kind is unknown, or a value is not finite
    """
    if kind == "views":
        found = {name: standardise_columns(view) for name, view in values.items()}
    elif kind in _OF_KIND:
        found = _OF_KIND[kind](values["raw"])
    else:
        raise ValueError(f"The kind of set {kind!r} is unknown.")
    if not all(np.isfinite(matrix).all() for matrix in found.values()):
        raise ValueError("Some values are not finite.")
    return {name: np.ascontiguousarray(matrix, np.float64) for name, matrix in found.items()}


def scale_rows(matrix: np.ndarray) -> np.ndarray:
    """Scale each row to 0 … 1."""
    lowest = matrix.min(axis=1, keepdims=True)
    return _divide(matrix - lowest, matrix.max(axis=1, keepdims=True) - lowest)


def standardise_rows(matrix: np.ndarray) -> np.ndarray:
    """Shift and scale each row to mean 0 and variance 1."""
    centred = matrix - matrix.mean(axis=1, keepdims=True)
    return _divide(centred, matrix.std(axis=1, keepdims=True))


def standardise_columns(matrix: np.ndarray) -> np.ndarray:
    """Shift and scale each column to mean 0 and variance 1."""
    return standardise_rows(matrix.T).T


def binned_means(matrix: np.ndarray, width: int) -> np.ndarray:
    """Average each row over `width` points at a time; the points left over at the end go."""
    n_bins = matrix.shape[1] // width
    return matrix[:, : n_bins * width].reshape(len(matrix), n_bins, width).mean(axis=2)


def _divide(values: np.ndarray, scale: np.ndarray) -> np.ndarray:
    # a constant row or column stays at zero
    return values / np.where(scale > 0, scale, 1.0)


def _curves(raw: np.ndarray) -> dict[str, np.ndarray]:
    found = {"raw": raw, "minmax": scale_rows(raw), "zscore": standardise_rows(raw)}
    for width in BIN_WIDTHS:
        if raw.shape[1] >= width * MIN_BINS:
            found[f"minmax_bin{width}"] = scale_rows(binned_means(raw, width))
    return found


def _spectra(raw: np.ndarray) -> dict[str, np.ndarray]:
    return _curves(raw) | {"unit": _divide(raw, np.linalg.norm(raw, axis=1, keepdims=True))}


def _profiles(raw: np.ndarray) -> dict[str, np.ndarray]:
    columns = standardise_columns(raw)
    return {"raw": raw, "zscore": standardise_rows(raw), "standard": columns}


def _table(raw: np.ndarray) -> dict[str, np.ndarray]:
    return {"standard": standardise_columns(raw)}


_OF_KIND = {"curves": _curves, "spectra": _spectra, "profiles": _profiles, "table": _table}
