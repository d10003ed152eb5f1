"""Write a simulated map of curves, and its truth as a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.curves import SimulatedCurves, simulate_curves
from umlpsd_gpu.simulate.files import require_free, write_with_truth


def write_simulated_curves(
    path: str | Path, overwrite: bool = False, **recipe: Any
) -> tuple[Path, Path]:
    """Simulate a map of curves and write it as .npz, with its truth as .csv and recipe as .json.

    Parameters
    ----------
    path : path
        A file ``….npz``, or a folder (no suffix).
    overwrite : bool
        Whether existing files may be replaced.
    **recipe
        Fields of `CurvesRecipe`.

    Returns
    -------
    map, truth : Path
        The map holds ``bias``, ``current_forward`` (and ``current_backward``), ``shape``,
        ``positions``, ``height`` and their units.

    Raises
    ------
    SettingsError
        If a value is not allowed.
    OutputError
        If the files can't be written, or the map exists and ``overwrite`` is False.
    """
    path = Path(path)
    if not path.suffix:
        path = path / f"curves_{recipe.get('seed', 0)}.npz"
    if path.suffix.lower() != ".npz":
        raise SettingsError(
            f"a simulated map of curves is an .npz file; call it ….npz instead of {path.name}"
        )
    require_free(path, overwrite=overwrite)
    simulated = simulate_curves(**recipe)
    facts = {"curves": path.name, **asdict(simulated.recipe)}
    facts["compliance_a"] = _finite(simulated.compliance_a)
    return write_with_truth(
        path, lambda partial: _write_map(simulated, partial), _truth_rows(simulated), facts
    )


def _write_map(simulated: SimulatedCurves, path: Path) -> None:
    values: dict[str, Any] = {
        "bias": simulated.bias,
        **{f"current_{sweep}": current for sweep, current in simulated.current.items()},
        "shape": np.array(simulated.shape),
        "positions": simulated.positions,
        "height": simulated.height,
        "bias_unit": np.array("V"),
        "current_unit": np.array("A"),
        "position_unit": np.array("m"),
        "height_unit": np.array("m"),
    }
    with path.open("wb") as file:
        np.savez_compressed(file, **values)


def _truth_rows(simulated: SimulatedCurves) -> Iterator[list[Any]]:
    """Yield the headings, and the truth of every curve."""
    truth, kinds = simulated.truth, (*simulated.recipe.kinds, "dead")
    rows, cols = (indices.ravel() for indices in np.indices(simulated.shape))
    parameters = [name for name in truth if name not in ("kind", "grain", "is_clipped")]
    yield ["curve", "row", "col", "kind", "grain", "is_clipped", *parameters]
    for i in range(rows.size):
        values = (truth[name][i] for name in parameters)
        yield [
            i + 1,
            rows[i],
            cols[i],
            kinds[truth["kind"][i]],
            truth["grain"][i],
            int(truth["is_clipped"][i]),
            *(f"{value:.6g}" if np.isfinite(value) else "" for value in values),
        ]


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
