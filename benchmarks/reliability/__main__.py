"""``python -m benchmarks.reliability all``, or one of its parts; ``--share 0.1`` for a tenth."""

from __future__ import annotations

import argparse
import platform
import tempfile
from pathlib import Path

from benchmarks.reliability import crowd, disk, kills
from benchmarks.reliability.rows import Row, keep
from umlpsd_gpu.compute.backend import n_cores

PARTS = ("kills", "groups", "disk", "full", "runners", "archive", "overhead")


def measure(part: str, share: float, place: Path) -> list[Row]:
    """Return the rows of a part; in full for a share of 1."""

    def so_many(n: int) -> int:
        return max(2, round(n * share))

    match part:
        case "kills":
            return kills.kill_points(place, so_many(330))
        case "groups":
            return kills.random_group_kills(place, so_many(50))
        case "disk":
            return disk.injected(place, so_many(60))
        case "full":
            return disk.full_file_system(place)
        case "runners":
            return crowd.many_runners(place, so_many(20))
        case "archive":
            return crowd.archive(place, max(20, so_many(200)))
        case _:
            return crowd.overhead(place, so_many(100))


def main() -> None:
    """Run all tests of reliability and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="+", choices=[*PARTS, "all"])
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--where", type=Path, help="Folder for the batches; default: in memory.")
    parser.add_argument("--dry", action="store_true", help="Keep no figures.")
    given = parser.parse_args()
    memory = Path("/dev/shm")
    where = given.where or (memory if memory.is_dir() else None)
    machine = f"{n_cores()} cores, {platform.system()} {platform.release()}, Python "
    machine += platform.python_version()
    for part in PARTS if "all" in given.parts else given.parts:
        with tempfile.TemporaryDirectory(dir=where) as folder:
            rows = measure(part, given.share, Path(folder))
        for row in rows:
            print(f"{row.what} | {row.n} | {row.result} | {row.seconds:.0f} s", flush=True)
        if not given.dry:
            keep(rows, machine)


if __name__ == "__main__":
    main()
