"""What the page of a live run costs the run: time of publish, processor time, delay at the viewers.

    PYTHONPATH=. python benchmarks/live_page.py --out benchmarks/results/live_page.md

A snapshot every second, a new study every five, as a live engine gives them, to viewers in another
process that follow the news and one emitter each.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import multiprocessing
import os
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import numpy as np

from tests.support.live_snapshots import decided
from tests.support.studies import make_study
from umlpsd_gpu import run_study
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.live.page.server import PageServer
from umlpsd_gpu.live.snapshot import Snapshot
from umlpsd_gpu.simulate.traces import simulate_traces
from umlpsd_gpu.traces.traces import Traces

SEED, DT_S, SIDE_PX = 0, 0.03, 512
N_FRAMES = 10_000
STUDY_EVERY = 5  # snapshots


@dataclass(frozen=True)
class Case:
    """An ensemble and a number of viewers."""

    name: str
    ensemble: Callable[[], tuple[Traces, Study]]
    n_viewers: int


def emitters() -> tuple[Traces, Study]:
    """Return 204 emitters with places in an image, and their study by a live run's settings."""
    traces = simulate_traces(n_frames=N_FRAMES, dt_s=DT_S, seed=SEED).traces
    rows, cols = np.random.default_rng(SEED).uniform(4, SIDE_PX - 5, (2, traces.n_traces))
    placed = replace(traces, rows=rows, cols=cols)
    scales = ("W10", "W20", "W40", "W80", "W200")
    return placed, run_study(placed, scales=scales, k_max=10, n_epochs=20, n_resamples=10)


def pixels() -> tuple[Traces, Study]:
    """Return as many pixels as a live run follows, with a study of random numbers."""
    study = make_study("pixels", n_traces=2304, n_frames=4000, n_movies=1, k_max=10)
    return study.traces, study


CASES = (
    Case("204 emitters × 10,000 frames", emitters, 0),
    Case("204 emitters × 10,000 frames", emitters, 1),
    Case("204 emitters × 10,000 frames", emitters, 20),
    Case("2,304 pixels × 4,000 frames", pixels, 20),
)
HEADINGS = (
    "| ensemble | viewers | publish, median ms | publish, largest ms "
    "| processor s of the run per minute | delay at viewers, median ms | delay, largest ms "
    "| snapshots seen, % | kB per second and viewer |"
)


def main() -> None:
    """Measure all cases and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=40, help="for each case")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    rows = [measure(case, arguments.seconds) for case in CASES]
    load = os.getloadavg()[1]
    text = "\n".join(
        [
            "# The page of a live run",
            "",
            f"`PYTHONPATH=. python benchmarks/live_page.py --seconds {arguments.seconds}`, "
            f"{date.today()}, seed {SEED}; {os.cpu_count()} cores, on which {load:.1f} processes "
            "were waiting or running on average, so times are upper bounds. A snapshot every "
            f"second, an image of {SIDE_PX} × {SIDE_PX} pixels that changes each time, a new study "
            f"every {STUDY_EVERY} s with a history that grows. Viewers are in another process; "
            "each follows the news and one emitter. Delay: from publish to the unpacked news. "
            "Processor time: of the process that publishes, which does nothing else.",
            "",
            HEADINGS,
            "|" + "---|" * (HEADINGS.count("|") - 1),
            *rows,
            "",
        ]
    )
    print(text)
    if arguments.out:
        arguments.out.write_text(text, "utf-8")


def measure(case: Case, n_seconds: int) -> str:
    """Return the row of one case."""
    traces, study = case.ensemble()
    server = PageServer()
    address = server.start()
    here, there = multiprocessing.get_context("spawn").Pipe()
    arguments = (address, case.n_viewers, n_seconds, list(traces.ids), there)
    viewers = multiprocessing.get_context("spawn").Process(target=follow_all, args=arguments)
    viewers.start()
    assert here.recv() == "ready"
    publish_s, published = {}, {}
    snapshots = make_snapshots(traces, study, n_seconds)
    start = time.monotonic()
    busy = time.process_time()
    for shown in snapshots:
        time.sleep(max(0.0, start + shown.number - time.monotonic()))
        published[shown.number] = time.monotonic()
        server.publish(shown)
        publish_s[shown.number] = time.monotonic() - published[shown.number]
    time.sleep(1)
    busy = time.process_time() - busy
    seen, n_bytes = here.recv()
    viewers.join()
    server.stop()
    delays = [moment - published[number] for number, moment in seen]
    share = 100 * len(seen) / max(1, case.n_viewers * n_seconds)
    rate = n_bytes / max(1, case.n_viewers) / n_seconds / 1e3
    of_viewers = "– | – | – | –"
    if delays:
        median_ms, largest_ms = 1e3 * statistics.median(delays), 1e3 * max(delays)
        of_viewers = f"{median_ms:.0f} | {largest_ms:.0f} | {share:.0f} | {rate:.0f}"
    publish_ms = [1e3 * each for each in publish_s.values()]
    return (
        f"| {case.name} | {case.n_viewers} | {statistics.median(publish_ms):.3f} | "
        f"{max(publish_ms):.2f} | {60 * busy / (n_seconds + 1):.2f} | {of_viewers} |"
    )


def make_snapshots(traces: Traces, study: Study, n_seconds: int) -> list[Snapshot]:
    """Return the snapshots of the last seconds of a run, made before anything is measured."""
    rng = np.random.default_rng(SEED)
    images = [rng.poisson(30, (SIDE_PX, SIDE_PX)).astype(np.float64) for _ in range(4)]
    last = decided(study)
    history = [replace(last, n_frames=n) for n in range(150, 30_000, 150)]
    found = []
    for number in range(1, n_seconds + 1):
        if number % STUDY_EVERY == 1:
            study = replace(study)
            history = [*history, replace(last, n_frames=30_000 + 33 * number)]
        n_frames = traces.n_frames - 33 * (n_seconds - number)
        so_far = replace(traces, values=traces.values[:, :n_frames])
        image = images[number % len(images)]
        found.append(
            Snapshot(number, "recording", "film.tif", n_frames, n_frames, DT_S, 0.1, image,
                     so_far, study, tuple(history))
        )  # fmt: skip
    return found


def follow_all(address: str, n_viewers: int, last: int, ids: list[str], pipe: Connection) -> None:
    """Follow a run by several viewers; send when each saw which snapshot, and the bytes read."""
    seen: list[tuple[int, float]] = []
    n_bytes: list[int] = []
    viewers = [
        threading.Thread(target=follow, args=(address, last, ids[i], seen, n_bytes))
        for i in range(n_viewers)
    ]
    for viewer in viewers:
        viewer.start()
    pipe.send("ready")
    for viewer in viewers:
        viewer.join()
    pipe.send((seen, sum(n_bytes)))


def follow(
    address: str, last: int, name: str, seen: list[tuple[int, float]], n_bytes: list[int]
) -> None:
    """Follow a run as the page does."""
    parts = urlsplit(address)
    token = parse_qs(parts.query)["token"][0]
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=60)

    def ask(path: str, **values: object) -> dict:
        query = urlencode({**values, "token": token})
        connection.request("GET", f"{path}?{query}", headers={"Accept-Encoding": "gzip"})
        content = connection.getresponse().read()
        n_bytes.append(len(content))
        return json.loads(gzip.decompress(content))

    number, versions = 0, {"study": 0, "picture": 0}
    while number < last:
        answer = ask("/state", since=number, **versions)
        if "state" not in answer:
            continue
        moment = time.monotonic()
        number, versions = answer["state"]["number"], answer["versions"]
        seen.append((number, moment))
        ask("/trace", id=name, columns=600, seconds=0)


if __name__ == "__main__":
    main()
