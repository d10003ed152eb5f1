"""A live run on a movie that is replayed at its frame rate: frames, lag, processor time, memory.

    python benchmarks/live.py --out benchmarks/results/live.md            # 5 minutes
    python benchmarks/live.py --frames 2500 --speed 4                     # a quick look

Simulates 512 × 512 pixels uint16 at 33 frames/s with 204 emitters. A source shows more of it at
each poll, by the clock. Also, three small movies: the digest of the final study against that of
``umlpsd run``, also after the run is killed and goes on; and alarms on quiet movies.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from umlpsd_gpu import Settings, open_movie, run_study
from umlpsd_gpu.analyses.saving import digest_of_result
from umlpsd_gpu.live.engine import Engine
from umlpsd_gpu.live.run import run_live
from umlpsd_gpu.live.settings import LiveSettings
from umlpsd_gpu.live.snapshot import Snapshot
from umlpsd_gpu.live.source import Arrival
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.simulate.movie import simulate_movie

QUICK = {"preprocess.scales": ["raw", "W20"], "sweep.n_epochs": 10, "device": "cpu"}
RECIPES = {
    "64 × 64, 800 frames": {"n_rows": 64, "n_cols": 64, "n_emitters": 12, "n_frames": 800},
    "96 × 80, 1,503 frames": {"n_rows": 96, "n_cols": 80, "n_emitters": 20, "n_frames": 1503},
    "128 × 128, drift of 4 px": {"n_emitters": 40, "n_frames": 1200, "drift_px": 4.0},
}
POLLED_MOVIE = "--one"  # runs one live run in a process that is killed


class ClockedSource:
    """A finished movie whose frames are seen by the clock, or a number of them at each poll."""

    def __init__(self, movie: Movie, speed: float = 1.0, per_poll: int = 0) -> None:
        self.movie, self.speed, self.per_poll = movie, speed, per_poll
        self.start, self.n_polls = time.monotonic(), 0

    def poll(self) -> Arrival:
        """Return the movie so far."""
        self.n_polls += 1
        shown = self.n_polls * self.per_poll
        if not self.per_poll:
            seconds = (time.monotonic() - self.start) * self.speed
            shown = int(seconds / self.movie.known_dt_s())
        n_frames = min(shown, self.movie.n_frames)
        if n_frames < 2:
            return Arrival(None, "waiting")
        state = "finished" if n_frames == self.movie.n_frames else "recording"
        return Arrival(replace(self.movie, n_frames=n_frames), state)

    def inputs(self) -> list[str]:
        """Return the movie's file."""
        return [str(self.movie.path)]

    def close(self) -> None:
        """Let go of nothing."""


def main() -> None:
    """Measure, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument(
        "--movie",
        type=Path,
        help="a simulated movie that exists already; a short one is read forwards and backwards",
    )
    parser.add_argument("--quiet", type=int, default=20, help="number of quiet movies")
    parser.add_argument("--out", type=Path)
    parser.add_argument(POLLED_MOVIE, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        run_killed(*arguments.one)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = [
            "# Live runs",
            "",
            f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores, "
            f"`python benchmarks/live.py`; load of the machine at the start: "
            f"{os.getloadavg()[0]:.1f}.",
            "",
            *follow_large(folder, arguments),
            "",
            *compare_digests(folder),
            "",
            *count_alarms(folder, arguments.quiet),
            "",
        ]
    text = "\n".join(lines)
    print(text)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")


def follow_large(folder: Path, arguments: argparse.Namespace) -> list[str]:
    """Follow a large movie until it ends; the final study is not part of the measurement."""
    path = arguments.movie
    if path is None:
        path = folder / "large.ome.tif"
        large = {"n_rows": 512, "n_cols": 512, "n_emitters": 204, "dt_s": 0.03}
        simulate_movie(path, n_frames=arguments.frames, **large)
    movie = there_and_back(open_movie(path), arguments.frames)
    source = ClockedSource(movie, arguments.speed)
    watch = Watch(movie, source)
    n_stored = open_movie(path).n_frames
    if movie.n_frames > n_stored:
        watch.notes = [f"{n_stored:,} simulated frames, forwards and backwards in turn.", ""]
    try:
        run_live(source, folder / "large", Settings(), tell=watch.see)
    except RecordingEndedError:
        return watch.report()
    raise AssertionError("the recording had no end")


def there_and_back(movie: Movie, n_frames: int) -> Movie:
    """Return a movie that is longer by reading its frames forwards and backwards in turn."""
    period = 2 * movie.n_frames

    def read_frames(first: int, stop: int) -> np.ndarray:
        places = np.arange(first, stop) % period
        places = np.where(places < movie.n_frames, places, period - 1 - places)
        low, high = int(places.min()), int(places.max()) + 1
        return movie.read_frames(low, high)[places - low]

    return movie if n_frames <= movie.n_frames else replace(
        movie, n_frames=n_frames, read_frames=read_frames
    )  # fmt: skip


class RecordingEndedError(Exception):
    """Ends a live run before the final study, which is that of umlpsd run."""


class Watch:
    """Takes note of times, processor and memory at every update."""

    def __init__(self, movie: Movie, source: ClockedSource) -> None:
        self.movie, self.source = movie, source
        self.begin = time.monotonic()
        self.process_s, self.own_s = time.process_time(), time.thread_time()
        self.rows: list[tuple[float, float, float]] = []
        self.last: Snapshot | None = None
        self.notes: list[str] = []

    def see(self, snapshot: Snapshot) -> None:
        """Note an update: its time, how far the analysis is behind the clock, and memory."""
        now = time.monotonic()
        if snapshot.state == "finishing":
            self.process_s = time.process_time() - self.process_s
            self.own_s = time.thread_time() - self.own_s
            raise RecordingEndedError
        dt_s = self.movie.known_dt_s() / self.source.speed
        due = min(self.movie.n_frames * dt_s, now - self.source.start)
        self.rows.append((now - self.begin, due - snapshot.n_frames * dt_s, resident_mb()))
        self.last = snapshot

    def report(self) -> list[str]:
        """Return the table of the movie."""
        times, lags_s, used_mb = np.array(self.rows).T
        movie, speed, last = self.movie, self.source.speed, self.last
        seconds = times[-1]
        late_s = seconds - movie.n_frames * movie.known_dt_s() / speed
        half = times > seconds / 2
        per_hour = 3600 * np.polyfit(times[half], used_mb[half], 1)[0]
        decided, n_traces = last.history[-1], last.traces.n_traces
        own, others = (100 * s / seconds for s in (self.own_s, self.process_s - self.own_s))
        gaps_s = np.diff(times)
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        full_mb = 8 * n_traces * LiveSettings().max_samples / 1e6
        rows = [
            ("frames analysed", f"{last.n_frames:,} of {movie.n_frames:,}", "all"),
            ("processor: frames, updates, alarms", f"{own:.0f} % of one core", "at most 60 %"),
            ("processor: detection and decisions", f"{others:.0f} % of one core", ""),
            ("time between updates, median", f"{np.median(gaps_s):.2f} s", ""),
            ("time between updates, longest", f"{gaps_s.max():.2f} s", "at most 2 s"),
            ("lag behind the clock, longest", f"{lags_s.max():.2f} s", ""),
            ("lag at the end", f"{late_s:.2f} s", "at most 2 s"),
            ("memory at the end", f"{used_mb[-1]:.0f} MB (peak {peak_mb:.0f} MB)", ""),
            ("growth of memory, second half", f"{per_hour:+.0f} MB per hour", ""),
            ("decisions", f"{len(last.history)}, the last at frame {decided.n_frames:,}", ""),
            ("last decision", f"K = {decided.k} ({100 * decided.confidence:.0f} %)", "3 classes"),
            ("alarms", ", ".join(alarm.kind for alarm in last.alarms) or "none", "none"),
        ]
        return [
            f"## {movie.n_rows} × {movie.n_cols} uint16, {movie.n_frames:,} frames, "
            f"{speed / movie.known_dt_s():.0f} frames/s, {n_traces} emitters found of 204",
            "",
            *self.notes,
            "",
            "| quantity | measured | required |",
            "|---|---|---|",
            *(f"| {name} | {found} | {required} |" for name, found, required in rows),
            "",
            f"The traces grow until each has live.max_samples samples, {full_mb:.0f} MB in all, "
            "and no further.",
        ]


def resident_mb() -> float:
    """Return the resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def compare_digests(folder: Path) -> list[str]:
    """Compare final studies with those of whole movies, in several ways of arrival."""
    lines = [
        "## Digest of the final study equals that of `umlpsd run`",
        "",
        "| movie | one by one | in bursts | killed and continued, same names |",
        "|---|---|---|---|",
    ]
    settings = Settings().with_values(QUICK)
    for number, (name, recipe) in enumerate(RECIPES.items()):
        path = folder / f"movie_{number}.tif"
        movie = open_movie(simulate_movie(path, seed=number, **recipe).path)
        expected = digest_of_result(run_study(movie, settings))
        found = []
        for per_poll in (1, 130):
            source = ClockedSource(movie, per_poll=per_poll)
            study = run_live(source, folder / f"{number}_{per_poll}", settings)
            found.append(digest_of_result(study) == expected)
        found.append(kill_and_continue(movie, folder / f"{number}_killed", settings, expected))
        lines.append(f"| {name} | {' | '.join('yes' if same else 'NO' for same in found)} |")
    return lines


def run_killed(movie: str, folder: str) -> None:
    """Follow a movie until this process is killed."""
    source = ClockedSource(open_movie(movie), speed=3.0)
    run_live(source, folder, Settings().with_values(QUICK), LiveSettings(update_s=0.2))


def kill_and_continue(movie: Movie, folder: Path, settings: Settings, expected: str) -> bool:
    """Kill a run once it has emitters, continue it, and compare digest and names."""
    command = [sys.executable, __file__, POLLED_MOVIE, str(movie.path), str(folder)]
    running = subprocess.Popen(command)
    log = folder / "live.jsonl"
    while running.poll() is None:
        time.sleep(0.05)
        lines = log.read_text("ascii").splitlines() if log.exists() else []
        if lines and json.loads(lines[-1])["n_emitters"]:
            break
    running.send_signal(signal.SIGKILL)
    running.wait()
    stored = json.loads((folder / "emitters.json").read_text("ascii"))
    names = tuple(name for group in stored["groups"] for name in group["ids"])
    told: list[Snapshot] = []
    study = run_live(ClockedSource(movie, per_poll=90), folder, settings, tell=told.append)
    (followed,) = [s.traces for s in told if s.state == "finishing"]
    same_names = followed is not None and followed.ids[: len(names)] == names
    return same_names and digest_of_result(study) == expected


def count_alarms(folder: Path, n_movies: int) -> list[str]:
    """Count the alarms on movies in which nothing is wrong."""
    raised: dict[str, int] = {}
    for seed in range(n_movies):
        recipe = {"n_rows": 96, "n_cols": 96, "n_emitters": 20, "n_frames": 2400}
        movie = open_movie(
            simulate_movie(folder / "quiet.tif", True, seed=100 + seed, **recipe).path
        )
        place = folder / f"quiet_{seed}"
        place.mkdir()
        engine, kinds = Engine(Settings(), LiveSettings(), place), set()
        for n_frames in range(96, movie.n_frames + 1, 96):
            engine.take(replace(movie, n_frames=n_frames))
            kinds |= {alarm.kind for alarm in engine.snapshot("recording").alarms}
        engine.close()
        for kind in kinds:
            raised[kind] = raised.get(kind, 0) + 1
    text = ", ".join(f"{kind}: {n}" for kind, n in raised.items()) or "none"
    return [
        "## Alarms on quiet movies",
        "",
        f"{n_movies} movies of 96 × 96 pixels, 20 emitters, 2,400 frames: {text}.",
    ]


if __name__ == "__main__":
    main()
