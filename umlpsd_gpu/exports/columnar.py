"""CSV and Parquet files of one or several studies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.exports.contents import Column, Contents, Table
from umlpsd_gpu.exports.csv_tables import write_csv
from umlpsd_gpu.exports.long_tables import long_tables
from umlpsd_gpu.exports.names import file_name

# Takes further rows of a file that is being written
Append = Callable[[Table], None]


class ColumnarFiles:
    """Tables of studies below each other; with several studies, the first column names the study.

    Parameters
    ----------
    folder : Path
        An existing folder.
    suffix : {".csv", ".parquet"}
    with_study : bool
        Whether there is a column ``study``.

    Raises
    ------
    SettingsError
        If Parquet is asked for and pyarrow is not installed.
    """

    def __init__(self, folder: Path, suffix: str, with_study: bool) -> None:
        self.folder, self.suffix, self.with_study = folder, suffix, with_study
        self._open_files = ExitStack()
        self._files: dict[tuple[str, tuple[str, ...]], Append] = {}
        self._names: set[str] = set()
        self._described: dict[tuple[str, str], Column] = {}
        self._open = {".csv": self._open_csv, ".parquet": _open_parquet}[suffix]
        if suffix == ".parquet":
            _import_pyarrow()

    def add(self, contents: Contents) -> None:
        """Write the tables, curves and images of a study.

        Tables of the same name and columns share a file; others get a number in their names.

        Parameters
        ----------
        contents : Contents
        """
        for name, parts in long_tables(contents):
            for part in parts:
                table = self._with_study(part, contents.name)
                key = name, tuple(map(self._kind_of, table.columns))
                if key not in self._files:
                    self._files[key] = self._begin(name, table)
                self._files[key](table)

    def close(self) -> None:
        """Finish the files, and write columns.csv: what the columns mean."""
        self._open_files.close()
        described = list(self._described.items())
        write_csv(
            self.folder / "columns.csv",
            Table(
                "columns",
                (
                    Column("file", tuple(file for (file, _), _ in described)),
                    Column("column", tuple(name for (_, name), _ in described)),
                    Column("unit", tuple(column.unit for _, column in described)),
                    Column("description", tuple(column.description for _, column in described)),
                ),
            ),
        )

    def _kind_of(self, column: Column) -> str:
        """Return what must agree between tables that share a file."""
        if self.suffix == ".csv":
            return column.name
        kind = "text" if isinstance(column.values, tuple) else column.values.dtype.str
        return f"{column.name} {kind}"

    def _with_study(self, table: Table, study: str) -> Table:
        if not self.with_study:
            return table
        column = Column("study", (study,) * table.n_rows, "", "Study folder")
        return replace(table, columns=(column, *table.columns))

    def _begin(self, name: str, table: Table) -> Append:
        stem = file_name(name, self._names)
        self._names.add(stem)
        file = f"{stem}{self.suffix}"
        self._described |= {(file, column.name): column for column in table.columns}
        return self._open(self.folder / file, table, self._open_files)

    def _open_csv(self, path: Path, table: Table, open_files: ExitStack) -> Append:
        written: list[bool] = []

        def append(part: Table) -> None:
            write_csv(path, part, is_continued=bool(written))
            written.append(True)

        return append


def _import_pyarrow() -> Any:
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise SettingsError(
            "Parquet files need pyarrow, which is not installed: "
            "pip install 'umlpsd_gpu[parquet]', or export to csv"
        ) from error


def _open_parquet(path: Path, table: Table, open_files: ExitStack) -> Append:
    arrow, parquet = _import_pyarrow()
    schema = arrow.schema(list(_parquet_fields(arrow, table)))
    writer = open_files.enter_context(parquet.ParquetWriter(path, schema, compression="zstd"))

    def append(part: Table) -> None:
        arrays = [
            # names of files may contain what is not UTF-8
            arrow.array(
                [text.encode("utf-8", "replace").decode() for text in column.values]
                if isinstance(column.values, tuple)
                else np.ascontiguousarray(column.values),
                type=field.type,
            )
            for column, field in zip(part.columns, schema, strict=True)
        ]
        writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))

    return append


def _parquet_fields(arrow: Any, table: Table) -> Iterator[Any]:
    for column in table.columns:
        kind = arrow.string()
        if not isinstance(column.values, tuple):
            kind = arrow.from_numpy_dtype(column.values.dtype)
        about = {"unit": column.unit, "description": column.description}
        yield arrow.field(column.name, kind, metadata=about)
