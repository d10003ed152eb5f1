"""A result as nested structs, the same in both versions of MATLAB's files."""

from __future__ import annotations

from typing import Any

import numpy as np

from umlpsd_gpu.exports.contents import Column, Contents, Curves, Image, Table
from umlpsd_gpu.exports.names import matlab_name

Tree = dict[str, Any]


def matlab_tree(contents: Contents) -> Tree:
    """Return a result as nested dictionaries of arrays and texts.

    Parameters
    ----------
    contents : Contents

    Returns
    -------
    dict
        ``study`` (name, analysis and facts), ``tables`` (a struct for each table, with a column
        vector or a padded character matrix for each column), ``units`` (the same structs with
        texts), ``curves`` and ``images``. Names are valid in MATLAB; parts without rows are left
        out.
    """
    tables = [table for table in contents.tables if table.n_rows]
    return {
        "study": _with_names(
            {"name": contents.name, "analysis": contents.analysis, **contents.facts}
        ),
        "tables": _with_names({table.name: _table(table) for table in tables}),
        "units": _with_names(
            {
                table.name: _with_names({column.name: column.unit for column in table.columns})
                for table in tables
            }
        ),
        "curves": _with_names(
            {curves.name: _curves(curves) for curves in contents.curves if curves.n_curves}
        ),
        "images": _images(contents),
    }


def characters(texts: tuple[str, ...]) -> np.ndarray:
    """Return texts as rows of characters, padded with blanks on the right, as MATLAB does.

    Parameters
    ----------
    texts : tuple of str

    Returns
    -------
    ndarray of uint16, shape (n_texts, width)
        UTF-16; at least one column.
    """
    codes = [np.frombuffer(text.encode("utf-16-le", "replace"), dtype=np.uint16) for text in texts]
    width = max(1, max((row.size for row in codes), default=1))
    matrix = np.full((len(codes), width), ord(" "), dtype=np.uint16)
    for row, code in zip(matrix, codes, strict=True):
        row[: code.size] = code
    return matrix


def _table(table: Table) -> Tree:
    return _with_names({column.name: _values(column) for column in table.columns})


def _values(column: Column) -> Any:
    if isinstance(column.values, tuple):
        return column.values
    return np.asarray(column.values).reshape(-1, 1)


def _curves(curves: Curves) -> Tree:
    units = {column.name: column.unit for column in (curves.x, *curves.values)}
    return _with_names(
        {
            "id": curves.ids,
            curves.x.name: np.asarray(curves.x.values).reshape(1, -1),
            **{column.name: column.values for column in curves.values},
            "units": _with_names(units),
        }
    )


def _images(contents: Contents) -> Tree:
    names: set[str] = set()
    found: Tree = {}
    for frame in contents.frames:
        images = list(contents.images_of(frame))
        if not images:
            continue
        name = matlab_name(frame.name, names)
        names.add(name)
        found[name] = {
            "frame": frame.name,
            "pixel_height": float("nan") if frame.pixel_size is None else frame.pixel_size[0],
            "pixel_width": float("nan") if frame.pixel_size is None else frame.pixel_size[1],
            "unit": frame.unit,
            "values": _with_names({image.name: image.values for image in images}),
            "units": _with_names({image.name: image.unit for image in images}),
            "titles": _with_names({image.name: _title(image) for image in images}),
        }
    return found


def _title(image: Image) -> str:
    return image.heading


def _with_names(values: Tree) -> Tree:
    found: Tree = {}
    for name, value in values.items():
        found[matlab_name(name, found)] = value
    return found
