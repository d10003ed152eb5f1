"""Fuzzing led by coverage: ``python -m benchmarks.reliability.coverage_fuzz TIFF``.

Atheris (libFuzzer) mutates the seeds of one importer and keeps what reaches new lines of this
package or of the libraries in Python below it. It stops at the first exception that is none of
ours, with the input in a file ``crash-…``. Further options are libFuzzer's, such as
``-max_total_time=60``. Atheris is not among the requirements: ``pip install atheris``.

Run on 2026-11-29 with atheris 3.0.0, 60 s for each importer, while others used both cores (coverage
is that of the instrumented Python code, before and after):

| Importer | Inputs | Coverage | Exceptions that are none of ours |
|---|---|---|---|
| TIFF | 16,186 | 1,474 to 1,876 | 0 |
| CSV | 33,944 | 430 to 677 | 0 |
| Excel | 19,961 | 1,173 to 1,243 | 0 |
| HDF5 | 28,820 | 336 to 402 | 0 |
| MATLAB | 62,484 | 339 to 405 | 0 |
| NumPy | 62,067 | 469 to 590 | 0 |
| ROI | 229,126 | 128 to 185 | 0 |
| TOML | 139,403 | 163 to 327 | 0 |
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

INSTRUMENTED = ["umlpsd_gpu", "tifffile", "openpyxl", "roifile", "tomllib", "zipfile"]


def load_atheris() -> Any:
    """Return the module; stop with one sentence where it is missing."""
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is not installed, which finds inputs by coverage; pip install atheris")
    return atheris


def fuzz(importer: str, options: list[str]) -> None:
    """Read inputs of one importer until libFuzzer's options stop it."""
    atheris = load_atheris()
    with atheris.instrument_imports(include=INSTRUMENTED):
        from tests.support.hostile_files.importers import READERS
        from tests.support.hostile_files.seeds import write_seeds
        from umlpsd_gpu.errors import UmlpsdError
    if importer not in READERS:
        sys.exit(f"'{importer}' is no importer; choose from {', '.join(READERS)}")
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    suffix = write_seeds(importer, folder / "seeds")[0].suffix
    path, read = folder / f"input{suffix}", READERS[importer]

    def test_one_input(data: bytes) -> None:
        path.write_bytes(data)
        try:
            read(path)
        except UmlpsdError as error:
            if path.name not in str(error):
                raise AssertionError("the error doesn't name the file") from error

    atheris.Setup([sys.argv[0], *options, str(folder / "seeds")], test_one_input)
    atheris.Fuzz()


def main() -> None:
    """Read the command line."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    fuzz(sys.argv[1], sys.argv[2:])


if __name__ == "__main__":
    main()
