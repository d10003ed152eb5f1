"""``python -m benchmarks.reliability.fuzz``: 200,000 mutated files through every importer.

Each mutant is made from a number and the name of its importer, so that one that gives trouble is
made again by ``--importer NAME --first NUMBER --keep FOLDER``. Mutants are written to memory and
read in worker processes with limits of time and address space; a worker that hangs is stopped, and
one that hangs or crashes is started again at the next mutant.
"""

from __future__ import annotations

import argparse
import multiprocessing
import platform
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import openpyxl
import tifffile

from benchmarks.reliability.rows import RESULTS
from tests.support.hostile_files.fuzzing import make_mutants, read_mutants
from tests.support.hostile_files.importers import READERS
from tests.support.hostile_files.sandbox import run_jobs
from umlpsd_gpu.compute.backend import n_cores

# Movies are the most complex format
SHARES = {"TIFF": 0.3}
OTHER_SHARE = (1 - sum(SHARES.values())) / (len(READERS) - len(SHARES))
LIMIT_S, MEMORY_MB, MOST_MB = 10.0, 4096, 512
GOOD = ("opened", "refused")
COLUMNS = ["Importer", "Mutants", "Opened", "Refused", "Other errors", "Hangs", "Crashes"]
COLUMNS += ["Slowest, ms", "Peak, MB", "s"]
HEAD = f"| {' | '.join(COLUMNS)} |"


@dataclass
class Score:
    """What became of the mutants of one importer."""

    importer: str
    kinds: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    peak_mb: float = 0.0
    seconds: float = 0.0
    n_warned: int = 0
    troubles: list[str] = field(default_factory=list)

    @property
    def row(self) -> str:
        """Return the row of the table."""
        kinds = self.kinds
        return (
            f"| {self.importer} | {kinds.total():,} | {kinds['opened']:,} | {kinds['refused']:,} | "
            f"{kinds['error']} | {kinds['hang']} | {kinds['crash']} | {self.slowest_s * 1e3:.0f} | "
            f"{self.peak_mb:.0f} | {self.seconds:.0f} |"
        )


def score_importer(importer: str, first: int, n_mutants: int) -> Score:
    """Read mutants of one importer."""
    score, start_s = Score(importer), time.monotonic()
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        read = read_mutants(importer, Path(folder))
        jobs = run_jobs(lambda number: read(first + number), n_mutants, LIMIT_S, MEMORY_MB)
        for outcome in jobs:
            score.kinds[outcome.kind] += 1
            score.slowest_s = max(score.slowest_s, outcome.seconds)
            score.peak_mb = max(score.peak_mb, outcome.peak_mb)
            score.n_warned += bool(outcome.noise)
            if outcome.kind not in GOOD or outcome.peak_mb > MOST_MB:
                last = str(outcome.value).strip().splitlines()[-1][:200]
                score.troubles.append(
                    f"{importer} {first + outcome.number}: {outcome.kind} {last} "
                    f"({outcome.peak_mb:.0f} MB)"
                )
    score.seconds = time.monotonic() - start_s
    return score


def score_all(plan: dict[str, int], first: int, n_workers: int) -> Iterator[Score]:
    """Yield the score of each importer, several at a time."""
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(n_workers, mp_context=fork) as pool:
        numbers = [(name, first, count) for name, count in plan.items()]
        yield from pool.map(partial(score_importer), *zip(*numbers, strict=True))


def write_table(scores: list[Score], first: int) -> Path:
    """Write the table of results."""
    total = sum((score.kinds for score in scores), Counter())
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, tifffile "
    versions += f"{tifffile.__version__}, h5py {h5py.__version__} (HDF5 "
    versions += f"{h5py.version.hdf5_version}), openpyxl {openpyxl.__version__}"
    troubles = [trouble for score in scores for trouble in score.troubles]
    text = f"""# Mutated files

`python -m benchmarks.reliability.fuzz` ({date.today().isoformat()}): small sound files of every
importer, changed at random (bits, runs of bytes, numbers at offsets, pieces of other files,
words in texts, cuts; members of zip archives are packed again with checksums that fit), numbers
{first:,} and following. A mutant opens with a value that is checked, or is refused by an error of
ours that names the file. Workers have {LIMIT_S:g} s for a mutant and {MEMORY_MB:,} MB of address
space beyond what they start with; *peak* is the growth of resident memory.

{HEAD}
|---|---|---|---|---|---|---|---|---|---|
"""
    text += "\n".join(score.row for score in scores)
    n_warned = sum(score.n_warned for score in scores)
    text += (
        f"\n\nTogether {total.total():,} mutants: {total['error']} other errors, {total['hang']} "
        f"hangs, {total['crash']} crashes; {n_warned:,} gave a warning of Python. Machine: "
        f"{n_cores()} cores, {platform.system()} {platform.release()}; {versions}.\n"
    )
    if troubles:
        text += "\n" + "\n".join(f"- {trouble}" for trouble in troubles[:50]) + "\n"
    path = RESULTS / "fuzzing.md"
    path.write_text(text, encoding="utf-8")
    return path


def keep_mutant(importer: str, number: int, folder: Path) -> Path:
    """Write one mutant into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        mutant = make_mutants(importer, Path(place))(number)
        return Path(shutil.copy(mutant, folder / f"{importer}_{number}{mutant.suffix}"))


def main() -> None:
    """Run the mutants and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=200_000)
    parser.add_argument("--first", type=int, default=0, help="Number of the first mutant.")
    parser.add_argument("--importer", choices=READERS, help="Only this one; writes no table.")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="Folder to write the first mutant to.")
    given = parser.parse_args()
    if given.keep and given.importer:
        print(keep_mutant(given.importer, given.first, given.keep))
        return
    plan = {name: round(given.mutants * SHARES.get(name, OTHER_SHARE)) for name in READERS}
    if given.importer:
        plan = {given.importer: given.mutants}
    print(HEAD, flush=True)
    scores = []
    for score in score_all(plan, given.first, given.workers):
        scores.append(score)
        print("\n".join([score.row, *score.troubles[:20]]), flush=True)
    if not given.importer:
        print(write_table(scores, given.first))


if __name__ == "__main__":
    main()
