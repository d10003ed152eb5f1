"""Curves and images as long tables: one row for each point, in blocks of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from umlpsd_gpu.exports.contents import Column, Contents, Curves, Frame, Image, Table

ROWS_PER_BLOCK = 1 << 18  # of a table: some ten MB of Python numbers


def long_tables(contents: Contents) -> Iterator[tuple[str, Iterator[Table]]]:
    """Yield the tables of a result, then its curves and images as long tables.

    Parameters
    ----------
    contents : Contents

    Yields
    ------
    (str, iterator of Table)
        Name, and one or more parts with the same columns. Tables and curves without rows are left
        out.
    """
    for table in contents.tables:
        if table.n_rows:
            yield table.name, iter([table])
    for curves in contents.curves:
        if curves.n_curves:
            yield curves.name, _blocks_of_curves(curves)
    for frame in contents.frames:
        images = list(contents.images_of(frame))
        if images:
            yield "pixels", _blocks_of_images(frame, images)


def _blocks_of_curves(curves: Curves) -> Iterator[Table]:
    x = np.asarray(curves.x.values)
    n_per_block = max(1, ROWS_PER_BLOCK // max(1, x.size))
    for first in range(0, curves.n_curves, n_per_block):
        rows = slice(first, first + n_per_block)
        ids = curves.ids[rows]
        long = [
            Column("id", tuple(name for name in ids for _ in range(x.size))),
            Column(curves.x.name, np.tile(x, len(ids)), curves.x.unit, curves.x.description),
        ]
        for column in curves.values:
            values = np.array(column.values[rows]).reshape(-1)
            long.append(Column(column.name, values, column.unit, column.description))
        yield Table(curves.name, tuple(long))


def _blocks_of_images(frame: Frame, images: Sequence[Image]) -> Iterator[Table]:
    n_rows, n_cols = frame.shape
    n_per_block = max(1, ROWS_PER_BLOCK // max(1, n_cols))
    for first in range(0, n_rows, n_per_block):
        block = slice(first, min(first + n_per_block, n_rows))
        rows, cols = (part.reshape(-1) for part in np.mgrid[block, 0:n_cols])
        long = [
            Column("frame", (frame.name,) * rows.size, "", "Movie or image"),
            Column("row", rows, "px", "From 0"),
            Column("col", cols, "px", "From 0"),
        ]
        if frame.pixel_size is not None:
            places = zip("yx", (rows, cols), frame.origin, frame.pixel_size, strict=True)
            for axis, at, origin, size in places:
                long.append(Column(axis, origin + at * size, frame.unit))
        for image in images:
            values = image.values[block].reshape(-1)
            long.append(Column(image.name, values, image.unit))
        yield Table("pixels", tuple(long))
