"""Time of one look at a growing TIFF file, by the pages that are there and those that are new.

Run: ``python benchmarks/live_polling.py --pages 100000``. Prints a Markdown table; the shortest of
15 looks is taken. With 0 new pages nothing has changed since the last look.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from umlpsd_gpu.live.microscope.stack_writers import open_stack
from umlpsd_gpu.live.sources.growing_tiff import GrowingTiff
from umlpsd_gpu.live.sources.stream_header import StreamHeader
from umlpsd_gpu.movie.settings import MovieSettings

HEADER = StreamHeader("polling", 8, 8, "uint16", 0.03, None)
FORMATS = ("bigtiff", "imagej", "micromanager")
N_LOOKS, SIZES = 15, (0, 10, 100)


def measure(path: Path, format_: str, n_pages: int) -> list[tuple[int, int, float]]:
    """Return (pages there, new pages, shortest time of a look in seconds)."""
    frame = np.zeros((8, 8), np.uint16)
    writer = open_stack(path, HEADER, format_, n_pages + 10_000)
    source, n_there, rows = GrowingTiff(path, MovieSettings()), 0, []

    def record(n_new: int) -> None:
        nonlocal n_there
        for _ in range(n_new):
            writer.put(frame + np.uint16(n_there % 1000))
            n_there += 1

    for n_target in (n_pages // 100, n_pages // 10, n_pages):
        while n_there < n_target:
            record(min(2000, n_target - n_there))
            source.poll()
        for n_new in SIZES:
            times_s = []
            for _ in range(N_LOOKS):
                record(n_new)
                start_s = time.perf_counter()
                source.poll()
                times_s.append(time.perf_counter() - start_s)
            rows.append((n_target, n_new, min(times_s)))
    writer.close()
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=100_000)
    n_pages = parser.parse_args().pages
    print("| Format | Pages there | New pages | One look, ms |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for format_ in FORMATS:
            for there, new, look_s in measure(Path(folder) / f"{format_}.tif", format_, n_pages):
                print(f"| {format_} | {there:,} | {new} | {1e3 * look_s:.2f} |")


if __name__ == "__main__":
    main()
