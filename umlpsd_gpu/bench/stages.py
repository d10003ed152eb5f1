"""The time of each stage of a study, and the speed of reading its movie."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from threadpoolctl import threadpool_limits

from umlpsd_gpu.analyses.blinking.fitting_scales import smoothed_traces
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.analyses.blinking.workflow import run_study
from umlpsd_gpu.bench.timing import Measurement, Progress, time_call
from umlpsd_gpu.compute.backend import n_cores
from umlpsd_gpu.movie.open import open_movie
from umlpsd_gpu.scale import Scale
from umlpsd_gpu.simulate.movie import simulate_movie
from umlpsd_gpu.storage.result_folder import read_summary

# plain reading uses a buffer that stays in the processor's cache, as ours does
BUFFER_BYTES = 8_000_000
STAGES = (
    *("read", "extract", "preprocess", "sweep", "decide", "PSD", "final clusters"),
    *("figures", "write"),
)


@dataclass(frozen=True)
class Stages:
    """Seconds of every stage of a study, and of reading the bytes of its movie.

    Attributes
    ----------
    seconds : dict of str to Measurement
        By stage, as `STAGES`.
    total : Measurement
        The study including its folder.
    reading, extraction : Measurement
        Plain reading of the movie's bytes once, and the whole extraction, which reads them twice.
    movie_bytes : int
    n_traces, n_frames : int
    """

    seconds: dict[str, Measurement]
    total: Measurement
    reading: Measurement
    extraction: Measurement
    movie_bytes: int
    n_traces: int
    n_frames: int


def study_stages(
    n_frames: int, n_rows: int, n_emitters: int, n_rounds: int, report: Progress, seed: int = 0
) -> Stages:
    """Simulate a movie and analyse it several times with default settings.

    There is no warm-up: the median excludes the first round, which imports modules for the report.

    Parameters
    ----------
    n_frames, n_rows, n_emitters : int
        The movie is square.
    n_rounds : int
    report : callable
        Called with (step, n_done, n_total).
    seed : int

    Returns
    -------
    Stages
    """
    with tempfile.TemporaryDirectory(prefix="umlpsd_bench_") as name:
        folder = Path(name)
        movie = simulate_movie(
            folder / "movie.tif",
            n_frames=n_frames,
            n_rows=n_rows,
            n_cols=n_rows,
            n_emitters=n_emitters,
            seed=seed,
        ).path
        rounds = []
        for number in range(n_rounds):
            report("stages", number, n_rounds)
            rounds.append(_round(movie, folder / f"study_{number}"))
        report("stages", n_rounds, n_rounds)
        study = rounds[-1].study
        return Stages(
            seconds={
                stage: Measurement(tuple(one.seconds[stage] for one in rounds)) for stage in STAGES
            },
            total=Measurement(tuple(one.total_s for one in rounds)),
            reading=Measurement(tuple(one.reading_s for one in rounds), ours=False),
            extraction=Measurement(tuple(one.study.timings_s["extract"] for one in rounds)),
            movie_bytes=movie.stat().st_size,
            n_traces=study.traces.n_traces,
            n_frames=study.traces.n_frames,
        )


@dataclass(frozen=True)
class _Round:
    seconds: dict[str, float]
    total_s: float
    reading_s: float
    study: Study


def _round(movie: Path, folder: Path) -> _Round:
    reading_s, _ = time_call(lambda: read_once(movie))
    total_s, (study, figures_s, write_s) = time_call(lambda: _study(movie, folder))
    smoothing_s, _ = time_call(lambda: _smooth(study))
    took = study.timings_s
    # extraction reads twice, and smoothing is inside the sweep: both are taken off
    read_s = min(2 * reading_s, took["extract"])
    smoothing_s = min(smoothing_s, took["sweep"])
    seconds = {
        "read": read_s,
        "extract": took["extract"] - read_s,
        "preprocess": smoothing_s,
        "sweep": took["sweep"] - smoothing_s,
        "decide": took["decide"],
        "PSD": took["spectra"],
        "final clusters": took["cluster"],
        "figures": figures_s,
        "write": write_s,
    }
    return _Round(seconds, total_s, reading_s, study)


def _study(movie: Path, folder: Path) -> tuple[Study, float, float]:
    """Return a study, and the seconds to draw its figures and to write the rest."""
    from umlpsd_gpu.report.write_report import write_report

    study = run_study(open_movie(movie), Settings().with_values({"device": "cpu"}))
    both_s, _ = time_call(lambda: write_report(study, folder))
    figures_s = (read_summary(folder) or {})["timings_s"]["figures"]
    return study, figures_s, both_s - figures_s


def _smooth(study: Study) -> None:
    """Smooth at all scales of the study, in as many threads as there are cores."""
    scales = [Scale.parse(sweep.scale) for sweep in study.sweeps]
    smoothed = smoothed_traces(study.traces, study.traces.usable(), scales, study.settings)
    with threadpool_limits(limits=1), ThreadPoolExecutor(n_cores()) as pool:
        list(pool.map(smoothed.make, smoothed.names))


def read_once(path: Path) -> None:
    """Read all bytes of a file.

    Parameters
    ----------
    path : Path
    """
    buffer = bytearray(BUFFER_BYTES)
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
