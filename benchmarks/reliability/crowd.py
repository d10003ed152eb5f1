"""Many runners on one batch, and an archive of 200 movies: bad ones, speed, memory."""

from __future__ import annotations

import json
import os
import shutil
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.reliability.rows import Row, timed
from tests.batches import (
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
    runs, rows = {}, []
    for n_workers in (1, 2):
        out = place / f"by_{n_workers}"
        make_batch(source, out, ONE_THREAD)
        resident_mb: list[float] = []
        options = RunOptions(n_workers=n_workers)
        with timed() as clock:
            report = run_batch(out, options, partial(_note_memory, resident_mb))
        assert report.exit_code == 1
        assert (len(report.done), len(report.failed)) == (n_movies - n_bad, n_bad)
        assert all(standing.attempts[-1].reason for standing in report.failed.values())
        runs[n_workers] = (clock.seconds, out, resident_mb)
    again = run_batch(runs[2][1], RunOptions(n_workers=2))
    assert (again.n_made, len(again.failed)) == (0, n_bad)
    assert studies_of(runs[1][1]) == studies_of(runs[2][1])
    text = (
        f"{n_movies - n_bad} done, {n_bad} failed with reasons, exit 1; a rerun touched only the "
        f"{n_bad}; 1 and 2 workers gave the same bytes"
    )
    rows.append(Row("Archive with bad movies", n_movies, text, sum(r[0] for r in runs.values())))
    ratio = runs[1][0] / runs[2][0]
    rates = " and ".join(f"{n_movies / runs[n][0]:.1f}/s" for n in (1, 2))
    rows.append(
        Row(
            "Throughput, 1 and 2 workers of one thread",
            n_movies,
            f"{rates}: {ratio:.2f}×",
            runs[2][0],
        )
    )
    slope = np.polyfit(np.arange(len(runs[1][2])), runs[1][2], 1)[0]
    peaks = _worker_peaks_mb(runs[1][1])
    worker_slope = np.polyfit(np.arange(len(peaks)), peaks, 1)[0]
    text = f"runner {slope:+.4f} MB a movie (RSS), workers {worker_slope:+.4f} (peak RSS)"
    rows.append(Row("Growth of memory", n_movies, text, runs[1][0]))
    return rows


def overhead(place: Path, n_movies: int) -> list[Row]:
    """What a movie costs beside its analysis: lease, process, commit."""
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


def _note_memory(resident_mb: list[float], *told: object) -> None:
    resident_mb.append(_resident_mb())


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _worker_peaks_mb(out: Path) -> list[float]:
    found = [json.loads(path.read_text()) for path in out.glob("results/*/done.json")]
    return [done["peak_rss_mb"] for done in sorted(found, key=lambda done: done["ended"])]
