"""Mutants of the seeds of one importer, by number."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from tests.support.hostile_files.importers import READERS
from tests.support.hostile_files.mutator import mutate
from tests.support.hostile_files.seeds import write_seeds
from umlpsd_gpu.errors import UmlpsdError


def make_mutants(importer: str, folder: Path) -> Callable[[int], Path]:
    """Return a function that writes the mutant of a number into a folder and returns its path."""
    seeds = write_seeds(importer, folder / "seeds")
    blobs = [seed.read_bytes() for seed in seeds]

    def write_mutant(number: int) -> Path:
        random = Random(f"{importer} {number}")
        chosen = number % len(seeds)
        path = folder / f"mutant{seeds[chosen].suffix}"
        path.write_bytes(mutate(blobs[chosen], blobs, random))
        return path

    return write_mutant


def read_mutants(importer: str, folder: Path) -> Callable[[int], Any]:
    """Return the job that writes the mutant of a number and reads it.

    An error of ours that doesn't name the file is an AssertionError.
    """
    write_mutant, read = make_mutants(importer, folder), READERS[importer]

    def read_mutant(number: int) -> Any:
        path = write_mutant(number)
        try:
            return read(path)
        except UmlpsdError as error:
            if path.name not in str(error) or len(str(error)) < len(str(path)) + 20:
                raise AssertionError(f"the error doesn't say of which file: {error}") from error
            raise

    return read_mutant
