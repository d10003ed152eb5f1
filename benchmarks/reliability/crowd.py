"""Many runners on one batch, and an archive of 200 movies: bad ones, speed, memory."""

from __future__ import annotations

import json
import os
import shutil
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.reliability.rows import Row, timed
from tests.support.batches import (
    QUICK,
    assert_all_visible_is_whole,
    commits_of,
    forked,
    ids_of,
    make_archive,
    make_batch,
    result_of,
    run_in_child,
    studies_of,
)
from umlpsd_gpu.batch.options import RunOptions
from umlpsd_gpu.batch.runner import run_batch

N_SHARDS = 5
ONE_THREAD = QUICK.with_values({"n_threads": 1})


def many_runners(place: Path, n_rounds: int) -> list[Row]:
    """2 and 8 runners on 40 movies, again and again."""
    make_batch(make_archive(place / "archive", 40, n_frames=4), place / "fresh")
    rows = []
    for n_runners in (2, 8):
        with timed() as clock:
            for _ in range(n_rounds):
                out = place / "shared"
                shutil.copytree(place / "fresh", out)
                runners = [run_in_child(out, forked()) for _ in range(n_runners)]
                assert [result_of(*runner, timeout_s=300) for runner in runners] == [0] * n_runners
                assert commits_of(out) == dict.fromkeys(ids_of(out), 1)
                assert assert_all_visible_is_whole(out) == 40
                shutil.rmtree(out)
        text = "every movie committed once, none lost, every runner's exit code 0"
        what = f"{n_runners} runners on one batch of 40 movies"
        rows.append(Row(what, n_rounds, text, clock.seconds))
    return rows


def archive(place: Path, n_movies: int) -> list[Row]:
    """Real analyses of many small movies, one in twenty of them bad."""
    source = make_archive(place / "archive", n_movies - n_movies // 20)
    good = (source / "movie_0.tif").read_bytes()
    n_bad = n_movies // 20
    for i in range(n_bad):
        (source / f"bad_{i}.tif").write_bytes(good[: 1000 * (i + 1)])
    outs = {n_workers: place / f"by_{n_workers}" for n_workers in (1, 2)}
    for out in outs.values():
        make_batch(source, out, ONE_THREAD)
    resident_mb: list[float] = []
    seconds: dict[int, list[float]] = {1: [], 2: []}
    # the shards alternate, since the speed of the machine changes from minute to minute
    for shard in range(1, N_SHARDS + 1):
        for n_workers, out in outs.items():
            options = RunOptions(n_workers=n_workers, shard=(shard, N_SHARDS))
            note = partial(_note_memory, resident_mb)
            with timed() as clock:
                run_batch(out, options, note)
            seconds[n_workers].append(clock.seconds)
    for n_workers, out in outs.items():
        again = run_batch(out, RunOptions(n_workers=n_workers))
        assert again.exit_code == 1
        assert (len(again.done), len(again.failed)) == (n_movies - n_bad, n_bad)
        assert all(standing.attempts[-1].reason for standing in again.failed.values())
        assert again.n_made == 0
    assert studies_of(outs[1]) == studies_of(outs[2])
    spent = {n_workers: sum(of_shards) for n_workers, of_shards in seconds.items()}
    text = (
        f"{n_movies - n_bad} done, {n_bad} failed with reasons, exit 1; a rerun touched only the "
        f"{n_bad}; 1 and 2 workers gave the same bytes"
    )
    rows = [Row("Archive with bad movies", n_movies, text, sum(spent.values()))]
    ratios = np.divide(seconds[1], seconds[2])
    rates = " and ".join(f"{n_movies / spent[n]:.1f}/s" for n in (1, 2))
    text = f"{rates}: {np.median(ratios):.2f}× (median of {N_SHARDS} shards in turn, "
    text += f"{ratios.min():.2f}…{ratios.max():.2f})"
    rows.append(Row("Throughput, 1 and 2 workers of one thread", n_movies, text, spent[2]))
    slope = np.polyfit(np.arange(len(resident_mb)), resident_mb, 1)[0]
    peaks = _worker_peaks_mb(outs[1])
    worker_slope = np.polyfit(np.arange(len(peaks)), peaks, 1)[0]
    text = f"runner {slope:+.4f} MB a movie (RSS), workers {worker_slope:+.4f} (peak RSS)"
    rows.append(Row("Growth of memory", 2 * n_movies, text, sum(spent.values())))
    return rows


def overhead(place: Path, n_movies: int) -> list[Row]:
    """Measure the time per movie besides its analysis: lease, process, commit."""
    make_batch(make_archive(place / "archive", n_movies, n_frames=4), place / "out")
    with timed() as first:
        run_batch(place / "out", RunOptions(n_workers=1, perform=nothing, shard=(1, n_movies)))
    with timed() as clock:
        run_batch(place / "out", RunOptions(n_workers=1, perform=nothing))
    per_movie = clock.seconds / n_movies
    text = f"{per_movie:.3f} s a movie; once a run {first.seconds:.1f} s (imports, first movie)"
    return [Row("Start-up per movie: lease, process, commit", n_movies, text, clock.seconds)]


def nothing(job) -> dict[str, str]:
    """Do no work at all."""
    study = Path(job.work) / "study"
    study.mkdir()
    (study / "summary.json").write_text("{}")
    return {"device": "cpu"}


def _note_memory(resident_mb: list[float], *report: object) -> None:
    resident_mb.append(_resident_mb())


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _worker_peaks_mb(out: Path) -> list[float]:
    found = [json.loads(path.read_text()) for path in out.glob("results/*/done.json")]
    return [done["peak_rss_mb"] for done in sorted(found, key=lambda done: done["ended"])]
