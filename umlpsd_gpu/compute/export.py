"""Results as labelled arrays: pandas tables and xarray data sets, with units in ``attrs``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import is_on_device

if TYPE_CHECKING:
    import pandas as pd


class Labelled(NamedTuple):
    """One array of a result.

    Attributes
    ----------
    dims : tuple of str
        Names of its axes.
    values : array
        NumPy's or CuPy's.
    unit : str
        ``""`` if it has none.
    meaning : str
        In words.
    """

    dims: tuple[str, ...]
    values: Array | Sequence[Any]
    unit: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class LabelledArrays:
    """All arrays of a result.

    Attributes
    ----------
    coords : dict of str to Labelled
        Positions along the axes: times, frequencies, names of traces.
    variables : dict of str to Labelled
    attrs : dict of str to str or number
        Values that apply to all of them.
    table : {"long", "wide"}
        Layout of the pandas table. ``long``: one row per entry of the variables in ``in_table``,
        which share their axes; ``wide``: one two-dimensional variable, with its first axis across.
    in_table : tuple of str
        Default: all variables.
    """

    coords: dict[str, Labelled]
    variables: dict[str, Labelled]
    attrs: dict[str, Any] = field(default_factory=dict)
    table: Literal["long", "wide"] = "long"
    in_table: tuple[str, ...] = ()


class Exported:
    """Adds ``to_pandas`` and ``to_xarray`` to a result, both from its labelled arrays."""

    def _labelled(self) -> LabelledArrays:
        raise NotImplementedError

    def to_pandas(self) -> pd.DataFrame:
        """Return a new pandas table.

        Returns
        -------
        pandas.DataFrame
            ``attrs["units"]`` contains the unit of every column and of the index.
        """
        return make_table(self._labelled())

    def to_xarray(self) -> Any:
        """Return an xarray data set.

        Returns
        -------
        xarray.Dataset
            Every array has ``units`` and ``long_name`` in its ``attrs``.

        Raises
        ------
        ImportError
            If xarray is not installed.
        """
        return make_dataset(self._labelled(), type(self).__name__)


def make_table(arrays: LabelledArrays) -> pd.DataFrame:
    """Return labelled arrays as a pandas table.

    Parameters
    ----------
    arrays : LabelledArrays

    Returns
    -------
    pandas.DataFrame
        With the layout given by ``arrays.table``.
    """
    names = arrays.in_table or tuple(arrays.variables)
    chosen = {name: arrays.variables[name] for name in names}
    table = _wide(arrays, names[0]) if arrays.table == "wide" else _long(arrays, chosen)
    dims = chosen[names[0]].dims
    of_dims = {
        name: coord
        for name, coord in arrays.coords.items()
        if (name in dims if arrays.table == "wide" else set(coord.dims) <= set(dims))
    }
    units = {name: part.unit for name, part in (of_dims | chosen).items()}
    table.attrs.update(arrays.attrs, units=units)
    return table


def _wide(arrays: LabelledArrays, name: str) -> pd.DataFrame:
    import pandas as pd

    variable = arrays.variables[name]
    across, down = variable.dims
    index = pd.Index(_host(arrays.coords[down].values), name=down)
    columns = pd.Index(_host(arrays.coords[across].values), name=across)
    return pd.DataFrame(np.array(_host(variable.values)).T, index=index, columns=columns)


def _long(arrays: LabelledArrays, chosen: Mapping[str, Labelled]) -> pd.DataFrame:
    import pandas as pd

    first = next(iter(chosen.values()))
    shape = _host(first.values).shape
    places = dict(zip(first.dims, np.indices(shape).reshape(len(shape), -1), strict=True))
    columns = {
        name: _host(coord.values)[places[coord.dims[0]]]
        for name, coord in arrays.coords.items()
        if len(coord.dims) == 1 and coord.dims[0] in places
    }
    columns |= {name: np.array(_host(part.values)).reshape(-1) for name, part in chosen.items()}
    return pd.DataFrame(columns)


def make_dataset(arrays: LabelledArrays, name: str) -> Any:
    """Return labelled arrays as an xarray data set.

    Parameters
    ----------
    arrays : LabelledArrays
    name : str
        Of the type of the result, for the error message.

    Returns
    -------
    xarray.Dataset

    Raises
    ------
    ImportError
        If xarray is not installed.
    """
    try:
        xarray = import_module("xarray")
    except ImportError as error:
        raise ImportError(
            f"{name}.to_xarray() needs xarray, which is not installed: "
            "pip install 'umlpsd_gpu[notebook]'"
        ) from error
    coords, variables = (
        {
            key: xarray.Variable(
                part.dims,
                _host(part.values),
                {"units": part.unit or "1", "long_name": part.meaning or key},
            )
            for key, part in named.items()
        }
        for named in (arrays.coords, arrays.variables)
    )
    return xarray.Dataset(variables, coords, arrays.attrs)


def _host(values: Any) -> Array:
    array: Array = values.get() if is_on_device(values) else np.asarray(values)
    return array
